import type { Step } from '../engine/outcome.ts'
import type { EndpointPlan } from '../engine/plan.ts'
import type { SessionRecorder } from './session-recorder.ts'
import type { Gate } from './throttle-gate.ts'

/** Says whether a call belongs to a service, by its mapping rules. `only`: when it belongs to none of its host, nobody serves it. */
export interface Claims {
  readonly only: boolean
  fits(method: string, path: string, query: string): boolean
}

/** One endpoint as this gateway serves it: its plan, and what it is bound to. */
export interface Served {
  readonly endpoint: EndpointPlan
  readonly serviceId: string | null
  /** Host names that it is bound to, lower case; empty: any. */
  readonly hosts: readonly string[]
  /** Who may call, before the throttles; null: the flows of the proxy see to it. */
  readonly access: readonly Step[] | null
  /** A call for any other host never finds it. */
  readonly strict: boolean
  /** Whether its rules fit a call; null: its host is all that counts. */
  readonly claims: Claims | null
  /** Null: nothing limits it. */
  readonly gate: Gate | null
  /** Takes the calls that debug sessions ask for; null: none is on. The one thing that changes after publication. */
  recorder: SessionRecorder | null
}
