import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, Backend, call } from '../kit/backend.ts'
import { Postern, runPostern, until } from '../kit/postern.ts'

// A Postern that loads its services from another one, as APIcast does from 3scale's portal, and asks its accounts.

let upstream: Backend
let portal: Postern
let service: string
let gateway: Postern

beforeAll(async () => {
  upstream = await Backend.start((_request, response) => response.end('ok'))
  portal = await Postern.start([], { workers: 1 })
  service = String((await made('services', { name: 'API', backend_version: '1' }))['id'])
  const plan = await made(`services/${service}/application_plans`, { name: 'Basic' })
  const account = await made('signup', { org_name: 'ACME', username: 'ada' })
  await made(`accounts/${account['id']}/applications`, {
    plan_id: plan['id'],
    name: 'A',
    description: 'd',
    user_key: 'uk',
  })
  await configure({ api_backend: upstream.url, endpoint: 'http://api.example' })
  await made(`services/${service}/proxy/mapping_rules`, {
    http_method: 'GET',
    pattern: '/',
    delta: 2,
    metric_id: (await ask('GET', `services/${service}/metrics.json`)).metrics[0].metric.id,
  })
  await publish()
  gateway = await Postern.start([], { workers: 2, env: environment({ APICAST_CONFIGURATION_CACHE: '1' }) })
})
afterAll(async () => {
  await gateway.stop()
  await portal.stop()
  await upstream.stop()
})

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  THREESCALE_PORTAL_ENDPOINT: portal.admin.replace('://', `://${portal.token}@`),
  APICAST_CONFIGURATION_LOADER: 'boot',
  APICAST_RESPONSE_CODES: '1',
  ...more,
})

async function send(method: string, path: string, body?: object): Promise<Answer> {
  return call(`${portal.admin}/admin/api/${path}`, {
    method,
    headers: { authorization: `Bearer ${portal.token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}
const ask = async (method: string, path: string, body?: object) => JSON.parse((await send(method, path, body)).text)
async function made(path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await send('POST', `${path}.json`, body)
  expect(answer.status, answer.text).toBe(201)
  return Object.values(JSON.parse(answer.text))[0] as Record<string, unknown>
}
const configure = (proxy: object): Promise<Answer> => send('PATCH', `services/${service}/proxy.json`, { proxy })
async function publish(): Promise<void> {
  const { proxy_config: config } = await ask('POST', `services/${service}/proxy/deploy.json`)
  await send('POST', `services/${service}/proxy/configs/sandbox/${config.version}/promote.json`, { to: 'production' })
}
const get = (key: string, host = 'api.example'): Promise<Answer> =>
  call(`${gateway.gateway}/a?user_key=${key}`, { headers: { host } })

describe('services from a portal', () => {
  test('are served when the gateway is ready, with the accounts of the portal', async () => {
    expect([(await get('uk')).status, (await get('nobody')).status, (await get('uk', 'other')).status]).toEqual([
      200, 403, 404,
    ])
    const path = `/stats/services/${service}`
    await until(async () => {
      const { body } = await portal.ask(`${path}/usage.json?metric_name=hits&period=day`)
      return (body as { total: number }).total === 2
    })
    const { body } = await portal.ask(`${path}/usage_response_code.json?response_code=200&period=day`)
    expect(body).toMatchObject({ total: 1 })
  })

  test('a new version is loaded; one that cannot be served is refused, and the last good one stays', async () => {
    await configure({ error_auth_failed: 'who are you?' })
    await publish()
    await until(async () => (await get('nobody')).text === 'who are you?')
    let log = ''
    gateway.process.stderr!.on('data', (text: string) => {
      log += text
    })
    // Caching mode none and response codes: the portal takes it, this gateway does not.
    const none = [{ name: 'caching', configuration: { caching_type: 'none' } }, { name: 'apicast' }]
    await send('PUT', `services/${service}/proxy/policies.json`, { policies_config: JSON.stringify(none) })
    await configure({ error_auth_failed: 'never seen' })
    await publish()
    await until(() => log.includes('its last good version stays'))
    expect((await get('nobody')).text).toBe('who are you?')
    await send('PUT', `services/${service}/proxy/policies.json`, {
      policies_config: JSON.stringify([{ name: 'apicast' }]),
    })
    await configure({ error_auth_failed: 'welcome back' })
    await publish()
    await until(async () => (await get('nobody')).text === 'welcome back')
  })

  test('boot: no portal, no start; lazy: a start without services', async () => {
    const away = { THREESCALE_PORTAL_ENDPOINT: 'http://token-of-nobody@127.0.0.1:1' }
    const args = ['start', '--port', '0', '--admin-port', '0', '--backend-port', '0', '--data', `${gateway.data}-away`]
    const run = await runPostern(args, environment(away))
    expect([run.code, run.stderr]).toEqual([
      1,
      expect.stringContaining('the portal http://127.0.0.1:1 gives no configuration'),
    ])
    expect(run.stderr).not.toContain('token-of-nobody')
    const lazy = await Postern.start([], {
      workers: 1,
      env: environment({ ...away, APICAST_CONFIGURATION_LOADER: 'lazy' }),
    })
    const ready = await call(`${lazy.admin}/status/ready`)
    expect(JSON.parse(ready.text)).toMatchObject({ status: 'warning', warning: 'no services' })
    await lazy.stop()
  })
})
