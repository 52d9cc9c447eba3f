import type { AnsweredBy } from '../core/answered-by.ts'
import { type CodeClass, codeClass } from '../core/code-class.ts'
import type { RecentCall } from './recent-call.ts'
import { RecentSlot, SLOT_BYTES } from './recent-slot.ts'

/** Which calls are asked for; all that are given must hold. Times in ms since the epoch. */
export interface CallFilter {
  readonly status?: number
  readonly codeClass?: CodeClass
  readonly answeredBy?: AnsweredBy
  readonly proxy?: string
  readonly application?: string
  readonly service?: string
  readonly errorCode?: string
  readonly method?: string
  /** Inclusive. */
  readonly sinceMs?: number
  /** Exclusive. */
  readonly untilMs?: number
  readonly limit: number
}

/** What one thread answers: its latest calls that fit, the latest first. */
export interface CallPage {
  readonly calls: readonly RecentCall[]
  readonly held: number
  /** Arrival of the oldest that is held; null: none is. */
  readonly oldestMs: number | null
}

const HOUR_MS = 3_600_000
const SLOTS_AT_ONCE = 64

/**
 * The last calls of one thread, so many and so old at most. Slots are made as they are first needed and used again; keeping a call
 * is filling one.
 */
export class RecentCalls {
  readonly #now: () => number
  readonly #slots: RecentSlot[] = []
  /** Bytes for slots that are yet to be made. */
  #bytes: Buffer = Buffer.alloc(0)
  #max = 0
  #ageMsMax = 0
  /** The slot that is filled next: the oldest call once the ring is full. */
  #next = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** 0 keeps nothing. What is held stays, as far as there is room for it. */
  resize(max: number, hours: number): void {
    this.#ageMsMax = hours * HOUR_MS
    if (max === this.#max) return
    const held = this.#inOrder().slice(0, max).reverse()
    this.#slots.splice(0, this.#slots.length, ...held)
    this.#max = max
    this.#next = max === 0 ? 0 : held.length % max
  }

  get keeps(): boolean {
    return this.#max > 0
  }

  /** The slot of the call that is to be kept now. It holds what an older call left. Only while `keeps`. */
  slot(): RecentSlot {
    const at = this.#next
    this.#next = at + 1 === this.#max ? 0 : at + 1
    if (at === this.#slots.length) this.#slots.push(this.#newSlot())
    return this.#slots[at]!
  }

  #newSlot(): RecentSlot {
    if (this.#bytes.length === 0) this.#bytes = Buffer.allocUnsafeSlow(SLOT_BYTES * SLOTS_AT_ONCE)
    const bytes = this.#bytes.subarray(0, SLOT_BYTES)
    this.#bytes = this.#bytes.subarray(SLOT_BYTES)
    return new RecentSlot(bytes)
  }

  page(filter: CallFilter): CallPage {
    const sinceMs = this.#now() - this.#ageMsMax
    const calls: RecentCall[] = []
    let held = 0
    let oldestMs: number | null = null
    for (const call of this.#inOrder()) {
      if (call.isEmpty || call.timeMs < sinceMs) continue
      held++
      if (oldestMs === null || call.timeMs < oldestMs) oldestMs = call.timeMs
      if (calls.length < filter.limit && fits(call, filter)) calls.push(call.call())
    }
    return { calls, held, oldestMs }
  }

  /** Null: it was never here, or is forgotten. */
  find(requestId: string): RecentCall | null {
    const sinceMs = this.#now() - this.#ageMsMax
    return this.#slots.find((call) => call.timeMs >= sinceMs && call.is(requestId))?.call() ?? null
  }

  /** Forgets what is too old to be shown; until then it is only left out. */
  sweep(): void {
    const sinceMs = this.#now() - this.#ageMsMax
    for (const [at, call] of this.#slots.entries()) {
      if (!call.isEmpty && call.timeMs < sinceMs) this.#slots[at] = this.#newSlot()
    }
  }

  /** The call that ended last comes first. */
  #inOrder(): RecentSlot[] {
    return [...this.#slots.slice(this.#next), ...this.#slots.slice(0, this.#next)].reverse()
  }
}

function fits(call: RecentSlot, filter: CallFilter): boolean {
  const { status } = filter
  return (
    (status === undefined || call.status === status) &&
    (filter.codeClass === undefined || codeClass(call.status) === filter.codeClass) &&
    (filter.answeredBy === undefined || call.answeredBy === filter.answeredBy) &&
    (filter.proxy === undefined || call.proxy === filter.proxy) &&
    (filter.application === undefined || call.application === filter.application) &&
    (filter.service === undefined || call.service === filter.service) &&
    (filter.errorCode === undefined || call.errorCode === filter.errorCode) &&
    (filter.method === undefined || call.method === filter.method) &&
    (filter.sinceMs === undefined || call.timeMs >= filter.sinceMs) &&
    (filter.untilMs === undefined || call.timeMs < filter.untilMs)
  )
}
