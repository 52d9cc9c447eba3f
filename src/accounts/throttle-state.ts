import { Decision } from '../core/counters.ts'
import { breachText, DIMENSION_WORDS, DIMENSIONS, type Dimension, rateLimitText } from './throttle-text.ts'

// Places in DIMENSIONS.
export const IP = 0
export const USER = 1
export const APP = 2
export const API = 3
export const ALLENV = 4

const COUNT = DIMENSIONS.length
const FREE_MAX = 1_024
const free: ThrottleState[] = []

/**
 * What the throttle has decided for one request so far. A request holds it from its first decision until its answer has
 * been written; then `release` hands it to the next one. Nothing is lost but a little memory when that is forgotten.
 */
export class ThrottleState {
  /** The checks of the decision under way, and which dimension each is for. */
  readonly decision: Decision = new Decision(COUNT)
  readonly #checks: Int8Array = new Int8Array(COUNT)
  // By dimension; a limit of 0: this limit does not apply, or its decision was not reached.
  readonly #limits: Float64Array = new Float64Array(COUNT)
  readonly #remaining: Float64Array = new Float64Array(COUNT)
  readonly #windows: string[] = new Array<string>(COUNT).fill('')
  readonly #endsMs: Float64Array = new Float64Array(COUNT)
  readonly #lengthsMs: Float64Array = new Float64Array(COUNT)
  #breached = -1
  #pending = false

  static acquire(): ThrottleState {
    return free.pop() ?? new ThrottleState()
  }

  /** The request is over. The state must not be touched again. */
  release(): void {
    // A client can be gone before a store has answered, and the answer will be written here: this one is not used again.
    if (this.#pending) return
    for (let dimension = 0; dimension < COUNT; dimension++) this.#limits[dimension] = 0
    this.#breached = -1
    if (free.length < FREE_MAX) free.push(this)
  }

  /** The limit that refused the request; null: none did. */
  get breached(): Dimension | null {
    return this.#breached < 0 ? null : DIMENSIONS[this.#breached]!
  }

  /** Calls in one window; 0: no such limit, or not reached. */
  limit(dimension: Dimension): number {
    return this.#limits[DIMENSIONS.indexOf(dimension)]!
  }

  /** When the dimension's window is over, in ms since the epoch. */
  endMs(dimension: Dimension): number {
    return this.#endsMs[DIMENSIONS.indexOf(dimension)]!
  }

  /** Calls left in the window, this one counted; 0 of a limit that refused. */
  remaining(dimension: Dimension): number {
    return this.#remaining[DIMENSIONS.indexOf(dimension)]!
  }

  /** The value of the dimension's diagnostic header; null: a limit that is not set has no header. */
  text(dimension: Dimension): string | null {
    const at = DIMENSIONS.indexOf(dimension)
    const limit = this.#limits[at]!
    return limit === 0 ? null : rateLimitText(this.#remaining[at]!, limit, this.#windows[at]!)
  }

  /**
   * Adds the IETF's `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11) of all limits that were
   * asked, and `Retry-After` of the one that refused. Flat: name, value, ... `policy` is that of the throttle.
   */
  fields(into: string[], nowMs: number, policy: PolicyText): void {
    let limits = ''
    for (let at = 0; at < COUNT; at++) {
      if (this.#limits[at] === 0) continue
      const left = secondsUntil(this.#endsMs[at]!, nowMs)
      limits += `${limits === '' ? '' : ', '}${QUOTED[at]};r=${this.#remaining[at]};t=${left}`
    }
    if (limits === '') return
    into.push('RateLimit-Policy', policy.of(this.#limits, this.#lengthsMs), 'RateLimit', limits)
    if (this.#breached < 0) return
    into.push('Retry-After', String(Math.max(1, secondsUntil(this.#endsMs[this.#breached]!, nowMs))))
  }

  /** What was breached, in the words of the error `APIG.0308`; null: nothing was. */
  breach(): string | null {
    const at = this.#breached
    return at < 0 ? null : breachText(DIMENSIONS[at]!, this.#limits[at]!, this.#windows[at]!)
  }

  /** True when this dimension was counted before, by an earlier decision for the same request. */
  has(dimension: number): boolean {
    return this.#limits[dimension] !== 0
  }

  /** Adds a check to the decision and gives its number. The state of the dimension is known once `settle` was called. */
  add(dimension: number, endMs: number, lengthMs: number, limit: number, window: string): number {
    const check = this.decision.add(endMs, lengthMs, limit, 1)
    this.#checks[check] = dimension
    this.#windows[dimension] = window
    return check
  }

  /** Called before a store that has yet to answer is waited for. */
  wait(): void {
    this.#pending = true
  }

  /** Keeps what the store has answered. */
  settle(admitted: boolean): boolean {
    const { decision } = this
    this.#pending = false
    for (let check = 0; check < decision.size; check++) {
      const dimension = this.#checks[check]!
      this.#limits[dimension] = decision.limits[check]!
      this.#remaining[dimension] = decision.remaining(check)
      this.#endsMs[dimension] = decision.endsMs[check]!
      this.#lengthsMs[dimension] = decision.lengthsMs[check]!
    }
    if (!admitted) {
      this.#breached = this.#checks[decision.breached]!
      this.#remaining[this.#breached] = 0
    }
    return admitted
  }
}

const QUOTED = DIMENSIONS.map((dimension) => `"${DIMENSION_WORDS[dimension].policy}"`)

/** The `RateLimit-Policy` of one throttle: made anew only when other limits apply than to the call before. */
export class PolicyText {
  readonly #limits: Float64Array = new Float64Array(COUNT)
  #text = ''

  of(limits: Float64Array, lengthsMs: Float64Array): string {
    let same = true
    for (let at = 0; at < COUNT; at++) if (limits[at] !== this.#limits[at]) same = false
    if (same) return this.#text
    this.#limits.set(limits)
    const asked = QUOTED.flatMap((name, at) =>
      limits[at] === 0 ? [] : [`${name};q=${limits[at]};w=${Math.ceil(lengthsMs[at]! / 1_000)}`],
    )
    this.#text = asked.join(', ')
    return this.#text
  }
}

const secondsUntil = (endMs: number, nowMs: number): number => Math.max(0, Math.ceil((endMs - nowMs) / 1_000))
