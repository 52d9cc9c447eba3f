import {
  ConversionFailure,
  type ConversionFault,
  compileConversion,
  conversionFaults,
} from '../../engine/conversion.ts'
import type { Step } from '../../engine/outcome.ts'
import { readXmlTree, XmlTreeFailure } from '../../engine/payload/xml-tree.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Config } from './config.ts'
import { compileConvert } from './convert.ts'
import { parse } from './parse.ts'

/**
 * Turns an XML payload into JSON.
 *
 *     <XMLToJSON name="XJ-Response">
 *       <Format>yahoo</Format>
 *       <Source>response</Source>
 *       <OutputVariable>response</OutputVariable>
 *     </XMLToJSON>
 *
 * Source: Apigee's reference of the XMLToJSON policy.
 */
function compile(config: Config, env: CompileEnv<ConversionFault>): Step {
  const convert = compileConvert(config.options)
  return compileConversion(config, env, 'application/json', (payload) => {
    const root = readXmlTree(payload)
    return root instanceof XmlTreeFailure ? new ConversionFailure(root.message) : convert(root)
  })
}

const faults = conversionFaults('XMLToJSON')

const xmlToJson: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'XMLToJSON',
  prefix: 'xmltojson',
  faults,
  parse,
  compile,
})

export default xmlToJson
