import type { MaybePromise } from '../core/async.ts'
import type { Turn } from '../engine/balancer.ts'
import type { CallTrace } from '../engine/call-trace.ts'
import type { CallerGate, Exchange } from '../engine/exchange.ts'
import type { Fault } from '../engine/fault.ts'
import type { Downstream, TunnelSource } from '../wire/types.ts'
import type { KeptBodies } from './kept-bodies.ts'
import type { Match } from './route.ts'
import type { Served } from './served.ts'
import type { CallRecording } from './session-recorder.ts'
import type { Snapshot } from './snapshot.ts'
import type { TargetCall } from './target-call.ts'

/**
 * One request on its way through the gateway: what the transport gave, the snapshot it began with, and the exchange once
 * its proxy is known. Every field is set here.
 */
export class Call implements CallerGate {
  readonly down: Downstream
  readonly snapshot: Snapshot
  readonly id: string
  /** Without query. */
  readonly path: string
  readonly query: string
  readonly host: string
  /** Environment that the request asks for (`X-Stage`), of APIs that have several. */
  readonly stage: string
  readonly forwardCount: number
  /** Names and values of the request's headers together, in bytes. */
  readonly headersBytes: number
  /** The client may see the diagnostic headers of debug mode. */
  readonly debug: boolean
  /** Milliseconds since the epoch. */
  readonly receivedAtMs: number
  /** Where it goes, when that was known before it came: a call from proxy to proxy. */
  match: Match | null
  served: Served | null
  x: Exchange | null
  /** Where it stands in a distributed trace; null: no spans are exported. */
  trace: CallTrace | null
  /** Of debug sessions; null: none wants this call. */
  recording: CallRecording | null
  /** The exchange with the target, while it runs. */
  target: TargetCall | null
  /** The servers of a load balancer that it goes to; null: its target has none. */
  turn: Turn | null
  /** What the client sends through, once the target has answered 101. */
  tunnel: TunnelSource | null
  /** `X-Apig-RateLimit-*` pairs of the throttles that were asked; null when none was. */
  limits: string[] | null
  /** What the client got; 0 as long as nothing was sent. */
  status: number
  targetStatus: number
  /** What is kept of its bodies; null: nothing is. */
  bodies: KeptBodies | null
  /** The error of the gateway's own that was the answer; null when a proxy answered. */
  ownFault: Fault | null
  /** Times that the request was sent again to the same target. */
  retries: number
  /** The target's answer ended before it was whole, so the client's was cut. */
  brokeOff: boolean
  /** The answer is out, or the client is gone. */
  over: boolean

  constructor(
    down: Downstream,
    snapshot: Snapshot,
    id: string,
    path: string,
    query: string,
    host: string,
    stage: string,
    forwardCount: number,
    headersBytes: number,
    debug: boolean,
    receivedAtMs: number,
  ) {
    this.down = down
    this.snapshot = snapshot
    this.id = id
    this.path = path
    this.query = query
    this.host = host
    this.stage = stage
    this.forwardCount = forwardCount
    this.headersBytes = headersBytes
    this.debug = debug
    this.receivedAtMs = receivedAtMs
    this.match = null
    this.served = null
    this.x = null
    this.trace = null
    this.recording = null
    this.target = null
    this.turn = null
    this.tunnel = null
    this.limits = null
    this.status = 0
    this.targetStatus = 0
    this.bodies = null
    this.ownFault = null
    this.retries = 0
    this.brokeOff = false
    this.over = false
  }

  admitCaller(): MaybePromise<Fault | undefined> {
    return this.served!.gate!.admitCaller(this)
  }
}
