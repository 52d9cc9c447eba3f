import { isFilled, sourceTextOf } from '../../model/http-connection.ts'
import type { Problems } from '../../model/problem.ts'
import type { Endpoint, FaultRule, Flow, Step } from '../../model/proxy.ts'
import { childOf, childrenOf, textOf, type XmlElement } from '../../model/xml.ts'
import { booleanOf, checkChildren, conditionOf, onlyChild } from './elements.ts'
import type { PolicyIndex } from './policies.ts'

/** What all readers of one bundle share. */
export interface Reading {
  readonly policies: PolicyIndex
  readonly problems: Problems
}

/** What proxy and target endpoints share: flows and fault rules. The root's children are checked here. */
export function readEndpoint(root: XmlElement, name: string, reading: Reading): Endpoint {
  checkChildren(root, reading.problems)
  const event = childOf(root, 'EventFlow')
  if (event !== undefined && isFilled(event)) {
    const text = '<EventFlow> is not supported yet in this version; bodies are streamed where no policy reads them'
    reading.problems.error('NotSupportedYet', event.at, text)
  }
  const flows = onlyChild(root, 'Flows', reading.problems)
  return {
    name,
    preFlow: readFrameFlow(root, flows, 'PreFlow', reading),
    flows: flows === undefined ? [] : readFlows(flows, reading),
    postFlow: readFrameFlow(root, flows, 'PostFlow', reading),
    faultRules: readFaultRules(root, reading),
    defaultFaultRule: readDefaultFaultRule(root, reading),
    at: root.at,
  }
}

/** `<Step><Name/><Condition/></Step>` in any order, as they come in Request, Response and fault rules. */
export function readSteps(container: XmlElement | undefined, reading: Reading): Step[] {
  const steps: Step[] = []
  for (const element of container === undefined ? [] : childrenOf(container, 'Step')) {
    const step = readStep(element, reading)
    if (step !== null) steps.push(step)
  }
  warnUnreachable(steps, reading)
  return steps
}

function warnUnreachable(steps: readonly Step[], { policies, problems }: Reading): void {
  const last = steps.findIndex(({ policy, condition }) => condition === null && policies.alwaysFaults(policy))
  const next = last < 0 ? undefined : steps[last + 1]
  if (next === undefined) return
  const text = `step ${next.policy} is never reached: ${steps[last]!.policy} raises a fault without a condition`
  problems.warn('UnreachableStep', next.at, text)
}

function readStep(element: XmlElement, { policies, problems }: Reading): Step | null {
  checkChildren(element, problems)
  const rules = childOf(element, 'FaultRules')
  if (rules !== undefined && isFilled(rules)) {
    problems.warn('FaultRulesIgnored', rules.at, 'fault rules of a step have no effect; write them in the endpoint')
  }
  const condition = conditionOf(element, problems)
  const nameElement = onlyChild(element, 'Name', problems)
  const name = nameElement?.text.trim() ?? ''
  if (nameElement === undefined || name === '') {
    problems.error('MissingName', element.at, 'a <Step> needs the <Name> of a policy')
    return null
  }
  const { at } = sourceTextOf(nameElement) ?? nameElement
  const policy = policies.use(name, at)
  return policy === null ? null : { policy, condition, at: element.at }
}

/** Also reads PostClientFlow. Its children have been checked against the table of their own name. */
export function readFlow(element: XmlElement, name: string, reading: Reading): Flow {
  const { problems } = reading
  checkChildren(element, problems)
  const request = onlyChild(element, 'Request', problems)
  const response = onlyChild(element, 'Response', problems)
  if (request !== undefined) checkChildren(request, problems)
  if (response !== undefined) checkChildren(response, problems)
  return {
    name,
    description: textOf(element, 'Description') ?? '',
    condition: conditionOf(element, problems),
    request: readSteps(request, reading),
    response: readSteps(response, reading),
    at: element.at,
  }
}

/** PreFlow or PostFlow, also where people put it into `<Flows>` by mistake. */
function readFrameFlow(
  root: XmlElement,
  flows: XmlElement | undefined,
  name: 'PreFlow' | 'PostFlow',
  reading: Reading,
): Flow | null {
  const { problems } = reading
  const outside = onlyChild(root, name, problems)
  const inside = flows === undefined ? undefined : onlyChild(flows, name, problems)
  if (inside !== undefined) {
    problems.warn('MisplacedElement', inside.at, `<${name}> belongs beside <Flows>, not into it`)
    if (outside !== undefined && inside.children.some(isFilled)) {
      problems.error('DuplicateElement', inside.at, `a second <${name}>; an endpoint has one`)
    }
  }
  const element = outside ?? inside
  if (element === undefined) return null
  const flow = readFlow(element, element.attributes['name'] ?? name, reading)
  if (flow.condition !== null) {
    problems.error('ConditionNotAllowed', flow.condition.at, `<${name}> always runs; put the condition on its steps`)
  }
  return flow
}

function readFlows(element: XmlElement, reading: Reading): Flow[] {
  checkChildren(element, reading.problems)
  const flows: Flow[] = []
  let unconditional: Flow | null = null
  for (const child of childrenOf(element, 'Flow')) {
    const flow = readFlow(child, child.attributes['name'] ?? '', reading)
    flows.push(flow)
    if (unconditional !== null) {
      const before = `flow ${unconditional.name} of line ${unconditional.at.line} has no condition and always runs instead`
      reading.problems.warn('UnreachableFlow', flow.at, `flow ${flow.name} is never reached: ${before}`)
    }
    if (flow.condition === null) unconditional ??= flow
  }
  return flows
}

function readFaultRules(root: XmlElement, reading: Reading): FaultRule[] {
  const element = onlyChild(root, 'FaultRules', reading.problems)
  if (element === undefined) return []
  checkChildren(element, reading.problems)
  return childrenOf(element, 'FaultRule').map((rule) => readFaultRule(rule, reading))
}

function readDefaultFaultRule(root: XmlElement, reading: Reading): FaultRule | null {
  const element = onlyChild(root, 'DefaultFaultRule', reading.problems)
  return element === undefined ? null : readFaultRule(element, reading)
}

function readFaultRule(element: XmlElement, reading: Reading): FaultRule {
  const { problems } = reading
  checkChildren(element, problems)
  const enforce = onlyChild(element, 'AlwaysEnforce', problems)
  const where = { what: '<AlwaysEnforce>', element: enforce ?? element }
  return {
    name: element.attributes['name'] ?? '',
    condition: conditionOf(element, problems),
    steps: readSteps(element, reading),
    alwaysEnforce: element.name === 'DefaultFaultRule' && booleanOf(enforce?.text, false, where, problems),
    at: element.at,
  }
}
