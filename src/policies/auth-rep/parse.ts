import { COMMON_CHILDREN, warnUnknown } from '../../engine/edits-parse.ts'
import {
  type AccessConfig,
  type AuthRepConfig,
  CACHING_MODES,
  type CachingMode,
  type RemoteBackend,
} from '../../model/auth-rep.ts'
import { type MappingRule, patternFault } from '../../model/mapping-rule.ts'
import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, childrenOf, textOf, type XmlElement } from '../../model/xml.ts'

const CHILDREN = [
  'Service',
  'UserKey',
  'AppId',
  'AppKey',
  'Referrer',
  'MappingRules',
  'Usage',
  'Backend',
  'Caching',
  'RateLimitHeaders',
  ...COMMON_CHILDREN,
]

export function parse(xml: XmlElement, problems: Problems): AuthRepConfig {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  const ref = (name: string): string => childOf(xml, name)?.attributes['ref']?.trim() ?? ''
  const credentials = {
    kind: 'variables',
    userKey: ref('UserKey'),
    appId: ref('AppId'),
    appKey: ref('AppKey'),
    referrer: ref('Referrer'),
  } as const
  if (credentials.userKey === '' && credentials.appId === '') {
    const text =
      'AuthRep needs to know who calls: <UserKey ref="request.queryparam.user_key"/>, or <AppId> and <AppKey>'
    problems.error('MissingCredentials', xml.at, text)
  }
  const rules = rulesOf(xml, problems)
  const usage = usageOf(xml, problems)
  return {
    access: accessOf(xml, problems),
    version: null,
    credentials,
    defaults: {},
    rules,
    // Without any of both, a call is a hit.
    usage: rules.length === 0 && Object.keys(usage).length === 0 ? { hits: 1 } : usage,
    errors: null,
    debug: null,
    rateLimitHeaders: textOf(xml, 'RateLimitHeaders') === 'true',
    sendsReferrer: false,
  }
}

function accessOf(xml: XmlElement, problems: Problems): AccessConfig {
  const service = textOf(xml, 'Service') ?? ''
  if (service === '') {
    problems.error('MissingService', xml.at, 'AuthRep needs <Service>: id or systemName of a 3scale service')
  }
  const caching = textOf(xml, 'Caching') ?? 'strict'
  if (!(CACHING_MODES as readonly string[]).includes(caching)) {
    const text = `<Caching> must be one of ${CACHING_MODES.join(', ')}, not ${caching}${didYouMean(caching, [...CACHING_MODES])}`
    problems.error('InvalidCaching', childOf(xml, 'Caching')!.at, text)
  }
  return { service, backend: backendOf(xml, problems), caching: caching as CachingMode, batch: null }
}

function backendOf(xml: XmlElement, problems: Problems): RemoteBackend | null {
  const element = childOf(xml, 'Backend')
  if (element === undefined) return null
  const endpoint = (textOf(element, 'Endpoint') ?? '').replace(/\/+$/, '')
  if (!/^https?:\/\/[^\s/?#@]+/i.test(endpoint)) {
    problems.error('InvalidBackend', element.at, '<Backend> needs <Endpoint>http://host:port</Endpoint>')
  }
  const token = textOf(element, 'ServiceToken')
  const key = textOf(element, 'ProviderKey')
  if ((token === undefined) === (key === undefined)) {
    problems.error('InvalidBackend', element.at, '<Backend> needs either <ServiceToken> or <ProviderKey>')
  }
  return {
    endpoint,
    host: null,
    authentication: token === undefined ? 'provider_key' : 'service_token',
    secret: token ?? key ?? '',
  }
}

function rulesOf(xml: XmlElement, problems: Problems): MappingRule[] {
  const list = childOf(xml, 'MappingRules')
  if (list === undefined) return []
  return childrenOf(list, 'MappingRule').map((element) => {
    const { method = 'ANY', pattern = '', metric = 'hits', delta = '1', last = 'false' } = element.attributes
    const fault = patternFault(pattern)
    if (fault !== null) problems.error('InvalidPattern', element.at, `pattern "${pattern}": ${fault}`)
    if (!/^\d{1,15}$/.test(delta))
      problems.error('InvalidDelta', element.at, `delta must be a whole number, not ${delta}`)
    return { method, pattern, query: queryOf(pattern), metric, delta: Number(delta), last: last === 'true' }
  })
}

/** `?q={v}&r=1` behind a pattern. */
function queryOf(pattern: string): Record<string, string> {
  const question = pattern.indexOf('?')
  const query: Record<string, string> = Object.create(null)
  if (question < 0) return query
  for (const pair of pattern.slice(question + 1).split('&')) {
    const equals = pair.indexOf('=')
    if (pair !== '') query[equals < 0 ? pair : pair.slice(0, equals)] = equals < 0 ? '' : pair.slice(equals + 1)
  }
  return query
}

function usageOf(xml: XmlElement, problems: Problems): Record<string, number> {
  const usage: Record<string, number> = Object.create(null)
  for (const element of childrenOf(xml, 'Usage')) {
    const unknown = Object.keys(element.attributes).find((name) => name !== 'metric') ?? element.children[0]?.name
    if (unknown !== undefined) {
      const text = `<Usage> has nothing called ${unknown}; write <Usage metric="hits">1</Usage>, once for each metric`
      problems.error('InvalidUsage', element.at, text)
      continue
    }
    const metric = element.attributes['metric'] ?? 'hits'
    const text = element.text.trim() === '' ? '1' : element.text.trim()
    if (/^\d{1,15}$/.test(text)) usage[metric] = (usage[metric] ?? 0) + Number(text)
    else problems.error('InvalidDelta', element.at, `<Usage> must be a whole number, not ${text}`)
  }
  return usage
}
