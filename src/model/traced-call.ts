/**
 * One call as a debug session records it: plain data, masked already, with bounded texts. Times are milliseconds since the call was
 * received. Messages stand in a table, since most steps leave them as they are: `before` and `after` are places in it.
 */
export interface TracedCall {
  readonly requestId: string
  readonly environment: string
  readonly proxy: string
  readonly revision: number
  readonly endpoint: string
  /** Milliseconds since the epoch. */
  readonly receivedAtMs: number
  readonly totalMs: number
  readonly verb: string
  readonly uri: string
  /** What the client got; 0: it left before. */
  readonly status: number
  readonly errorCode: string
  readonly answeredBy: string
  readonly points: readonly TracePoint[]
  readonly messages: readonly TracedMessage[]
  /** Masks that hid something of this call, as they are written. */
  readonly masked: readonly string[]
  /** Masks that are configured and had nothing to hide here. */
  readonly unmatched: readonly string[]
  /** Points that found no room: a call keeps `POINTS_MAX`. */
  readonly leftOut: number
}

/** A message at one moment. */
export interface TracedMessage {
  /** Of the flow (`request`, `response`, `error`), or the variable that holds it. */
  readonly name: string
  readonly kind: 'request' | 'response'
  readonly verb: string
  readonly uri: string
  readonly version: string
  readonly status: number
  readonly reason: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Text, cut at `CONTENT_CHARS_MAX`. Null: there is none, or it cannot be shown. */
  readonly content: string | null
  /** As far as it has been seen; -1: nobody has read it. */
  readonly contentBytes: number
  /** Why the content is not there whole; null: it is. */
  readonly note: string | null
}

/** Places in `messages`; null: there is no such message. */
export interface MessagesAt {
  readonly request: number | null
  readonly response: number | null
  readonly error: number | null
}

export interface VariableAccess {
  readonly do: 'get' | 'set' | 'remove'
  readonly name: string
  /** Null: it is not set. */
  readonly value: string | null
  /** Of a `set`: it could be written. */
  readonly success: boolean
}

/** A condition, what it gave and what it read. */
export interface TracedCondition {
  readonly expression: string
  readonly result: boolean
  readonly accesses: readonly VariableAccess[]
}

export interface TracedFault {
  readonly code: string
  readonly name: string
  readonly text: string
  readonly status: number
}

/** A call that a step made. */
export interface TracedCallout {
  readonly atMs: number
  /** Null: no answer had come when the call was over. */
  readonly tookMs: number | null
  readonly url: string
  readonly request: number
  readonly answer: number | null
  /** Why there is no answer. */
  readonly error: string | null
}

/** How a step ended. `skipped`: its condition does not hold. `open`: it had not ended when the call was over. */
export type StepOutcome = 'done' | 'skipped' | 'disabled' | 'fault' | 'reply' | 'open'

export interface StepPoint {
  readonly kind: 'step'
  readonly atMs: number
  readonly tookMs: number
  readonly name: string
  readonly displayName: string
  /** The kind of the policy: 'AssignMessage'. */
  readonly type: string
  readonly enabled: boolean
  readonly continueOnError: boolean
  readonly side: 'request' | 'response'
  /** Where it runs: `proxy-request`, ... */
  readonly phase: string
  /** No policy of the bundle: the gateway itself does this. */
  readonly internal: boolean
  /** Steps around it: those of a shared flow stand inside their FlowCallout. */
  readonly depth: number
  readonly condition: TracedCondition | null
  readonly outcome: StepOutcome
  readonly fault: TracedFault | null
  /** It had to wait for something. */
  readonly waited: boolean
  readonly accesses: readonly VariableAccess[]
  /** Accesses that found no room. */
  readonly accessesLeftOut: number
  readonly before: MessagesAt
  readonly after: MessagesAt
  readonly callouts: readonly TracedCallout[]
}

export type TracePoint =
  /** A stage of the call, in Edge's names: `PROXY_REQ_FLOW`. */
  | {
      readonly kind: 'state'
      readonly atMs: number
      readonly from: string
      readonly to: string
      readonly message: number | null
    }
  | { readonly kind: 'flow'; readonly atMs: number; readonly properties: readonly Property[] }
  /** Which flow, route or fault rule is taken. */
  | {
      readonly kind: 'condition'
      readonly atMs: number
      /** What is decided: `PROXY_default`. */
      readonly tree: string
      /** The flow, route or rule that it lets through. */
      readonly of: string
      readonly condition: TracedCondition
    }
  | StepPoint
  | { readonly kind: 'paused' | 'resumed'; readonly atMs: number }
  | {
      readonly kind: 'error'
      readonly atMs: number
      readonly state: string
      readonly fault: TracedFault
      readonly message: number | null
      readonly properties: readonly Property[]
    }

export type Property = readonly [name: string, value: string]

/** What one call may keep. */
export const POINTS_MAX = 1_000
export const ACCESSES_MAX = 200
export const MESSAGES_MAX = 400
export const VALUE_CHARS_MAX: number = 4 * 1024
export const CONTENT_CHARS_MAX: number = 16 * 1024
