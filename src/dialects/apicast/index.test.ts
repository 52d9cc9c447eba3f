import { describe, expect, test } from 'vitest'
import type { AuthRepConfig } from '../../model/auth-rep.ts'
import { problemLine } from '../../model/problem.ts'
import { type ApicastEnvironment, readApicast } from './index.ts'

const service = (proxy: object = {}, rest: object = {}): object => ({
  id: 42,
  system_name: 'api',
  backend_version: '1',
  backend_authentication_type: 'service_token',
  backend_authentication_value: 'secret-token',
  ...rest,
  proxy: { hosts: ['API.example:8080'], api_backend: 'http://upstream:80/base/', ...proxy },
})

const read = (services: readonly object[], env: ApicastEnvironment = {}) =>
  readApicast(JSON.stringify({ services }), 'config.json', env)

const lines = (services: readonly object[], env?: ApicastEnvironment): string[] =>
  read(services, env).problems.map((problem) => problemLine(problem).replace('config.json:1:1: error: ', ''))

const authRep = (proxy: object, rest?: object, env?: ApicastEnvironment): AuthRepConfig => {
  const { proxies, problems } = read([service(proxy, rest)], env)
  expect(problems).toEqual([])
  return proxies[0]!.proxy.policies.find(({ kind }) => kind === 'AuthRep')!.config as AuthRepConfig
}

describe('APIcast configuration', () => {
  test('a service becomes a proxy on its hosts, with APIcast defaults', () => {
    const { proxies, problems } = read([service({ secret_token: 's', hostname_rewrite: 'inner' })])
    expect(problems).toEqual([])
    expect(proxies[0]).toMatchObject({
      serviceId: '42',
      hosts: ['api.example'],
      proxy: { name: 'api', dialect: 'apicast' },
    })
    expect(proxies[0]!.proxy.targetEndpoints[0]!.connection).toMatchObject({
      url: { text: 'http://upstream:80/base' },
      properties: { 'apicast.host': 'inner' },
    })
    expect(authRep({})).toMatchObject({
      access: { service: '42', backend: null, caching: 'strict', batch: null },
      version: '1',
      credentials: { kind: 'query', userKey: 'user_key', appId: 'app_id', appKey: 'app_key' },
      errors: {
        authMissing: { status: 401, text: 'Authentication parameters missing' },
        limitsExceeded: { status: 429 },
      },
      debug: { token: 'secret-token', serviceId: '42' },
    })
  })

  test('where the accounts are: in the file, overridden, or here', () => {
    const backend = { endpoint: 'https://backend/', host: 'backend.example' }
    expect(authRep({ backend }).access.backend).toEqual({
      endpoint: 'https://backend',
      host: 'backend.example',
      authentication: 'service_token',
      secret: 'secret-token',
    })
    const override = { BACKEND_ENDPOINT_OVERRIDE: 'http://other:1' }
    expect(authRep({ backend }, {}, override).access.backend).toMatchObject({ endpoint: 'http://other:1', host: null })
    expect(authRep({ backend }, {}, { BACKEND_ENDPOINT_OVERRIDE: 'in-process' }).access.backend).toBeNull()
  })

  test('policies of the chain', () => {
    const policy_chain = [
      { name: 'cors', configuration: { allow_origin: 'https://a.example' } },
      {
        name: 'headers',
        configuration: {
          request: [{ op: 'set', header: 'X-A', value: '1' }],
          response: [{ op: 'delete', header: 'Server' }],
        },
      },
      { name: 'ip_check', enabled: false, configuration: { ips: ['nonsense'] } },
      { name: 'default_credentials', configuration: { auth_type: 'app_id_and_app_key', app_id: 'a', app_key: 'k' } },
      { name: 'caching', configuration: { caching_type: 'resilient' } },
      { name: '3scale_batcher', configuration: { auths_ttl: 5 } },
      { name: 'rate_limit_headers' },
      { name: '3scale_referrer' },
      { name: 'apicast', version: 'builtin', configuration: {} },
      { name: 'retry', configuration: { retries: 2 } },
    ]
    const { proxies, problems } = read([service({ policy_chain })])
    expect(problems).toEqual([])
    const { proxyEndpoints, policies, targetEndpoints } = proxies[0]!.proxy
    const kinds = (steps: readonly { policy: string }[]): string[] =>
      steps.map(({ policy }) => policies.find(({ name }) => name === policy)!.kind)
    expect(kinds(proxyEndpoints[0]!.preFlow!.request)).toEqual(['apicast.cors', 'apicast.headers', 'AuthRep'])
    expect(kinds(proxyEndpoints[0]!.preFlow!.response)).toEqual(['apicast.headers'])
    expect(kinds(targetEndpoints[0]!.preFlow!.request)).toEqual(['apicast.target'])
    expect(targetEndpoints[0]!.connection.properties['apicast.retries']).toBe('2')
    expect(authRep({ policy_chain })).toMatchObject({
      access: { caching: 'resilient', batch: { authsTtlSeconds: 5, reportSeconds: 10 } },
      defaults: { appId: 'a', appKey: 'k' },
      rateLimitHeaders: true,
      sendsReferrer: true,
    })
  })

  test.each([
    ['{', /^config.json:1:2: error: BadJson: no JSON/],
    ['[]', /BadValue: the file must be an object, not a list/],
    ['{"a": 1}', /MissingKey: services is missing/],
    ['{"services": {}}', /BadValue: services must be a list, not an object/],
  ])('%s', (text, line) => {
    const { proxies, problems } = readApicast(text, 'config.json', {})
    expect(proxies).toEqual([])
    expect(problems.map(problemLine)).toEqual([expect.stringMatching(line)])
  })

  test.each<[object, string]>([
    [
      service({ api_backend: 'upstream' }),
      'BadValue: services.0.proxy.api_backend must be an http or https URL, not "upstream"',
    ],
    [
      service({}, { backend_version: 'oauth' }),
      'NotSupported: services.0.backend_version oauth is not supported by the gateway yet',
    ],
    [
      service({ credentials_location: 'body' }),
      'BadValue: services.0.proxy.credentials_location must be one of query, headers, authorization, not "body"',
    ],
    [
      service({ error_headers_no_match: 'text/plain\r\nX-More: 1' }),
      'BadValue: services.0.proxy.error_headers_no_match cannot be the value of a header',
    ],
    [
      service({ policy_chain: [{ name: 'headers', configuration: { request: [{ header: 'X', value: 'a\nb' }] } }] }),
      'BadValue: services.0.proxy.policy_chain.0.configuration.request.0.value cannot be the value of a header',
    ],
    [
      service({ error_status_no_match: 99 }),
      'BadValue: services.0.proxy.error_status_no_match must be a whole number from 200 to 599, not 99',
    ],
    [
      service({ proxy_rules: [{ pattern: 'a' }] }),
      'BadValue: services.0.proxy.proxy_rules.0.pattern is "a": a pattern begins with /',
    ],
    [
      service({ policy_chain: [{ name: 'liquid_context_debug' }] }),
      'NotSupported: services.0.proxy.policy_chain.0 is the policy liquid_context_debug, which is not supported',
    ],
    [
      service({ policy_chain: [{ name: 'caching', configuration: { caching_type: 'lax' } }] }),
      'BadValue: services.0.proxy.policy_chain.0.configuration.caching_type must be one of strict, resilient, allow, none, not "lax"',
    ],
    [
      service({ policy_chain: [{ name: 'ip_check', configuration: { ips: ['10.0.0.0/99'] } }] }),
      'BadValue: services.0.proxy.policy_chain.0.configuration.ips has "10.0.0.0/99", which is no address and no network, as in 10.0.0.0/8',
    ],
    [
      service({
        policy_chain: [
          { name: 'url_rewriting', configuration: { commands: [{ op: 'sub', regex: '(?=a)', replace: '' }] } },
        ],
      }),
      'NotSupported: services.0.proxy.policy_chain.0.configuration.commands.0.regex looks around',
    ],
    [{ proxy: {} }, 'MissingKey: services.0.id is missing'],
    [{ id: 1 }, 'BadValue: services.0.proxy must be an object, not nothing'],
  ])('says what is wrong: %j', (wrong, line) => {
    expect(lines([wrong]).join('\n')).toContain(line)
    expect(lines([wrong]).join('\n')).not.toContain('secret-token')
  })

  test('two services of one name', () => {
    expect(lines([service(), service()])).toEqual(['DuplicateName: services.1 the service api is there twice'])
  })

  test('APICAST_SERVICES_LIST chooses', () => {
    const services = [service(), service({}, { id: 43, system_name: 'other' })]
    expect(read(services, { APICAST_SERVICES_LIST: '43, 44' }).proxies.map(({ serviceId }) => serviceId)).toEqual([
      '43',
    ])
  })
})
