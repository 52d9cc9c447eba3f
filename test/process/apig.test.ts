import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { type Answer, Backend, call } from '../kit/backend.ts'
import { Postern } from '../kit/postern.ts'

const KEY = 'client-key-1'
const SECRET = 'client-secret-1'
const HTTP = (port: number, path: string, more: object = {}): object => ({
  backend_type: 'HTTP',
  backend_api: { url_domain: `127.0.0.1:${port}`, req_protocol: 'HTTP', req_method: 'ANY', req_uri: path, ...more },
})
const MOCK = { backend_type: 'MOCK', mock_info: { result_content: '{"ok":true}' } }

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')

/** What an SDK sends: signs everything that it is given, as the vendor's guide says. */
function signed(
  url: string,
  method: string,
  body: string,
  extra: Record<string, string> = {},
  sort: (pairs: string[]) => string[] = (pairs) => pairs.sort(),
): Record<string, string> {
  const { host, pathname, search } = new URL(url)
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  const headers: Record<string, string> = { ...extra, host, 'x-sdk-date': date }
  const names = Object.keys(headers).sort()
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('')
  const query = sort(search.slice(1).split('&').filter(Boolean)).join('&')
  const hash = extra['x-sdk-content-sha256'] ?? sha256(body)
  const path = pathname.endsWith('/') ? pathname : `${pathname}/`
  const canonical = `${method}\n${path}\n${query}\n${lines}\n${names.join(';')}\n${hash}`
  const text = `SDK-HMAC-SHA256\n${date}\n${sha256(canonical)}`
  const signature = createHmac('sha256', SECRET).update(text).digest('hex')
  return {
    ...headers,
    Authorization: `SDK-HMAC-SHA256 Access=${KEY}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}

const errorOf = (answer: Answer): string => (JSON.parse(answer.text) as { error_code: string }).error_code

describe('APIs of the apig dialect from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-apig-'))
  let backend: Backend
  let authorizer: Backend
  let postern: Postern
  let slow = false

  beforeAll(async () => {
    backend = await Backend.start((request, response) => {
      if (slow) return
      response.writeHead(request.url.includes('fail') ? 500 : 200, {
        'x-seen': request.url,
        'x-one': 'backend',
        'x-two': 'backend',
        'x-apig-latency': '99',
      })
      response.end(request.body)
    })
    authorizer = await Backend.start((request, response) => {
      const event = JSON.parse(request.body) as { headers: Record<string, string> }
      const token = event.headers['x-token']
      if (token === 'broken') return response.end('nonsense')
      const body = JSON.stringify({ status: token === 'good' ? 'allow' : 'deny', context: { who: 'ada', level: 3 } })
      response.end(JSON.stringify({ statusCode: 200, body }))
    })
    const { port } = backend
    const none = { auth_type: 'NONE' }
    const app = { auth_type: 'APP', apps: ['client'] }
    const config = join(folder, 'postern.yaml')
    const apis = [
      { name: 'signed', req_method: 'ANY', req_uri: '/signed', match_mode: 'SWA', ...app, ...HTTP(port, '/s') },
      { name: 'stranger', req_method: 'GET', req_uri: '/stranger', auth_type: 'APP', ...MOCK },
      { name: 'quota', req_method: 'GET', req_uri: '/quota', auth_type: 'APP', apps: ['limited'], ...MOCK },
      { name: 'far', req_method: 'GET', req_uri: '/far', auth_type: 'APP', apps: ['far'], ...MOCK },
      {
        name: 'custom',
        req_method: 'GET',
        req_uri: '/custom',
        auth_type: 'AUTHORIZER',
        authorizer: 'auth_1',
        ...HTTP(port, '/c'),
        backend_params: [
          { name: 'X-Who', value: '$context.authorizer.frontend.who', location: 'HEADER', origin: 'SYSTEM' },
          { name: 'X-Stage-Is', value: '$context.stage', location: 'HEADER', origin: 'SYSTEM' },
        ],
      },
      {
        name: 'custom-by',
        req_method: 'GET',
        req_uri: '/custom-by/{id}',
        auth_type: 'AUTHORIZER',
        authorizer: 'auth_many',
        ...MOCK,
      },
      {
        name: 'checked',
        req_method: 'GET',
        req_uri: '/checked/{id}',
        ...none,
        ...HTTP(port, '/p/{id}'),
        req_params: [
          { name: 'id', location: 'PATH', valid_enable: 1, regular: '[a-z ]+' },
          { name: 'n', location: 'QUERY', type: 'NUMBER', valid_enable: 1, min_num: 1, max_num: 5, required: 1 },
          { name: 'size', location: 'QUERY', default_value: 'm' },
        ],
      },
      {
        name: 'moved',
        req_method: 'GET',
        req_uri: '/moved',
        ...none,
        ...HTTP(port, '/m/{x}/end'),
        req_params: [{ name: 'to', location: 'QUERY' }],
        backend_params: [{ name: 'x', value: 'to', location: 'PATH', origin: 'REQUEST' }],
      },
      { name: 'worded', req_method: 'GET', req_uri: '/worded', ...none, ...MOCK, throttle: 'one', response: 'mine' },
      {
        name: 'shared',
        req_method: 'GET',
        req_uri: '/cors',
        ...none,
        ...HTTP(port, '/cors'),
        plugins: ['cors_1', 'edit_1'],
      },
      { name: 'switch', req_method: 'GET', req_uri: '/switch', ...none, ...HTTP(port, '/switch'), cors: true },
      { name: 'ruled', req_method: 'ANY', req_uri: '/ruled', ...none, ...MOCK, plugins: ['rules_1'] },
      {
        name: 'breaking',
        req_method: 'GET',
        req_uri: '/breaking',
        ...none,
        ...HTTP(port, '/fail'),
        plugins: ['breaker_1'],
      },
      {
        name: 'policies',
        req_method: 'GET',
        req_uri: '/policies',
        ...none,
        ...HTTP(port, '/other'),
        req_params: [{ name: 'v', location: 'QUERY' }],
        policy_mocks: [
          {
            name: 'old',
            effect_mode: 'ALL',
            conditions: [
              {
                condition_origin: 'param',
                condition_type: 'enum',
                condition_value: '1,2',
                req_param_name: 'v',
                req_param_location: 'QUERY',
              },
            ],
            result_content: 'old',
          },
        ],
      },
      {
        name: 'variable',
        req_method: 'GET',
        req_uri: '/variable',
        ...none,
        publish: ['RELEASE', 'DEVELOP'],
        backend_type: 'HTTP',
        backend_api: { url_domain: '#address#', req_protocol: 'HTTP', req_method: 'GET', req_uri: '/v/#name#' },
      },
      { name: 'secure', req_method: 'GET', req_uri: '/secure', req_protocol: 'HTTPS', ...none, ...MOCK },
      { name: 'big', req_method: 'POST', req_uri: '/big', ...none, ...HTTP(port, '/big') },
      {
        name: 'slow',
        req_method: 'GET',
        req_uri: '/slow',
        ...none,
        ...HTTP(port, '/slow', { timeout: 50, retry_count: '2' }),
      },
      { name: 'closed', req_method: 'GET', req_uri: '/closed', ...none, ...HTTP(1, '/closed') },
      { name: 'prefix', req_method: 'GET', req_uri: '/test', match_mode: 'SWA', ...none, ...HTTP(port, '/back') },
      { name: 'deeper', req_method: 'GET', req_uri: '/test/AA', match_mode: 'SWA', ...none, ...HTTP(port, '/deep') },
      { name: 'exact', req_method: 'GET', req_uri: '/test/AA/{id}', ...none, ...HTTP(port, '/exact/{id}') },
    ]
    writeFileSync(
      config,
      stringify({
        version: 1,
        dialect: 'apig',
        apig: {
          features: {
            app_basic: { enable: 'on' },
            app_secret: { enable: 'on' },
            request_body_size: { request_body_size: 1 },
          },
          environments: [{ name: 'DEVELOP' }],
          quotas: [
            { name: 'quota_1', call_limits: 2, time_interval: 1, time_unit: 'DAY', reset_time: '2020-09-20 00:00:00' },
          ],
          apps: [
            { name: 'client', app_key: KEY, app_secret: SECRET },
            { name: 'limited', app_key: 'limited-key-1', app_secret: 'limited-secret-1', quota: 'quota_1' },
            {
              name: 'far',
              app_key: 'far-key-00001',
              app_secret: 'far-secret-00001',
              acl: { app_acl_type: 'PERMIT', app_acl_values: ['10.0.0.0/8'] },
            },
          ],
          throttles: [{ name: 'one', api_call_limits: 1, time_interval: 1, time_unit: 'HOUR' }],
          plugins: [
            {
              plugin_name: 'cors_1',
              plugin_type: 'cors',
              plugin_content: {
                allow_origin: 'https://a.example',
                allow_methods: 'GET,PUT',
                allow_headers: 'X-A',
                expose_headers: 'X-One',
                max_age: 60,
                allow_credentials: true,
              },
            },
            {
              plugin_name: 'edit_1',
              plugin_type: 'set_resp_headers',
              plugin_content: {
                response_headers: [
                  { name: 'X-One', value: 'more', action: 'append' },
                  { name: 'X-Two', action: 'delete' },
                  { name: 'X-Three', value: '$context.apiName', action: 'skip', value_type: 'system_parameter' },
                ],
              },
            },
            {
              plugin_name: 'rules_1',
              plugin_type: 'rate_limit',
              plugin_content: {
                scope: 'basic',
                default_interval: 1,
                default_time_unit: 'hour',
                api_limit: 100,
                rules: [
                  { rule_name: 'posts', match_regex: '["AND",["method","==","POST"],["who","in","a, b"]]', limit: 1 },
                ],
                parameters: [{ type: 'header', name: 'who', value: 'X-Who' }],
              },
            },
            {
              plugin_name: 'breaker_1',
              plugin_type: 'breaker',
              plugin_content: {
                scope: 'basic',
                breaker_condition: {
                  breaker_type: 'condition',
                  breaker_mode: 'counter',
                  unhealthy_condition: '["$context.statusCode","in","500,502"]',
                  unhealthy_threshold: 2,
                  time_window: 60,
                  open_breaker_time: 60,
                },
              },
            },
          ],
          authorizers: [
            {
              name: 'auth_1',
              authorizer_uri: `${authorizer.url}/auth`,
              ttl: 60,
              identities: [{ name: 'X-Token', location: 'HEADER', validation: '[a-z]+' }],
            },
            {
              name: 'auth_many',
              authorizer_uri: `${authorizer.url}/auth`,
              ttl: 60,
              identities: [
                { name: 'X-Token', location: 'HEADER' },
                { name: 'X-Many', location: 'HEADER' },
              ],
            },
          ],
          groups: [
            {
              name: 'demo',
              variables: [
                { name: 'address', value: `127.0.0.1:${port}` },
                { name: 'name', value: 'release' },
                { env: 'DEVELOP', name: 'address', value: `127.0.0.1:${port}` },
                { env: 'DEVELOP', name: 'name', value: 'develop' },
              ],
              gateway_responses: [
                {
                  name: 'mine',
                  responses: {
                    THROTTLED: {
                      status: 503,
                      body: '{"say":"$context.error.message","api":"$context.apiName"}',
                      headers: [{ key: 'X-Why', value: '$context.error.code' }],
                    },
                  },
                },
              ],
              apis,
            },
            {
              name: 'wording',
              domains: ['worded.example'],
              gateway_responses: [
                {
                  name: 'default',
                  responses: {
                    NOT_FOUND: {
                      status: 410,
                      body: '{"gone":"$context.reqPath"}',
                      headers: [{ key: 'X-Lost', value: '$context.reqMethod' }],
                    },
                    REQUEST_PARAMETERS_FAILURE: { body: '$context.error.code' },
                  },
                },
              ],
              apis: [{ name: 'only', req_method: 'GET', req_uri: '/only-get', ...none, ...MOCK }],
            },
          ],
        },
      }),
    )
    postern = await Postern.start(['--config', config], { data: join(folder, 'data'), workers: 2 })
  })

  afterAll(async () => {
    await postern.stop()
    await backend.stop()
    await authorizer.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = (path: string, options: Parameters<typeof call>[1] = {}): Promise<Answer> =>
    call(postern.gateway + path, options)

  describe('who calls', () => {
    test('a signature over query, headers and body; its Authorization does not go on', async () => {
      const path = '/signed/a?b=2&a=1'
      const headers = signed(postern.gateway + path, 'POST', 'payload', { 'content-type': 'text/plain' })
      const answer = await ask(path, { method: 'POST', headers, body: 'payload' })
      expect(answer.text).toBe('payload')
      expect(answer.headers['x-seen']).toBe('/s/a?b=2&a=1')
      expect(backend.received.at(-1)!.headers).not.toHaveProperty('authorization')
    })

    test('a query in the order of any SDK: sorted before it is encoded, or after', async () => {
      const path = '/signed/a?f=%7B&f=a&g=1'
      const plain = (pairs: string[]): string[] =>
        pairs.sort((a, b) => (decodeURIComponent(a) < decodeURIComponent(b) ? -1 : 1))
      for (const sort of [plain, undefined]) {
        const headers = signed(postern.gateway + path, 'GET', '', {}, sort)
        expect((await ask(path, { headers })).status).toBe(200)
      }
      const none = signed(postern.gateway + path, 'GET', '', {}, (pairs) => pairs.reverse())
      expect(errorOf(await ask(path, { headers: none }))).toBe('APIG.0303')
    })

    test('two Authorization lines prove nothing, even when one is right', async () => {
      const { Authorization = '', ...headers } = signed(`${postern.gateway}/signed`, 'GET', '')
      for (const authorization of [
        [Authorization, 'Basic x'],
        ['Basic x', Authorization],
      ]) {
        const answer = await ask('/signed', { headers: { ...headers, authorization } })
        expect([answer.status, answer.text]).toEqual([401, expect.stringContaining('more than one Authorization')])
      }
    })

    test('a body that is not the signed one is refused, whatever hash a header claims', async () => {
      const url = `${postern.gateway}/signed`
      const honest = signed(url, 'POST', 'payload')
      expect(errorOf(await call(url, { method: 'POST', headers: honest, body: 'tampered' }))).toBe('APIG.0303')
      const claims = signed(url, 'POST', '', { 'x-sdk-content-sha256': sha256('payload') })
      expect(errorOf(await call(url, { method: 'POST', headers: claims, body: 'tampered' }))).toBe('APIG.0303')
      const unsigned = signed(url, 'POST', '', { 'x-sdk-content-sha256': 'UNSIGNED-PAYLOAD' })
      expect((await call(url, { method: 'POST', headers: unsigned, body: 'anything' })).text).toBe('anything')
    })

    test.each([
      ['SDK-HMAC-SHA256', 'Access or Credential is empty in Authorization'],
      ['SDK-HMAC-SHA256 Access=k', 'SignedHeaders is empty in Authorization'],
      ['SDK-HMAC-SHA256 Access=k, SignedHeaders=host', 'Signature is empty in Authorization'],
      ['SDK-HMAC-SHA256 Access=nobody, SignedHeaders=host, Signature=00', 'app not found, appkey nobody'],
      [`SDK-HMAC-SHA256 Access=${KEY}, SignedHeaders=host, Signature=00`, 'X-Sdk-Date must be signed'],
      [`SDK-HMAC-SHA256 Access=${KEY}, Access=${KEY}`, 'each once'],
      ['Bearer x', 'Access or Credential is empty in Authorization'],
    ])('Authorization: %s', async (authorization, detail) => {
      const answer = await ask('/signed', { headers: { authorization, 'x-sdk-date': '20060102T150405Z' } })
      expect(answer.status).toBe(401)
      expect(answer.text).toContain(`Incorrect app authentication information: `)
      expect(answer.text).toContain(detail)
    })

    test('key and secret in two headers, or as Basic; wrong ones get one answer', async () => {
      expect((await ask('/signed', { headers: { 'x-hw-id': KEY, 'x-hw-appkey': SECRET } })).status).toBe(200)
      expect(backend.received.at(-1)!.headers).not.toHaveProperty('x-hw-appkey')
      const basic = (text: string): Record<string, string> => ({
        authorization: `Basic ${Buffer.from(text).toString('base64')}`,
      })
      expect((await ask('/signed', { headers: basic(`${KEY}:${SECRET}`) })).status).toBe(200)
      const wrong = [basic(`${KEY}:no`), basic('no:no'), basic('none'), { 'x-hw-id': KEY }]
      const answers = await Promise.all(
        wrong.map(async (headers) => JSON.parse((await ask('/signed', { headers })).text) as { error_msg: string }),
      )
      expect(new Set(answers.map(({ error_msg }) => error_msg)).size).toBe(1)
    })

    test('a credential that is not authorised, and one from a wrong address', async () => {
      const answer = await ask('/stranger', { headers: { 'x-hw-id': KEY, 'x-hw-appkey': SECRET } })
      expect([answer.status, errorOf(answer)]).toEqual([403, 'APIG.0304'])
      const far = await ask('/far', { headers: { 'x-hw-id': 'far-key-00001', 'x-hw-appkey': 'far-secret-00001' } })
      expect([far.status, errorOf(far)]).toEqual([403, 'APIG.0405'])
    })

    test('a quota', async () => {
      const headers = { 'x-hw-id': 'limited-key-1', 'x-hw-appkey': 'limited-secret-1' }
      const statuses = []
      for (let i = 0; i < 3; i++) statuses.push((await ask('/quota', { headers })).status)
      expect(statuses).toEqual([200, 200, 405])
      expect(errorOf(await ask('/quota', { headers }))).toBe('APIG.0501')
    })

    test('an authorizer: allow is kept, its context goes on; deny, a broken one, a missing identity', async () => {
      const before = authorizer.received.length
      for (let i = 0; i < 3; i++) expect((await ask('/custom', { headers: { 'x-token': 'good' } })).status).toBe(200)
      expect(authorizer.received.length - before).toBe(1)
      expect(backend.received.at(-1)!.headers).toMatchObject({ 'x-who': 'ada', 'x-stage-is': 'RELEASE' })
      const cases = [
        ['bad', 401, 'APIG.0305'],
        ['broken', 500, 'APIG.0617'],
        ['123', 401, 'APIG.0305'],
      ] as const
      for (const [token, status, code] of cases) {
        const answer = await ask('/custom', { headers: { 'x-token': token } })
        expect([answer.status, errorOf(answer)], token).toEqual([status, code])
      }
      expect((await ask('/custom')).text).toContain('identity header X-Token')
    })

    test('calls that come together ask an authorizer once on each thread', async () => {
      const before = authorizer.received.length
      const all = Array.from({ length: 40 }, () =>
        ask('/custom-by/7', { headers: { 'x-token': 'good', 'x-many': 'yes' } }),
      )
      expect(new Set((await Promise.all(all)).map(({ status }) => status))).toEqual(new Set([200]))
      expect(authorizer.received.length - before).toBeLessThanOrEqual(2)
      expect(JSON.parse(authorizer.received.at(-1)!.body)).toMatchObject({ pathParameters: { id: '7' } })
    })

    test('http where https is wanted', async () => {
      const answer = await ask('/secure')
      expect([answer.status, answer.text]).toEqual([
        400,
        expect.stringContaining('The following protocol is supported: https'),
      ])
    })
  })

  describe('where a call goes', () => {
    test.each([
      ['/test', '/back'],
      ['/test/x/y', '/back/x/y'],
      ['/test/AA/BB/CC', '/deep/BB/CC'],
      ['/test/AA/CC', '/exact/CC'],
      ['/test/AA/a%20b', '/exact/a%20b'],
      ['/test/AA/a%2Fb', '/deep/a/b'],
      ['/test/AAX', '/back/AAX'],
    ])('%s -> %s', async (path, seen) => expect((await ask(path)).headers['x-seen']).toBe(seen))

    test.each(['/test/../signed', '/test/%2e%2e/x', '/test/%zz', '/test/%00'])('%s is refused', async (path) => {
      // The client must not mend the path.
      const { hostname, port } = new URL(postern.gateway)
      const text = await raw(hostname, Number(port), `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
      expect(text).toMatch(/^HTTP\/1\.1 400 /)
      expect(text).toContain('APIG.0201')
    })

    test('the path is known, the method not', async () => {
      const answer = await ask('/worded', { method: 'DELETE' })
      expect([answer.status, errorOf(answer)]).toEqual([404, 'APIG.0101'])
      expect(answer.text).toContain('"The API does not exist."')
    })

    test('parameters are checked, defaults go on', async () => {
      expect((await ask('/checked/ab%20c?n=3')).headers['x-seen']).toBe('/p/ab%20c?n=3&size=m')
      const cases = [
        ['/checked/ab', 'the query parameter n is missing'],
        ['/checked/ab?n=9', 'the query parameter n must be at most 5'],
        ['/checked/ab?n=x', 'the query parameter n must be a number'],
        ['/checked/AB?n=1', 'the path parameter id must match'],
      ] as const
      for (const [path, text] of cases) {
        const answer = await ask(path)
        expect([answer.status, errorOf(answer)], path).toEqual([400, 'APIG.0201'])
        expect(answer.text).toContain(text)
      }
    })

    test('a value that goes into the path is one segment of it', async () => {
      const answer = await ask('/moved?to=a%2Fb')
      expect(answer.headers['x-seen']).toBe('/m/a%2Fb/end')
      expect((await ask('/moved?to=..')).status).toBe(400)
    })

    test('backend policies, environments and their variables', async () => {
      expect((await ask('/policies?v=2')).text).toBe('old')
      expect((await ask('/policies?v=3')).headers['x-seen']).toBe('/other?v=3')
      expect((await ask('/variable')).headers['x-seen']).toBe('/v/release')
      expect((await ask('/variable', { headers: { 'x-stage': 'DEVELOP' } })).headers['x-seen']).toBe('/v/develop')
      expect((await ask('/variable', { headers: { 'x-stage': 'NONE' } })).status).toBe(404)
    })
  })

  describe('answers', () => {
    test('errors as the group words them', async () => {
      expect((await ask('/worded')).status).toBe(200)
      const answer = await ask('/worded')
      expect(answer.status).toBe(503)
      expect(answer.headers['x-why']).toBe('APIG.0308')
      expect(JSON.parse(answer.text)).toEqual({
        say: 'The throttling threshold has been reached: policy api over ratelimit,limit:1,time:1 hour',
        api: 'worded',
      })
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(answer.headers['ratelimit-policy']).toBe('"api";q=1;w=3600, "api-allenv";q=200;w=1')
      expect(answer.headers['ratelimit']).toMatch(/^"api";r=0;t=\d+, "api-allenv";r=\d+;t=1$/)
    })

    test('calls for the domain of a group that find none of its APIs, as its default response says', async () => {
      const headers = { host: 'worded.example:80' }
      const lost = await ask('/nowhere?x="', { headers: { ...headers, 'x-apig-mode': 'debug' } })
      expect([lost.status, lost.text, lost.headers['x-lost']]).toEqual([410, '{"gone":"/nowhere"}', 'GET'])
      expect(lost.headers['x-apig-latency']).toMatch(/^\d+$/)
      expect(lost.headers).not.toHaveProperty('x-apig-count')
      const method = await ask('/only-get', { method: 'POST', headers })
      expect([method.status, method.text]).toEqual([410, '{"gone":"/only-get"}'])
      const climbing = await ask('/%zz', { headers })
      expect([climbing.status, climbing.text]).toEqual([400, 'APIG.0201'])
      expect((await ask('/only-get', { headers })).status).toBe(200)
      const plain = await ask('/nowhere')
      expect([plain.status, errorOf(plain)]).toEqual([404, 'APIG.0101'])
    })

    test('CORS and response headers', async () => {
      const origin = { origin: 'https://a.example' }
      const answer = await ask('/cors', { headers: { ...origin, 'x-apig-mode': 'debug' } })
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': 'https://a.example',
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'X-One',
        'x-one': 'backend, more',
        'x-three': 'shared',
      })
      expect(answer.headers).not.toHaveProperty('x-two')
      expect(answer.headers['x-apig-latency']).not.toBe('99')
      const preflight = await ask('/cors', {
        method: 'OPTIONS',
        headers: { ...origin, 'access-control-request-method': 'PUT' },
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers).toMatchObject({
        'access-control-allow-methods': 'GET,PUT',
        'access-control-max-age': '60',
      })
      const other = await ask('/cors', { headers: { origin: 'https://b.example' } })
      expect(other.headers).not.toHaveProperty('access-control-allow-origin')
      expect((await ask('/cors', { method: 'OPTIONS' })).status).toBe(404)
      expect((await ask('/switch')).headers['access-control-allow-origin']).toBe('*')
    })

    test('rules of rate_limit', async () => {
      const post = (who: string): Promise<Answer> => ask('/ruled', { method: 'POST', headers: { 'x-who': who } })
      expect([(await post('a')).status, (await post('b')).status, (await post('c')).status]).toEqual([200, 429, 200])
      const refused = await post('a')
      expect(refused.text).toContain('policy posts over ratelimit,limit:1,time:1 hour')
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
      expect((await ask('/ruled')).status).toBe(200)
    })

    test('a breaker without downgrade', async () => {
      const statuses = []
      for (let i = 0; i < 3; i++) statuses.push((await ask('/breaking')).status)
      expect(statuses).toEqual([500, 500, 503])
    })

    test('backends that are slow, or not there', async () => {
      slow = true
      const before = backend.received.length
      const answer = await ask('/slow').finally(() => {
        slow = false
      })
      expect([answer.status, errorOf(answer)]).toEqual([504, 'APIG.0203'])
      expect(backend.received.length - before).toBe(3)
      const closed = await ask('/closed')
      expect([closed.status, errorOf(closed)]).toEqual([502, 'APIG.0202'])
    })

    test('a body that is too large, with and without a length', async () => {
      const body = Buffer.alloc(1024 * 1024 + 1, 'a')
      const told = await ask('/big', { method: 'POST', body })
      expect([told.status, errorOf(told)]).toEqual([413, 'APIG.0201'])
      const chunked = await ask('/big', { method: 'POST', headers: { 'transfer-encoding': 'chunked' }, body })
      expect([chunked.status, errorOf(chunked)]).toEqual([413, 'APIG.0201'])
      expect((await ask('/big', { method: 'POST', body: 'small' })).text).toBe('small')
    })
  })

  test.each([
    ['-1', 200, '1'],
    ['abc', 200, '1'],
    ['', 200, '1'],
    ['9', 200, '10'],
    ['10', 500, undefined],
    ['99999999999999999999', 500, undefined],
  ])('X-Apig-count: %s', async (count, status, answered) => {
    const answer = await ask('/switch', { headers: { 'x-apig-count': count } })
    expect([answer.status, answer.headers['x-apig-count']]).toEqual([status, answered])
    if (status === 500) expect(errorOf(answer)).toBe('APIG.0612')
  })
})

/** Bytes as they are, to the end of the connection. */
async function raw(host: string, port: number, text: string): Promise<string> {
  const { connect } = await import('node:net')
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ host, port }, () => socket.write(text))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()))
  })
}
