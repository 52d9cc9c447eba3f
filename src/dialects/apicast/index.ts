import { APICAST_TARGET, type TargetConfig } from '../../model/apicast-policies.ts'
import type { AuthRepConfig, AuthRepErrors, CachingMode, RemoteBackend } from '../../model/auth-rep.ts'
import type { DeployedProxy } from '../../model/deployment.ts'
import { type MappingRule, patternFault } from '../../model/mapping-rule.ts'
import { type Problem, Problems } from '../../model/problem.ts'
import type { ApiProxy, Flow, Policy, Step } from '../../model/proxy.ts'
import type { Position } from '../../model/source.ts'
import { AUTHORIZE, type Chain, readChain } from './chain.ts'
import { JsonReader, shown } from './json-reader.ts'

export type ApicastEnvironment = Readonly<Record<string, string | undefined>>

export interface ApicastRead {
  readonly proxies: readonly DeployedProxy[]
  readonly problems: readonly Problem[]
}

/** Stands in BACKEND_ENDPOINT_OVERRIDE for the accounts of this process. */
export const IN_PROCESS = 'in-process'

/**
 * Reads an APIcast configuration (`{"services": [...]}`): one proxy for each service. All problems at once; never throws for what the
 * text holds. Source: APIcast's configuration and its defaults.
 */
export function readApicast(text: string, file: string, env: ApicastEnvironment): ApicastRead {
  const problems = new Problems()
  const parsed = parseJson(text, file, problems)
  if (parsed === undefined) return { proxies: [], problems: problems.list }
  const json = new JsonReader({ file, line: 1, column: 1 }, problems)
  const root = json.object(parsed, 'the file')
  if (root === undefined) return { proxies: [], problems: problems.list }
  if (root['services'] === undefined) {
    json.error('MissingKey', 'services', 'is missing: this is no APIcast configuration')
    return { proxies: [], problems: problems.list }
  }
  return {
    proxies: readServices(json.list(root['services'], 'services'), 'services', json, env),
    problems: problems.list,
  }
}

/** Reads SERVICE objects, wherever they came from. */
export function readServices(
  raws: readonly unknown[],
  path: string,
  json: JsonReader,
  env: ApicastEnvironment,
): DeployedProxy[] {
  const wanted = wantedServices(env)
  const proxies: DeployedProxy[] = []
  const names = new Set<string>()
  for (const [i, raw] of raws.entries()) {
    const place = `${path}.${i}`
    const fields = json.object(raw, place)
    if (fields === undefined) continue
    const id = json.text(fields['id'], `${place}.id`, '')
    if (id === '') {
      json.error('MissingKey', `${place}.id`, 'is missing: the id of the service')
      continue
    }
    if (wanted !== null && !wanted.has(id)) continue
    const proxy = new ServiceReading(id, fields, place, json, env).read()
    if (proxy === null) continue
    if (names.has(proxy.proxy.name))
      json.error('DuplicateName', place, `the service ${proxy.proxy.name} is there twice`)
    names.add(proxy.proxy.name)
    proxies.push(proxy)
  }
  return proxies
}

/** APICAST_SERVICES_LIST (and its older name): ids, separated by commas. */
function wantedServices(env: ApicastEnvironment): ReadonlySet<string> | null {
  const list = env['APICAST_SERVICES_LIST'] ?? env['APICAST_SERVICES'] ?? ''
  const ids = list.split(',').flatMap((id) => (id.trim() === '' ? [] : [id.trim()]))
  return ids.length === 0 ? null : new Set(ids)
}

function parseJson(text: string, file: string, problems: Problems): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, '')) as unknown
  } catch (error) {
    const { message } = error as Error
    const place = /line (\d+) column (\d+)/.exec(message)
    const at: Position = { file, line: Number(place?.[1] ?? 1), column: Number(place?.[2] ?? 1) }
    problems.error(
      'BadJson',
      at,
      `no JSON: ${message.replace(/ in JSON at position.*$/s, '').replace(/"[^"]{20,}"/g, 'the text')}`,
    )
    return undefined
  }
}

/** APICAST_PATH_ROUTING and APICAST_PATH_ROUTING_ONLY. */
function routingOf(env: ApicastEnvironment): Pick<DeployedProxy, 'routing'> {
  const on = (name: string): boolean => /^(1|true)$/i.test(env[name] ?? '')
  if (on('APICAST_PATH_ROUTING_ONLY')) return { routing: 'only' }
  return on('APICAST_PATH_ROUTING') ? { routing: 'path' } : {}
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'ANY'] as const
const DELTA_MAX = Number.MAX_SAFE_INTEGER
const TEXT_TYPE = 'text/plain; charset=utf-8'

class ServiceReading {
  readonly #id: string
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #path: string
  readonly #json: JsonReader
  readonly #env: ApicastEnvironment

  constructor(
    id: string,
    fields: Readonly<Record<string, unknown>>,
    path: string,
    json: JsonReader,
    env: ApicastEnvironment,
  ) {
    this.#id = id
    this.#fields = fields
    this.#path = path
    this.#json = json
    this.#env = env
  }

  read(): DeployedProxy | null {
    const json = this.#json
    const path = `${this.#path}.proxy`
    const proxy = json.object(this.#fields['proxy'], path)
    if (proxy === undefined) return null
    const caching = this.#cachingOfEnvironment()
    const chain = readChain(proxy['policy_chain'], caching, `${path}.policy_chain`, json)
    const target = json.text(proxy['api_backend'], `${path}.api_backend`, '').replace(/\/+$/, '')
    if (!/^https?:\/\/[^\s/?#@{}]+/i.test(target)) {
      json.error('BadValue', `${path}.api_backend`, `must be an http or https URL, not ${shown(proxy['api_backend'])}`)
    }
    const authRep = this.#authRep(proxy, path, chain)
    const hosts = json.list(proxy['hosts'], `${path}.hosts`).map((host, i) => json.text(host, `${path}.hosts.${i}`, ''))
    const model = new ProxyModel(this.#name(), json.at, chain, authRep).build(target, {
      secretToken: json.headerValue(proxy['secret_token'], `${path}.secret_token`, ''),
      hostRewrite: json.headerValue(proxy['hostname_rewrite'], `${path}.hostname_rewrite`, ''),
    })
    return {
      proxy: model,
      serviceId: this.#id,
      throttle: null,
      ...routingOf(this.#env),
      hosts: (hosts.length === 0 ? ['localhost'] : hosts).map((host) => host.toLowerCase().replace(/:\d+$/, '')),
    }
  }

  #name(): string {
    const name = this.#json.text(this.#fields['system_name'], `${this.#path}.system_name`, '')
    return /^[A-Za-z0-9._-]{1,255}$/.test(name) ? name : `service-${this.#id.replace(/[^A-Za-z0-9._-]/g, '-')}`
  }

  #cachingOfEnvironment(): CachingMode {
    const mode = this.#env['APICAST_BACKEND_CACHE_HANDLER'] ?? ''
    return mode === 'resilient' ? 'resilient' : 'strict'
  }

  #authRep(proxy: Readonly<Record<string, unknown>>, path: string, chain: Chain): AuthRepConfig {
    const json = this.#json
    const version = json.choice(
      this.#fields['backend_version'],
      `${this.#path}.backend_version`,
      ['1', '2', 'oauth', 'oidc'],
      '1',
    )
    if (version === 'oauth' || version === 'oidc') {
      json.error(
        'NotSupported',
        `${this.#path}.backend_version`,
        `${version} is not supported by the gateway yet; use "1" or "2", or AuthRep in a bundle behind a policy that checks tokens`,
      )
    }
    const text = (name: string, otherwise: string): string => json.text(proxy[name], `${path}.${name}`, otherwise)
    const secret = json.text(
      this.#fields['backend_authentication_value'],
      `${this.#path}.backend_authentication_value`,
      '',
    )
    const systemName = json.text(this.#fields['system_name'], `${this.#path}.system_name`, '')
    return {
      access: {
        service: this.#id,
        backend: this.#backend(proxy, path, secret),
        caching: chain.caching,
        batch: chain.batch,
      },
      version: version === '2' ? '2' : '1',
      credentials: {
        kind: json.choice(
          proxy['credentials_location'],
          `${path}.credentials_location`,
          ['query', 'headers', 'authorization'],
          'query',
        ),
        userKey: text('auth_user_key', 'user_key'),
        appId: text('auth_app_id', 'app_id'),
        appKey: text('auth_app_key', 'app_key'),
      },
      defaults: chain.defaults,
      rules: this.#rules(proxy, path),
      usage: {},
      errors: this.#errors(proxy, path),
      debug: secret === '' ? null : { token: secret, serviceId: this.#id, serviceName: systemName },
      rateLimitHeaders: chain.rateLimitHeaders,
      sendsReferrer: chain.sendsReferrer,
    }
  }

  /** BACKEND_ENDPOINT_OVERRIDE, else the endpoint of the configuration, else the accounts of this process. */
  #backend(proxy: Readonly<Record<string, unknown>>, path: string, secret: string): RemoteBackend | null {
    const json = this.#json
    const raw = proxy['backend']
    const fields = raw === undefined || raw === null ? {} : (json.object(raw, `${path}.backend`) ?? {})
    const override = this.#env['BACKEND_ENDPOINT_OVERRIDE'] ?? ''
    if (override === IN_PROCESS) return null
    const configured = json.text(fields['endpoint'], `${path}.backend.endpoint`, '')
    const endpoint = (override === '' ? configured : override).replace(/\/+$/, '')
    if (endpoint === '') return null
    if (!/^https?:\/\/[^\s/?#@]+/i.test(endpoint)) {
      const place = override === '' ? `${path}.backend.endpoint` : 'BACKEND_ENDPOINT_OVERRIDE'
      json.error('BadValue', place, 'must be an http or https URL')
    }
    if (secret === '') {
      json.error('MissingKey', `${this.#path}.backend_authentication_value`, 'is missing: the back end wants to see it')
    }
    const host = override === '' ? json.text(fields['host'], `${path}.backend.host`, '') : ''
    return {
      endpoint,
      host: host === '' ? null : host,
      authentication: json.choice(
        this.#fields['backend_authentication_type'],
        `${this.#path}.backend_authentication_type`,
        ['service_token', 'provider_key'],
        'service_token',
      ),
      secret,
    }
  }

  #rules(proxy: Readonly<Record<string, unknown>>, path: string): MappingRule[] {
    const json = this.#json
    return json.list(proxy['proxy_rules'], `${path}.proxy_rules`).flatMap((raw, i): MappingRule[] => {
      const place = `${path}.proxy_rules.${i}`
      const rule = json.object(raw, place)
      if (rule === undefined) return []
      const pattern = json.text(rule['pattern'], `${place}.pattern`, '')
      const fault = patternFault(pattern)
      if (fault !== null) json.error('BadValue', `${place}.pattern`, `is ${shown(pattern)}: ${fault}`)
      const query: Record<string, string> = Object.create(null)
      const parameters = rule['querystring_parameters']
      for (const [name, value] of Object.entries(
        parameters === undefined || parameters === null
          ? {}
          : (json.object(parameters, `${place}.querystring_parameters`) ?? {}),
      )) {
        query[name] = json.text(value, `${place}.querystring_parameters.${name}`, '')
      }
      return [
        {
          method: json.choice(rule['http_method'], `${place}.http_method`, METHODS, 'ANY'),
          pattern,
          query,
          metric: json.text(rule['metric_system_name'], `${place}.metric_system_name`, 'hits'),
          delta: json.number(rule['delta'], `${place}.delta`, 0, 0, DELTA_MAX),
          last: json.flag(rule['last'], `${place}.last`, false),
        },
      ]
    })
  }

  #errors(proxy: Readonly<Record<string, unknown>>, path: string): AuthRepErrors {
    const json = this.#json
    const error = (name: string, status: number, text: string): AuthRepErrors['authFailed'] => ({
      status: json.number(proxy[`error_status_${name}`], `${path}.error_status_${name}`, status, 200, 599),
      contentType: json.headerValue(proxy[`error_headers_${name}`], `${path}.error_headers_${name}`, TEXT_TYPE),
      text: json.text(proxy[`error_${name}`], `${path}.error_${name}`, text),
    })
    return {
      authFailed: error('auth_failed', 403, 'Authentication failed'),
      authMissing: error('auth_missing', 401, 'Authentication parameters missing'),
      noMatch: error('no_match', 404, 'No Mapping Rule matched'),
      limitsExceeded: error('limits_exceeded', 429, 'Limits exceeded'),
    }
  }
}

/** Puts a service together as the engine runs it: the chain as flows, the API as target. */
class ProxyModel {
  readonly #name: string
  readonly #at: Position
  readonly #chain: Chain
  readonly #authRep: AuthRepConfig
  readonly #policies: Policy[] = []

  constructor(name: string, at: Position, chain: Chain, authRep: AuthRepConfig) {
    this.#name = name
    this.#at = at
    this.#chain = chain
    this.#authRep = authRep
  }

  build(target: string, options: { secretToken: string; hostRewrite: string }): ApiProxy {
    const at = this.#at
    const bare = { flows: [], postFlow: null, faultRules: [], defaultFaultRule: null, at }
    const request = this.#steps('request')
    const response = this.#steps('response')
    const targetConfig: TargetConfig = { secretToken: options.secretToken }
    const toTarget = [this.#use(APICAST_TARGET, targetConfig)]
    return {
      dialect: 'apicast',
      name: this.#name,
      revision: 1,
      displayName: this.#name,
      description: '',
      proxyEndpoints: [
        {
          ...bare,
          name: 'default',
          preFlow: this.#flow(request, response),
          basePath: '/',
          virtualHosts: [],
          properties: {},
          routeRules: [{ name: 'default', condition: null, target: 'default', url: null, at }],
          postClientFlow: null,
        },
      ],
      targetEndpoints: [
        {
          ...bare,
          name: 'default',
          preFlow: this.#flow(toTarget, []),
          connection: {
            url: { text: target, at },
            balancer: null,
            properties: {
              // Whatever the API answers is the answer.
              'success.codes': '1xx,2xx,3xx,4xx,5xx,6xx,7xx,8xx,9xx',
              ...(options.hostRewrite !== '' && { 'apicast.host': options.hostRewrite }),
              ...(this.#chain.retries > 0 && { 'apicast.retries': String(this.#chain.retries) }),
            },
            at,
          },
        },
      ],
      policies: this.#policies,
      resources: [],
    }
  }

  #steps(side: 'request' | 'response'): Step[] {
    return this.#chain.steps
      .filter((step) => step.side === side)
      .map((step) => this.#use(step.kind, step === AUTHORIZE ? this.#authRep : step.config))
  }

  #use(kind: string, config: unknown): Step {
    const name = `${kind}-${this.#policies.length + 1}`
    const at = this.#at
    this.#policies.push({ name, kind, displayName: name, enabled: true, continueOnError: false, config, at })
    return { policy: name, condition: null, at }
  }

  #flow(request: readonly Step[], response: readonly Step[]): Flow {
    return { name: 'PreFlow', description: '', condition: null, request, response, at: this.#at }
  }
}
