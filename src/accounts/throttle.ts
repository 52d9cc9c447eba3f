import type { MaybePromise } from '../core/async.ts'
import type { KeyPrefix } from '../core/counter-keys.ts'
import { type Counters, Decision } from '../core/counters.ts'
import { type FixedWindow, fixedWindow, windowEndMs } from '../core/windows.ts'
import type { Throttle, ThrottleLimits, ThrottleSpecial } from '../model/throttle.ts'
import { ALLENV, API, APP, IP, type ThrottleState, USER } from './throttle-state.ts'

/** What one API's throttle is compiled for. */
export interface ThrottleScope {
  readonly counters: Counters
  readonly environment: string
  /** Names the API among all of the gateway, the same in each environment. */
  readonly api: string
  /** Calls a second to the API over all environments (`ratelimit_api_limits`); 0: no such limit. */
  readonly gatewayLimitPerSecond: number
}

/**
 * Compiles a throttle, once for each API and thread. Null: nothing limits this API.
 *
 * Windows are fixed and begin at multiples of their length since the epoch (UTC). Counters are kept by the throttle's name,
 * the length of its window and, unless it is shared, environment and API: a change of a limit goes on with the same counts,
 * a change of the period starts anew.
 */
export function compileThrottle(throttle: Throttle | null, scope: ThrottleScope): CompiledThrottle | null {
  const compiled = new CompiledThrottle(throttle, scope)
  return compiled.limitsNothing ? null : compiled
}

const ONE_SECOND = fixedWindow(1, 'second')

/** A limit whose counter is known at compile. */
interface FixedLimit {
  readonly limit: number
  readonly key: KeyPrefix
}

/** A limit with a counter for each address, user or application. */
interface KeyedLimit extends FixedLimit {
  /** Limits of their own, which replace the common one. */
  readonly specials: ReadonlyMap<string, number> | null
}

/** One window as it is now. */
export interface WindowState {
  readonly used: number
  readonly limit: number
  readonly resetsAtMs: number
}

export class CompiledThrottle {
  /** '': only the gateway's own limit. */
  readonly name: string
  readonly #counters: Counters
  readonly #window: FixedWindow
  readonly #api: FixedLimit | null
  readonly #allenv: FixedLimit | null
  readonly #ip: KeyedLimit | null
  readonly #user: KeyedLimit | null
  readonly #app: KeyedLimit | null

  constructor(throttle: Throttle | null, scope: ThrottleScope) {
    const { counters, environment, api, gatewayLimitPerSecond } = scope
    this.name = throttle?.name ?? ''
    this.#counters = counters
    const window = throttle === null ? ONE_SECOND : fixedWindow(throttle.intervalCount, throttle.unit)
    this.#window = window
    const key = (dimension: string): KeyPrefix => {
      const name = throttle?.name ?? ''
      return throttle?.shared === true
        ? counters.keys.prefix('throttle', dimension, name, window.lengthMs)
        : counters.keys.prefix('throttle', dimension, name, window.lengthMs, environment, api)
    }
    const limits = throttle?.limits ?? { api: 0, user: 0, app: 0, ip: 0 }
    const specials = throttle?.specials ?? []
    this.#api = limits.api === 0 ? null : { limit: limits.api, key: key('api') }
    this.#ip = keyedLimit(limits.ip, null, key('ip'))
    this.#user = keyedLimit(limits.user, specialLimits(specials, 'user'), key('user'))
    this.#app = keyedLimit(limits.app, specialLimits(specials, 'app'), key('app'))
    this.#allenv =
      gatewayLimitPerSecond === 0 ? null : { limit: gatewayLimitPerSecond, key: counters.keys.prefix('allenv', api) }
  }

  /**
   * What is used now of one limit; null: there is no such limit. `key`: the address, user or application; null for the API. For
   * showing: nothing is counted.
   */
  window(dimension: keyof ThrottleLimits, key: string | null, nowMs: number): MaybePromise<WindowState | null> {
    const found = dimension === 'api' ? this.#api : this.#keyed(dimension)
    if (found === null) return null
    const limit = (key === null ? undefined : this.#keyed(dimension)?.specials?.get(key)) ?? found.limit
    if (limit === 0) return null
    const decision = new Decision(1)
    const endMs = windowEndMs(nowMs, this.#window.lengthMs)
    const check = decision.add(endMs, this.#window.lengthMs, limit, 0)
    if (key === null) found.key.write(decision.keys, check)
    else found.key.writeWith(key, decision.keys, check)
    const read = (): WindowState => ({ used: decision.counts[check]!, limit, resetsAtMs: endMs })
    const peeked = this.#counters.peek(decision, nowMs)
    return peeked instanceof Promise ? peeked.then(read) : read()
  }

  #keyed(dimension: keyof ThrottleLimits): KeyedLimit | null {
    return { api: null, user: this.#user, app: this.#app, ip: this.#ip }[dimension]
  }

  get limitsNothing(): boolean {
    return this.#api === null && this.#allenv === null && this.#ip === null && !this.limitsCallers
  }

  /** True when `takeCaller` has something to do, so that a step for it is worth compiling. */
  get limitsCallers(): boolean {
    return this.#user !== null || this.#app !== null
  }

  /**
   * Decides a request: all limits of the throttle that apply, and the gateway's own, together; when one refuses nothing is
   * counted. `ip`, `user` and `app` are null where they are not known (yet). True: admitted. The state then tells which
   * limit refused and what is left of each.
   */
  take(
    state: ThrottleState,
    nowMs: number,
    ip: string | null,
    user: string | null,
    app: string | null,
  ): MaybePromise<boolean> {
    state.decision.clear()
    const endMs = windowEndMs(nowMs, this.#window.lengthMs)
    if (ip !== null) this.#checkKeyed(state, IP, this.#ip, ip, endMs)
    if (user !== null) this.#checkKeyed(state, USER, this.#user, user, endMs)
    if (app !== null) this.#checkKeyed(state, APP, this.#app, app, endMs)
    if (this.#api !== null) check(state, API, this.#api, this.#window, endMs)
    if (this.#allenv !== null) check(state, ALLENV, this.#allenv, ONE_SECOND, windowEndMs(nowMs, ONE_SECOND.lengthMs))
    return this.#decide(state, nowMs)
  }

  /**
   * The second decision of a request whose caller became known after `take`: its user and application together. What was
   * counted before stays counted, and no limit is counted twice for one request.
   */
  takeCaller(state: ThrottleState, nowMs: number, user: string | null, app: string | null): MaybePromise<boolean> {
    state.decision.clear()
    const endMs = windowEndMs(nowMs, this.#window.lengthMs)
    if (user !== null && !state.has(USER)) this.#checkKeyed(state, USER, this.#user, user, endMs)
    if (app !== null && !state.has(APP)) this.#checkKeyed(state, APP, this.#app, app, endMs)
    return this.#decide(state, nowMs)
  }

  #checkKeyed(state: ThrottleState, dimension: number, keyed: KeyedLimit | null, text: string, endMs: number): void {
    if (keyed === null) return
    const limit = keyed.specials?.get(text) ?? keyed.limit
    if (limit === 0) return
    const at = state.add(dimension, endMs, this.#window.lengthMs, limit, this.#window.text)
    keyed.key.writeWith(text, state.decision.keys, at)
  }

  #decide(state: ThrottleState, nowMs: number): MaybePromise<boolean> {
    if (state.decision.size === 0) return true
    const answer = this.#counters.take(state.decision, nowMs)
    if (typeof answer === 'boolean') return state.settle(answer)
    state.wait()
    return answer.then((admitted) => state.settle(admitted))
  }
}

function check(state: ThrottleState, dimension: number, fixed: FixedLimit, window: FixedWindow, endMs: number): void {
  fixed.key.write(state.decision.keys, state.add(dimension, endMs, window.lengthMs, fixed.limit, window.text))
}

function keyedLimit(limit: number, specials: ReadonlyMap<string, number> | null, key: KeyPrefix): KeyedLimit | null {
  return limit === 0 && specials === null ? null : { limit, specials, key }
}

function specialLimits(specials: readonly ThrottleSpecial[], type: string): ReadonlyMap<string, number> | null {
  const limits = new Map(specials.filter((one) => one.type === type).map((one) => [one.id, one.limit]))
  return limits.size === 0 ? null : limits
}
