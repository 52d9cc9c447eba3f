import type { TracedCall } from '../model/traced-call.ts'

/** Which calls a session is about: those that have all of these. */
export interface TraceFilter {
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly query: readonly (readonly [name: string, value: string])[]
}

/** What the gateway threads are asked to record: one for each session that is on. Plain data. */
export interface TraceOrder {
  readonly session: string
  readonly environment: string
  readonly proxy: string
  readonly revision: number
  readonly filter: TraceFilter
  /** Calls that are still wanted; null: as many as come, some of them a second. */
  readonly left: number | null
}

/** What lists of calls show. */
export type CallSummary = Pick<
  TracedCall,
  | 'requestId'
  | 'receivedAtMs'
  | 'totalMs'
  | 'verb'
  | 'uri'
  | 'status'
  | 'errorCode'
  | 'answeredBy'
  | 'masked'
  | 'unmatched'
>

/** A call that was recorded, on its way from a gateway thread: masked, and never larger than `CALL_CHARS_MAX`. */
export interface RecordedCall {
  readonly sessions: readonly string[]
  readonly summary: CallSummary
  /** JSON of a `TracedCall`. */
  readonly text: string
  /** Calls that such sessions asked for, and that this thread let pass since the last one: there were too many. */
  readonly skipped: number
}

export function summaryOf(call: TracedCall): CallSummary {
  const { requestId, receivedAtMs, totalMs, verb, uri, status, errorCode, answeredBy, masked, unmatched } = call
  return { requestId, receivedAtMs, totalMs, verb, uri, status, errorCode, answeredBy, masked, unmatched }
}

/** `full`: it has as many calls as it may. `undeployed`: its revision is not served any more. */
export type SessionState = 'recording' | 'full' | 'expired' | 'stopped' | 'undeployed'
