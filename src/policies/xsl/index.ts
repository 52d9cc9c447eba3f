import { booleanAttribute, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { FaultTable } from '../../engine/fault.ts'
import { toText } from '../../engine/language/value.ts'
import { Message } from '../../engine/message.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { stylesheetOf, xslt } from '../../engine/payload/xslt.ts'
import { stylesheetFault } from '../../engine/payload/xslt-check.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import type { Position } from '../../model/source.ts'
import { childOf, childrenOf, textOf, type XmlElement } from '../../model/xml.ts'

/**
 * Transforms XML with a stylesheet (XSLT 1.0) of the bundle.
 *
 *     <XSL name="XSL-Weather">
 *       <Source>response</Source>
 *       <ResourceURL>xsl://weather.xsl</ResourceURL>
 *       <Parameters ignoreUnresolvedVariables="true">
 *         <Parameter name="unit" value="C"/><Parameter name="user" ref="request.queryparam.user"/>
 *       </Parameters>
 *       <OutputVariable>weather</OutputVariable>
 *     </XSL>
 *
 * Source: Apigee's reference of the XSL Transform policy.
 */
export interface Config {
  /** Null: the message of the flow. */
  readonly source: string | null
  /** Null only together with an error. */
  readonly resource: { readonly name: string; readonly at: Position } | null
  readonly parameters: readonly { readonly name: string; readonly ref: string; readonly value: string }[]
  readonly ignoreUnresolved: boolean
  /** Null: the content of the source is replaced. */
  readonly output: string | null
}

const faults = {
  XSLSourceMessageNotAvailable: {
    status: 500,
    message: '{1} message is not available for XSL: {policy}',
    cause: 'The variable of Source is not set, or holds neither a message nor text.',
  },
  XSLEvaluationFailed: {
    status: 500,
    message: 'Evaluation of XSL {policy} failed with reason: "{1}"',
    cause: 'The document is no XML, has a DTD, or the stylesheet failed, or took longer than 5 s.',
  },
  XSLVariableResolutionFailed: {
    status: 500,
    message: 'Failed to resolve variable {1} for XSL {policy}',
    cause: 'A variable of a Parameter is not set, and ignoreUnresolvedVariables is not true.',
  },
} as const satisfies FaultTable

const OWN_CHILDREN = ['Source', 'ResourceURL', 'Parameters', 'OutputVariable']
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  const parameters = childOf(xml, 'Parameters')
  return {
    source: textOf(xml, 'Source') || null,
    resource: resourceOf(xml, problems),
    parameters: parameters === undefined ? [] : parametersOf(parameters, problems),
    ignoreUnresolved:
      parameters !== undefined && booleanAttribute(parameters, 'ignoreUnresolvedVariables', false, problems),
    output: textOf(xml, 'OutputVariable') || null,
  }
}

function resourceOf(xml: XmlElement, problems: Problems): Config['resource'] {
  const element = childOf(xml, 'ResourceURL')
  const url = element?.text.trim() ?? ''
  if (url === '') {
    problems.error(
      'XSLEmptyResourceUrl',
      element?.at ?? xml.at,
      'an XSL needs <ResourceURL>xsl://name.xsl</ResourceURL>',
    )
    return null
  }
  const name = /^xsl:\/\/(.+)$/.exec(url)?.[1]
  if (name !== undefined) return { name, at: element!.at }
  problems.error(
    'XSLInvalidResourceType',
    element!.at,
    `<ResourceURL> must begin with xsl://, not ${url.slice(0, 100)}`,
  )
  return null
}

function parametersOf(xml: XmlElement, problems: Problems): Config['parameters'] {
  return childrenOf(xml, 'Parameter').flatMap((element) => {
    const { name = '', ref = '', value = '' } = element.attributes
    if (/^[A-Za-z_][\w.-]*$/.test(name.trim())) return [{ name: name.trim(), ref: ref.trim(), value }]
    problems.error(
      'InvalidParameter',
      element.at,
      `<Parameter> needs a name that XSLT allows, not "${name.slice(0, 50)}"`,
    )
    return []
  })
}

function compile(config: Config, env: CompileEnv<keyof typeof faults>): Step {
  const { resource, output } = config
  if (resource === null) return () => undefined
  const texts = env.resources('xsl')
  if (texts[resource.name] === undefined) {
    env.problem('ResourceNotFound', resource.at, `the bundle has no resource xsl://${resource.name}`)
    return () => undefined
  }
  const fault = stylesheetFault(texts[resource.name]!)
  if (fault !== null) env.problem('InvalidStylesheet', resource.at, `xsl://${resource.name}: ${fault}`)
  if (/<xsl:(?:stylesheet|transform)\b[^>]*\sversion\s*=\s*["'][23]/.test(texts[resource.name]!)) {
    env.warn('XsltVersion', resource.at, `xsl://${resource.name} says version 2 or 3; it is run as XSLT 1.0`)
  }
  const stylesheet = stylesheetOf(resource.name, texts)
  const name = config.source ?? 'message'
  env.needContent(config.source)
  const source = env.variable(name)
  const parameters = config.parameters.map(({ name, ref, value }) => ({
    name,
    ref,
    value,
    variable: ref === '' ? null : env.variable(ref),
  }))
  const target = output === null ? null : env.variable(output)

  return async (x: Exchange): Promise<Outcome> => {
    const value = source.get(x)
    const text = value instanceof Message ? value.content : typeof value === 'string' ? value : null
    if (text === null) return env.fault('XSLSourceMessageNotAvailable', name)
    const values: Record<string, string> = {}
    for (const parameter of parameters) {
      const given = parameter.variable?.get(x) ?? null
      if (given === null && parameter.variable !== null && parameter.value === '' && !config.ignoreUnresolved) {
        return env.fault('XSLVariableResolutionFailed', parameter.ref)
      }
      values[parameter.name] = given === null ? parameter.value : toText(given)
    }
    const result = await xslt().transform(stylesheet, text, values)
    if ('failed' in result) return env.fault('XSLEvaluationFailed', result.failed)
    if (target !== null) target.set(x, result.text)
    else if (value instanceof Message) value.body.set(result.text)
    else source.set(x, result.text)
    return undefined
  }
}

const kind: PolicyKind = definePolicy({ element: 'XSL', prefix: 'xsl', faults, parse, compile })
export default kind
