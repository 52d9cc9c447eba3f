import type { MaybePromise } from './async.ts'
import type { CounterKeys } from './counter-keys.ts'

/** The most checks that one decision may hold. */
export const CHECKS_MAX = 64

/**
 * Several checks that are decided together, and what became of them. The caller owns it, fills it, hands it to a store and
 * reads the answers from it; it may be filled again once the store has answered, so the hot path allocates nothing.
 *
 * A check is one counter in one window; `Infinity` as an end means "never". Most counters are windows: never persisted, dropped
 * when they have ended. A durable one continues what is kept elsewhere: nothing is decided before it was seeded with that.
 */
export class Decision {
  /** How many checks it holds. */
  size = 0
  /** Two halves a check; written by a `KeyPrefix`. */
  readonly keys: Int32Array
  /** In: the end of the check's window. Out: the end of the window that was counted, which is later for a late caller. */
  readonly endsMs: Float64Array
  /** How long such a window is: tells a late caller from a clock that was wrong. */
  readonly lengthsMs: Float64Array
  /** The most that the counter may hold after this call; `Infinity` counts and never refuses. */
  readonly limits: Float64Array
  /** What this call adds (`take`, `add`), or the new count (`set`). */
  readonly deltas: Float64Array
  /** 1: a window that is still open holds, however long it has to go; a new one begins when it has ended. */
  readonly anchored: Uint8Array
  /** 1: the counter is not to be used before `seed` has opened it in this window. */
  readonly durable: Uint8Array
  /** Out: 1 where a durable counter has not been seeded. */
  readonly unseeded: Uint8Array
  /** Out: there are unseeded ones, so nothing was done. Seed them and ask again. */
  missing = false
  /** Out: what the counter holds now. */
  readonly counts: Float64Array
  /** Out, `take`: the first check that refused; -1 when all were admitted. */
  breached = -1
  /** Out: the store had no room or did not answer in time, so the configured choice was made and not all was counted. */
  uncounted = false

  constructor(checksMax: number = CHECKS_MAX) {
    if (!(checksMax >= 1 && checksMax <= CHECKS_MAX)) throw new RangeError(`a decision holds 1 to ${CHECKS_MAX} checks`)
    this.keys = new Int32Array(checksMax * 2)
    this.endsMs = new Float64Array(checksMax)
    this.lengthsMs = new Float64Array(checksMax)
    this.limits = new Float64Array(checksMax)
    this.deltas = new Float64Array(checksMax)
    this.anchored = new Uint8Array(checksMax)
    this.durable = new Uint8Array(checksMax)
    this.unseeded = new Uint8Array(checksMax)
    this.counts = new Float64Array(checksMax)
  }

  clear(): void {
    this.size = 0
    this.breached = -1
    this.uncounted = false
    this.missing = false
  }

  /** Adds a check and gives its number, under which the caller writes the key. */
  add(endMs: number, lengthMs: number, limit: number, delta: number, anchored = false): number {
    const check = this.size
    if (check === this.limits.length) throw new RangeError(`this decision holds at most ${check} checks`)
    this.endsMs[check] = endMs
    this.lengthsMs[check] = lengthMs
    this.limits[check] = limit
    this.deltas[check] = delta
    this.anchored[check] = anchored ? 1 : 0
    this.durable[check] = 0
    this.size = check + 1
    return check
  }

  /** The same for a counter that continues what is kept elsewhere. */
  addDurable(endMs: number, lengthMs: number, limit: number, delta: number): number {
    const check = this.add(endMs, lengthMs, limit, delta)
    this.durable[check] = 1
    return check
  }

  /** What is left under the limit of a check, after the store has answered. */
  remaining(check: number): number {
    const left = this.limits[check]! - this.counts[check]!
    return left > 0 ? left : 0
  }
}

/**
 * Counters that all threads (with some stores: all nodes) share. Every method handles all checks of a decision in one step
 * that nothing else comes between, and in one trip. `nowMs` is the caller's clock, ms since the epoch; a caller that is late
 * counts in the newer window, never resets it. Checks of one decision are applied in order, equal keys included.
 */
export interface Counters {
  /** Makes keys with this store's seed. */
  readonly keys: CounterKeys
  /** All or nothing: true when every `count + delta <= limit` and all were counted; else `breached` names the first. */
  take(decision: Decision, nowMs: number): MaybePromise<boolean>
  /** Adds the deltas whatever the limits say. A negative one gives back; no count falls below 0. */
  add(decision: Decision, nowMs: number): MaybePromise<void>
  /** Makes the deltas the new counts. */
  set(decision: Decision, nowMs: number): MaybePromise<void>
  /** Opens the counters that have not been opened in their window, with the deltas as their counts; leaves the others alone. */
  seed(decision: Decision, nowMs: number): MaybePromise<void>
  /** Reads the counts and changes nothing. */
  peek(decision: Decision, nowMs: number): MaybePromise<void>
  /** Forgets the counters, whichever window they are in. */
  reset(decision: Decision, nowMs: number): MaybePromise<void>
}
