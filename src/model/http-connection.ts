import { type LoadBalancer, loadBalancerOf } from './load-balancer.ts'
import type { Problems } from './problem.ts'
import { type PropertyTable, readProperties } from './properties.ts'
import type { HttpConnection } from './proxy.ts'
import type { SourceText } from './source.ts'
import { sslInfoOf } from './ssl-info.ts'
import { childOf, childrenOf, type XmlElement } from './xml.ts'

/** Apigee's table of endpoint properties for targets. Names are case-sensitive. */
export const targetProperties: PropertyTable = new Map([
  ['keepalive.timeout.millis', { type: 'millis' }],
  ['connect.timeout.millis', { type: 'millis', works: true }],
  ['io.timeout.millis', { type: 'millis', works: true }],
  ['supports.http10', { type: 'boolean', ours: 'true' }],
  ['allow.http10', { type: 'boolean', ours: 'true', alias: 'supports.http10' }],
  ['supports.http11', { type: 'boolean', ours: 'true' }],
  ['use.proxy', { type: 'boolean', ours: 'false' }],
  ['use.proxy.tunneling', { type: 'boolean', ours: 'false' }],
  ['use.proxy.host.header.with.target.uri', { type: 'boolean', ours: 'false' }],
  ['enable.method.override', { type: 'boolean', ours: 'false' }],
  // Bodies are streamed whenever no policy reads them, so both values come out the same.
  ['request.streaming.enabled', { type: 'boolean', works: true }],
  ['response.streaming.enabled', { type: 'boolean', works: true }],
  ['success.codes', { type: 'codes', works: true }],
  ['compression.algorithm', { type: 'word', ours: 'none' }],
  ['request.retain.headers.enabled', { type: 'boolean', works: true }],
  ['request.retain.headers', { type: 'names', works: true }],
  ['response.retain.headers.enabled', { type: 'boolean', works: true }],
  ['response.retain.headers', { type: 'names', works: true }],
  ['retain.queryparams.enabled', { type: 'boolean', works: true }],
  ['retain.queryparams', { type: 'names', works: true }],
  ['allow.post.without.content.length', { type: 'boolean', ours: 'true' }],
  ['allow.put.without.content.length', { type: 'boolean', ours: 'true' }],
  ['ignore.allow.header.for.405', { type: 'boolean', ours: 'true' }],
  ['allow.tls.session.resumption', { type: 'boolean', ours: 'true' }],
  ['response.payload.parse.limit', { type: 'size', ours: '10m' }],
])

type Reader = (element: XmlElement, connection: XmlElement, problems: Problems) => void

/** Filled elements that change what a call means and that this version cannot obey yet. */
const laterElements: Readonly<Record<string, string>> = {
  Authentication: 'send the header with a policy (AssignMessage) for now',
}

const elementReaders: ReadonlyMap<string, Reader> = new Map([
  ['URL', () => {}],
  ['Properties', () => {}],
  ['SSLInfo', () => {}],
  ['Path', besideBalancer('write the path in <URL>')],
  ['LoadBalancer', () => {}],
  ['HealthMonitor', besideBalancer('remove it')],
  ...Object.entries(laterElements).map(([name, instead]): [string, Reader] => [
    name,
    (element, _, problems) => {
      problems.error('NotSupportedYet', element.at, `<${name}> is not supported yet in this version; ${instead}`)
    },
  ]),
])

/**
 * Reads `<HTTPTargetConnection>`, the same in TargetEndpoint and in ServiceCallout. Null after an error, which is then in
 * `problems`: URLMissing, InvalidURL, ConnectionConflict, InvalidProperty, NotSupportedYet. Empty LoadBalancer, SSLInfo and
 * Properties count as absent (Apigee's page of ServiceCallout has them all empty).
 */
export function httpConnectionOf(xml: XmlElement, problems: Problems): HttpConnection | null {
  const errorsBefore = countErrors(problems)
  const balanced = childrenOf(xml, 'LoadBalancer').some(isFilled)
  const urls = childrenOf(xml, 'URL').filter((element) => element.text.trim() !== '')
  if (urls.length > 1) problems.error('DuplicateElement', urls[1]!.at, 'a second <URL>; a connection has one')
  if (urls.length > 0 && balanced) {
    problems.error(
      'ConnectionConflict',
      urls[0]!.at,
      '<URL> together with <LoadBalancer>; a connection has one of them',
    )
  }
  if (urls.length === 0 && !balanced) {
    const at = childOf(xml, 'URL')?.at ?? xml.at
    problems.error('URLMissing', at, '<HTTPTargetConnection> has no URL; write <URL>http://host/path</URL>')
  }
  const url = urls[0] === undefined ? null : urlOf(urls[0], problems)
  for (const child of xml.children) {
    const reader = elementReaders.get(child.name)
    if (reader === undefined) {
      problems.warn(
        'UnknownElement',
        child.at,
        `<${child.name}> is not known in HTTPTargetConnection and has no effect`,
      )
    } else if (isFilled(child)) reader(child, xml, problems)
  }
  const properties = readProperties(childOf(xml, 'Properties'), targetProperties, problems)
  const sslElement = childrenOf(xml, 'SSLInfo').find(isFilled)
  const secure = url === null ? null : /^https:/i.test(url.text)
  const ssl = sslElement === undefined ? undefined : sslInfoOf(sslElement, secure, problems)
  const balancer = balancerOf(xml, problems)
  if (countErrors(problems) > errorsBefore) return null
  return { url, balancer, properties, ...(ssl !== undefined && { ssl }), at: xml.at }
}

function balancerOf(xml: XmlElement, problems: Problems): LoadBalancer | null {
  const balancer = childrenOf(xml, 'LoadBalancer').find(isFilled)
  if (balancer === undefined) return null
  const path = childOf(xml, 'Path')
  const source = path === undefined ? null : sourceTextOf(path)
  if (source !== null && /[\s#]/.test(source.text.replace(TEMPLATE_PART, ''))) {
    problems.error('InvalidURL', source.at, 'a <Path> has no white space and no #; write %20 and %23')
  }
  return loadBalancerOf(
    balancer,
    childrenOf(xml, 'HealthMonitor').find((element) => element.children.length > 0),
    source,
    problems,
  )
}

/**
 * The trimmed text of an element with the place of its first letter; null when it is empty. What conditions and templates
 * are handed on as.
 */
export function sourceTextOf(element: XmlElement): SourceText | null {
  const text = element.text.trim()
  if (text === '') return null
  const { file, line, column } = element.textAt
  const space = element.text.slice(0, element.text.length - element.text.trimStart().length)
  const lastBreak = space.lastIndexOf('\n')
  if (lastBreak === -1) return { text, at: { file, line, column: column + space.length } }
  return { text, at: { file, line: line + space.split('\n').length - 1, column: space.length - lastBreak } }
}

const TEMPLATE_PART = /\$?\{[^{}]*\}/g
/** Stands for what a variable will hold, so that the rest can be judged. */
const ANYTHING = '\ue000'
const AUTHORITY = /^(?:\[[0-9a-f:.]+\]|[^\s/?#@:[\]\\]+)(?::([\d\ue000]{1,5}))?$/i

/**
 * The URL of a target, a callout or a route: a message template whose scheme is literally http or https (a variable may
 * hold host and port, or a part of the path). Null after the error InvalidURL.
 */
export function urlOf(element: XmlElement, problems: Problems): SourceText | null {
  const source = sourceTextOf(element)
  if (source === null) return null
  const wrong = urlFault(source.text)
  if (wrong === null) return source
  // A user and a password are nobody's business, least of all in a log.
  const shown = source.text.replace(/\/\/[^/\s]*@/, '//*****@').slice(0, 200)
  problems.error('InvalidURL', source.at, `${wrong}, in ${shown}`)
  return null
}

/** Why a text cannot be the URL template of a connection; null: it can. */
export function urlFault(text: string): string | null {
  const scheme = /^([^/?#]*?):\/\//.exec(text)?.[1] ?? null
  if (scheme === null) {
    return text.startsWith('{') || text.startsWith('${')
      ? 'the scheme cannot come from a variable; write http:// or https:// before it'
      : 'a URL begins with http:// or https://'
  }
  if (scheme.includes('{')) return 'the scheme cannot come from a variable; write http or https'
  if (!/^https?$/i.test(scheme)) return `scheme ${scheme} is not known; write http or https`
  const literal = text.slice(scheme.length + 3).replace(TEMPLATE_PART, ANYTHING)
  if (/[\s\u0000-\u001f]/.test(literal)) return 'a URL has no white space; write %20'
  const authority = /^[^/?#]*/.exec(literal)?.[0] ?? ''
  if (authority === '') return 'the host is missing'
  if (authority.includes('@')) return 'user and password have no place in a URL; send an Authorization header'
  const match = AUTHORITY.exec(authority)
  if (match === null || Number(match[1] ?? 1) === 0 || Number(match[1]) > 65_535) {
    return 'what follows the scheme must be host or host:port'
  }
  return null
}

/** What only means something with a LoadBalancer. */
function besideBalancer(instead: string): Reader {
  return (element, connection, problems) => {
    if (childrenOf(connection, 'LoadBalancer').some(isFilled)) return
    problems.error('ConnectionConflict', element.at, `<${element.name}> belongs to <LoadBalancer>; ${instead}`)
  }
}

/** Holds something besides empty elements. */
export function isFilled(element: XmlElement): boolean {
  if (element.text.trim() !== '' || Object.keys(element.attributes).length > 0) return true
  return element.children.some(isFilled)
}

function countErrors(problems: Problems): number {
  let count = 0
  for (const problem of problems.list) if (problem.severity === 'error') count++
  return count
}
