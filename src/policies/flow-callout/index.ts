import { COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Value } from '../../engine/language/value.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { run } from '../../engine/runner.ts'
import type { Variable } from '../../engine/variables.ts'
import type { Problems } from '../../model/problem.ts'
import type { Position } from '../../model/source.ts'
import { childOf, childrenOf, textOf, type XmlElement } from '../../model/xml.ts'
import { faults } from './faults.ts'

/**
 * Runs a shared flow of the environment with the variables and messages of the call.
 *
 *     <FlowCallout name="FC-Log">
 *       <SharedFlowBundle>logging</SharedFlowBundle>
 *       <Parameters>
 *         <Parameter name="level">info</Parameter>
 *         <Parameter name="who" ref="client_id"/>
 *       </Parameters>
 *     </FlowCallout>
 *
 * Source: Apigee's reference of the FlowCallout policy.
 */
export interface Config {
  readonly sharedFlow: string
  readonly at: Position
  readonly parameters: readonly { readonly name: string; readonly ref: string; readonly text: string }[]
}

const CHILDREN = ['SharedFlowBundle', 'Parameters', ...COMMON_CHILDREN]
/** Of shared flows that call each other. Edge documents no limit. */
const DEPTH_MAX = 10
/** Of shared flows in one call: depth alone would let a flow of many steps that call it run for minutes. */
const RUNS_MAX = 1_000

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  const sharedFlow = textOf(xml, 'SharedFlowBundle') ?? ''
  const at = childOf(xml, 'SharedFlowBundle')?.textAt ?? xml.at
  if (sharedFlow === '') {
    problems.error('MissingName', xml.at, 'FlowCallout needs <SharedFlowBundle>, the name of a shared flow')
  }
  return { sharedFlow, at, parameters: parametersOf(childOf(xml, 'Parameters'), problems) }
}

function parametersOf(list: XmlElement | undefined, problems: Problems): Config['parameters'] {
  if (list === undefined) return []
  for (const child of list.children) if (child.name !== 'Parameter') warnUnknown(child, list, ['Parameter'], problems)
  return childrenOf(list, 'Parameter').flatMap((child) => {
    const { name = '', ref = '' } = child.attributes
    if (name.trim() !== '') return [{ name: name.trim(), ref: ref.trim(), text: child.text.trim() }]
    problems.error('MissingName', child.at, '<Parameter> needs name="...", the variable that the shared flow reads')
    return []
  })
}

type Env = CompileEnv<keyof typeof faults>

/** A parameter at work: what it is called, and where its value comes from. */
interface Parameter {
  readonly name: string
  readonly source: Variable | null
  readonly text: string
}

function compile(config: Config, env: Env): Step {
  const plan = env.sharedFlow(config.sharedFlow)
  if (plan === null) {
    if (config.sharedFlow !== '') {
      const text = `no shared flow called ${config.sharedFlow} is deployed; calls end in flow.SharedFlowNotFound`
      env.warn('SharedFlowNotFound', config.at, text)
    }
    const missing = env.fault('SharedFlowNotFound', config.sharedFlow)
    return () => missing
  }
  const tooDeep = env.fault('SharedFlowsTooDeep', String(DEPTH_MAX))
  const tooMany = env.fault('TooManySharedFlows', String(RUNS_MAX))
  const parameters = config.parameters.map(
    ({ name, ref, text }): Parameter => ({ name, source: ref === '' ? null : env.variable(ref), text }),
  )
  return (x) => {
    if (x.sharedFlowDepth >= DEPTH_MAX) return tooDeep
    if (++x.sharedFlowRuns > RUNS_MAX) return tooMany
    const flowName = x.flowName
    const before = pass(x, parameters)
    x.sharedFlowDepth++
    const leave = (outcome: Outcome): Outcome => {
      x.sharedFlowDepth--
      x.flowName = flowName
      takeBack(x, parameters, before)
      return outcome
    }
    const outcome = run(plan.steps, x)
    return outcome instanceof Promise ? outcome.then(leave) : leave(outcome)
  }
}

/** Sets the parameters and gives what the variables of their names held; undefined: nothing. */
function pass(x: Exchange, parameters: readonly Parameter[]): (Value | undefined)[] {
  const values = parameters.map(({ source, text }) => source?.get(x) ?? (text === '' ? null : text))
  const before = parameters.map(({ name }) => (x.has(name) ? x.get(name) : undefined))
  parameters.forEach(({ name }, i) => {
    x.set(name, values[i]!)
  })
  return before
}

/** Parameters are of the shared flow alone. */
function takeBack(x: Exchange, parameters: readonly Parameter[], before: readonly (Value | undefined)[]): void {
  parameters.forEach(({ name }, i) => {
    const value = before[i]
    if (value === undefined) x.unset(name)
    else x.set(name, value)
  })
}

const kind: PolicyKind = definePolicy({ element: 'FlowCallout', prefix: 'flow', faults, parse, compile })
export default kind
