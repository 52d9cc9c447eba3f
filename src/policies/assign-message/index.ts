import { applyEdits, compileEdits } from '../../engine/edits.ts'
import type { Edit } from '../../engine/edits-model.ts'
import { booleanAttribute, booleanOf, COMMON_CHILDREN, parseEdits, warnRepeated } from '../../engine/edits-parse.ts'
import type { EditOptions } from '../../engine/edits-step.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { FaultTable } from '../../engine/fault.ts'
import { Message, type MessageKind } from '../../engine/message.ts'
import type { Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, type XmlElement } from '../../model/xml.ts'

/**
 * Makes and changes messages and variables.
 *
 *     <AssignMessage name="AM-Geocode">
 *       <AssignTo createNew="true" type="request">geocodeRequest</AssignTo>
 *       <Set>
 *         <QueryParams><QueryParam name="address">{request.queryparam.postcode}</QueryParam></QueryParams>
 *         <Verb>GET</Verb>
 *       </Set>
 *       <AssignVariable><Name>unit</Name><Ref>request.queryparam.unit</Ref><Value>metric</Value></AssignVariable>
 *     </AssignMessage>
 *
 * Source: Apigee's reference of the AssignMessage policy.
 */
export interface Config {
  /** Null: the message of the segment in which the policy runs. */
  readonly assignTo: string | null
  readonly createNew: boolean
  /** Null: not said. */
  readonly type: MessageKind | null
  readonly ignoreUnresolved: boolean
  readonly edits: readonly Edit[]
}

const faults = {
  SetVariableFailed: {
    status: 500,
    message: 'AssignMessage[{policy}]: failed to set variable {1}: {2}',
    cause: 'A variable is read-only, or the value of a Verb or StatusCode is none.',
  },
  UnresolvedVariable: {
    status: 500,
    message: 'AssignMessage[{policy}]: unable to resolve variable {1}',
    cause: 'Copy, AssignTo or Ref names a variable that is not set, and IgnoreUnresolvedVariables is false.',
  },
  VariableOfNonMsgType: {
    status: 500,
    message: 'AssignMessage[{policy}]: value of variable {1} is not of type Message',
    cause: 'The source of Copy, or the variable in AssignTo, holds no message.',
  },
} as const satisfies FaultTable

type Env = CompileEnv<keyof typeof faults>

const OWN_CHILDREN = ['AssignTo', 'IgnoreUnresolvedVariables']

function parse(xml: XmlElement, problems: Problems): Config {
  const assignTo = childOf(xml, 'AssignTo')
  const name = assignTo?.text.trim() ?? ''
  warnRepeated(xml, OWN_CHILDREN, problems)
  return {
    assignTo: name === '' ? null : name,
    createNew: assignTo !== undefined && booleanAttribute(assignTo, 'createNew', false, problems),
    type: assignTo === undefined ? null : typeOf(assignTo, problems),
    ignoreUnresolved: booleanOf(xml, 'IgnoreUnresolvedVariables', false, problems),
    edits: parseEdits(xml, problems, [...COMMON_CHILDREN, ...OWN_CHILDREN]),
  }
}

function typeOf(assignTo: XmlElement, problems: Problems): MessageKind | null {
  const type = assignTo.attributes['type']?.trim().toLowerCase() ?? ''
  if (type === 'request' || type === 'response') return type
  if (type !== '')
    // Public bundles have such typing errors, and Edge deploys them.
    problems.warn(
      'InvalidType',
      assignTo.at,
      `type of AssignTo must be request or response, not ${type}; it is ignored`,
    )
  return null
}

function compile(config: Config, env: Env): Step {
  const { assignTo, createNew } = config
  const edits = compileEdits(config.edits, env, editOptions(config, env))
  const { steps, firstVariable } = edits
  if (createNew) return makeMessage(config, env, steps, firstVariable)
  if (!edits.changeMessage) return (x) => applyEdits(steps, 0, steps.length, x, x.request)
  const target = env.message(assignTo)
  const notMessage = env.fault('VariableOfNonMsgType', target.name)
  const unresolved = env.fault('UnresolvedVariable', target.name)
  return (x) => {
    let message = target.get(x)
    if (!(message instanceof Message)) {
      if (message !== null) return notMessage
      // A variable that does not exist yet is made where the policy says of what type.
      if (config.type === null) return unresolved
      target.set(x, new Message(config.type))
      message = target.get(x)
      if (!(message instanceof Message)) return unresolved
    }
    message.spent = false
    return applyEdits(steps, 0, steps.length, x, message)
  }
}

/**
 * The new message takes its name only when all but the variables is done: until then `Copy` still finds the old one, and
 * a fault leaves that in place.
 */
function makeMessage(
  config: Config,
  env: Env,
  steps: ReturnType<typeof compileEdits>['steps'],
  firstVariable: number,
): Step {
  const target = env.message(config.assignTo)
  const kind = config.type ?? (target.name === 'response' || target.name === 'error' ? 'response' : 'request')
  return (x) => {
    const message = config.assignTo === null ? replacement(x) : new Message(kind)
    const fault = applyEdits(steps, 0, firstVariable, x, message)
    if (fault !== undefined) return fault
    target.set(x, message)
    if (firstVariable === steps.length) return undefined
    const assigned = target.get(x)
    return applyEdits(steps, firstVariable, steps.length, x, assigned instanceof Message ? assigned : message)
  }
}

/** Takes the place of the segment's message; path and version are those of the connection, not of the content. */
function replacement(x: Exchange): Message {
  const message = new Message(x.message.kind)
  message.path = x.message.path
  message.version = x.message.version
  return message
}

function editOptions(config: Config, env: Env): EditOptions {
  return {
    ignoreUnresolved: config.ignoreUnresolved,
    target: config.createNew ? undefined : config.assignTo,
    pathOfClientRequest: false,
    unresolved: (variable) => env.fault('UnresolvedVariable', variable),
    notMessage: (variable) => env.fault('VariableOfNonMsgType', variable),
    notSet: (variable, why) => env.fault('SetVariableFailed', variable, why),
  }
}

const assignMessage: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'AssignMessage',
  prefix: 'assignmessage',
  faults,
  parse,
  compile,
})

export default assignMessage
