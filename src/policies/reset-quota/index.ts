import type { MaybePromise } from '../../core/async.ts'
import type { KeyPrefix } from '../../core/counter-keys.ts'
import type { Decision } from '../../core/counters.ts'
import { Decisions } from '../../engine/decisions.ts'
import { COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { toText } from '../../engine/language/value.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { DEFAULT_IDENTIFIER, quotaKey, quotaText, quotaTurnKey } from '../../engine/quota-key.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, type XmlElement } from '../../model/xml.ts'
import { faults } from './faults.ts'

/**
 * Gives calls back to the counter of a Quota policy of the same proxy.
 *
 *     <ResetQuota name="RQ-Refund">
 *       <Quota name="Q-Plan">
 *         <Identifier ref="client_id">
 *           <Allow>100</Allow>
 *         </Identifier>
 *       </Quota>
 *     </ResetQuota>
 *
 * Source: Apigee's reference of the ResetQuota policy.
 */
export interface Config {
  readonly quota: Given
  readonly identifier: Given
  /** The class of the counter; both empty: none. */
  readonly className: Given
  readonly allow: Given
}

interface Given {
  readonly ref: string
  readonly text: string
}

const CHILDREN = ['Quota', ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  const quota = childOf(xml, 'Quota')
  const identifier = childOf(quota, 'Identifier')
  const className = childOf(identifier, 'Class')
  const allow = childOf(identifier, 'Allow') ?? childOf(className, 'Allow')
  const config = {
    quota: given(quota),
    identifier: given(identifier),
    className: given(className),
    allow: allowOf(allow),
  }
  if (isEmpty(config.quota)) problems.error('MissingName', quota?.at ?? xml.at, '<Quota> needs name or ref')
  if (isEmpty(config.allow)) {
    problems.error('InvalidAllowCount', allow?.at ?? xml.at, '<Identifier> needs <Allow>, the calls to give back')
  } else if (config.allow.text !== '' && !/^\d{1,12}$/.test(config.allow.text)) {
    problems.error('InvalidAllowCount', allow!.at, `<Allow> is "${config.allow.text}", not a whole number from 0`)
  }
  return config
}

const given = (element: XmlElement | undefined): Given => ({
  ref: element?.attributes['ref']?.trim() ?? '',
  text: element?.attributes['name']?.trim() ?? '',
})

const allowOf = (element: XmlElement | undefined): Given => ({
  ref: element?.attributes['ref']?.trim() ?? '',
  text: element?.text.trim() ?? '',
})

const isEmpty = ({ ref, text }: Given): boolean => ref === '' && text === ''

type Env = CompileEnv<keyof typeof faults>

function compile(config: Config, env: Env): Step {
  const { counters, environment, proxy } = env
  const decisions = new Decisions(2)
  const reader = ({ ref, text }: Given): ((x: Exchange) => string) => {
    if (ref === '') return () => text
    const variable = env.variable(ref)
    return (x) => toText(variable.get(x)) || text
  }
  const [quotaOf, identifierOf, classOf, allowOf] = [
    reader(config.quota),
    reader(config.identifier),
    reader(config.className),
    reader(config.allow),
  ]
  const keysOf = (name: string): readonly KeyPrefix[] => [
    quotaKey(counters.keys, environment, proxy, name),
    quotaTurnKey(counters.keys, environment, proxy, name),
  ]
  const fixedKeys = config.quota.ref === '' ? keysOf(config.quota.text) : null
  const giveBack = (decision: Decision, calls: number, nowMs: number): MaybePromise<void> => {
    // Of a rolling window both may be open; the one that ends later is this turn's.
    decision.deltas[decision.endsMs[1]! > decision.endsMs[0]! ? 1 : 0] = -calls
    const added = counters.add(decision, nowMs)
    if (!(added instanceof Promise)) decisions.giveBack(decision)
    return added
  }
  return (x): Outcome | Promise<Outcome> => {
    const allow = allowOf(x)
    if (!/^\d{1,12}$/.test(allow)) return env.fault('InvalidRLPolicy', allow.slice(0, 100))
    const nowMs = env.now()
    const decision = decisions.lend()
    // Whichever window is open: an anchored check takes that one, and one that was never opened has nothing to give back to.
    const keys = fixedKeys ?? keysOf(quotaOf(x))
    const text = quotaText(classOf(x), identifierOf(x) || DEFAULT_IDENTIFIER)
    for (const key of keys) key.writeWith(text, decision.keys, decision.add(nowMs, 0, Infinity, 0, true))
    const peeked = counters.peek(decision, nowMs)
    const added =
      peeked instanceof Promise
        ? peeked.then(() => giveBack(decision, Number(allow), nowMs))
        : giveBack(decision, Number(allow), nowMs)
    return added instanceof Promise ? added.then(() => undefined) : undefined
  }
}

const kind: PolicyKind = definePolicy({ element: 'ResetQuota', prefix: 'resetquota', faults, parse, compile })
export default kind
