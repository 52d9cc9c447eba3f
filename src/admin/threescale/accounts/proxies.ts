import type { ProxyConfig, ProxyEnvironment, ProxyRule } from '../../../accounts/proxy-settings.ts'
import { readChain } from '../../../dialects/apicast/chain.ts'
import { readServices } from '../../../dialects/apicast/index.ts'
import { JsonReader } from '../../../dialects/apicast/json-reader.ts'
import { Problems } from '../../../model/problem.ts'
import type { Service } from '../../../model/service.ts'
import { AdminError } from '../../errors.ts'
import { created, type Entity, gone, ok } from './answer.ts'
import { type Call, id, paged, type Route, serviceOf, stamp, stamps } from './context.ts'
import { Fields, InvalidFields, NotFound } from './input.ts'
import { rulePatternFault } from './rule-pattern.ts'

/** Fields of a proxy that may be set, with what holds while they are not. */
const DEFAULTS: Readonly<Record<string, string | number | null>> = {
  endpoint: null,
  sandbox_endpoint: null,
  api_backend: null,
  credentials_location: 'query',
  auth_app_key: 'app_key',
  auth_app_id: 'app_id',
  auth_user_key: 'user_key',
  error_auth_failed: 'Authentication failed',
  error_status_auth_failed: 403,
  error_headers_auth_failed: 'text/plain; charset=us-ascii',
  error_auth_missing: 'Authentication parameters missing',
  error_status_auth_missing: 403,
  error_headers_auth_missing: 'text/plain; charset=us-ascii',
  error_no_match: 'No Mapping Rule matched',
  error_status_no_match: 404,
  error_headers_no_match: 'text/plain; charset=us-ascii',
  error_limits_exceeded: 'Usage limit exceeded',
  error_status_limits_exceeded: 429,
  error_headers_limits_exceeded: 'text/plain; charset=us-ascii',
  secret_token: null,
  hostname_rewrite: null,
  oauth_login_url: null,
  api_test_path: '/',
  oidc_issuer_endpoint: null,
  oidc_issuer_type: null,
  jwt_claim_with_client_id: null,
  jwt_claim_with_client_id_type: null,
}

const METHODS = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS'] as const

function proxyEntity(service: Service, { context: { proxies } }: Call): Entity {
  const settings = proxies.settings(service.id)
  const deployedAtMs = proxies.configs(service.id, 'sandbox').at(-1)?.createdAtMs
  return {
    type: 'proxy',
    fields: {
      service_id: id(service.id),
      ...DEFAULTS,
      ...settings.fields,
      policies_config: JSON.stringify(settings.policies),
      deployment_option: 'self_managed',
      lock_version: settings.changes ?? 0,
      deployed_at: deployedAtMs === undefined ? null : stamp(deployedAtMs),
      ...stamps({ createdAtMs: service.createdAtMs, updatedAtMs: settings.updatedAtMs || service.createdAtMs }),
      links: [{ rel: 'service', href: `/admin/api/services/${service.id}` }],
    },
  }
}

function changeProxy(call: Call): Entity {
  const service = serviceOf(call)
  const fields = new Fields(call.input)
  const changes: Record<string, string | number | null> = {}
  for (const [name, otherwise] of Object.entries(DEFAULTS)) {
    if (!fields.has(name)) continue
    const isNumber = typeof otherwise === 'number'
    const value = isNumber ? fields.number(name, { min: 200 }) : fields.text(name, { max: 2_048 })
    if (value !== undefined) changes[name] = value
  }
  fields.choice('credentials_location', ['query', 'headers', 'authorization'])
  for (const name of ['endpoint', 'sandbox_endpoint', 'api_backend']) {
    const value = changes[name]
    if (typeof value === 'string' && value !== '' && !/^https?:\/\/[^\s/?#@]+/i.test(value))
      fields.error(name, 'is invalid')
  }
  fields.check()
  call.context.proxies.change(service.id, (before) => ({ fields: { ...before.fields, ...changes } }))
  return proxyEntity(service, call)
}

function ruleEntity(rule: ProxyRule): Entity {
  return {
    type: 'mapping_rule',
    fields: {
      id: id(rule.id),
      metric_id: id(rule.metricId),
      pattern: rule.pattern,
      http_method: rule.method,
      delta: rule.delta,
      position: rule.position,
      last: rule.last,
      ...stamps(rule),
    },
  }
}

function writeRule(call: Call, before: ProxyRule | null): Entity {
  const service = serviceOf(call)
  const fields = new Fields(call.input)
  const isNew = before === null
  const method = fields.choice('http_method', METHODS, isNew)
  const pattern = fields.text('pattern', { required: isNew })
  const delta = fields.number('delta', { required: isNew, min: 1 })
  const metricId = fields.text('metric_id', { required: isNew })
  const position = fields.number('position', { min: 1 })
  const last = fields.flag('last')
  const fault = pattern === undefined || pattern === '' ? null : rulePatternFault(pattern)
  if (fault !== null) fields.error('pattern', `is invalid: ${fault}`)
  const metric =
    metricId === undefined || metricId === '' ? undefined : service.metrics.find((one) => one.id === metricId)
  if (metricId !== undefined && metricId !== '' && metric === undefined) fields.error('metric_id', 'is invalid')
  fields.check()
  const { rules } = call.context.proxies.settings(service.id)
  const nowMs = call.context.clock.now()
  const rule: ProxyRule = {
    id: before?.id ?? call.context.registry.nextId(),
    method: method ?? before!.method,
    pattern: pattern ?? before!.pattern,
    metricId: metric?.id ?? before!.metricId,
    delta: delta ?? before!.delta,
    last: last ?? before?.last ?? false,
    position: position ?? before?.position ?? rules.length + 1,
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  call.context.proxies.change(service.id, (settings) => ({
    rules: ordered([...settings.rules.filter((other) => other.id !== rule.id), rule]),
  }))
  return ruleEntity(rule)
}

const ordered = (rules: readonly ProxyRule[]): ProxyRule[] => [...rules].sort((a, b) => a.position - b.position)

function ruleOf(call: Call): ProxyRule {
  const found = call.context.proxies.settings(serviceOf(call).id).rules.find((rule) => rule.id === call.path['r'])
  if (found === undefined) throw new NotFound()
  return found
}

const NOWHERE = { file: '', line: 1, column: 1 }
const DEFAULT_CHAIN = [{ name: 'apicast', version: 'builtin', configuration: {} }]

function readPolicies(call: Call): object[] {
  const raw = call.input['policies_config']
  let parsed: unknown = raw
  if (typeof raw === 'string') {
    try {
      parsed = JSON.parse(raw)
    } catch {
      throw new InvalidFields({ policies_config: ['is no JSON'] })
    }
  }
  if (!Array.isArray(parsed) || parsed.some((one) => typeof one !== 'object' || one === null)) {
    throw new InvalidFields({ policies_config: ['must be a list of policies'] })
  }
  const problems = new Problems()
  readChain(parsed, 'strict', 'policies_config', new JsonReader(NOWHERE, problems))
  const errors = problems.list.filter(({ severity }) => severity === 'error').map(({ message }) => message)
  if (errors.length > 0) throw new InvalidFields({ policies_config: errors })
  return parsed as object[]
}

/** The SERVICE object that gateways load. Throws InvalidFields when no gateway could. */
function contentOf(call: Call, service: Service, environment: ProxyEnvironment): object {
  const { fields, rules, policies } = call.context.proxies.settings(service.id)
  const all = { ...DEFAULTS, ...fields }
  const endpoint = environment === 'production' ? all['endpoint'] : all['sandbox_endpoint']
  const content = {
    id: id(service.id),
    system_name: service.systemName,
    name: service.name,
    backend_version: service.backendVersion,
    backend_authentication_type: service.serviceToken === null ? 'provider_key' : 'service_token',
    backend_authentication_value: service.serviceToken ?? service.providerKey,
    proxy: {
      ...all,
      hosts: typeof endpoint === 'string' && endpoint !== '' ? [hostOf(endpoint)] : ['localhost'],
      backend: { endpoint: call.context.backendUrl() },
      policy_chain: policies.length === 0 ? DEFAULT_CHAIN : policies,
      proxy_rules: rules.map((rule) => ({
        id: id(rule.id),
        http_method: rule.method,
        pattern: rule.pattern,
        metric_system_name: service.metrics.find((metric) => metric.id === rule.metricId)?.systemName ?? 'hits',
        delta: rule.delta,
        last: rule.last,
        position: rule.position,
        parameters: [...rule.pattern.matchAll(/\{([^}]*)\}/g)].map((match) => match[1]),
        querystring_parameters: queryOf(rule.pattern),
      })),
    },
  }
  const problems = new Problems()
  readServices([content], 'services', new JsonReader(NOWHERE, problems), {})
  const errors = problems.list
    .filter(({ severity }) => severity === 'error')
    .map(({ message }) => message.replace('services.0.', ''))
  if (errors.length > 0) throw new InvalidFields({ base: errors })
  return content
}

const hostOf = (endpoint: string): string =>
  endpoint
    .replace(/^https?:\/\//i, '')
    .replace(/[:/?#].*$/s, '')
    .toLowerCase()

function queryOf(pattern: string): object {
  const question = pattern.indexOf('?')
  if (question < 0) return {}
  return Object.fromEntries(
    pattern
      .slice(question + 1)
      .split('&')
      .map((pair) => [pair.split('=', 1)[0]!, pair.slice(pair.indexOf('=') + 1)]),
  )
}

function configEntity(config: ProxyConfig): Entity {
  const { environment, version, content } = config
  return { type: 'proxy_config', fields: { id: id(config.id), version, environment, content, ...stamps(config) } }
}

/** `staging` is another word for sandbox. */
function environmentOf(text: string, status: 400 | 422): ProxyEnvironment {
  if (text === 'sandbox' || text === 'staging') return 'sandbox'
  if (text === 'production') return 'production'
  throw new AdminError(status, 'bad_environment', `environment must be sandbox or production, not ${text.slice(0, 50)}`)
}

function deploy(call: Call): Entity {
  const service = serviceOf(call)
  const content = contentOf(call, service, 'sandbox')
  const { proxies, registry } = call.context
  const latest = proxies.configs(service.id, 'sandbox').at(-1)
  if (latest !== undefined && JSON.stringify(latest.content) === JSON.stringify(content)) return configEntity(latest)
  return configEntity(proxies.addConfig(service.id, 'sandbox', registry.nextId(), content))
}

function versionOf(call: Call): ProxyConfig {
  const service = serviceOf(call)
  const configs = call.context.proxies.configs(service.id, environmentOf(call.path['env']!, 400))
  const wanted = call.path['v']!
  const found = wanted === 'latest' ? configs.at(-1) : configs.find(({ version }) => String(version) === wanted)
  if (found === undefined) throw new NotFound()
  return found
}

function promote(call: Call): Entity {
  const service = serviceOf(call)
  const config = versionOf(call)
  const to = environmentOf(String(call.input['to'] ?? ''), 422)
  const { proxies, registry } = call.context
  if (proxies.configs(service.id, to).at(-1)?.version === config.version) {
    throw new InvalidFields({ version: ['has already been taken'] })
  }
  const settings = proxies.settings(service.id).fields
  const endpoint = settings[to === 'production' ? 'endpoint' : 'sandbox_endpoint']
  const { proxy } = config.content as { proxy: object }
  const hosts = typeof endpoint === 'string' && endpoint !== '' ? [hostOf(endpoint)] : ['localhost']
  const content = { ...config.content, proxy: { ...proxy, hosts } }
  return configEntity(proxies.addConfig(service.id, to, registry.nextId(), content, config.version))
}

/** For gateways: the latest version of every service, or of those of one host. */
function latestConfigs(call: Call): Entity[] {
  const environment = environmentOf(call.path['env']!, 422)
  const host = typeof call.input['host'] === 'string' ? call.input['host'].toLowerCase() : null
  return call.context.registry.services.flatMap((service) => {
    const config = call.context.proxies.configs(service.id, environment).at(-1)
    if (config === undefined) return []
    const { proxy } = config.content as { proxy: { hosts: readonly string[] } }
    return host === null || proxy.hosts.includes(host) ? [configEntity(config)] : []
  })
}

/** Proxies, mapping rules, policies, published versions. */
export const PROXY_ROUTES: readonly Route[] = [
  ['GET', 'services/:s/proxy', (call) => ok(proxyEntity(serviceOf(call), call))],
  ['PUT', 'services/:s/proxy', (call) => ok(changeProxy(call))],
  ['POST', 'services/:s/proxy/deploy', (call) => created(deploy(call))],
  [
    'GET',
    'services/:s/proxy/policies',
    (call) => {
      const { policies } = call.context.proxies.settings(serviceOf(call).id)
      return ok({ policies_config: policies.length === 0 ? DEFAULT_CHAIN : policies })
    },
  ],
  [
    'PUT',
    'services/:s/proxy/policies',
    (call) => {
      const policies = readPolicies(call)
      call.context.proxies.change(serviceOf(call).id, () => ({ policies }))
      return ok({ policies_config: policies })
    },
  ],
  [
    'GET',
    'services/:s/proxy/mapping_rules',
    (call) => {
      const { rules } = call.context.proxies.settings(serviceOf(call).id)
      return ok(paged('mapping_rules', rules.map(ruleEntity), call.input))
    },
  ],
  ['POST', 'services/:s/proxy/mapping_rules', (call) => created(writeRule(call, null))],
  ['GET', 'services/:s/proxy/mapping_rules/:r', (call) => ok(ruleEntity(ruleOf(call)))],
  ['PUT', 'services/:s/proxy/mapping_rules/:r', (call) => ok(writeRule(call, ruleOf(call)))],
  [
    'DELETE',
    'services/:s/proxy/mapping_rules/:r',
    (call) => {
      const { id: ruleId } = ruleOf(call)
      call.context.proxies.change(serviceOf(call).id, ({ rules }) => ({
        rules: rules.filter((rule) => rule.id !== ruleId),
      }))
      return gone
    },
  ],
  [
    'GET',
    'services/:s/proxy/configs/:env',
    (call) => {
      const configs = call.context.proxies.configs(serviceOf(call).id, environmentOf(call.path['env']!, 400))
      return ok(paged('proxy_configs', configs.map(configEntity), call.input))
    },
  ],
  ['GET', 'services/:s/proxy/configs/:env/:v', (call) => ok(configEntity(versionOf(call)))],
  ['POST', 'services/:s/proxy/configs/:env/:v/promote', (call) => created(promote(call))],
  ['GET', 'account/proxy_configs/:env', (call) => ok(paged('proxy_configs', latestConfigs(call), call.input))],
]
