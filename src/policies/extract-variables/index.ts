import { isXmlReady, prepareXml } from '../../core/xml-document.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Fault } from '../../engine/fault.ts'
import type { Value } from '../../engine/language/value.ts'
import { Message } from '../../engine/message.ts'
import type { Step } from '../../engine/outcome.ts'
import { definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { isFlowMessage } from '../../engine/variables.ts'
import type { Config, Extraction } from './config.ts'
import { faults } from './faults.ts'
import { compileJson } from './json.ts'
import { parse } from './parse.ts'
import type { Env } from './target.ts'
import { compileTexts, type Extract } from './texts.ts'
import { compileXml } from './xml.ts'

/**
 * Sets variables from parts of a message: its path, parameters, headers, its JSON or XML payload.
 *
 *     <ExtractVariables name="EV-Place">
 *       <Source>geocodeResponse</Source>
 *       <VariablePrefix>place</VariablePrefix>
 *       <JSONPayload>
 *         <Variable name="latitude"><JSONPath>$.results[0].lat</JSONPath></Variable>
 *       </JSONPayload>
 *     </ExtractVariables>
 *
 * Source: Apigee's reference of the ExtractVariables policy and its two playbooks of errors.
 */
function compile(config: Config, env: Env): Step {
  const source = compileSource(config, env)
  const extracts = config.extractions.map((extraction) => compileExtraction(extraction, config, env))
  const missing = missingFault(config, env)
  const run = (x: Exchange): Fault | undefined => {
    const value = source.get(x)
    if (value === null) return missing
    for (const extract of extracts) {
      const fault = extract(x, value)
      if (fault !== undefined) return fault
    }
    if (config.clearPayload) source.clear(x, value)
    return undefined
  }
  if (!config.extractions.some(({ from }) => from === 'xml')) return run
  return (x) => {
    if (isXmlReady()) return run(x)
    const loading = prepareXml()
    return loading instanceof Promise ? loading.then(() => run(x)) : run(x)
  }
}

function compileExtraction(extraction: Extraction, config: Config, env: Env): Extract {
  switch (extraction.from) {
    case 'json':
      return compileJson(extraction, config, env)
    case 'xml':
      return compileXml(extraction, config, env)
    default:
      return compileTexts(extraction, config.prefix, env)
  }
}

interface Source {
  get(x: Exchange): Value
  clear(x: Exchange, value: Value): void
}

/** The body of a message is asked for only where something reads or clears it; else it goes on streaming. */
function compileSource({ source, extractions, clearPayload }: Config, env: Env): Source {
  const variable = isFlowMessage(source) ? null : env.variable(source)
  const readsBody = extractions.some(({ from }) => from === 'json' || from === 'xml' || from === 'form')
  if (variable === null && (readsBody || clearPayload)) env.needContent(source)
  const message = env.message(source)
  return {
    get: variable === null ? message.get : variable.get,
    clear: (x, value) => {
      if (value instanceof Message) value.body.set(null)
      else if (CONTENT.test(source)) variable?.set(x, null)
    },
  }
}

/** A variable that reads a payload, such as `request.content`. */
const CONTENT = /\.content$/

function missingFault(config: Config, env: Env): Fault {
  const isPayload = CONTENT.test(config.source) && config.extractions.some(({ from }) => from === 'json')
  return env.fault(isPayload ? 'JsonPathParsingFailure' : 'SourceMessageNotAvailable', config.source)
}

const extractVariables: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'ExtractVariables',
  prefix: 'extractvariables',
  faults,
  parse,
  compile,
})

export default extractVariables
