import { spanId, type TraceContext, traceparentOf } from '../core/trace-context.ts'

/** Calls that one call makes and that are told of; more than this is a loop of a script. */
const OUTGOING_MAX = 32

/** A call in a distributed trace: the span of the gateway, and one for each call that it makes. Only there when spans are exported. */
export class CallTrace {
  readonly traceId: string
  /** '' when the trace begins here. */
  readonly parentId: string
  readonly spanId: string
  /** False: nobody wants to see it; the ids go on all the same. */
  readonly sampled: boolean
  readonly outgoing: OutgoingSpan[]

  constructor(context: TraceContext | null, traceId: string, sampled: boolean) {
    this.traceId = context?.traceId ?? traceId
    this.parentId = context?.parentId ?? ''
    this.spanId = spanId()
    this.sampled = sampled
    this.outgoing = []
  }

  /** A call goes out now. `address`: host and port. */
  begin(method: string, address: string): OutgoingSpan {
    const span = new OutgoingSpan(method, address)
    if (this.sampled && this.outgoing.length < OUTGOING_MAX) this.outgoing.push(span)
    return span
  }

  /** Header names and values with this span as the parent, in place of what another one said. */
  headersFor(span: OutgoingSpan, raw: readonly string[]): string[] {
    const headers: string[] = []
    for (let i = 0; i < raw.length; i += 2) {
      const name = raw[i]!
      if (name.length !== 11 || name.toLowerCase() !== 'traceparent') headers.push(name, raw[i + 1]!)
    }
    headers.push('traceparent', traceparentOf(this.traceId, span.spanId, this.sampled))
    return headers
  }
}

/** One call that goes out. */
export class OutgoingSpan {
  readonly spanId: string
  readonly method: string
  readonly address: string
  /** On the monotonic clock. */
  readonly startedAt: number
  /** 0: it runs. */
  endedAt: number
  /** 0: there was no answer. */
  status: number
  /** Why there was none; '' otherwise. */
  error: string

  constructor(method: string, address: string) {
    this.spanId = spanId()
    this.method = method
    this.address = address
    this.startedAt = performance.now()
    this.endedAt = 0
    this.status = 0
    this.error = ''
  }

  /** It has been answered, or will not be. */
  end(status: number, error = ''): void {
    if (this.endedAt !== 0) return
    this.endedAt = performance.now()
    this.status = status
    this.error = error
  }
}
