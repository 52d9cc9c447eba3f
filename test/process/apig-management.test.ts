import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Backend, call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

const RELEASE = 'DEFAULT_ENVIRONMENT_RELEASE_ID'
type Json = Record<string, unknown>

/** What stands at a path of an answer. */
function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce((inner: unknown, key) => (inner as Record<string | number, unknown>)[key], value)
}

const list = (value: unknown, name: string): Json[] => at(value, name) as Json[]

async function manage(
  postern: Postern,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Json }> {
  const isForm = body instanceof FormData
  const answer = await fetch(`${postern.admin}/v2/p1/apigw/instances/i1${path}`, {
    method,
    headers: {
      'x-auth-token': postern.token,
      ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Json) }
}

/** Makes something; gives its id. */
async function made(postern: Postern, path: string, body: unknown): Promise<string> {
  const answer = await manage(postern, 'POST', path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return String(answer.body['id'] ?? answer.body['plugin_id'] ?? answer.body['publish_id'])
}

const mock = (group_id: string, name: string, text: string): Json => ({
  group_id,
  name,
  req_method: 'GET',
  req_uri: `/${name}`,
  auth_type: 'NONE',
  backend_type: 'MOCK',
  mock_info: { result_content: text },
})

describe("APIG's management API", () => {
  let postern: Postern
  let group: string

  beforeAll(async () => {
    postern = await Postern.start([], { workers: 2 })
    group = await made(postern, '/api-groups', { name: 'group' })
  })

  afterAll(() => postern.stop())

  test('without the token', async () => {
    const answer = await fetch(`${postern.admin}/v2/p1/apigw/instances/i1/apis`)
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ error_code: 'APIG.1002' })
  })

  test('changes of what is published wait until it is published; versions can be switched; none drops a call', async () => {
    const id = await made(postern, '/apis', mock(group, 'versions', 'one'))
    await made(postern, '/apis/action', { action: 'online', api_id: id, env_id: RELEASE })
    const url = `${postern.gateway}/versions`
    expect((await call(url)).text).toBe('one')
    let running = true
    const statuses = new Set<number>()
    const load = (async () => {
      while (running) statuses.add((await call(url)).status)
    })()
    expect((await manage(postern, 'PUT', `/apis/${id}`, mock(group, 'versions', 'two'))).status).toBe(200)
    expect((await call(url)).text).toBe('one')
    await made(postern, '/apis/action', { action: 'online', api_id: id, env_id: RELEASE })
    expect((await call(url)).text).toBe('two')
    const history = await manage(postern, 'GET', `/apis/publish/${id}`)
    expect(list(history.body, 'api_versions').map((one) => one['status'])).toEqual([1, 2])
    await manage(postern, 'PUT', `/apis/publish/${id}`, {
      version_id: at(history.body, 'api_versions', 1, 'version_id'),
    })
    expect((await call(url)).text).toBe('one')
    expect(at((await manage(postern, 'GET', `/apis/runtime/${id}`)).body, 'mock_info', 'result_content')).toBe('one')
    running = false
    await load
    expect([...statuses]).toEqual([200])
    await made(postern, '/apis/action', { action: 'offline', api_id: id, env_id: RELEASE })
    expect((await call(url)).status).toBe(404)
  })

  test('a variable that has no value: the publication is refused, nothing is changed', async () => {
    const api = {
      ...mock(group, 'variable', ''),
      backend_type: 'HTTP',
      backend_api: { url_domain: '#host#', req_protocol: 'HTTP', req_method: 'GET', req_uri: '/' },
    }
    const id = await made(postern, '/apis', api)
    const refused = await manage(postern, 'POST', '/apis/action', { action: 'online', api_id: id, env_id: RELEASE })
    expect([refused.status, refused.body['error_code']]).toEqual([404, 'APIG.3011'])
    expect((await manage(postern, 'GET', `/apis/publish/${id}`)).body['total']).toBe(0)
  })

  test('lists are paged', async () => {
    for (let i = 0; i < 3; i++) await made(postern, '/envs', { name: `ENV_${i}` })
    const page = (query: string) => manage(postern, 'GET', `/envs${query}`)
    expect((await page('')).body).toMatchObject({ total: 4, size: 4 })
    expect(list((await page('?limit=2&offset=1')).body, 'envs').map(({ name }) => name)).toEqual(['ENV_0', 'ENV_1'])
    expect((await page('?limit=0&offset=-5')).body).toMatchObject({ size: 4 })
    expect(at((await page('?name=ENV_2')).body, 'envs', 0, 'id')).toMatch(/^[0-9a-f]{32}$/)
  })

  test.each([
    ['POST', '/apis', {}, 400, 'APIG.2001', 'group_id'],
    ['POST', '/apis', { group_id: 'no' }, 404, 'APIG.3001', ''],
    ['GET', '/apis/no', undefined, 404, 'APIG.3002', ''],
    ['POST', '/envs', { name: '1' }, 400, 'APIG.2012', 'name'],
    ['DELETE', `/envs/${RELEASE}`, undefined, 403, 'APIG.3418', ''],
    [
      'POST',
      '/throttles',
      { name: 'ttt', api_call_limits: 1, time_interval: 0, time_unit: 'SECOND' },
      400,
      'APIG.2002',
      'time_interval',
    ],
    [
      'POST',
      '/throttles',
      { name: 'ttt', api_call_limits: 1, time_interval: 1, time_unit: 'WEEK' },
      400,
      'APIG.2012',
      'time_unit',
    ],
    ['POST', '/apps', { name: 'a'.repeat(65) }, 400, 'APIG.2012', 'name'],
    [
      'POST',
      '/acls',
      { acl_name: 'list', acl_type: 'PERMIT', entity_type: 'IP', acl_value: '1.2.3' },
      400,
      'APIG.2012',
      'acl_value',
    ],
    [
      'POST',
      '/plugins',
      { plugin_name: 'plug', plugin_type: 'cors', plugin_content: '{' },
      400,
      'APIG.2012',
      'plugin_content',
    ],
    ['POST', '/authorizers', { name: 'auth', authorizer_uri: 'urn:fss:x' }, 400, 'APIG.2012', 'authorizer_uri'],
    ['POST', '/signs', {}, 400, 'APIG.2000', ''],
    ['POST', '/features', { name: 'nothing' }, 400, 'APIG.2012', 'name'],
    ['POST', '/apis', [], 400, 'APIG.2000', 'body'],
  ])('%s %s %j is %i %s', async (method, path, body, status, code, parameter) => {
    const answer = await manage(postern, method, path, body)
    expect([answer.status, answer.body['error_code']], JSON.stringify(answer.body)).toEqual([status, code])
    if (parameter !== '') expect(answer.body['error_msg']).toContain(`parameterName:${parameter}`)
  })

  test('several at once, and lists of what could be bound', async () => {
    const acl = (name: string): Promise<string> =>
      made(postern, '/acls', { acl_name: name, acl_type: 'DENY', acl_value: '10.0.0.1', entity_type: 'IP' })
    const [one, two] = [await acl('several_1'), await acl('several_2')]
    const api = await made(postern, '/apis', mock(group, 'several', 'x'))
    const published = await manage(postern, 'POST', '/apis/action', { action: 'online', api_id: api, env_id: RELEASE })
    const bound = await manage(postern, 'POST', '/acl-bindings', {
      acl_id: one,
      publish_ids: [published.body['publish_id']],
    })
    const remove = (path: string, body: Json): Promise<{ status: number; body: Json }> =>
      manage(postern, 'PUT', `${path}?action=delete`, body)
    expect((await remove('/acls', { acls: [two, one] })).body['error_code']).toBe('APIG.3447')
    expect((await manage(postern, 'GET', `/acls/${two}`)).status).toBe(200)
    const unbound = await remove('/acl-bindings', { acl_bindings: [at(bound.body, 'acl_bindings', 0, 'id')] })
    expect(unbound.body).toEqual({ success_count: 1, failure: [] })
    expect((await remove('/acls', { acls: [two, one] })).body).toEqual({ success_count: 2, failure: [] })
    for (const path of ['/acl-bindings', '/acls']) {
      expect((await manage(postern, 'PUT', path, { acls: ['x'] })).body['error_code'], path).toBe('APIG.2012')
    }
    const quota = await manage(postern, 'POST', '/app-quotas', {
      name: 'several',
      call_limits: 1,
      time_interval: 1,
      time_unit: 'DAY',
    })
    const app = await made(postern, '/apps', { name: 'several' })
    const bindable = async (): Promise<unknown[]> =>
      list(
        (await manage(postern, 'GET', `/app-quotas/${String(quota.body['app_quota_id'])}/bindable-apps?limit=500`))
          .body,
        'apps',
      ).map((free) => free['app_id'])
    expect(await bindable()).toContain(app)
    await manage(postern, 'POST', `/app-quotas/${String(quota.body['app_quota_id'])}/binding-apps`, { app_ids: [app] })
    expect(await bindable()).not.toContain(app)
  })

  test.each([
    ['GET', '/throttle-bindings/binded-apis', undefined, 'throttle_id'],
    ['GET', '/app-auths/binded-apps', undefined, 'api_id'],
    ['GET', '/statistics/api/latest', undefined, 'api_id'],
    ['POST', '/throttle-bindings', { strategy_id: 'x', publish_ids: [] }, 'publish_ids'],
    ['POST', '/app-auths', { env_id: RELEASE, api_ids: ['x'] }, 'app_ids'],
  ])('%s %s without its %s is told so', async (method, path, body, name) => {
    const answer = await manage(postern, method, path, body)
    expect([answer.status, answer.body['error_code']]).toEqual([400, 'APIG.2001'])
    expect(answer.body['error_msg']).toContain(`parameterName:${name}.`)
  })

  test('what is in use is not deleted', async () => {
    const api = await made(postern, '/apis', mock(group, 'used', 'x'))
    const publishId = await made(postern, '/apis/action', { action: 'online', api_id: api, env_id: RELEASE })
    const throttle = await made(postern, '/throttles', {
      name: 'used_t',
      api_call_limits: 5,
      time_interval: 1,
      time_unit: 'DAY',
    })
    const bound = await manage(postern, 'POST', '/throttle-bindings', {
      strategy_id: throttle,
      publish_ids: [publishId],
    })
    const refused = await manage(postern, 'DELETE', `/throttles/${throttle}`)
    expect([refused.status, refused.body['error_code']]).toEqual([403, 'APIG.3451'])
    expect((await manage(postern, 'DELETE', `/api-groups/${group}`)).body['error_code']).toBe('APIG.3415')
    const listed = await manage(postern, 'GET', `/throttle-bindings/binded-apis?throttle_id=${throttle}`)
    expect(at(listed.body, 'apis', 0)).toMatchObject({ name: 'used', publish_id: publishId, throttle_name: 'used_t' })
    const binding = at(bound.body, 'throttle_applys', 0, 'id')
    expect((await manage(postern, 'DELETE', `/throttle-bindings/${binding}`)).status).toBe(204)
    expect((await manage(postern, 'DELETE', `/throttles/${throttle}`)).status).toBe(204)
  })

  test('statistics of an API', async () => {
    const id = await made(postern, '/apis', mock(group, 'counted', 'x'))
    await made(postern, '/apis/action', { action: 'online', api_id: id, env_id: RELEASE })
    for (let i = 0; i < 3; i++) await call(`${postern.gateway}/counted`)
    await until(async () => {
      const { body } = await manage(postern, 'GET', `/statistics/api/latest?api_id=${id}&duration=1h`)
      const sum = (name: string): number => list(body, 'statistics').reduce((all, one) => all + Number(one[name]), 0)
      return sum('req_count') === 3 && sum('req_count2xx') === 3
    })
  })

  test('an OpenAPI file is imported, exported, and imported again', async () => {
    const document = {
      openapi: '3.0.0',
      info: { title: 'Imported' },
      servers: [{ url: 'http://127.0.0.1:1' }],
      paths: {
        '/imported/{id}': {
          get: {
            operationId: 'imported',
            parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', maxLength: 3 } }],
          },
        },
      },
    }
    const form = new FormData()
    form.set('file_name', new Blob([JSON.stringify(document)]), 'api.json')
    form.set('is_create_group', 'true')
    const imported = await manage(postern, 'POST', '/openapi/import', form)
    expect(imported.status, JSON.stringify(imported.body)).toBe(200)
    expect(imported.body['success']).toMatchObject([{ path: '/imported/{id}', method: 'GET', action: 'create' }])
    expect((await call(`${postern.gateway}/imported/x`)).status).toBe(404)
    await made(postern, '/apis/action', { action: 'online', api_id: at(imported.body, 'success', 0, 'id') })
    expect((await call(`${postern.gateway}/imported/toolong`)).status).toBe(400)
    const exported = await manage(postern, 'POST', '/openapi/export', {
      group_id: imported.body['group_id'],
      env_id: RELEASE,
    })
    expect(at(exported.body, 'paths', '/imported/{id}', 'get', 'operationId')).toBe('imported')
    const other = await made(postern, '/api-groups', { name: 'other group' })
    const again = await manage(postern, 'POST', '/openapi/import', {
      file: JSON.stringify(exported.body),
      is_create_group: false,
      group_id: other,
    })
    expect(again.status, JSON.stringify(again.body)).toBe(200)
    const api = (await manage(postern, 'GET', `/apis/${String(at(again.body, 'success', 0, 'id'))}`)).body
    expect(api).toMatchObject({ req_uri: '/imported/{id}', group_id: other, req_params: [{ name: 'id', max_size: 3 }] })
    const broken = await manage(postern, 'POST', '/openapi/import', { file: 'openapi: 3.0.0\npaths: {/x: {get: {}}}' })
    expect([broken.status, broken.body['error_code']]).toEqual([400, 'APIG.2012'])
    expect(broken.body['error_msg']).toContain('paths./x.get')
    const unknown = await manage(postern, 'POST', '/openapi/import', {
      file: JSON.stringify(document),
      is_create_group: false,
      group_id: 'none',
    })
    expect([unknown.status, unknown.body['error_code']]).toEqual([404, 'APIG.3001'])
  })

  test('an import brings throttles and lists, in force once published; again it keeps or replaces what is there', async () => {
    const document = (limit: number, text: string): string =>
      stringify({
        openapi: '3.0.0',
        info: { title: 'Bringing' },
        'x-apigateway-ratelimits': { brought: { 'api-limit': limit, interval: 1, unit: 'DAY' } },
        'x-apigateway-access-controls': {
          brought_list: { 'acl-type': 'DENY', 'entity-type': 'IP', value: '10.0.0.1' },
        },
        paths: {
          '/brought': {
            get: {
              operationId: 'brought',
              'x-apigateway-ratelimit': 'brought',
              'x-apigateway-access-control': 'brought_list',
              'x-apigateway-backend': { type: 'MOCK', mockEndpoints: { 'result-content': text } },
            },
          },
        },
      })
    const first = await manage(postern, 'POST', '/openapi/import', { file_name: document(1, 'one') })
    expect(first.status, JSON.stringify(first.body)).toBe(200)
    const id = String(at(first.body, 'success', 0, 'id'))
    const [bound] = list((await manage(postern, 'GET', '/throttles?name=brought')).body, 'throttles')
    const places = await manage(postern, 'GET', `/throttle-bindings/binded-apis?throttle_id=${String(bound?.['id'])}`)
    expect(list(places.body, 'apis')).toMatchObject([{ id, publish_id: '' }])
    const publish = (): Promise<string> => made(postern, '/apis/action', { action: 'online', api_id: id })
    await publish()
    const url = `${postern.gateway}/brought`
    expect([(await call(url)).status, (await call(url)).status]).toEqual([200, 429])
    const into = { is_create_group: false, group_id: first.body['group_id'] }
    const kept = await manage(postern, 'POST', '/openapi/import', { ...into, file_name: document(9, 'two') })
    expect(kept.body).toMatchObject({ success: [], ignore: [{ path: '/brought', method: 'GET' }] })
    await publish()
    expect((await call(url)).status).toBe(429)
    const replaced = await manage(postern, 'POST', '/openapi/import', {
      ...into,
      file_name: document(9, 'two'),
      api_mode: 'override',
      extend_mode: 'override',
    })
    expect(replaced.body).toMatchObject({ success: [{ id, action: 'update' }], ignore: [] })
    await publish()
    expect((await call(url)).text).toBe('two')
    const throttles = await manage(postern, 'GET', '/throttles?name=brought')
    expect(list(throttles.body, 'throttles')).toMatchObject([{ api_call_limits: 9, bind_num: 1 }])
    expect(list((await manage(postern, 'GET', '/acls?name=brought_list')).body, 'acls')).toMatchObject([
      { bind_num: 1 },
    ])
  })
})

test('what the management API was told is there after a restart, secrets too', async () => {
  const data = mkdtempSync(join(tmpdir(), 'postern-apig-'))
  let postern = await Postern.start([], { data, workers: 1 })
  try {
    const group = await made(postern, '/api-groups', { name: 'kept' })
    const id = await made(postern, '/apis', { ...mock(group, 'kept', 'kept'), auth_type: 'APP' })
    const publishId = await made(postern, '/apis/action', { action: 'online', api_id: id, env_id: RELEASE })
    const app = await made(postern, '/apps', { name: 'app', app_key: 'kept-key-1', app_secret: 'kept-secret-1' })
    await manage(postern, 'POST', '/app-auths', { env_id: RELEASE, api_ids: [id], app_ids: [app] })
    await manage(postern, 'POST', '/features', { name: 'app_secret', enable: true, config: '{"enable":"on"}' })
    const throttle = await made(postern, '/throttles', {
      name: 'kept_t',
      api_call_limits: 7,
      time_interval: 1,
      time_unit: 'DAY',
    })
    await manage(postern, 'POST', '/throttle-bindings', { strategy_id: throttle, publish_ids: [publishId] })
    const period = { time_interval: 1, time_unit: 'DAY' }
    const quota = await manage(postern, 'POST', '/app-quotas', { name: 'kept_q', call_limits: 2, ...period })
    const quotaPath = `/app-quotas/${String(quota.body['app_quota_id'])}`
    await manage(postern, 'POST', `${quotaPath}/binding-apps`, { app_ids: [app] })
    const ask = () =>
      call(`${postern.gateway}/kept`, {
        headers: { 'x-hw-id': 'kept-key-1', 'x-hw-appkey': 'kept-secret-1', 'x-apig-mode': 'debug' },
      })
    expect((await ask()).status).toBe(200)
    await postern.stop()
    postern = await Postern.start([], { data, workers: 1 })
    const answer = await ask()
    expect([answer.status, answer.text]).toEqual([200, 'kept'])
    // The window of a throttle begins anew, the cycle of a quota goes on.
    expect(answer.headers['x-apig-ratelimit-api']).toBe('remain:6,limit:7,time:1 day')
    expect((await ask()).status).toBe(405)
  } finally {
    await postern.stop()
    rmSync(data, { recursive: true, force: true })
  }
})

describe('circles', () => {
  const config = (folder: string, name: string, backend: string): string => {
    const file = join(folder, `${name}.yaml`)
    const api = {
      name: 'api',
      req_method: 'GET',
      req_uri: '/loop',
      backend_type: 'HTTP',
      backend_api: { url_domain: backend, req_protocol: 'HTTP', req_method: 'GET', req_uri: '/loop' },
    }
    writeFileSync(file, stringify({ version: 1, apig: { groups: [{ name, apis: [api] }] } }))
    return file
  }

  test('two gateways that point at each other end after ten forwards, and the log names the cycle', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-loop-'))
    const port = await freePort()
    const first = await Postern.start([config(folder, 'first', `127.0.0.1:${port}`)], { workers: 1 })
    const second = await Postern.start([config(folder, 'second', first.gateway.slice(7))], { workers: 1, port })
    try {
      const answer = await call(`${first.gateway}/loop`)
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        500,
        expect.objectContaining({ error_code: 'APIG.0612' }),
      ])
      // Every gateway on the way back writes its own count.
      expect(answer.headers['x-apig-count']).toBe('1')
    } finally {
      const logs = (await first.stop()).stderr + (await second.stop()).stderr
      rmSync(folder, { recursive: true, force: true })
      const line = logs.split('\n').find((one) => one.includes('goes in a circle'))
      const { forwards, cycle } = JSON.parse(line!) as { forwards: number; cycle: string[] }
      expect(forwards).toBe(11)
      expect(cycle.map((hop) => hop.replace(/postern-[0-9a-f]{12}/, 'ID'))).toEqual([
        '1.1 ID (first/api)',
        '1.1 ID (second/api)',
      ])
    }
  })

  test('a backend that is the gateway itself is warned of, and refused at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-loop-'))
    const port = await freePort()
    const postern = await Postern.start([config(folder, 'own', `127.0.0.1:${port}`)], { workers: 1, port })
    try {
      const answer = await call(`${postern.gateway}/loop`)
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        500,
        expect.objectContaining({ error_code: 'APIG.0612' }),
      ])
    } finally {
      const { stderr } = await postern.stop()
      rmSync(folder, { recursive: true, force: true })
      expect(stderr).toContain('the backend of this API is this gateway at the same API')
    }
  })
})

async function freePort(): Promise<number> {
  const backend = await Backend.start(() => undefined)
  const { port } = backend
  await backend.stop()
  return port
}

describe('debug headers by token, and callers of a bundle in a throttle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-debug-'))
  let postern: Postern

  beforeAll(async () => {
    writeFiles(folder, {
      'p/apiproxy/p.xml': '<APIProxy name="p"/>',
      'p/apiproxy/policies/VK.xml': '<VerifyAPIKey name="VK"><APIKey ref="request.queryparam.key"/></VerifyAPIKey>',
      'p/apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>VK</Name></Step></Request></PreFlow>
        <HTTPProxyConnection><BasePath>/p</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
      'postern.yaml': stringify({
        version: 1,
        debug: { allow: 'token' },
        apig: {
          groups: [
            { name: 'side', apis: [{ name: 'api', req_method: 'GET', req_uri: '/side', backend_type: 'MOCK' }] },
          ],
        },
        apis: [{ bundle: './p', throttle: 'gold' }],
        throttles: [{ name: 'gold', per: { unit: 'hour' }, api: 100, user: 3, app: 2 }],
        products: [{ name: 'all', apis: ['p'] }],
        developers: [
          {
            email: 'a@example.com',
            firstName: 'A',
            lastName: 'B',
            apps: [
              { name: 'one', products: ['all'], keys: [{ key: 'K1', secret: 's' }] },
              { name: 'two', products: ['all'], keys: [{ key: 'K2', secret: 's' }] },
            ],
          },
        ],
      }),
    })
    postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { workers: 2 })
  })

  afterAll(async () => {
    await postern.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('the application first, then the developer over both of its applications', async () => {
    const statuses = []
    for (const key of ['K1', 'K1', 'K1', 'K2', 'K2']) statuses.push(await call(`${postern.gateway}/p?key=${key}`))
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429, 200, 429])
    expect(statuses[2]!.text).toContain('policy app over ratelimit,limit:2,time:1 hour')
    expect(statuses[4]!.text).toContain('policy user over ratelimit,limit:3,time:1 hour')
  })

  test('a bundle and an API of the apig dialect side by side: each answers in its own words', async () => {
    const side = await call(`${postern.gateway}/side`)
    expect(side.status).toBe(200)
    expect((await call(`${postern.gateway}/side`, { method: 'PUT' })).text).toContain('APIG.0101')
    expect((await call(`${postern.gateway}/p/%zz`)).text).toContain('steps.oauth.v2.FailedToResolveAPIKey')
    expect((await call(`${postern.gateway}/none`)).text).toContain('Unable to identify proxy')
  })

  test('a token of the admin door opens the debug headers, and nothing else does', async () => {
    const answer = await fetch(`${postern.admin}/api/debug-tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${postern.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ seconds: 60 }),
    })
    const { token } = (await answer.json()) as { token: string }
    const debug = async (headers: Record<string, string>): Promise<boolean> =>
      'x-apig-latency' in
      (await call(`${postern.gateway}/p`, { headers: { 'x-apig-mode': 'debug', ...headers } })).headers
    expect(await debug({ 'x-postern-debug': token })).toBe(true)
    expect(await debug({})).toBe(false)
    expect(await debug({ 'x-postern-debug': token.replace(/.$/, (c) => (c === '0' ? '1' : '0')) })).toBe(false)
  })
})

test('an APIcast service in a throttle: its API, and its applications', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-apicast-'))
  const backend = await Backend.start((_, response) => response.end('ok'))
  const proxy = {
    hosts: ['127.0.0.1'],
    api_backend: backend.url,
    proxy_rules: [{ http_method: 'GET', pattern: '/', metric_system_name: 'hits', delta: 1 }],
  }
  const authentication = { backend_authentication_type: 'service_token', backend_authentication_value: 'tok' }
  const services = [{ id: 42, backend_version: '1', ...authentication, proxy }]
  const application = (userKey: string): object => ({ service: 42, plan: 'basic', userKey })
  writeFileSync(join(folder, 'apicast.json'), JSON.stringify({ services }))
  writeFileSync(
    join(folder, 'postern.yaml'),
    stringify({
      version: 1,
      throttles: [{ name: 'gold', per: { unit: 'hour' }, api: 4, app: 2, services: [42] }],
      services: [
        { id: 42, systemName: 'svc', backendVersion: '1', serviceToken: 'tok', plans: [{ id: 7, name: 'basic' }] },
      ],
      accounts: [{ id: 'acme', name: 'ACME', applications: [application('uk1'), application('uk2')] }],
    }),
  )
  const paths = ['--config', join(folder, 'postern.yaml'), join(folder, 'apicast.json')]
  const postern = await Postern.start(paths, { workers: 2, data: join(folder, 'data') })
  try {
    const answers = []
    for (const key of ['uk1', 'uk1', 'uk1', 'uk2', 'uk2'])
      answers.push(await call(`${postern.gateway}/x?user_key=${key}`))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 200, 429])
    expect(answers[2]!.text).toContain('policy app over ratelimit,limit:2,time:1 hour')
    expect(answers[4]!.text).toContain('policy api over ratelimit,limit:4,time:1 hour')
  } finally {
    await postern.stop()
    await backend.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an API whose group came from a file that is gone is left out; all else is served and can be changed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-gone-'))
  const data = join(folder, 'data')
  const file = join(folder, 'postern.yaml')
  writeFileSync(file, stringify({ version: 1, apig: { groups: [{ name: 'of file' }] } }))
  let postern = await Postern.start(['--config', file], { data, workers: 1 })
  try {
    const ofFile = String(at((await manage(postern, 'GET', '/api-groups')).body, 'groups', 0, 'id'))
    expect((await manage(postern, 'PUT', `/api-groups/${ofFile}`, { name: 'mine' })).body['error_code']).toBe(
      'APIG.3407',
    )
    const own = await made(postern, '/api-groups', { name: 'own' })
    for (const [group, name] of [
      [ofFile, 'lost'],
      [own, 'kept'],
    ] as const) {
      const id = await made(postern, '/apis', mock(group, name, name))
      await made(postern, '/apis/action', { action: 'online', api_id: id })
    }
    expect((await call(`${postern.gateway}/lost`)).status).toBe(200)
    await postern.stop()
    postern = await Postern.start([], { data, workers: 1 })
    expect([(await call(`${postern.gateway}/lost`)).status, (await call(`${postern.gateway}/kept`)).status]).toEqual([
      404, 200,
    ])
    await made(postern, '/api-groups', { name: 'another' })
  } finally {
    const { stderr } = await postern.stop()
    rmSync(folder, { recursive: true, force: true })
    expect(stderr).toContain('a published API cannot be served and is left out')
  }
})
