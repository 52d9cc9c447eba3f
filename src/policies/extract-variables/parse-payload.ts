import { booleanAttribute, warnUnknown } from '../../engine/edits-parse.ts'
import { isProblem, parseJsonPath } from '../../engine/payload/json-path-parser.ts'
import { analyseXPath, isXPathProblem } from '../../engine/payload/xpath-syntax.ts'
import { sourceTextOf } from '../../model/http-connection.ts'
import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import type { SourceText } from '../../model/source.ts'
import { childrenOf, type XmlElement } from '../../model/xml.ts'
import {
  type JsonExtraction,
  type JsonVariable,
  VARIABLE_TYPES,
  type VariableType,
  type XmlExtraction,
  type XmlVariable,
} from './config.ts'

/** A Variable of a payload, before its expressions are looked at. */
interface VariableElement {
  readonly name: string
  readonly type: VariableType
  readonly expressions: readonly SourceText[]
}

/** The words in which the two payloads differ. Texts: Apigee's playbook "Extract Variables deployment errors". */
const WORDS = {
  JSONPath: { none: 'NoJSONPathsToEvaluate', empty: 'EmptyJSONPathExpression', plural: 'jsonpaths' },
  XPath: { none: 'NoXPathsToEvaluate', empty: 'EmptyXPathExpression', plural: 'xpaths' },
} as const

export function parseJsonPayload(xml: XmlElement, policy: string, problems: Problems): JsonExtraction | null {
  const variables: JsonVariable[] = []
  for (const { name, type, expressions } of variablesOf(xml, 'JSONPath', policy, problems)) {
    for (const path of expressions) checkJsonPath(path, policy, problems)
    variables.push({ name, type, paths: expressions })
  }
  return variables.length === 0 ? null : { from: 'json', variables }
}

/** A path with a template in it is known only when that is filled in. */
function checkJsonPath(path: SourceText, policy: string, problems: Problems): void {
  if (path.text.includes('{')) return
  const parsed = parseJsonPath(path.text)
  if (!isProblem(parsed)) return
  const where = `at character ${parsed.at + 1} of ${path.text}`
  problems.error('JSONPathCompilationFailed', path.at, `ExtractVariables ${policy}: ${parsed.message}, ${where}`)
}

export function parseXmlPayload(xml: XmlElement, policy: string, problems: Problems): XmlExtraction | null {
  const namespaces = namespacesOf(xml, policy, problems)
  const prefixes = new Set(Object.keys(namespaces))
  const variables: XmlVariable[] = []
  for (const { name, type, expressions } of variablesOf(xml, 'XPath', policy, problems)) {
    for (const xpath of expressions) checkXPath(xpath, type, prefixes, policy, problems)
    variables.push({ name, type, xpaths: expressions.map(({ text }) => text) })
  }
  const stopAfterFirst = booleanAttribute(xml, 'stopPayloadProcessing', false, problems)
  return variables.length === 0 ? null : { from: 'xml', stopAfterFirst, namespaces, variables }
}

function checkXPath(
  { text, at }: SourceText,
  type: VariableType,
  prefixes: ReadonlySet<string>,
  policy: string,
  problems: Problems,
): void {
  const analysis = analyseXPath(text, prefixes)
  if (isXPathProblem(analysis)) {
    const message = `Failed to compile xpath ${text}: ${analysis.message}, at character ${analysis.at + 1}`
    problems.error('XPathCompilationFailed', at, `ExtractVariables ${policy}: ${message}`)
    return
  }
  if (type === 'nodeset' && analysis.type !== 'nodes') {
    const message = `ExtractVariables ${policy}: Result of xpath ${text} cannot be converted to nodeset`
    problems.error('CannotBeConvertedToNodeset', at, message)
  }
  if (analysis.strangeAxes.length > 0) {
    const axes = analysis.strangeAxes.join(', ')
    problems.warn('UnsupportedXPathAxis', at, `Edge has no ${axes} axis; here it works on small documents`)
  }
}

function namespacesOf(xml: XmlElement, policy: string, problems: Problems): Record<string, string> {
  const namespaces: Record<string, string> = {}
  const elements = childrenOf(xml, 'Namespaces').flatMap((list) => list.children)
  for (const element of elements) {
    const prefix = element.attributes['prefix']?.trim() ?? ''
    const uri = element.text.trim()
    if (element.name !== 'Namespace') warnUnknown(element, xml, ['Namespace'], problems)
    else if (prefix === '') {
      if (uri !== '') problems.warn('MissingPrefix', element.at, 'a Namespace without prefix has no effect in an XPath')
    } else if (Object.hasOwn(namespaces, prefix)) {
      problems.error('DuplicatePrefix', element.at, `ExtractVariables ${policy}: Duplicate prefix ${prefix}.`)
    } else if (uri === '') {
      const message = `ExtractVariables ${policy}: Non-empty prefix ${prefix} cannot be mapped to empty uri.`
      problems.error('NONEmptyPrefixMappedToEmptyURI', element.at, message)
    } else if (!/^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(prefix) || prefix === 'xmlns') {
      problems.error('InvalidPrefix', element.at, `${prefix} cannot be a prefix; it is a name such as soap`)
    } else namespaces[prefix] = uri
  }
  return namespaces
}

function variablesOf(xml: XmlElement, path: keyof typeof WORDS, policy: string, problems: Problems): VariableElement[] {
  if (xml.children.length === 0) {
    problems.warn('EmptyElement', xml.at, `<${xml.name}> without a Variable extracts nothing`)
  }
  const variables: VariableElement[] = []
  for (const child of xml.children) {
    if (child.name === 'Namespaces' && path === 'XPath') continue
    if (child.name !== 'Variable') warnUnknown(child, xml, ['Variable', 'Namespaces'], problems)
    else {
      const variable = variableOf(child, path, policy, problems)
      if (variable !== null) variables.push(variable)
    }
  }
  return variables
}

function variableOf(
  xml: XmlElement,
  path: keyof typeof WORDS,
  policy: string,
  problems: Problems,
): VariableElement | null {
  const name = xml.attributes['name']?.trim() ?? ''
  const type = typeOf(xml, problems)
  const elements = childrenOf(xml, path)
  const { none, empty, plural } = WORDS[path]
  for (const child of xml.children) if (child.name !== path) warnUnknown(child, xml, [path], problems)
  if (name === '') problems.error('MissingName', xml.at, 'Required attribute name is missing in Variable')
  if (elements.length === 0) {
    problems.error(none, xml.at, `ExtractVariables ${policy}: no ${plural} to evaluate in variable ${name}.`)
  }
  const expressions: SourceText[] = []
  for (const element of elements) {
    const source = sourceTextOf(element)
    if (source !== null) expressions.push(source)
    else
      problems.error(empty, element.at, `ExtractVariables ${policy}: ${path} expression is empty in variable ${name}.`)
  }
  return name === '' || type === null || expressions.length === 0 ? null : { name, type, expressions }
}

function typeOf(xml: XmlElement, problems: Problems): VariableType | null {
  const text = xml.attributes['type']?.trim() ?? ''
  if (text === '') return 'string'
  const type = VARIABLE_TYPES.find((one) => one === text.toLowerCase())
  if (type !== undefined) return type
  const known = VARIABLE_TYPES.join(', ')
  const near = didYouMean(text, VARIABLE_TYPES)
  problems.error('InvalidType', xml.at, `there is no type ${text}${near}; a Variable has type ${known}`)
  return null
}
