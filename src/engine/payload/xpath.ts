import { isXmlReady, withDocument, type XmlDocument, XmlFailure, XPath } from '../../core/xml-document.ts'
import { boundedCache } from '../language/bounded-cache.ts'
import { analyseXPath, isXPathProblem, type XPathAnalysis, type XPathProblem } from './xpath-syntax.ts'

/** An XPath that was found good, with what is known about it before there is a document. */
export interface CompiledXPath {
  readonly xpath: XPath
  readonly analysis: XPathAnalysis
}

/** Compiles an XPath 1.0 expression; the namespaces are its own, not those of the documents. */
export function compileXPath(
  expression: string,
  namespaces: Readonly<Record<string, string>>,
): CompiledXPath | XPathProblem {
  const analysis = analyseXPath(expression, new Set(Object.keys(namespaces)))
  return isXPathProblem(analysis) ? analysis : { xpath: new XPath(expression, namespaces), analysis }
}

/** At 0.5 us each, half a second of a thread. */
const OPERATIONS_MAX = 1_000_000
/** Comparisons while sets are merged: for each operation up to one for every node of the document. 0.3 s. */
const MERGE_STEPS_MAX = 400_000_000
/** Bytes read again by predicates that begin at the root; about ten operations go with each reading. 0.3 s. */
const REREAD_BYTES_MAX = 1_000_000_000

/**
 * How many operations an XPath may take on a document. A payload chooses how large the sets of nodes are, and merging
 * sets is work that libxml2 does not count: so an expression that merges gets fewer operations the larger the document
 * is. Paths of the usual kind (`/a/b[1]`, `//a/b[@c = 'd']`) have the full number on every document.
 */
function operationsMax({ merges, rereads }: XPathAnalysis, document: XmlDocument): number {
  const forMerges = merges ? MERGE_STEPS_MAX / document.nodesMax : OPERATIONS_MAX
  const forRereads = rereads ? REREAD_BYTES_MAX / document.bytes : OPERATIONS_MAX
  return Math.max(1, Math.floor(Math.min(OPERATIONS_MAX, forMerges, forRereads)))
}

/** What the expression gives, nodes as the text of the first one; null when there is no node. */
export function evaluateText(
  { xpath, analysis }: CompiledXPath,
  document: XmlDocument,
): string | number | boolean | null | XmlFailure {
  return document.text(xpath, operationsMax(analysis, document))
}

/** The nodes as an XML fragment; null when there is none. */
export function evaluateMarkup({ xpath, analysis }: CompiledXPath, document: XmlDocument): string | null | XmlFailure {
  return document.markup(xpath, operationsMax(analysis, document))
}

/** What an XPath number or boolean is as text: XPath 1.0 section 4.2 and JavaScript agree but for exponents. */
export function xpathValueText(value: string | number | boolean): string {
  if (typeof value !== 'number' || !Number.isFinite(value) || !/e/.test(String(value))) return String(value)
  return Math.abs(value) >= 1 ? BigInt(value).toString() : value.toFixed(20).replace(/0+$/, '')
}

const DATATYPES: ReadonlySet<string> = new Set(['nodeset', 'node', 'string', 'number', 'boolean'])
const NAMESPACES_MAX = 10

/** Expressions of templates may be put together for each call. */
const cachedXPath = boundedCache(256, (key: string) => {
  const [expression, ...pairs] = JSON.parse(key) as string[]
  const namespaces: Record<string, string> = {}
  for (const pair of pairs) {
    const colon = pair.indexOf(':')
    namespaces[pair.slice(0, colon)] = pair.slice(colon + 1)
  }
  return compileXPath(expression!, namespaces)
})

/**
 * The template function `xpath(expression,xml[,datatype][,prefix:uri ...])`. The datatype is `nodeset` (the default: all
 * nodes as XML), `node` (the first one), or `string`, `number`, `boolean` (the text of the first node, or the value).
 * Null when nothing is found, and when expression or document is malformed. Needs `prepareXml` to have finished in this
 * thread.
 */
export function xpathText(expr: string, xml: string, rest: readonly string[]): string | null {
  if (!isXmlReady()) throw new Error('an XPath ran before prepareXml had finished')
  const given = DATATYPES.has(rest[0] ?? '')
  const datatype = given ? rest[0]! : 'nodeset'
  const pairs = rest.slice(given ? 1 : 0).filter((pair) => pair.indexOf(':') > 0)
  if (pairs.length > NAMESPACES_MAX) return null
  const compiled = cachedXPath(JSON.stringify([datatype === 'node' ? `(${expr})[1]` : expr, ...pairs]))
  if ('message' in compiled) return null
  const wantsMarkup = compiled.analysis.type === 'nodes' && datatype.startsWith('node')
  const result = withDocument(xml, (document) =>
    wantsMarkup ? evaluateMarkup(compiled, document) : evaluateText(compiled, document),
  )
  return result === null || result instanceof XmlFailure ? null : xpathValueText(result)
}
