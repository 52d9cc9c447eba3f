import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Backend, call } from '../kit/backend.ts'
import { Postern, runPostern, until } from '../kit/postern.ts'

// APIcast services whose accounts are in the same process, in the real program.

let upstream: Backend
let postern: Postern
let data: string

const chain = (...policies: object[]): object[] => [...policies, { name: 'apicast' }]
const rules = [
  { http_method: 'GET', pattern: '/heavy', metric_system_name: 'hits', delta: 5, last: true },
  { http_method: 'ANY', pattern: '/', metric_system_name: 'hits', delta: 1 },
]
const service = (host: string, proxy: object, id: number = 42): object => ({
  id,
  system_name: host.replace('.', '-'),
  backend_version: '1',
  backend_authentication_value: 'tok',
  proxy: { hosts: [host], api_backend: `${upstream.url}/base`, proxy_rules: rules, ...proxy },
})

beforeAll(async () => {
  upstream = await Backend.start(({ url }, response) => {
    if (url.includes('never')) return
    response.writeHead(Number(/status=(\d+)/.exec(url)?.[1] ?? 200), { 'X-Upstream': '1' }).end('ok')
  })
  data = mkdtempSync(join(tmpdir(), 'postern-apicast-'))
  const accounts = {
    version: 1,
    responseCodes: true,
    services: [
      {
        id: '42',
        systemName: 'api',
        plans: [{ id: 7, name: 'Basic', limits: [{ metric: 'hits', period: 'eternity', value: 40 }] }],
      },
      { id: '43', systemName: 'codes', plans: [{ id: 8, name: 'Free' }] },
      { id: '44', systemName: 'referred', referrerFiltersRequired: true, plans: [{ id: 9, name: 'Free' }] },
    ],
    accounts: [
      {
        id: 'a',
        applications: [
          { id: '77', service: 42, plan: 7, userKey: 'uk' },
          { service: 42, plan: 7, userKey: 'poor' },
          { id: '78', service: 43, plan: 8, userKey: 'ck' },
          { service: 44, plan: 9, userKey: 'rk', referrerFilters: ['*.example.com'] },
        ],
      },
    ],
  }
  const services = [
    service('codes.example', {}, 43),
    service('plain.example', { secret_token: 'shared', hostname_rewrite: 'inner.example' }),
    service('headers.example', {
      credentials_location: 'headers',
      auth_user_key: 'User-Key',
      policy_chain: chain({ name: 'rate_limit_headers' }),
    }),
    service('chain.example', {
      policy_chain: [
        { name: 'cors', configuration: { allow_origin: 'https://app.example', max_age: 60 } },
        {
          name: 'headers',
          configuration: {
            request: [{ op: 'set', header: 'X-Added', value: 'yes' }],
            response: [{ op: 'delete', header: 'X-Upstream' }],
          },
        },
        {
          name: 'url_rewriting',
          configuration: {
            commands: [{ op: 'sub', regex: '^/old/(\\w+)', replace: '/new/$1' }],
            query_args_commands: [{ op: 'set', arg: 'v', value: '2' }],
          },
        },
        { name: 'default_credentials', configuration: { auth_type: 'user_key', user_key: 'uk' } },
        { name: 'apicast' },
        { name: 'upstream', configuration: { rules: [{ regex: '/elsewhere', url: `${upstream.url}/other` }] } },
      ],
    }),
    service('referred.example', { policy_chain: chain({ name: '3scale_referrer' }) }, 44),
    service('closed.example', {
      policy_chain: chain({ name: 'maintenance_mode', configuration: { message: 'back soon' } }),
    }),
    service('inside.example', {
      policy_chain: chain({
        name: 'ip_check',
        configuration: { check_type: 'blacklist', ips: ['127.0.0.0/8', '::1'] },
      }),
    }),
    service('again.example', {
      api_backend: 'http://127.0.0.1:1',
      policy_chain: chain({ name: 'retry', configuration: { retries: 2 } }),
    }),
  ]
  writeFileSync(join(data, 'postern.yaml'), stringify(accounts))
  writeFileSync(join(data, 'config.json'), JSON.stringify({ services }))
  const env = { THREESCALE_CONFIG_FILE: join(data, 'config.json') }
  postern = await Postern.start([join(data, 'config.json'), '--config', join(data, 'postern.yaml')], {
    data,
    workers: 2,
    env,
  })
})
afterAll(async () => {
  await postern.stop()
  await upstream.stop()
  rmSync(data, { recursive: true, force: true })
})

const ask = (host: string, path: string, options: { method?: string; headers?: Record<string, string> } = {}) =>
  call(`${postern.gateway}${path}`, { ...options, headers: { host, ...options.headers } })
const total = async (path: string): Promise<number> => {
  const { body } = await postern.ask(`/stats/${path}&period=eternity`)
  return (body as { total: number }).total
}
const last = () => upstream.received.at(-1)!

describe('a service', () => {
  test('reaches its API with what belongs to it', async () => {
    const answer = await ask('plain.example', '/a?user_key=uk', { headers: { 'X-3scale-Debug': 'wrong' } })
    expect([answer.status, answer.text]).toEqual([200, 'ok'])
    expect(last().url).toBe('/base/a?user_key=uk')
    expect(last().headers).toMatchObject({
      host: 'inner.example',
      'x-3scale-proxy-secret-token': 'shared',
      'x-real-ip': expect.stringContaining('127.0.0.1'),
    })
    expect(last().headers).not.toHaveProperty('x-3scale-debug')
    expect(answer.headers).not.toHaveProperty('x-3scale-usage')
  })

  test.each([
    ['plain.example', '/a', 401, 'Authentication parameters missing'],
    ['plain.example', '/a?user_key=nobody', 403, 'Authentication failed'],
    ['other.example', '/a?user_key=uk', 404, ''],
  ])('%s%s: %i', async (host, path, status, text) => {
    const answer = await ask(host, path)
    expect([answer.status, answer.text]).toEqual([status, text])
  })

  test('credentials from a header; what is left of the limit', async () => {
    const answer = await ask('headers.example', '/a', { headers: { 'user-key': 'uk' } })
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({ 'ratelimit-limit': '40', 'ratelimit-reset': '-1' })
  })

  test('- and _ are the same in the name of such a header, and case does not matter', async () => {
    for (const name of ['user-key', 'USER_KEY', 'User-Key']) {
      expect((await ask('headers.example', '/a', { headers: { [name]: 'uk' } })).status, name).toBe(200)
    }
  })

  test('the Referer of a call is held against the filters of the application', async () => {
    const from = (headers: Record<string, string>) => ask('referred.example', '/a?user_key=rk', { headers })
    expect((await from({ referer: 'www.example.com' })).status).toBe(200)
    expect((await from({ referer: 'elsewhere.org' })).status).toBe(403)
    expect((await from({})).status).toBe(403)
  })

  test('its policy chain', async () => {
    const answer = await ask('chain.example', '/old/thing?v=1', { headers: { origin: 'https://app.example' } })
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': 'https://app.example' })
    expect(answer.headers).not.toHaveProperty('x-upstream')
    expect([last().url, last().headers['x-added']]).toEqual(['/base/new/thing?v=2', 'yes'])
    const preflight = await ask('chain.example', '/a', {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
    })
    expect([
      preflight.status,
      preflight.headers['access-control-allow-methods'],
      preflight.headers['access-control-max-age'],
    ]).toEqual([204, 'PUT', '60'])
    await ask('chain.example', '/elsewhere')
    expect(last().url).toBe('/other/elsewhere?v=2')
    const closed = await ask('closed.example', '/a?user_key=uk')
    expect([closed.status, closed.text]).toEqual([503, 'back soon'])
    const inside = await ask('inside.example', '/a?user_key=uk')
    expect([inside.status, inside.text]).toEqual([403, 'IP address not allowed'])
    expect((await ask('again.example', '/a?user_key=uk')).status).toBe(503)
  })

  test('a limit: refused with the configured answer, and nothing counted', async () => {
    for (let i = 0; i < 8; i++) expect((await ask('plain.example', '/heavy?user_key=poor')).status).toBe(200)
    const refused = await ask('plain.example', '/heavy?user_key=poor')
    expect([refused.status, refused.text]).toEqual([429, 'Limits exceeded'])
    // Eternity has no end to wait for.
    expect(refused.headers).not.toHaveProperty('retry-after')
  })
})

test('a network that is none is named by check, not met by a crash', async () => {
  const file = join(data, 'ips.json')
  const policy_chain = chain({ name: 'ip_check', configuration: { ips: ['300.1.1.1'] } })
  writeFileSync(file, JSON.stringify({ services: [service('ips.example', { policy_chain })] }))
  const run = await runPostern(['check', file], {})
  expect([run.code, run.stdout]).toEqual([1, expect.stringContaining('ips has "300.1.1.1", which is no address')])
})

describe('response codes', () => {
  test('every authorized call once, by what the client got; refused ones are in our own statistics only', async () => {
    const totals = async () => [
      await total('applications/78/usage.json?metric_name=hits'),
      await total('services/43/usage_response_code.json?response_code=2XX'),
      await total('services/43/usage_response_code.json?response_code=4XX'),
      await total('applications/78/usage_response_code.json?response_code=500'),
    ]
    for (const status of [200, 201, 404, 404, 500]) await ask('codes.example', `/s?user_key=ck&status=${status}`)
    for (let i = 0; i < 5; i++) await ask('codes.example', '/s?user_key=nobody')
    await gone('/never?user_key=ck')
    // 499 is the client that went away.
    await until(async () => (await totals()).join() === '6,2,3,1')
    const own = async (): Promise<unknown[]> => {
      const { body } = await postern.ask('/api/response-codes?last=1h&service=43')
      const { statuses } = body as { statuses: { status: number; calls: number }[] }
      return [403, 499, 404].map((status) => statuses.find((one) => one.status === status)?.calls)
    }
    // Each thread hands its records over by itself.
    await until(async () => (await own()).join() === '5,1,2')
    expect(await own()).toEqual([5, 1, 2])
  })

  test('with caching mode none and accounts elsewhere: refused at start, with the reason', async () => {
    const file = join(data, 'none.json')
    const proxy = {
      backend: { endpoint: 'http://127.0.0.1:1' },
      policy_chain: chain({ name: 'caching', configuration: { caching_type: 'none' } }),
    }
    writeFileSync(file, JSON.stringify({ services: [service('none.example', proxy)] }))
    const run = await runPostern(['check', file], { APICAST_RESPONSE_CODES: '1' })
    expect([run.code, run.stdout]).toEqual([
      1,
      expect.stringContaining(
        'CachingNoneWithResponseCodes: none-example: caching mode none reports no response codes',
      ),
    ])
    expect((await runPostern(['check', file], { APICAST_RESPONSE_CODES: '0' })).code).toBe(0)
    // In process the code rides with the one report of the call.
    const here = await runPostern(['check', file], {
      APICAST_RESPONSE_CODES: '1',
      BACKEND_ENDPOINT_OVERRIDE: 'in-process',
    })
    expect(here.code).toBe(0)
  })
})

/** A client that leaves once its request has reached the API. */
async function gone(path: string): Promise<void> {
  const before = upstream.received.length
  const socket = connect(Number(new URL(postern.gateway).port), '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: codes.example\r\n\r\n`)
  await until(() => upstream.received.length > before)
  socket.resetAndDestroy()
}
