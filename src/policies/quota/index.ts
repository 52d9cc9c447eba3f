import type { KeyPrefix } from '../../core/counter-keys.ts'
import type { Decision } from '../../core/counters.ts'
import { Decisions } from '../../engine/decisions.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Fault } from '../../engine/fault.ts'
import { toText } from '../../engine/language/value.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { DEFAULT_IDENTIFIER, quotaKey, quotaText, quotaTurnKey } from '../../engine/quota-key.ts'
import { faults } from './faults.ts'
import { type Config, parse } from './parse.ts'
import { type Limits, limitsReader } from './reading.ts'
import { CountVariables } from './variables.ts'
import { fixedWindowAt, lengthOf, openWindow } from './windows.ts'

/**
 * Lets so many calls pass in each window.
 *
 *     <Quota name="Q-Plan">
 *       <Allow count="1000" countRef="verifyapikey.VA.apiproduct.developer.quota.limit"/>
 *       <Interval>1</Interval>
 *       <TimeUnit>day</TimeUnit>
 *       <Identifier ref="client_id"/>
 *     </Quota>
 *
 * Source: Apigee's reference of the Quota policy.
 */
type Env = CompileEnv<keyof typeof faults>

function compile(config: Config, env: Env): Step {
  return new Quota(config, env).step
}

/** Which check of a decision is what. Only a rolling window has the last one. */
const CALLS = 0
const BEFORE = 1

class Quota {
  readonly #config: Config
  readonly #env: Env
  readonly #limits: (x: Exchange) => Limits | Fault
  readonly #identifier: ((x: Exchange) => string) | null
  readonly #variables: CountVariables
  readonly #decisions = new Decisions(2)
  readonly #key: KeyPrefix
  readonly #keyBefore: KeyPrefix
  readonly #keyExceeded: KeyPrefix
  readonly #limitName: string

  constructor(config: Config, env: Env) {
    this.#config = config
    this.#env = env
    this.#limits = limitsReader(config, env)
    const identifier = config.identifierRef === '' ? null : env.variable(config.identifierRef)
    this.#identifier = identifier === null ? null : (x) => toText(identifier.get(x))
    this.#variables = new CountVariables(env.policy.name)
    this.#limitName = `Quota ${env.policy.name}`
    const { counters, environment, proxy, policy } = env
    this.#key = quotaKey(counters.keys, environment, proxy, policy.name)
    this.#keyBefore = quotaTurnKey(counters.keys, environment, proxy, policy.name)
    this.#keyExceeded = quotaKey(counters.keys, environment, proxy, `${policy.name}\u0000exceeded`)
  }

  readonly step: Step = (x) => {
    const limits = this.#limits(x)
    if (!('count' in limits)) return limits
    const identifier = this.#identifier?.(x) || DEFAULT_IDENTIFIER
    const nowMs = this.#env.now()
    const decision = this.#decisions.lend()
    const text = quotaText(limits.className, identifier)
    if (this.#config.type === 'rollingwindow') return this.#rolling(x, limits, identifier, text, decision, nowMs)
    const { interval, unit, count, weight } = limits
    const isOpen = this.#config.type === 'flexi'
    const window = isOpen
      ? openWindow(nowMs, interval, unit)
      : fixedWindowAt(nowMs, interval, unit, this.#config.startMs)
    decision.add(window.endMs, window.lengthMs, count, weight, isOpen)
    this.#key.writeWith(text, decision.keys, CALLS)
    return this.#take(x, limits, identifier, text, decision, nowMs)
  }

  /** Two windows that take turns; of the one before counts the part that the rolling window still covers. */
  #rolling(
    x: Exchange,
    limits: Limits,
    identifier: string,
    text: string,
    decision: Decision,
    nowMs: number,
  ): Outcome | Promise<Outcome> {
    const lengthMs = lengthOf(limits.interval, limits.unit)
    const turn = Math.floor(nowMs / lengthMs)
    const keys = turn % 2 === 0 ? [this.#key, this.#keyBefore] : [this.#keyBefore, this.#key]
    decision.add((turn + 2) * lengthMs, 2 * lengthMs, limits.count, limits.weight)
    decision.add((turn + 1) * lengthMs, 2 * lengthMs, Infinity, 0)
    keys[0]!.writeWith(text, decision.keys, CALLS)
    keys[1]!.writeWith(text, decision.keys, BEFORE)
    const weigh = (): Outcome | Promise<Outcome> => {
      const before = decision.counts[BEFORE]! * (1 - (nowMs % lengthMs) / lengthMs)
      decision.limits[CALLS] = limits.count - before
      return this.#take(x, limits, identifier, text, decision, nowMs, Math.ceil(before))
    }
    const peeked = this.#env.counters.peek(decision, nowMs)
    return peeked instanceof Promise ? peeked.then(weigh) : weigh()
  }

  #take(
    x: Exchange,
    limits: Limits,
    identifier: string,
    text: string,
    decision: Decision,
    nowMs: number,
    before = 0,
  ): Outcome | Promise<Outcome> {
    const settle = (admitted: boolean): Outcome | Promise<Outcome> => {
      const used = decision.counts[CALLS]! + before
      const endMs = decision.endsMs[CALLS]!
      this.#decisions.giveBack(decision)
      this.#variables.set(x, limits, identifier, used, endMs)
      if (admitted) return undefined
      x.breach = { name: this.#limitName, used, limit: limits.count, resetsAtMs: endMs }
      return this.#exceeded(x, limits, identifier, text, endMs, nowMs)
    }
    const admitted = this.#env.counters.take(decision, nowMs)
    return admitted instanceof Promise ? admitted.then(settle) : settle(admitted)
  }

  /** Counts the calls that were refused in the same window, for the variables. */
  #exceeded(
    x: Exchange,
    limits: Limits,
    identifier: string,
    text: string,
    endMs: number,
    nowMs: number,
  ): Outcome | Promise<Outcome> {
    const decision = this.#decisions.lend()
    decision.add(endMs, lengthOf(limits.interval, limits.unit), Infinity, limits.weight)
    this.#keyExceeded.writeWith(text, decision.keys, 0)
    const settle = (): Outcome => {
      const total = decision.counts[0]!
      this.#decisions.giveBack(decision)
      this.#variables.setExceeded(x, limits, total)
      return this.#env.fault('QuotaViolation', identifier)
    }
    const added = this.#env.counters.add(decision, nowMs)
    return added instanceof Promise ? added.then(settle) : settle()
  }
}

const kind: PolicyKind = definePolicy({ element: 'Quota', prefix: 'ratelimit', faults, parse, compile })
export default kind
