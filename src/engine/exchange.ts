import type { AnsweredBy } from '../core/answered-by.ts'
import type { MaybePromise } from '../core/async.ts'
import type { Policy } from '../model/proxy.ts'
import type { Admission } from './access.ts'
import type { CallTrace } from './call-trace.ts'
import type { Fault } from './fault.ts'
import type { Value } from './language/value.ts'
import { Message } from './message.ts'
import type { EndpointPlan, TargetPlan } from './plan.ts'

/** Where in its life a call is. Decides what `message` means and whose fault rules apply. */
export type Phase = 'proxy-request' | 'target-request' | 'target-response' | 'proxy-response' | 'post-client'

/** Who is calling, as far as the connection tells. */
export interface Client {
  readonly address: string
  readonly port: number
  readonly secure: boolean
  readonly host: string
  readonly localPort: number
}

/** Who calls, once a step has found out. */
export interface Caller {
  /** Id of the application (credential). */
  readonly application: string
  /** Id of the account that owns it. */
  readonly account: string
}

/** The limit that refused a call, as far as whoever refused it knows. For explaining only: nothing is decided by it. */
export interface Breach {
  /** Which limit, in words: 'Quota Q-Plan', 'throttle gold, app'. */
  readonly name: string
  /** Counted in the window when the call was refused; null: not a count. */
  readonly used: number | null
  readonly limit: number
  /** When the window is over, in ms since the epoch; null: never, or not known. */
  readonly resetsAtMs: number | null
}

/** Takes the limits of the caller once a policy has found out who it is. */
export interface CallerGate {
  admitCaller(x: Exchange): MaybePromise<Fault | undefined>
}

/**
 * The state of one call, from the first step to the last. Every field is set in the constructor, so that all exchanges
 * have one shape; what a call may not need is null until somebody asks.
 */
export class Exchange {
  readonly id: string
  readonly endpoint: EndpointPlan
  readonly client: Client
  readonly request: Message
  /** Milliseconds since the epoch when the head of the request was there. */
  readonly receivedAtMs: number
  /** The same moment on the monotonic clock (performance.now()), as all the `...At` below; 0: has not happened. */
  readonly receivedAt: number
  /** Address of the client, as far as throttles and lists of addresses ask: of the connection, unless a setting says otherwise. */
  address: string
  caller: Caller | null
  /** Null: nothing limits callers of this proxy, or it has been asked. */
  callerGate: CallerGate | null
  /** What the dialect of the proxy keeps of a call; its own steps know its type. */
  dialectState: unknown
  phase: Phase
  response: Message | null
  /** The answer of the fault path. Set with `fault`. */
  error: Message | null
  fault: Fault | null
  /** Headers (name, value, ...) that the answer gets whatever it is, faults included; `Vary` is added to, others are replaced. */
  answerHeaders: readonly string[] | null
  /** In a fault flow: `message` is the error. */
  inFaultFlow: boolean
  readonly basePath: string
  pathSuffix: string
  flowName: string
  /** The conditional flow of the proxy endpoint that ran for the request; '' when none did. */
  conditionalFlow: string
  /** The fault rule that made the answer; '' when none did. */
  faultRule: string
  /** The fault that ended the flows, and the policy whose step returned it; null: none did, or the engine itself. */
  refusal: Fault | null
  refusedBy: Policy | null
  breach: Breach | null
  routeName: string | null
  target: TargetPlan | null
  /** Set by `target.url` in the target's request flow; null: the endpoint's own URL. */
  targetUrl: string | null
  copyPathSuffix: boolean
  copyQuery: boolean
  /** What was sent to: for `request.url` and `target.*`. Null before. */
  sentUrl: string | null
  answeredBy: AnsweredBy
  /** Times this request has been forwarded by a gateway that counts, this one included. */
  forwardCount: number
  /** Something was sent on for this call: to its target, or by a callout. */
  forwarded: boolean
  targetSentAt: number
  targetReceivedAt: number
  answerStartedAt: number
  answerSentAt: number
  /** Pending promises that end with the call use this to learn that the client is gone. */
  gone: boolean
  /** Who was let in by the accounts of a service, and waits to hear how the call ended; null: nobody was asked. */
  admissions: Admission[] | null
  /** The accounts of a service let nobody in. */
  refused: boolean
  /** Where it stands in a distributed trace; null: no spans are exported. */
  trace: CallTrace | null
  /** Shared flows that run inside each other now. */
  sharedFlowDepth: number
  /** Shared flows that have run for this call. */
  sharedFlowRuns: number
  #variables: Map<string, Value> | null

  constructor(
    id: string,
    endpoint: EndpointPlan,
    client: Client,
    request: Message,
    basePath: string,
    pathSuffix: string,
    forwardCount: number,
    receivedAtMs: number,
    receivedAt: number,
  ) {
    this.id = id
    this.endpoint = endpoint
    this.client = client
    this.request = request
    this.receivedAtMs = receivedAtMs
    this.receivedAt = receivedAt
    this.address = client.address
    this.caller = null
    this.callerGate = null
    this.dialectState = null
    this.phase = 'proxy-request'
    this.response = null
    this.error = null
    this.fault = null
    this.answerHeaders = null
    this.inFaultFlow = false
    this.basePath = basePath
    this.pathSuffix = pathSuffix
    this.flowName = ''
    this.conditionalFlow = ''
    this.faultRule = ''
    this.refusal = null
    this.refusedBy = null
    this.breach = null
    this.routeName = null
    this.target = null
    this.targetUrl = null
    this.copyPathSuffix = true
    this.copyQuery = true
    this.sentUrl = null
    this.answeredBy = 'gateway'
    this.forwardCount = forwardCount
    this.forwarded = false
    this.targetSentAt = 0
    this.targetReceivedAt = 0
    this.answerStartedAt = 0
    this.answerSentAt = 0
    this.gone = false
    this.admissions = null
    this.refused = false
    this.trace = null
    this.sharedFlowDepth = 0
    this.sharedFlowRuns = 0
    this.#variables = null
  }

  /** A variable that some step set; null when none did. */
  get(name: string): Value {
    return this.#variables?.get(name) ?? null
  }

  set(name: string, value: Value): void {
    this.#variables ??= new Map()
    this.#variables.set(name, value)
  }

  /** As if no step had ever set it. */
  unset(name: string): void {
    this.#variables?.delete(name)
  }

  /** True when a step set the variable, even to null. */
  has(name: string): boolean {
    return this.#variables?.has(name) ?? false
  }

  /** A moment of the monotonic clock as milliseconds since the epoch; 0 when it has not happened. */
  epochMs(at: number): number {
    return at === 0 ? 0 : this.receivedAtMs + Math.round(at - this.receivedAt)
  }

  /** What `message` means now: the error in a fault flow, the request on the way in, the response on the way out. */
  get message(): Message {
    if (this.inFaultFlow && this.error !== null) return this.error
    return this.phase === 'proxy-request' || this.phase === 'target-request' ? this.request : this.responseNow
  }

  /** The response, made empty when a step of the response flow (or of a fault rule) needs one and there is none. */
  get responseNow(): Message {
    if (this.response === null) this.response = this.error ?? Message.response(200, 'OK', [], null)
    return this.response
  }
}
