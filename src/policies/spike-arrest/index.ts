import type { Decision } from '../../core/counters.ts'
import { Decisions } from '../../engine/decisions.ts'
import { booleanOf, COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Fault } from '../../engine/fault.ts'
import { toText } from '../../engine/language/value.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, type XmlElement } from '../../model/xml.ts'
import { faults } from './faults.ts'
import { parseRate, type Rate } from './rate.ts'
import { addSliding, addSmooth, type Spacing, slidingWindow, spacingOf } from './spacing.ts'

/**
 * Smooths calls: at a rate of 30 a minute one passes every 2 seconds, and each of the others in between is refused.
 *
 *     <SpikeArrest name="SA-Smooth">
 *       <Rate>30pm</Rate>
 *       <Identifier ref="client_id"/>
 *     </SpikeArrest>
 *
 * Source: Apigee's reference of the SpikeArrest policy.
 */
export interface Config {
  readonly rateRef: string
  readonly rate: Rate | null
  readonly identifierRef: string
  readonly weightRef: string
  readonly weight: number
  /** Counts in a sliding window of the whole period instead of spacing calls out. */
  readonly effective: boolean
}

const CHILDREN = ['Rate', 'Identifier', 'MessageWeight', 'UseEffectiveCount', ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  const rate = childOf(xml, 'Rate')
  const text = rate?.text.trim() ?? ''
  const rateRef = refOf(rate)
  const parsed = parseRate(text)
  if ((text !== '' && parsed === null) || (text === '' && rateRef === '')) {
    const wanted = 'a whole number from 1 and ps (a second) or pm (a minute), as in 30pm'
    problems.error('InvalidAllowedRate', rate?.at ?? xml.at, `<Rate> is "${text}", not ${wanted}`)
  }
  const weight = childOf(xml, 'MessageWeight')
  const weightText = weight?.text.trim() ?? ''
  if (weightText !== '' && weightOf(weightText) === null) {
    problems.error('InvalidMessageWeight', weight!.at, `<MessageWeight> is "${weightText}", not a whole number from 1`)
  }
  return {
    rateRef,
    rate: parsed,
    identifierRef: refOf(childOf(xml, 'Identifier')),
    weightRef: refOf(weight),
    weight: weightOf(weightText) ?? 1,
    effective: booleanOf(xml, 'UseEffectiveCount', false, problems),
  }
}

const refOf = (element: XmlElement | undefined): string => element?.attributes['ref']?.trim() ?? ''

const WEIGHT_MAX = 1_000_000

function weightOf(text: string): number | null {
  return /^[1-9]\d{0,6}$/.test(text) && Number(text) <= WEIGHT_MAX ? Number(text) : null
}

type Env = CompileEnv<keyof typeof faults>

function compile(config: Config, env: Env): Step {
  return new Arrest(config, env).step
}

class Arrest {
  readonly #config: Config
  readonly #env: Env
  readonly #decisions = new Decisions(2)
  readonly #rate: (x: Exchange) => Rate | Fault
  readonly #identifier: (x: Exchange) => string
  readonly #weight: (x: Exchange) => number | Fault
  readonly #spacings = new Map<string, Spacing>()
  readonly #violations = new Map<string, Fault>()

  constructor(config: Config, env: Env) {
    this.#config = config
    this.#env = env
    this.#rate = rateReader(config, env)
    const identifier = config.identifierRef === '' ? null : env.variable(config.identifierRef)
    this.#identifier = identifier === null ? () => '' : (x) => toText(identifier.get(x))
    this.#weight = weightReader(config, env)
  }

  readonly step: Step = (x) => {
    const rate = this.#rate(x)
    if (!('calls' in rate)) return rate
    const weight = this.#weight(x)
    if (typeof weight !== 'number') return weight
    const nowMs = this.#env.now()
    const decision = this.#decisions.lend()
    const spacing = this.#spacing(rate, weight)
    const text = this.#identifier(x)
    if (!this.#config.effective) {
      addSmooth(decision, spacing, text, nowMs)
      return this.#take(x, decision, nowMs, rate)
    }
    addSliding(decision, spacing, text, nowMs)
    const peeked = this.#env.counters.peek(decision, nowMs)
    if (peeked instanceof Promise)
      return peeked.then(() => this.#takeSliding(x, decision, spacing, rate, weight, nowMs))
    return this.#takeSliding(x, decision, spacing, rate, weight, nowMs)
  }

  #takeSliding(x: Exchange, decision: Decision, spacing: Spacing, rate: Rate, weight: number, nowMs: number) {
    slidingWindow(decision, spacing, rate.calls, weight, nowMs)
    return this.#take(x, decision, nowMs, rate)
  }

  #take(x: Exchange, decision: Decision, nowMs: number, rate: Rate): Outcome | Promise<Outcome> {
    const admitted = this.#env.counters.take(decision, nowMs)
    if (admitted instanceof Promise) return admitted.then((late) => this.#settle(x, decision, late, rate))
    return this.#settle(x, decision, admitted, rate)
  }

  #settle(x: Exchange, decision: Decision, admitted: boolean, rate: Rate): Outcome {
    const endMs = admitted ? 0 : decision.endsMs[Math.max(0, decision.breached)]!
    this.#decisions.giveBack(decision)
    if (admitted) return undefined
    x.breach = {
      name: `SpikeArrest ${this.#env.policy.name}: ${rate.text}`,
      used: null,
      limit: rate.calls,
      resetsAtMs: Math.ceil(endMs),
    }
    let fault = this.#violations.get(rate.text)
    if (fault === undefined) {
      fault = this.#env.fault('SpikeArrestViolation', messageRate(rate))
      if (this.#violations.size < RATES_MAX) this.#violations.set(rate.text, fault)
    }
    return fault
  }

  /** Made once for each rate and weight that occurs. */
  #spacing(rate: Rate, weight: number): Spacing {
    const name = `${rate.text} ${this.#config.effective ? 1 : weight}`
    let spacing = this.#spacings.get(name)
    if (spacing === undefined) {
      const { environment, proxy, policy, counters } = this.#env
      const prefix = (part: string) => counters.keys.prefix('spike', environment, proxy, policy.name, name, part)
      spacing = spacingOf(rate, this.#config.effective ? 1 : weight, this.#config.effective, prefix)
      if (this.#spacings.size < RATES_MAX) this.#spacings.set(name, spacing)
    }
    return spacing
  }
}

/** Rates and weights may come from a request: more of them than this are made anew each time. */
const RATES_MAX = 100

function rateReader({ rate, rateRef }: Config, env: Env): (x: Exchange) => Rate | Fault {
  if (rateRef === '') return () => rate!
  const variable = env.variable(rateRef)
  const unresolved = env.fault('FailedToResolveSpikeArrestRate', rateRef)
  return (x) => {
    const text = toText(variable.get(x)).trim()
    return (text === '' ? rate : parseRate(text)) ?? unresolved
  }
}

function weightReader({ weight, weightRef }: Config, env: Env): (x: Exchange) => number | Fault {
  if (weightRef === '') return () => weight
  const variable = env.variable(weightRef)
  return (x) => {
    const text = toText(variable.get(x)).trim()
    if (text === '') return weight
    return weightOf(text) ?? env.fault('InvalidMessageWeight', text.slice(0, 100))
  }
}

/** As Edge prints it; a burst is a tenth of the calls (seen: 6.0 for 60). */
function messageRate({ calls, periodMs }: Rate): string {
  const burst = Math.max(1, calls / 10)
  const shown = Number.isInteger(burst) ? `${burst}.0` : String(burst)
  return `MessageRate{messagesPerPeriod=${calls}, periodInMicroseconds=${periodMs * 1000}, maxBurstMessageCount=${shown}}`
}

const kind: PolicyKind = definePolicy({ element: 'SpikeArrest', prefix: 'ratelimit', faults, parse, compile })
export default kind
