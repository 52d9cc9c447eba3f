import {
  ConversionFailure,
  type ConversionFault,
  compileConversion,
  conversionFaults,
} from '../../engine/conversion.ts'
import type { Step } from '../../engine/outcome.ts'
import { parseJson } from '../../engine/payload/json-text.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { type Config, parse } from './config.ts'
import { toXml } from './convert.ts'

/**
 * Turns a JSON payload into XML.
 *
 *     <JSONToXML name="JX-Request">
 *       <Options><ObjectRootElementName>order</ObjectRootElementName></Options>
 *       <Source>request</Source>
 *       <OutputVariable>request</OutputVariable>
 *     </JSONToXML>
 *
 * Source: Apigee's reference of the JSONToXML policy.
 */
function compile(config: Config, env: CompileEnv<ConversionFault>): Step {
  return compileConversion(config, env, 'application/xml', (payload) => {
    const value = parseJson(typeof payload === 'string' ? payload : payload.toString())
    return value === undefined ? new ConversionFailure('the payload is no JSON') : toXml(value, config.options)
  })
}

const faults = conversionFaults('JSONToXML')

const jsonToXml: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'JSONToXML',
  prefix: 'jsontoxml',
  faults,
  parse,
  compile,
})

export default jsonToXml
