import { randomBytes } from 'node:crypto'

/** Where a call stands in a trace that others began: W3C Trace Context, section 3.2. */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hex digits, not all zero. */
  readonly parentId: string
  readonly sampled: boolean
}

const VERSION_00_LENGTH = 55
const FIELDS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/
const ZEROS = /^0+$/

/** Reads a `traceparent`; null when it is none, and then the trace begins anew. A later version is read as far as it is like 00. */
export function parseTraceparent(text: string): TraceContext | null {
  const match = FIELDS.exec(text)
  if (match === null) return null
  const [, version, traceId, parentId, flags] = match as unknown as [string, string, string, string, string]
  if (version === 'ff' || (version === '00' && text.length !== VERSION_00_LENGTH)) return null
  if (ZEROS.test(traceId) || ZEROS.test(parentId)) return null
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The header for a call that `spanId` makes. */
export function traceparentOf(traceId: string, spanId: string, sampled: boolean): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

const POOL_BYTES = 4_096
const SPAN_ID_BYTES = 8
let pool = Buffer.alloc(0)
let used = 0

/** A new span id: 16 lower-case hex digits. */
export function spanId(): string {
  if (used + SPAN_ID_BYTES > pool.length) {
    pool = randomBytes(POOL_BYTES)
    used = 0
  }
  const id = pool.toString('hex', used, used + SPAN_ID_BYTES)
  used += SPAN_ID_BYTES
  return ZEROS.test(id) ? spanId() : id
}
