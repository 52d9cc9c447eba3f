import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, call } from '../kit/backend.ts'
import { Postern, until } from '../kit/postern.ts'

// 3scale's Account Management API and what comes of it at the backend door, in the real program with two gateway threads.

let postern: Postern
let data: string

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'postern-accounts-'))
  postern = await Postern.start([], { data, workers: 2 })
})
afterAll(async () => {
  await postern.stop()
  rmSync(data, { recursive: true, force: true })
})

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

async function admin(
  method: string,
  path: string,
  body?: object | string,
  headers: Record<string, string> = { authorization: basic('', postern.token) },
): Promise<Answer> {
  const type = typeof body === 'string' ? 'application/x-www-form-urlencoded' : 'application/json'
  const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body)
  return call(`${postern.admin}/admin/api/${path}`, {
    method,
    headers: { ...headers, ...(text !== undefined && { 'content-type': type }) },
    ...(text !== undefined && { body: text }),
  })
}

async function made(path: string, body: object | string): Promise<Record<string, unknown>> {
  const answer = await admin('POST', `${path}.json`, body)
  expect(answer.status, answer.text).toBe(201)
  return Object.values(JSON.parse(answer.text) as object)[0] as Record<string, unknown>
}

const asked = (path: string, query: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> =>
  call(`${postern.backend}/transactions/${path}.xml?${new URLSearchParams(query)}`, { headers })

describe("3scale's accounts", () => {
  let service: Record<string, unknown>
  let plan: Record<string, unknown>
  let application: Record<string, unknown>
  let account: Record<string, unknown>
  let token: string

  test('a service with methods, a plan and limits, an account with an application: in force when answered', async () => {
    service = await made('services', { service: { name: 'Weather API', backend_version: '2', service_token: 'tok' } })
    expect(service).toMatchObject({ name: 'Weather API', system_name: 'weather_api', backend_version: '2' })
    token = 'tok'
    const { body } = { body: JSON.parse((await admin('GET', `services/${service['id']}/metrics.json`)).text) }
    const hits = body.metrics[0].metric
    expect(hits).toMatchObject({ system_name: 'hits', unit: 'hit' })
    const method = await made(`services/${service['id']}/metrics/${hits.id}/methods`, 'friendly_name=Fore+cast')
    expect(method).toMatchObject({ system_name: 'fore_cast', parent_id: hits.id })
    plan = await made(`services/${service['id']}/application_plans`, { application_plan: { name: 'Basic' } })
    const limit = { usage_limit: { period: 'day', value: 3 } }
    await made(`application_plans/${plan['id']}/metrics/${hits.id}/limits`, limit)
    account = await made('signup', 'org_name=ACME&username=ada&email=ada%40example.com')
    application = await made(`accounts/${account['id']}/applications`, {
      plan_id: plan['id'],
      name: 'App',
      description: 'd',
      application_id: 'app1',
    })
    expect(application).toMatchObject({ state: 'live', application_id: 'app1', plan_name: 'Basic', org_name: 'ACME' })
    const query = { service_id: String(service['id']), service_token: token, app_id: 'app1', 'usage[fore_cast]': '2' }
    const first = await asked('authrep', query)
    expect(first.text).toContain(
      '<?xml version="1.0" encoding="UTF-8"?><status><authorized>true</authorized><plan>Basic</plan><usage_reports><usage_report metric="hits" period="day">',
    )
    expect(first.text).toContain('<max_value>3</max_value><current_value>2</current_value>')
    const second = await asked('authrep', query, {
      '3scale-options': 'rejection_reason_header=1&limit_headers=1&no_body=1',
    })
    expect([second.status, second.text, second.headers['3scale-rejection-reason']]).toEqual([
      409,
      '',
      'limits_exceeded',
    ])
    expect(second.headers).toMatchObject({ '3scale-limit-remaining': '0', '3scale-limit-max-value': '3' })
  })

  test('every change holds for every thread: key, suspension, plan', async () => {
    const path = `accounts/${account['id']}/applications/${application['id']}`
    const query = { service_id: String(service['id']), service_token: token, app_id: 'app1' }
    // Connections are spread over both threads.
    const all = async (more: Record<string, string> = {}): Promise<string[]> => {
      const answers = await Promise.all(Array.from({ length: 16 }, () => asked('authorize', { ...query, ...more })))
      return [...new Set(answers.map(({ text }) => /<reason>(.*?)<\/reason>/.exec(text)?.[1] ?? 'authorized'))]
    }
    expect(await all()).toEqual(['authorized'])
    expect((await made(`${path}/keys`, 'key=k1'))['application_id']).toBe('app1')
    expect(await all()).toEqual(['application key is missing'])
    expect(await all({ app_key: 'k1' })).toEqual(['authorized'])
    expect((await admin('PUT', `${path}/suspend.json`)).status).toBe(200)
    expect(await all({ app_key: 'k1' })).toEqual(['application is not active'])
    expect((await admin('PUT', `${path}/resume.json`)).status).toBe(200)
    expect((await admin('DELETE', `${path}/keys/k1.json`)).status).toBe(200)
    expect(await all()).toEqual(['authorized'])
  })

  test('JSON and XML, both Basic forms, the token in query or form; pages', async () => {
    for (const headers of [
      { authorization: basic(postern.token, '') },
      { authorization: basic('', postern.token) },
      { authorization: `Bearer ${postern.token}` },
    ]) {
      expect((await admin('GET', 'services.json', undefined, headers)).status).toBe(200)
    }
    expect((await admin('GET', `services.json?access_token=${postern.token}`, undefined, {})).status).toBe(200)
    expect((await admin('POST', 'signup.json', `access_token=${postern.token}&org_name=B&username=b`, {})).status).toBe(
      201,
    )
    const denied = await admin('GET', 'services.json', undefined, {})
    expect([denied.status, JSON.parse(denied.text).error]).toEqual([
      401,
      expect.stringContaining('needs the admin token'),
    ])
    const xml = await admin('GET', `services/${service['id']}`)
    expect(xml.headers['content-type']).toContain('application/xml')
    expect(xml.text).toContain(`<service><id>${service['id']}</id><name>Weather API</name>`)
    const page = await admin('GET', 'accounts.xml?per_page=1&page=2')
    expect(page.text).toContain('<accounts per_page="1" total_entries="2" total_pages="2" current_page="2"><account>')
    expect(JSON.parse((await admin('GET', 'accounts.json?per_page=1')).text).metadata).toMatchObject({ total_pages: 2 })
  })

  test.each<[string, string, object | string | undefined, number, string]>([
    ['POST', 'services.json', { service: {} }, 422, '{"errors":{"name":["can\'t be blank"]}}'],
    ['POST', 'services.xml', { service: {} }, 422, "<errors><error>Name can't be blank</error></errors>"],
    [
      'POST',
      'services.json',
      { name: 'W', system_name: 'weather_api' },
      422,
      '{"errors":{"system_name":["has already been taken"]}}',
    ],
    [
      'POST',
      'services.json',
      { name: 'N', backend_version: '7' },
      422,
      '"backend_version":["is not included in the list"]',
    ],
    ['GET', 'services/999.json', undefined, 404, '{"status":"Not found"}'],
    ['GET', 'services/999.xml', undefined, 404, '<error>Not found</error>'],
    ['GET', 'nonsense.json', undefined, 404, '{"status":"Not found"}'],
    ['POST', 'signup.json', 'org_name=', 422, '"username":["can\'t be blank"]'],
    ['POST', 'signup.json', '{"org_name"', 422, '"username":["can\'t be blank"]'],
    ['GET', 'applications/find.json?app_id=nobody', undefined, 404, 'Not found'],
    ['GET', 'applications/find.json?app_id=app1', undefined, 200, '"application_id":"app1"'],
  ])('%s %s %j: %i', async (method, path, body, status, text) => {
    const answer = await admin(method, path, body)
    expect(answer.status, answer.text).toBe(status)
    expect(answer.text).toContain(text)
  })

  test('a proxy with rules and a chain is deployed, promoted, and loaded by a gateway', async () => {
    const s = `services/${service['id']}`
    const { metrics } = JSON.parse((await admin('GET', `${s}/metrics.json`)).text)
    expect((await admin('PATCH', `${s}/proxy.json`, { proxy: { api_backend: 'ftp://x' } })).text).toContain(
      '"api_backend":["is invalid"]',
    )
    await admin('PATCH', `${s}/proxy.json`, {
      proxy: { api_backend: 'http://127.0.0.1:1', endpoint: 'https://api.example:443' },
    })
    const rule = {
      mapping_rule: { http_method: 'GET', pattern: '/a/{x}?q={y}', delta: 2, metric_id: metrics[0].metric.id },
    }
    expect(await made(`${s}/proxy/mapping_rules`, rule)).toMatchObject({ position: 1, last: false })
    expect((await admin('POST', `${s}/proxy/mapping_rules.json`, { ...rule.mapping_rule, pattern: 'a' })).status).toBe(
      422,
    )
    const unknown = { policies_config: JSON.stringify([{ name: 'nobody_knows' }]) }
    expect((await admin('PUT', `${s}/proxy/policies.json`, unknown)).text).toContain(
      'the policy nobody_knows, which is not supported',
    )
    await admin('PUT', `${s}/proxy/policies.json`, { policies_config: JSON.stringify([{ name: 'apicast' }]) })
    expect((await admin('POST', `${s}/proxy/deploy.json`)).status).toBe(201)
    expect((await admin('POST', `${s}/proxy/configs/sandbox/1/promote.json`, { to: 'production' })).status).toBe(201)
    expect((await admin('POST', `${s}/proxy/configs/sandbox/1/promote.json`, { to: 'production' })).status).toBe(422)
    expect((await admin('GET', `${s}/proxy/configs/nowhere.json`)).status).toBe(400)
    expect((await admin('GET', 'account/proxy_configs/nowhere.json')).status).toBe(422)
    const { proxy_configs: configs } = JSON.parse(
      (await admin('GET', 'account/proxy_configs/production.json?version=latest&host=api.example')).text,
    )
    expect(configs[0].proxy_config).toMatchObject({
      version: 1,
      environment: 'production',
      content: {
        backend_authentication_value: token,
        proxy: {
          hosts: ['api.example'],
          proxy_rules: [
            { pattern: '/a/{x}?q={y}', metric_system_name: 'hits', delta: 2, querystring_parameters: { q: '{y}' } },
          ],
        },
      },
    })
  })

  test('everything is there after a restart, usage too', async () => {
    await postern.stop()
    postern = await Postern.start([], { data, workers: 2 })
    const query = { service_id: String(service['id']), service_token: token, app_id: 'app1' }
    const answer = await asked('authorize', query)
    expect(answer.text).toContain('<current_value>2</current_value>')
    const usage = await until(async () => {
      const { body } = await postern.ask(
        `/stats/applications/${application['id']}/usage.json?metric_name=fore_cast&period=day`,
      )
      return (body as { total: number }).total === 2 && body
    })
    expect(usage).toMatchObject({
      metric: { system_name: 'fore_cast', name: 'Fore cast', unit: 'hit' },
      application: { name: 'App', plan: { name: 'Basic' }, account: { name: 'ACME' } },
    })
  })

  test('killed at once: at most the last second is gone', async () => {
    const query = { service_id: String(service['id']), service_token: token, app_id: 'app1', 'usage[hits]': '1' }
    expect((await asked('authrep', query)).status).toBe(200)
    await until(async () => {
      const { body } = await postern.ask(`/stats/services/${service['id']}/usage.json?metric_name=hits&period=day`)
      return (body as { total: number }).total === 3
    }, 1_000)
    await postern.kill()
    postern = await Postern.start([], { data, workers: 2 })
    expect((await asked('authrep', query)).status).toBe(409)
  })
})
