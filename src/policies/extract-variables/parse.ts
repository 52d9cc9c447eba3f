import { booleanAttribute, booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, type XmlElement } from '../../model/xml.ts'
import type { Config, Extraction, PatternConfig, Place, TextExtraction } from './config.ts'
import { parseJsonPayload, parseXmlPayload } from './parse-payload.ts'
import { compilePattern, isPatternProblem, type PatternKind } from './pattern.ts'

const PLACES: Readonly<Record<string, Place>> = {
  URIPath: 'path',
  QueryParam: 'query',
  Header: 'header',
  FormParam: 'form',
  Variable: 'variable',
}
const OPTIONS = ['Source', 'VariablePrefix', 'IgnoreUnresolvedVariables']
const PAYLOADS = ['JSONPayload', 'XMLPayload']
const CHILDREN = [...Object.keys(PLACES), ...PAYLOADS, ...OPTIONS, ...COMMON_CHILDREN]

/**
 * Reads the policy. Parts that Edge's editor leaves empty (`<JSONPayload/>`, `<URIPath name="name"/>`) count as absent;
 * when nothing is left, that is the error NothingToExtract.
 */
export function parse(xml: XmlElement, problems: Problems): Config {
  const extractions: Extraction[] = []
  const errorsBefore = problems.list.length
  for (const child of xml.children) {
    const extraction = parseChild(child, xml, problems)
    if (extraction !== null) extractions.push(extraction)
  }
  warnRepeated(xml, OPTIONS, problems)
  const broken = problems.list.slice(errorsBefore).some(({ severity }) => severity === 'error')
  if (extractions.length === 0 && !broken) {
    const parts = 'at least one of URIPath, QueryParam, Header, FormParam, XMLPayload, JSONPayload is mandatory.'
    problems.error('NothingToExtract', xml.at, `ExtractVariables ${policyName(xml)}: ${parts}`)
  }
  const source = childOf(xml, 'Source')
  return {
    source: source?.text.trim() || 'message',
    clearPayload: source !== undefined && booleanAttribute(source, 'clearPayload', false, problems),
    prefix: childOf(xml, 'VariablePrefix')?.text.trim() ?? '',
    ignoreUnresolved: booleanOf(xml, 'IgnoreUnresolvedVariables', false, problems),
    extractions,
  }
}

function policyName(xml: XmlElement): string {
  return xml.attributes['name'] ?? ''
}

function parseChild(child: XmlElement, policy: XmlElement, problems: Problems): Extraction | null {
  const place = Object.hasOwn(PLACES, child.name) ? PLACES[child.name] : undefined
  if (place !== undefined) return parsePatterns(child, place, policy, problems)
  if (child.name === 'JSONPayload') return parseJsonPayload(child, policyName(policy), problems)
  if (child.name === 'XMLPayload') return parseXmlPayload(child, policyName(policy), problems)
  if (!CHILDREN.includes(child.name)) warnUnknown(child, policy, CHILDREN, problems)
  return null
}

function parsePatterns(xml: XmlElement, from: Place, policy: XmlElement, problems: Problems): TextExtraction | null {
  const patterns: PatternConfig[] = []
  for (const child of xml.children) {
    if (child.name !== 'Pattern') warnUnknown(child, xml, ['Pattern'], problems)
    else {
      const pattern = parsePattern(child, from === 'path' ? 'path' : 'text', policy, problems)
      if (pattern !== null) patterns.push(pattern)
    }
  }
  if (xml.children.length === 0) {
    problems.warn('EmptyElement', xml.at, `<${xml.name}> without a Pattern extracts nothing`)
    return null
  }
  const name = from === 'path' ? '' : (xml.attributes['name']?.trim() ?? '')
  if (from !== 'path' && name === '') {
    problems.error('MissingName', xml.at, `Required attribute name is missing in ${xml.name}`)
    return null
  }
  return patterns.length === 0 ? null : { from, name, patterns }
}

function parsePattern(
  xml: XmlElement,
  kind: PatternKind,
  policy: XmlElement,
  problems: Problems,
): PatternConfig | null {
  const text = xml.text.trim()
  const ignoreCase = booleanAttribute(xml, 'ignoreCase', false, problems)
  const compiled = compilePattern(text, kind, ignoreCase)
  if (!isPatternProblem(compiled)) return { text, kind, ignoreCase, at: xml.at }
  const verdict = compiled.code === 'InvalidPattern' ? 'is invalid' : 'should have atleast one variable'
  const message = `Pattern ${text} ${verdict} in ExtractVariables stepDefinition ${policyName(policy)}`
  problems.error(compiled.code, xml.at, `${message}: ${compiled.reason}`)
  return null
}
