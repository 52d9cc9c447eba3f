import { apigFault } from '../engine/apig-faults.ts'
import type { Client, Exchange } from '../engine/exchange.ts'
import type { Masker } from '../engine/masking.ts'
import type { Message } from '../engine/message.ts'
import { Parameters } from '../engine/parameters.ts'
import { CallRecorder, RAW_CHARS_MAX } from '../engine/recording/call-recorder.ts'
import { TracedExchange } from '../engine/recording/traced-exchange.ts'
import type { TraceFilter, TraceOrder } from '../trace/orders.ts'
import type { Call } from './call.ts'
import { cycleOf, hopsOf } from './loop-guard.ts'
import type { Served } from './served.ts'

/** Masks look into whole documents. */
const MASKED_BYTES_MAX = 1024 * 1024
/** Of a session without a count, in one thread. */
const CALLS_A_SECOND = 20
const CALLS_AT_ONCE = 50

/** One session in this thread. */
export class ActiveOrder {
  order: TraceOrder
  /** Calls that this thread may still record; null: no limit but those of time. */
  #left: number | null
  #running = 0
  #second = 0
  #inSecond = 0
  skipped = 0

  constructor(order: TraceOrder) {
    this.order = order
    this.#left = order.left
  }

  /** The main thread says how many are still wanted. */
  renew(order: TraceOrder): void {
    this.order = order
    if (order.left !== null) this.#left = Math.min(this.#left ?? order.left, order.left)
  }

  /** Asks for one more call; who is let in must `release`. */
  take(nowMs: number): boolean {
    if (this.#left !== null) {
      if (this.#left <= 0) return false
      this.#left--
      this.#running++
      return true
    }
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#inSecond = 0
    }
    if (this.#inSecond >= CALLS_A_SECOND || this.#running >= CALLS_AT_ONCE) {
      this.skipped++
      return false
    }
    this.#inSecond++
    this.#running++
    return true
  }

  release(): void {
    this.#running--
  }
}

/** Takes the calls of one endpoint that debug sessions ask for. */
export class SessionRecorder {
  readonly orders: readonly ActiveOrder[]
  readonly masker: Masker
  /** The endpoint with the plan that records. */
  readonly #served: Served
  readonly #keptMax: number

  constructor(served: Served, orders: readonly ActiveOrder[], masker: Masker) {
    this.#served = served
    this.orders = orders
    this.masker = masker
    const reads = masker.readsContent('request') || masker.readsContent('response') || masker.readsContent('fault')
    this.#keptMax = reads ? MASKED_BYTES_MAX : RAW_CHARS_MAX
  }

  /** Null: no session wants this call. */
  begin(call: Call, request: Message): CallRecording | null {
    const wanted = this.orders.filter(({ order }) => fits(order.filter, request, call.query))
    const taken = wanted.filter((active) => active.take(call.receivedAtMs))
    return taken.length === 0 ? null : new CallRecording(call, this.#served, taken, this.masker, this.#keptMax)
  }
}

/** One call that is recorded, from its begin to its end. */
export class CallRecording {
  readonly served: Served
  readonly orders: readonly ActiveOrder[]
  readonly masker: Masker
  readonly recorder: CallRecorder
  readonly #call: Call
  #x: TracedExchange | null = null

  constructor(call: Call, served: Served, orders: readonly ActiveOrder[], masker: Masker, keptMax: number) {
    this.#call = call
    this.served = served
    this.orders = orders
    this.masker = masker
    this.recorder = new CallRecorder(keptMax, call.down.receivedAtMs)
  }

  /** What is recorded; null: the call came to no proxy. */
  get x(): TracedExchange | null {
    return this.#x
  }

  exchange(client: Client, request: Message, basePath: string, pathSuffix: string): Exchange {
    const x = this.#exchange(client, request, basePath, pathSuffix)
    this.recorder.state('PROXY_REQ_FLOW', this.recorder.messages.of('request', x))
    return x
  }

  /** The call has gone in a circle, and ends before it comes to its proxy. */
  looped(client: Client, request: Message): void {
    const hops = hopsOf(this.#call.down.rawHeaders)
    this.#exchange(client, request, this.served.endpoint.basePath, '')
    this.recorder.error(LOOP, 'REQ_HEADERS_PARSED', [
      ['X-Apig-count', String(this.#call.forwardCount)],
      ['hops', hops.join(' -> ')],
      ['cycle', cycleOf(hops).join(' -> ')],
    ])
  }

  #exchange(client: Client, request: Message, basePath: string, pathSuffix: string): TracedExchange {
    const { id, forwardCount, receivedAtMs, down } = this.#call
    this.#x = new TracedExchange(
      this.recorder,
      id,
      this.served.endpoint,
      client,
      request,
      basePath,
      pathSuffix,
      forwardCount,
      receivedAtMs,
      down.receivedAtMs,
    )
    return this.#x
  }
}

const LOOP = apigFault('Loop')

/** All headers and parameters of the filter have these values (Edge's debug sessions). */
function fits({ headers, query }: TraceFilter, request: Message, queryText: string): boolean {
  if (headers.length === 0 && query.length === 0) return true
  for (const [name, value] of headers) {
    if (request.headers.get(name) !== value && !request.headers.pieces(name).includes(value)) return false
  }
  if (query.length === 0) return true
  const parameters = new Parameters(queryText)
  return query.every(([name, value]) => parameters.all(name).includes(value))
}
