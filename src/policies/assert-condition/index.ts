import { COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { sourceTextOf } from '../../model/http-connection.ts'
import type { Problems } from '../../model/problem.ts'
import type { SourceText } from '../../model/source.ts'
import { childOf, type XmlElement } from '../../model/xml.ts'

/**
 * Evaluates a condition and keeps the answer in `assertcondition.{policy}.truthValue`. One that is false is no fault.
 *
 *     <AssertCondition name="AC-Amount">
 *       <Condition>amount GreaterThan 0 and amount LesserThan 1000</Condition>
 *     </AssertCondition>
 *
 * Source: Apigee X's reference of the AssertCondition policy.
 */
export interface Config {
  /** Null: there is none, which is an error. */
  readonly condition: SourceText | null
}

const OWN_CHILDREN = ['Condition']
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  const element = childOf(xml, 'Condition')
  const nested = element?.children[0]
  if (nested !== undefined) {
    problems.error('InvalidCondition', nested.at, `<Condition> holds text only, no <${nested.name}>`)
    return { condition: null }
  }
  const condition = element === undefined ? null : sourceTextOf(element)
  if (condition === null) {
    problems.error(
      'InvalidCondition',
      (element ?? xml).at,
      'AssertCondition needs <Condition>, a condition as of steps',
    )
  }
  return { condition }
}

function compile({ condition }: Config, env: CompileEnv): Step {
  if (condition === null) return () => undefined
  const test = env.condition(condition)
  const truthValue = `assertcondition.${env.policy.name}.truthValue`
  return (x) => {
    x.set(truthValue, test(x))
    return undefined
  }
}

const kind: PolicyKind = definePolicy({
  element: 'AssertCondition',
  prefix: 'assertcondition',
  faults: {},
  parse,
  compile,
})
export default kind
