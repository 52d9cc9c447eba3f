import { isPromise, type MaybePromise } from '../../core/async.ts'
import type { KeyPrefix } from '../../core/counter-keys.ts'
import { type Counters, Decision } from '../../core/counters.ts'

/** The longest that a verdict may be kept. */
const KEPT_MS_MAX = 24 * 3_600_000

/**
 * What a back end has said of each key, shared by all threads: a status by the hash of the key, in the table of counters.
 * 0: nothing is known.
 */
export class Verdicts {
  readonly #counters: Counters
  readonly #prefix: KeyPrefix

  constructor(counters: Counters, backend: string, service: string) {
    this.#counters = counters
    this.#prefix = counters.keys.prefix('verdict', backend, service)
  }

  get(key: string, nowMs: number): MaybePromise<number> {
    const decision = this.#decision(key, nowMs + 1, 0, true)
    const done = this.#counters.peek(decision, nowMs)
    return isPromise(done) ? done.then(() => decision.counts[0]!) : decision.counts[0]!
  }

  set(key: string, status: number, nowMs: number, ttlMs: number): MaybePromise<void> {
    return this.#counters.set(this.#decision(key, nowMs + ttlMs, status, false), nowMs)
  }

  delete(key: string, nowMs: number): MaybePromise<void> {
    return this.#counters.reset(this.#decision(key, nowMs + 1, 0, true), nowMs)
  }

  // Anchored: whatever is left of the time holds. Not: it begins anew.
  #decision(key: string, endMs: number, value: number, anchored: boolean): Decision {
    const decision = new Decision(1)
    const check = decision.add(endMs, KEPT_MS_MAX, Number.POSITIVE_INFINITY, value, anchored)
    this.#prefix.writeWith(key, decision.keys, check)
    return decision
  }
}
