import { UNIT_MS } from '../../core/windows.ts'
import type { Breaker, CorsPolicy, HeaderEdit, RateRules } from '../../model/apig.ts'
import { parseThrottle, type Throttle } from '../../model/throttle.ts'
import { CONTEXT_NAME } from './context-names.ts'
import { ApigError } from './error.ts'
import { namesOf, readExpression, readRules } from './expression.ts'
import { Fields } from './fields.ts'
import { answerHeader, HEADER_VALUE, isToken } from './header-rules.ts'
import { hostOf } from './host-rules.ts'

/** What a plug-in means, by its type. Limits of the throttle and breaker are completed for each API that it is bound to. */
export type PluginContent =
  | { readonly type: 'cors'; readonly policy: CorsPolicy }
  | { readonly type: 'set_resp_headers'; readonly edits: readonly HeaderEdit[] }
  | { readonly type: 'rate_limit'; readonly throttle: Omit<Throttle, 'name'> | null; readonly rules: RateRules }
  | { readonly type: 'breaker'; readonly shared: boolean; readonly breaker: Omit<Breaker, 'scope'> }

const READERS: Readonly<Record<PluginContent['type'], (fields: Fields) => PluginContent>> = {
  cors: readCors,
  set_resp_headers: readHeaderEdits,
  rate_limit: readRateLimit,
  breaker: readBreaker,
}

export const PLUGIN_TYPES = Object.keys(READERS) as readonly PluginContent['type'][]

/** Types that the vendor has and this gateway does not, with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  proxy_cache:
    'is not supported yet; have the backend send Cache-Control, or put a ResponseCache of a bundle before it',
  third_auth: 'is not supported; use a custom authorizer (authorizers)',
  kafka_log: 'is not supported; every call is in the statistics and in /metrics',
}

const CONTENT_CHARACTERS_MAX = 65_535

/** Reads type and content of a plug-in; `content` is JSON as a text, or an object in a file. Throws ApigError. */
export function readPluginContent(fields: Fields): {
  type: PluginContent['type']
  text: string
  content: PluginContent
} {
  const named = fields.text('plugin_type')
  if (Object.hasOwn(REFUSED, named))
    throw fields.wrong('plugin_type', `one of ${PLUGIN_TYPES.join(', ')}: ${named} ${REFUSED[named]}`)
  const type = fields.choice('plugin_type', PLUGIN_TYPES)
  const raw = fields.raw('plugin_content')
  const text = typeof raw === 'string' ? raw : raw === undefined ? '' : JSON.stringify(raw)
  if (text.length > CONTENT_CHARACTERS_MAX) {
    throw ApigError.field('APIG.2003', 'plugin_content', `at most ${CONTENT_CHARACTERS_MAX} characters`)
  }
  return { type, text, content: parsePluginContent(type, text) }
}

export function parsePluginContent(type: PluginContent['type'], text: string): PluginContent {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw ApigError.field('APIG.2012', 'plugin_content', 'a JSON object as text')
  }
  return READERS[type](new Fields(value, 'plugin_content'))
}

function readCors(fields: Fields): PluginContent {
  const origins = listOf(fields.text('allow_origin', { max: 4_096 }))
  const policy = {
    origins,
    methods: listOf(fields.textOr('allow_methods', 'GET,POST,PUT,DELETE,HEAD,PATCH', { max: 1_024 })).join(','),
    headers: listOf(fields.textOr('allow_headers', '', { max: 4_096 })).join(','),
    exposed: listOf(fields.textOr('expose_headers', '', { max: 4_096 })).join(','),
    maxAgeSeconds: fields.wholeOr('max_age', 86_400, 0, 86_400 * 365),
    credentials: fields.flag('allow_credentials', false),
  }
  for (const name of ['allow_methods', 'allow_headers', 'expose_headers']) {
    const list = listOf(fields.textOr(name, '', { max: 4_096 }))
    if (!list.every((one) => one === '*' || isToken(one))) throw fields.wrong(name, 'names separated by commas, or *')
  }
  if (policy.credentials && origins.includes('*')) {
    throw fields.wrong(
      'allow_origin',
      'origins by name: * lets every site act as its visitors when allow_credentials is true',
    )
  }
  return { type: 'cors', policy }
}

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

function readHeaderEdits(fields: Fields): PluginContent {
  const edits = fields.list('response_headers', 10, (one): HeaderEdit => {
    const name = answerHeader(one, 'name', false)
    const action = one.choice('action', ['override', 'append', 'delete', 'skip', 'add'])
    const type = one.choice('value_type', ['custom_value', 'system_parameter'], 'custom_value')
    const value = action === 'delete' ? one.textOr('value', '', HEADER_VALUE) : one.text('value', HEADER_VALUE)
    if (type === 'system_parameter' && value !== '' && !isSystemParameter(value, ANSWER_NAMES))
      throw one.wrong('value', 'a system parameter, as in $context.requestId')
    return { name, value, action }
  })
  return { type: 'set_resp_headers', edits }
}

const UNITS = ['second', 'minute', 'hour', 'day'] as const

function readRateLimit(fields: Fields): PluginContent {
  const shared = fields.choice('scope', ['basic', 'share'], 'basic') === 'share'
  const intervalCount = fields.whole('default_interval', 1, 2_147_483_647)
  const unit = fields.choice('default_time_unit', UNITS)
  fields.textOr('algorithm', 'counter')
  const limit = (name: string): number => fields.wholeOr(name, 0, 0, 2_147_483_647)
  const limits = { api: limit('api_limit'), app: limit('app_limit'), user: limit('user_limit'), ip: limit('ip_limit') }
  const specials = fields.list('specials', 2, (one) => {
    const type = one.choice('type', ['app', 'user'])
    return one.list('policies', 30, (policy) => ({
      type,
      id: policy.text('key'),
      limit: policy.whole('limit', 1, 2_147_483_647),
    }))
  })
  for (const name of ['app', 'user', 'ip'] as const) {
    if (limits.api > 0 && limits[name] > limits.api) {
      throw ApigError.field('APIG.2003', fields.pathOf(`${name}_limit`), `at most api_limit, which is ${limits.api}`)
    }
  }
  const rules = readRules(fields, intervalCount, unit)
  const all = specials.flat()
  const nothing = Object.values(limits).every((one) => one === 0) && all.length === 0
  if (nothing && rules.rules.length === 0) throw fields.wrong('api_limit', 'at least one limit, special or rule')
  if (nothing) return { type: 'rate_limit', throttle: null, rules }
  // Here app is bounded by api alone; the model's own rule (app <= user) is the classic policy's.
  const parsed = parseThrottle({
    name: 'plugin',
    intervalCount,
    unit,
    shared,
    limits: { ...limits, app: 0 },
    specials: all,
  })
  if (parsed.throttle === null && limits.app === 0)
    throw fields.wrong('specials', parsed.problems[0]?.message ?? 'right limits')
  return { type: 'rate_limit', throttle: { intervalCount, unit, shared, limits, specials: all }, rules }
}

/** What system parameters of answers there are besides those of requests. */
const ANSWER_NAMES = [
  'cacheStatus',
  'reqPath',
  'reqUri',
  'reqMethod',
  'error.code',
  'error.message',
  'error.type',
] as const
const BREAKER_NAMES = ['statusCode', 'backendResponseTime', 'reqPath', 'reqUri', 'reqMethod'] as const

const isSystemParameter = (text: string, more: readonly string[]): boolean =>
  CONTEXT_NAME.test(text) || more.some((name) => text === `$context.${name}`)

const isBreakerName = (name: string): boolean => isSystemParameter(name, BREAKER_NAMES)

function readBreaker(fields: Fields): PluginContent {
  const shared = fields.choice('scope', ['basic', 'share'], 'basic') === 'share'
  const condition = fields.inner('breaker_condition')
  if (condition === null) throw fields.wrong('breaker_condition', 'what opens the breaker')
  const type = condition.choice('breaker_type', ['timeout', 'condition'])
  const mode = condition.choice('breaker_mode', ['counter', 'percentage'])
  const unhealthy: Breaker['unhealthy'] =
    type === 'timeout' ? 'timeout' : readExpression(condition, 'unhealthy_condition')
  const stranger = unhealthy === 'timeout' ? undefined : namesOf(unhealthy).find((name) => !isBreakerName(name))
  if (stranger !== undefined) {
    throw condition.wrong(
      'unhealthy_condition',
      `what is known of an answer, as in $context.statusCode or $context.backendResponseTime; ${stranger.slice(0, 64)} is not`,
    )
  }
  if (fields.list('downgrade_rules', 5, () => null).length > 0) {
    throw fields.wrong('downgrade_rules', 'left out: only downgrade_default is supported')
  }
  const breaker = {
    unhealthy,
    rule:
      mode === 'counter'
        ? ({ mode, failures: condition.whole('unhealthy_threshold', 1, 10_000) } as const)
        : ({
            mode,
            callsMin: condition.whole('min_call_threshold', 1, 10_000),
            percent: condition.whole('unhealthy_percentage', 1, 100),
          } as const),
    windowMs: condition.whole('time_window', 1, 600) * UNIT_MS.second,
    openMs: condition.whole('open_breaker_time', 1, 600) * UNIT_MS.second,
    downgrade: readDowngrade(fields),
  }
  return { type: 'breaker', shared, breaker }
}

function readDowngrade(fields: Fields): Breaker['downgrade'] {
  const downgrade = fields.inner('downgrade_default')
  if (downgrade === null) return null
  const type = downgrade.choice('type', ['mock', 'http', 'http-vpc', 'function', 'passthrough'])
  if (type === 'mock') {
    const mock = downgrade.inner('mock_info')
    if (mock === null) throw downgrade.wrong('mock_info', 'status_code, result_content and headers')
    const headers = mock.list('headers', 10, (one) => [
      answerHeader(one, 'name', true),
      one.text('value', HEADER_VALUE),
    ])
    return {
      kind: 'mock',
      status: mock.wholeOr('status_code', 200, 200, 599),
      body: mock.textOr('result_content', '', { max: 2_048, min: 0 }),
      headers: headers.flat(),
    }
  }
  if (type === 'http') {
    const http = downgrade.inner('http_info')
    if (http === null) throw downgrade.wrong('http_info', 'the backend: req_protocol, url_domain, req_method, req_uri')
    const protocol = http.choice('req_protocol', ['HTTP', 'HTTPS'], 'HTTP').toLowerCase()
    return {
      kind: 'http',
      origin: `${protocol}://${hostOf(http, 'url_domain', false)}`,
      path: http.text('req_uri', { max: 512, pattern: /^\/[^\s?#{}]*$/, rule: 'a path without parameters' }),
      method: http.choice('req_method', ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'ANY'], 'ANY'),
      timeoutMs: http.wholeOr('timeout', 5_000, 1, 600_000),
      retries: 0,
      hostHeader: null,
      parameters: [],
    }
  }
  throw downgrade.wrong('type', `mock or http: ${type} is not supported`)
}
