import { applyEdits, compileEdits } from '../../engine/edits.ts'
import type { Edit } from '../../engine/edits-model.ts'
import {
  booleanOf,
  COMMON_CHILDREN,
  EDIT_BLOCKS,
  parseEdits,
  warnRepeated,
  warnUnknown,
} from '../../engine/edits-parse.ts'
import { errorMessage } from '../../engine/error-body.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { Fault, type FaultTable } from '../../engine/fault.ts'
import { Message } from '../../engine/message.ts'
import type { Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, type XmlElement } from '../../model/xml.ts'

/**
 * Enters the fault path with an answer of its own.
 *
 *     <RaiseFault name="RF-NotFound">
 *       <FaultResponse>
 *         <Set>
 *           <Payload contentType="application/json">{"error": "no such city: {request.queryparam.city}"}</Payload>
 *           <StatusCode>404</StatusCode>
 *           <ReasonPhrase>Not Found</ReasonPhrase>
 *         </Set>
 *       </FaultResponse>
 *     </RaiseFault>
 *
 * Source: Apigee's reference of the RaiseFault policy.
 */
export interface Config {
  readonly ignoreUnresolved: boolean
  /** The faultstring is the bare name of the policy. */
  readonly shortReason: boolean
  readonly edits: readonly Edit[]
}

const faults = {
  RaiseFault: {
    status: 500,
    message: 'Raising fault. Fault name : {policy}',
    cause: 'The policy ran. Status, reason, headers and body are those of its FaultResponse.',
  },
  SetVariableFailed: {
    status: 500,
    message: 'RaiseFault[{policy}]: failed to set variable {1}: {2}',
    cause: 'A variable is read-only, or the value of StatusCode is none.',
  },
  UnresolvedVariable: {
    status: 500,
    message: 'RaiseFault[{policy}]: unable to resolve variable {1}',
    cause: 'Copy or Ref names a variable that is not set, and IgnoreUnresolvedVariables is false.',
  },
  VariableOfNonMsgType: {
    status: 500,
    message: 'RaiseFault[{policy}]: value of variable {1} is not of type Message',
    cause: 'The source of Copy holds no message.',
  },
} as const satisfies FaultTable

type Env = CompileEnv<keyof typeof faults>

const OWN_CHILDREN = ['FaultResponse', 'IgnoreUnresolvedVariables', 'ShortFaultReason']
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) {
    if (CHILDREN.includes(child.name)) continue
    if (EDIT_BLOCKS.includes(child.name)) {
      problems.warn('MisplacedElement', child.at, `<${child.name}> has an effect only inside <FaultResponse>`)
    } else warnUnknown(child, xml, CHILDREN, problems)
  }
  warnRepeated(xml, OWN_CHILDREN, problems)
  const response = childOf(xml, 'FaultResponse')
  return {
    ignoreUnresolved: booleanOf(xml, 'IgnoreUnresolvedVariables', true, problems),
    shortReason: booleanOf(xml, 'ShortFaultReason', false, problems),
    edits: response === undefined ? [] : parseEdits(response, problems, []),
  }
}

function compile(config: Config, env: Env): Step {
  const { steps } = compileEdits(config.edits, env, {
    ignoreUnresolved: config.ignoreUnresolved,
    target: undefined,
    pathOfClientRequest: false,
    unresolved: (variable) => env.fault('UnresolvedVariable', variable),
    notMessage: (variable) => env.fault('VariableOfNonMsgType', variable),
    notSet: (variable, why) => env.fault('SetVariableFailed', variable, why),
  })
  const { code, text, by } = env.fault('RaiseFault')
  const faultstring = config.shortReason ? env.policy.name : text
  const writesPayload = config.edits.some(
    (edit) => edit.edit === 'set' && edit.writes.some((write) => 'payload' in write),
  )
  return (x) => {
    const answer = new Message('response')
    answer.status = STATUS
    answer.reason = REASON
    const failure = applyEdits(steps, 0, steps.length, x, answer)
    if (failure !== undefined) return failure
    const fault = new Fault(code, answer.status, faultstring, by, answer, answer.reason)
    if (!writesPayload && answer.body.isEmpty) writeDefaultBody(x, fault, answer)
    return fault
  }
}

/** What goes out where FaultResponse sets nothing. */
const STATUS = 500
const REASON = 'Fault Raised'

function writeDefaultBody(x: Exchange, fault: Fault, answer: Message): void {
  const accept = x.request.headers.get('accept') ?? x.request.headers.get('content-type')
  const standard = errorMessage(x.endpoint.proxy.deployed.proxy.dialect, fault, { requestId: x.id, accept })
  const type = standard.headers.get('content-type')
  if (type !== undefined) answer.headers.set('Content-Type', type)
  answer.headers.remove('content-encoding')
  answer.body.set(standard.body.content)
}

const raiseFault: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'RaiseFault',
  prefix: 'raisefault',
  faults,
  parse,
  compile,
})

export default raiseFault
