import { basePathFault } from '../../model/base-path.ts'
import { isFilled, sourceTextOf, urlOf } from '../../model/http-connection.ts'
import type { Problems } from '../../model/problem.ts'
import { type PropertyRule, type PropertyTable, readProperties } from '../../model/properties.ts'
import type { Flow, ProxyEndpoint, RouteRule } from '../../model/proxy.ts'
import { childrenOf, type XmlElement } from '../../model/xml.ts'
import { checkChildren, conditionOf, nameOf, onlyChild } from './elements.ts'
import { type Reading, readEndpoint, readFlow } from './flows.ts'

const methods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PATCH', 'CONNECT']

/** Apigee's table of endpoint properties for proxies. */
const proxyProperties: PropertyTable = new Map<string, PropertyRule>([
  ['X-Forwarded-For', { type: 'boolean', ours: 'true' }],
  ['request.streaming.enabled', { type: 'boolean', works: true }],
  ['response.streaming.enabled', { type: 'boolean', works: true }],
  ['compression.algorithm', { type: 'word', ours: 'none' }],
  ['api.timeout', { type: 'millis' }],
  ['allow.http10', { type: 'boolean', ours: 'true' }],
  ['allow.http11', { type: 'boolean', ours: 'true' }],
  ...methods.map((method): [string, PropertyRule] => [
    `allow.http.method.${method}`,
    { type: 'boolean', ours: 'true' },
  ]),
  ['allow.http.method.*', { type: 'boolean', ours: 'true' }],
  ['HTTPHeader.allowDuplicates', { type: 'names' }],
  ['HTTPHeader.multiValued', { type: 'names' }],
  ['request.payload.parse.limit', { type: 'size', ours: '10m' }],
])

/** `<ProxyEndpoint>`. What could not be read is empty; the errors are in the problems. */
export function readProxyEndpoint(root: XmlElement, reading: Reading): ProxyEndpoint {
  const { problems } = reading
  const endpoint = readEndpoint(root, nameOf(root, problems) ?? '', reading)
  const connection = onlyChild(root, 'HTTPProxyConnection', problems)
  if (connection !== undefined) checkChildren(connection, problems)
  const basePath = readBasePath(root, connection, problems)
  const properties = connection === undefined ? undefined : onlyChild(connection, 'Properties', problems)
  return {
    ...endpoint,
    basePath,
    virtualHosts: readVirtualHosts(connection),
    properties: readProperties(properties, proxyProperties, problems),
    routeRules: readRouteRules(root, problems),
    postClientFlow: readPostClientFlow(root, reading),
  }
}

function readBasePath(root: XmlElement, connection: XmlElement | undefined, problems: Problems): string {
  const elements = connection === undefined ? [] : childrenOf(connection, 'BasePath')
  const element = elements.find((candidate) => candidate.text.trim() !== '')
  if (elements.length > 1) {
    problems.error(
      'DuplicateElement',
      elements[1]!.at,
      'a second <BasePath>; write a proxy endpoint for each base path',
    )
  }
  if (element === undefined) {
    const at = (connection ?? root).at
    problems.error('BasePathMissing', at, 'no base path; write <HTTPProxyConnection><BasePath>/path</BasePath>')
    return ''
  }
  const path = element.text.trim()
  const wrong = basePathFault(path)
  if (wrong === null) return path
  const at = sourceTextOf(element)?.at ?? element.at
  problems.error('InvalidBasePath', at, `base path ${JSON.stringify(path.slice(0, 200))}: ${wrong}`)
  return ''
}

function readVirtualHosts(connection: XmlElement | undefined): string[] {
  const hosts = new Set<string>()
  for (const element of connection === undefined ? [] : childrenOf(connection, 'VirtualHost')) {
    const host = element.text.trim()
    if (host !== '') hosts.add(host)
  }
  return [...hosts]
}

function readRouteRules(root: XmlElement, problems: Problems): RouteRule[] {
  const rules: RouteRule[] = []
  let unconditional: RouteRule | null = null
  for (const element of childrenOf(root, 'RouteRule')) {
    const rule = readRouteRule(element, problems)
    if (unconditional !== null) {
      const before = `the one of line ${unconditional.at.line} has no condition and always matches`
      problems.warn('UnreachableRouteRule', rule.at, `route rule ${rule.name} is never reached: ${before}`)
    }
    if (rule.condition === null) unconditional ??= rule
    rules.push(rule)
  }
  if (rules.length === 0) {
    const text =
      'no <RouteRule>: every call ends with 500 messaging.runtime.RouteFailed; an empty one answers with an echo'
    problems.warn('RouteRuleMissing', root.at, text)
  }
  return rules
}

function readRouteRule(element: XmlElement, problems: Problems): RouteRule {
  checkChildren(element, problems)
  const target = onlyChild(element, 'TargetEndpoint', problems)?.text.trim() ?? ''
  const url = onlyChild(element, 'URL', problems)
  if (target !== '' && url !== undefined && isFilled(url)) {
    problems.error('RouteConflict', url.at, '<URL> together with <TargetEndpoint>; a route has one of them, or none')
  }
  return {
    name: element.attributes['name'] ?? '',
    condition: conditionOf(element, problems),
    target: target === '' ? null : target,
    url: url === undefined ? null : urlOf(url, problems),
    at: element.at,
  }
}

/** Runs after the answer has been sent: its response steps only, on Edge as here. */
function readPostClientFlow(root: XmlElement, reading: Reading): Flow | null {
  const { problems } = reading
  const element = onlyChild(root, 'PostClientFlow', problems)
  if (element === undefined) return null
  const flow = readFlow(element, element.attributes['name'] ?? 'PostClientFlow', reading)
  if (flow.condition !== null) {
    problems.error(
      'ConditionNotAllowed',
      flow.condition.at,
      '<PostClientFlow> always runs; put the condition on its steps',
    )
  }
  const [first] = flow.request
  if (first !== undefined) {
    problems.warn('NeverRun', first.at, 'request steps of <PostClientFlow> never run; write them in its <Response>')
  }
  return { ...flow, request: [] }
}
