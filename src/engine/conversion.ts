import type { XmlElement } from '../model/xml.ts'
import { textOf } from '../model/xml.ts'
import type { Exchange } from './exchange.ts'
import type { Fault, FaultRow } from './fault.ts'
import { Message } from './message.ts'
import type { Step } from './outcome.ts'
import type { CompileEnv } from './policy.ts'
import { isFlowMessage } from './variables.ts'

/** Where a policy that converts a payload reads and writes. */
export interface ConversionConfig {
  readonly source: string
  /** Null: the source itself, which must then be a message. */
  readonly output: string | null
}

export const CONVERSION_CHILDREN: readonly string[] = ['Source', 'OutputVariable']

export function parseConversion(xml: XmlElement): ConversionConfig {
  return { source: textOf(xml, 'Source') ?? 'message', output: textOf(xml, 'OutputVariable') ?? null }
}

export type ConversionFault =
  | 'ExecutionFailed'
  | 'InCompatibleTypes'
  | 'InvalidSourceType'
  | 'OutputVariableIsNotAvailable'
  | 'SourceUnavailable'

/** What XMLToJSON and JSONToXML fail with. Source: Apigee's error tables of the two policies and their playbooks. */
export function conversionFaults(element: string): Readonly<Record<ConversionFault, FaultRow>> {
  return {
    ExecutionFailed: {
      status: 500,
      message: `${element}[{policy}]: Execution failed due to reason: {1}`,
      cause: 'The payload is empty, malformed, too large or nested too deeply.',
    },
    InCompatibleTypes: {
      status: 500,
      message: `${element}[{policy}]: Source {1} and output variable {2} are of different types`,
      cause: 'Source is a message and OutputVariable a text, or the other way round.',
    },
    InvalidSourceType: {
      status: 500,
      message: `${element}[{policy}]: Source {1} is neither a message nor a string`,
      cause: 'Source holds a number, a list or another object.',
    },
    OutputVariableIsNotAvailable: {
      status: 500,
      message: `${element}[{policy}]: OutputVariable is required for the string variable {1}`,
      cause: 'Source is a variable that holds text, and OutputVariable is missing.',
    },
    SourceUnavailable: {
      status: 500,
      message: `${element}[{policy}]: Source {1} is not available`,
      cause: 'The message or variable in Source does not exist (yet), for example the response in a request flow.',
    },
  }
}

/** Why a payload could not be converted. */
export class ConversionFailure {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** Bytes come where only the document itself says how they are encoded. */
export type Convert = (payload: string | Buffer) => string | ConversionFailure

/**
 * Reads the source, converts, and writes to the output what the source was: a message (with the content type of its new
 * payload) or a text. A message that is not there yet is made.
 */
export function compileConversion(
  { source, output }: ConversionConfig,
  env: CompileEnv<ConversionFault>,
  contentType: string,
  convert: Convert,
): Step {
  if (isFlowMessage(source)) env.needContent(source)
  const input = isFlowMessage(source) ? env.message(source) : env.variable(source)
  const target = output === null || output === source ? null : output
  const message = target === null ? null : env.message(target)
  const variable = output === null || isFlowMessage(output) ? null : env.variable(output)
  const unavailable = env.fault('SourceUnavailable', source)
  const invalid = env.fault('InvalidSourceType', source)
  const noOutput = env.fault('OutputVariableIsNotAvailable', source)
  const incompatible = env.fault('InCompatibleTypes', source, output ?? '')

  function convertMessage(x: Exchange, from: Message): Fault | undefined {
    const known = message === null ? from : message.get(x)
    if (known !== null && !(known instanceof Message)) return incompatible
    const converted = convert(payloadOf(from))
    if (converted instanceof ConversionFailure) return env.fault('ExecutionFailed', converted.reason)
    const to = known ?? new Message(from.kind)
    to.body.set(converted)
    to.headers.set('Content-Type', contentType)
    to.headers.remove('content-encoding')
    to.spent = false
    if (known === null) message?.set(x, to)
    return undefined
  }

  function convertText(x: Exchange, text: string): Fault | undefined {
    if (output === null) return noOutput
    if (variable === null || variable.get(x) instanceof Message) return incompatible
    const converted = convert(text)
    if (converted instanceof ConversionFailure) return env.fault('ExecutionFailed', converted.reason)
    return variable.set(x, converted) ? undefined : env.fault('ExecutionFailed', `variable ${output} is read-only`)
  }

  return (x) => {
    const value = input.get(x)
    if (value === null) return unavailable
    if (value instanceof Message) return convertMessage(x, value)
    return typeof value === 'string' ? convertText(x, value) : invalid
  }
}

function payloadOf(message: Message): string | Buffer {
  const { content } = message.body
  const named = /;\s*charset\s*=/i.test(message.headers.get('content-type') ?? '')
  return content === null || typeof content === 'string' || named ? message.content : content
}
