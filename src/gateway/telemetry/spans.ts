import type { CallRecord } from '../../analytics/record.ts'
import type { CallTrace, OutgoingSpan } from '../../engine/call-trace.ts'
import type { Call } from '../call.ts'

/** One span as it is exported. Names of attributes: OpenTelemetry's semantic conventions for HTTP, 1.27; our own begin with `postern.`. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  /** '' for the first one of a trace. */
  readonly parentId: string
  readonly kind: 'server' | 'client'
  readonly name: string
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number
  readonly endMs: number
  readonly failed: boolean
  /** Empty texts are left out. */
  readonly attributes: Readonly<Record<string, string | number>>
}

/** The span of a call that is over, and those of the calls that it made. The query is in none: it may hold keys. */
export function spansOf(call: Call, trace: CallTrace, record: CallRecord): Span[] {
  const startedAt = call.down.receivedAtMs
  const epochMs = (at: number): number => call.receivedAtMs + (at - startedAt)
  const endMs = call.receivedAtMs + record.totalMs
  const { proxy, status } = record
  const own: Span = {
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentId: trace.parentId,
    kind: 'server',
    name: record.pathTemplate === '' ? record.method : `${record.method} ${record.pathTemplate}`,
    startMs: call.receivedAtMs,
    endMs,
    failed: status >= 500,
    attributes: {
      'http.request.method': record.method,
      'url.scheme': call.down.secure ? 'https' : 'http',
      'url.path': call.path,
      'http.route': record.pathTemplate,
      'http.response.status_code': status,
      ...serverOf(call.host),
      'client.address': call.x?.address ?? call.down.remoteAddress,
      'network.protocol.version': call.down.httpVersion,
      'error.type': record.errorCode === '' && status >= 500 ? String(status) : record.errorCode,
      'postern.request_id': call.id,
      'postern.proxy': proxy,
      'postern.revision': record.revision,
      'postern.environment': record.environment,
      'postern.application': record.application,
      'postern.answered_by': record.answeredBy,
    },
  }
  return [own, ...trace.outgoing.map((span) => outgoing(trace, span, epochMs, endMs))]
}

function outgoing(trace: CallTrace, span: OutgoingSpan, epochMs: (at: number) => number, callEndMs: number): Span {
  const { method, address, status, error } = span
  return {
    traceId: trace.traceId,
    spanId: span.spanId,
    parentId: trace.spanId,
    kind: 'client',
    name: method,
    startMs: epochMs(span.startedAt),
    // One that still runs is cut with its call.
    endMs: span.endedAt === 0 ? callEndMs : epochMs(span.endedAt),
    failed: status === 0 || status >= 400,
    attributes: {
      'http.request.method': method,
      ...serverOf(address),
      ...(status !== 0 && { 'http.response.status_code': status }),
      'error.type': error !== '' ? error : status >= 400 ? String(status) : '',
    },
  }
}

const authority = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/

/** The conventions have a port apart from its host, and an IPv6 address without brackets. */
function serverOf(hostAndPort: string): Record<string, string | number> {
  const match = authority.exec(hostAndPort)
  const host = match?.[1] ?? hostAndPort
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  return { 'server.address': bare, ...(match !== null && { 'server.port': Number(match[2]) }) }
}
