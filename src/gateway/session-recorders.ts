import type { CallRecord } from '../analytics/record.ts'
import { prepareXml } from '../core/xml-document.ts'
import { Masker } from '../engine/masking.ts'
import type { EndpointPlan, ProxyPlan } from '../engine/plan.ts'
import { maskedCall } from '../engine/recording/masked-call.ts'
import { type RecordedCall, summaryOf, type TraceOrder } from '../trace/orders.ts'
import { sizedText } from '../trace/sized.ts'
import type { Call } from './call.ts'
import { clientOf, requestOf } from './incoming.ts'
import { type CompileServices, recordedApi, recordedPlan, recordedServed } from './recorded-served.ts'
import type { Served } from './served.ts'
import { ActiveOrder, type CallRecording, SessionRecorder } from './session-recorder.ts'
import type { Snapshot } from './snapshot.ts'

export interface RecordersServices extends CompileServices {
  send(call: RecordedCall): void
  /** A bug: what was recorded cannot be told. */
  failed(error: Error): void
}

type Plans = Map<ProxyPlan, readonly EndpointPlan[]>

/**
 * Debug sessions in one gateway thread. An endpoint that a session asks for gets a recorder, with a second plan that records; it is gone
 * with the last session. Calls of other endpoints never come here.
 */
export class SessionRecorders {
  readonly #services: RecordersServices
  #active: readonly ActiveOrder[] = []
  /** Plans that record, by the plan that is served. */
  #plans: Plans = new Map()

  constructor(services: RecordersServices) {
    this.#services = services
  }

  /** Records by these orders from now on. Rejects, and goes on as before, when a plan does not compile. */
  async use(orders: readonly TraceOrder[], snapshot: Snapshot): Promise<void> {
    const before = new Map(this.#active.map((active) => [active.order.session, active]))
    const active = orders.map((order) => {
      const known = before.get(order.session)
      known?.renew(order)
      return known ?? new ActiveOrder(order)
    })
    await this.#record(snapshot, active)
    this.#active = active
  }

  /** The same for what is about to be served. */
  serve(snapshot: Snapshot): Promise<void> {
    return this.#record(snapshot, this.#active)
  }

  async #record({ served }: Snapshot, active: readonly ActiveOrder[]): Promise<void> {
    if (active.length > 0) await prepareXml()
    const plans: Plans = new Map()
    const recorders = served.map((one) => this.#recorderOf(one, active, plans))
    for (const [i, one] of served.entries()) one.recorder = recorders[i]!
    this.#plans = plans
  }

  #recorderOf(served: Served, active: readonly ActiveOrder[], plans: Plans): SessionRecorder | null {
    const { proxy } = served.endpoint
    const orders = active.filter(({ order }) => isOf(order, proxy))
    if (orders.length === 0) return null
    const masker = new Masker(proxy.settings.entities.masks, proxy.name)
    if (proxy.deployed.proxy.dialect === 'apig') return new SessionRecorder(recordedApi(served), orders, masker)
    const endpoints = plans.get(proxy) ?? this.#plans.get(proxy) ?? recordedPlan(served, this.#services)
    plans.set(proxy, endpoints)
    return new SessionRecorder(recordedServed(served, endpoints), orders, masker)
  }

  /** A call that is recorded is over, and counted as `record` says. */
  finished(recording: CallRecording, { status, totalMs }: CallRecord): void {
    for (const active of recording.orders) active.release()
    const { x, recorder, masker, orders } = recording
    if (x === null) return
    try {
      const call = maskedCall(x, recorder, masker, { status, totalMs })
      const skipped = orders.reduce((sum, active) => sum + active.skipped, 0)
      for (const active of orders) active.skipped = 0
      const sessions = orders.map(({ order }) => order.session)
      this.#services.send({ sessions, summary: summaryOf(call), text: sizedText(call), skipped })
    } catch (error) {
      this.#services.failed(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** A call that went in a circle is refused before it is routed; sessions of the proxy that it was for are told. */
  looped(call: Call): void {
    if (this.#active.length === 0) return
    const recorder = servedFor(call)?.recorder ?? null
    if (recorder === null) return
    const request = requestOf(call, null)
    call.recording = recorder.begin(call, request)
    call.recording?.looped(clientOf(call), request)
  }
}

const isOf = (order: TraceOrder, { name, revision, settings }: ProxyPlan): boolean =>
  order.proxy === name && order.revision === revision && order.environment === settings.environment

/** Whom a call would have come to. */
function servedFor({ snapshot, match, host, stage, down, path, query }: Call): Served | null {
  if (match !== null) return match.served
  const api = snapshot.apis.isEmpty ? null : snapshot.apis.find(host, stage, down.method, path)
  if (api !== null && typeof api === 'object') return api.entry
  return snapshot.router.find(host, path, down.method, query)?.served ?? null
}
