import type { CallRecord } from '../../analytics/record.ts'
import { parseTraceparent, type TraceContext } from '../../core/trace-context.ts'
import { CallTrace } from '../../engine/call-trace.ts'
import type { Call } from '../call.ts'
import { type Span, spansOf } from './spans.ts'

/** Who takes spans. Must not wait. */
export interface SpanSink {
  add(spans: readonly Span[]): void
}

/** Continues the traces of calls, or begins them, and hands over the spans of those that are sampled. */
export class Tracing {
  readonly #share: number
  readonly #sink: SpanSink

  /** `share`: of the calls that bring no trace, those of which one is begun to be seen; 0 to 1. */
  constructor(share: number, sink: SpanSink) {
    this.#share = share
    this.#sink = sink
  }

  /** A trace that begins here has the request id for its own, so that one leads to the other. */
  begin(rawHeaders: readonly string[], requestId: string): CallTrace {
    const context = contextOf(rawHeaders)
    return new CallTrace(context, requestId, context?.sampled ?? Math.random() < this.#share)
  }

  /** The call is over, and its record is filled. */
  finished(call: Call, record: CallRecord): void {
    if (call.trace?.sampled) this.#sink.add(spansOf(call, call.trace, record))
  }
}

/** Two of them are none: nobody can say which one holds. */
function contextOf(raw: readonly string[]): TraceContext | null {
  let found: string | null = null
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== 11 || raw[i]!.toLowerCase() !== 'traceparent') continue
    if (found !== null) return null
    found = raw[i + 1]!
  }
  return found === null ? null : parseTraceparent(found.trim())
}
