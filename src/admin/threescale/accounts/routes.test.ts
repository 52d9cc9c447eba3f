import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccountsInProcess } from '../../../../test/kit/accounts.ts'
import { call } from '../../../../test/kit/backend.ts'

const nowMs = Date.parse('2026-11-22T11:00:00Z')
let accounts: AccountsInProcess

beforeAll(async () => {
  accounts = await AccountsInProcess.start({ services: [], accounts: [], applications: [] }, nowMs)
})
afterAll(() => accounts.stop())

async function send(method: string, path: string, body?: object | string | Buffer, type?: string) {
  const isText = typeof body === 'string' || Buffer.isBuffer(body)
  const sent = body === undefined ? undefined : isText ? body : JSON.stringify(body)
  const answer = await call(`${accounts.admin}/admin/api/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${accounts.token}`,
      ...(sent !== undefined && {
        'content-type': type ?? (isText ? 'application/x-www-form-urlencoded' : 'application/json'),
      }),
    },
    ...(sent !== undefined && { body: sent }),
  })
  return {
    status: answer.status,
    text: answer.text,
    body: answer.text.startsWith('{') ? JSON.parse(answer.text) : null,
  }
}

/** The entity of a 2xx answer, without its wrapper. */
async function entity(method: string, path: string, body?: object | string): Promise<Record<string, unknown>> {
  const answer = await send(method, path, body)
  expect([200, 201], answer.text).toContain(answer.status)
  return Object.values(answer.body as object)[0]
}

const service = (fields: object = {}) => entity('POST', 'services.json', { name: 'Weather', ...fields })
const plan = async (fields: object = {}) => {
  const of = (await service())['id']
  return {
    service: of,
    plan: (await entity('POST', `services/${of}/application_plans.json`, { name: 'Basic', ...fields }))['id'],
  }
}
const account = async (fields: object = {}) =>
  (await entity('POST', 'signup.json', { org_name: 'ACME', username: 'ada', ...fields }))['id']

describe('what the portal keeps', () => {
  test('the fields of a service that nothing here acts upon', async () => {
    const sent = { mandatory_app_key: false, buyers_manage_apps: false, support_email: 'a@b.example' }
    const made = await service(sent)
    expect(made).toMatchObject(sent)
    const changed = await entity('PUT', `services/${made['id']}.json`, { service: { intentions_required: true } })
    expect(changed).toMatchObject({ ...sent, intentions_required: true, custom_keys_enabled: true })
  })

  test('what a plan costs', async () => {
    const { service: of, plan: id } = await plan({ setup_fee: '9.5', cost_per_month: 10 })
    const path = `services/${of}/application_plans/${id}.json`
    expect(await entity('PATCH', path, { trial_period_days: 3 })).toMatchObject({
      setup_fee: 9.5,
      cost_per_month: 10,
      trial_period_days: 3,
      approval_required: false,
    })
    expect((await send('PUT', path, { setup_fee: 'much' })).body).toEqual({
      errors: { setup_fee: ['is not a number'] },
    })
  })

  test('OpenID Connect stays the word for it', async () => {
    const made = await service({ backend_version: 'oidc' })
    expect(made['backend_version']).toBe('oidc')
    expect((await entity('PUT', `services/${made['id']}.json`, { name: 'N' }))['backend_version']).toBe('oidc')
    expect((await entity('PUT', `services/${made['id']}.json`, 'backend_version=2'))['backend_version']).toBe('2')
  })

  test('when a thing was made and changed', async () => {
    const stamped = { created_at: '2026-11-22T11:00:00Z', updated_at: '2026-11-22T11:00:00Z' }
    const { service: s, plan: p } = await plan()
    expect(await entity('GET', `services/${s}.json`)).toMatchObject(stamped)
    expect(await entity('GET', `services/${s}/application_plans/${p}.json`)).toMatchObject(stamped)
    const { metrics } = (await send('GET', `services/${s}/metrics.json`)).body
    expect(metrics[0].metric).toMatchObject(stamped)
    expect((await send('GET', `services/${s}.xml`)).text).toContain('<created_at>2026-11-22T11:00:00Z</created_at>')
  })

  test('what was changed in a proxy', async () => {
    const s = (await service())['id']
    expect(await entity('GET', `services/${s}/proxy.json`)).toMatchObject({ lock_version: 0, deployed_at: null })
    const proxy = { api_backend: 'http://127.0.0.1:1' }
    expect(await entity('PATCH', `services/${s}/proxy.json`, { proxy })).toMatchObject({ ...proxy, lock_version: 1 })
    await entity('POST', `services/${s}/proxy/deploy.json`)
    expect((await entity('GET', `services/${s}/proxy.json`))['deployed_at']).toBe('2026-11-22T11:00:00Z')
  })
})

describe('names', () => {
  test('one that is made up gives way, one that was chosen does not', async () => {
    const first = await service({ name: 'Twice' })
    expect([first['system_name'], (await service({ name: 'Twice' }))['system_name']]).toEqual(['twice', 'twice_2'])
    const chosen = await send('POST', 'services.json', { name: 'T', system_name: 'twice' })
    expect(chosen.body).toEqual({ errors: { system_name: ['has already been taken'] } })
    const { service: s } = await plan()
    expect((await entity('POST', `services/${s}/application_plans.json`, { name: 'Basic' }))['system_name']).toBe(
      'basic_2',
    )
    expect(
      (await entity('POST', `services/${s}/metrics.json`, { friendly_name: 'Hits', unit: 'u' }))['system_name'],
    ).toBe('hits_2')
  })

  test('in letters that no system name has', async () => {
    const names = [await service({ name: '天气' }), await service({ name: '地图' })].map((one) => one['system_name'])
    expect(new Set(names).size).toBe(2)
  })
})

test('methods are metrics among the metrics, methods among the methods', async () => {
  const s = (await service())['id']
  const below = `services/${s}/metrics`
  const hits = (await send('GET', `${below}.json`)).body.metrics[0].metric.id
  const method = await send('POST', `${below}/${hits}/methods.json`, 'friendly_name=Get')
  const { id } = method.body.method
  expect(method.body.method.links).toContainEqual({ rel: 'self', href: `/admin/api/${below}/${hits}/methods/${id}` })
  const { metrics } = (await send('GET', `${below}.json`)).body
  expect(metrics.map(Object.keys)).toEqual([['metric'], ['metric']])
  expect(metrics[1].metric).toMatchObject({ id, unit: 'hit', parent_id: hits })
  expect(Object.keys((await send('GET', `${below}/${hits}/methods.json`)).body.methods[0])).toEqual(['method'])
})

describe('applications', () => {
  test('need a description', async () => {
    const { plan: p } = await plan()
    const answer = await send('POST', `accounts/${await account()}/applications.json`, { plan_id: p, name: 'A' })
    expect([answer.status, answer.body]).toEqual([422, { errors: { description: ["can't be blank"] } }])
  })

  test('wait for approval where the plan says so', async () => {
    const { plan: p } = await plan({ approval_required: true })
    const below = `accounts/${await account()}/applications`
    const made = await entity('POST', `${below}.json`, { plan_id: p, name: 'A', description: 'd' })
    expect(made['state']).toBe('pending')
    expect((await entity('PUT', `${below}/${made['id']}/accept.json`))['state']).toBe('live')
  })

  test('one comes with the account that names a plan; the account is found by its user', async () => {
    const { plan: p } = await plan()
    const id = await account({ org_name: 'Zoo', username: 'zoe', email: 'z@zoo.example', application_plan_id: p })
    const { applications } = (await send('GET', `accounts/${id}/applications.json`)).body
    expect(applications[0].application).toMatchObject({ name: "Zoo's App", plan_id: p, state: 'live' })
    for (const query of ['username=zoe', 'email=z%40zoo.example']) {
      expect((await entity('GET', `accounts/find.json?${query}`))['id']).toBe(id)
    }
    expect((await send('GET', 'accounts/find.json?username=nobody')).status).toBe(404)
    const before = (await send('GET', 'accounts.json')).body.accounts.length
    const none = await send('POST', 'signup.json', { org_name: 'X', username: 'x', application_plan_id: 999_999 })
    expect([none.status, (await send('GET', 'accounts.json')).body.accounts.length]).toEqual([422, before])
  })

  test('a plan is customized for one of them, and back', async () => {
    const { service: s, plan: p } = await plan()
    const { metric } = (await send('GET', `services/${s}/metrics.json`)).body.metrics[0]
    const limit = { period: 'day', value: 1 }
    await entity('POST', `application_plans/${p}/metrics/${metric.id}/limits.json`, limit)
    const below = `accounts/${await account()}/applications`
    const { id } = await entity('POST', `${below}.json`, { plan_id: p, name: 'A', description: 'd' })
    const custom = await entity('PUT', `${below}/${id}/customize_plan.json`)
    expect(custom).toMatchObject({ custom: true, name: 'Basic (custom)' })
    const [copied] = (await send('GET', `application_plans/${custom['id']}/limits.json`)).body.limits
    const mine = `application_plans/${custom['id']}/metrics/${metric.id}/limits/${copied.limit.id}.json`
    await entity('PUT', mine, { value: 5 })
    expect((await entity('GET', `${below}/${id}.json`))['plan_id']).toBe(custom['id'])
    const plans = (await send('GET', `services/${s}/application_plans.json`)).body.plans
    expect(plans.map((one: { application_plan: { id: number } }) => one.application_plan.id)).toEqual([p])
    expect((await send('GET', `application_plans/${p}/limits.json`)).body.limits[0].limit.value).toBe(1)
    expect((await send('PUT', `${below}/${id}/customize_plan.json`)).status).toBe(422)
    expect((await entity('PUT', `${below}/${id}/decustomize_plan.json`))['id']).toBe(p)
    expect((await entity('GET', `${below}/${id}.json`))['plan_id']).toBe(p)
    expect((await send('GET', `application_plans/${custom['id']}/limits.json`)).status).toBe(404)
  })
})

describe('is refused, and nothing is stored', () => {
  test.each<[string | Buffer, string, number, string]>([
    [Buffer.from('{"name":"\xff\xfe"}', 'latin1'), 'application/json', 400, 'The body is not UTF-8.'],
    [Buffer.from('name=\xff', 'latin1'), 'application/x-www-form-urlencoded', 400, 'The body is not UTF-8.'],
    ['name=%ff%fe', 'application/x-www-form-urlencoded', 400, 'The body is not well-encoded'],
    ['name=%zz', 'application/x-www-form-urlencoded', 400, 'The body is not well-encoded'],
    ['name=x', 'text/plain', 415, 'must be application/x-www-form-urlencoded or application/json, not text/plain'],
    ['<service/>', 'application/xml', 415, 'not application/xml'],
    [`name=${'x'.repeat(5_000_000)}`, 'application/x-www-form-urlencoded', 413, 'larger than'],
    ['{"name":', 'application/json', 400, 'not well-formed JSON'],
  ])('%j', async (body, type, status, text) => {
    const before = (await send('GET', 'services.json')).text
    const answer = await send('POST', 'services.json', body, type)
    expect([answer.status, answer.body.error]).toEqual([status, expect.stringContaining(text)])
    expect((await send('GET', 'services.json')).text).toBe(before)
  })

  test('a query that is not UTF-8', async () => {
    expect((await send('PUT', 'services/1.json?name=%ff', '')).status).toBe(400)
  })

  test.each(['/x/{a}/{a}', '/x?{a}=1', 'x', `/${'x'.repeat(255)}`, '/a b', '/a$/b', '/{a-b}'])(
    'the pattern %s of a mapping rule',
    async (pattern) => {
      const s = (await service())['id']
      const { metric } = (await send('GET', `services/${s}/metrics.json`)).body.metrics[0]
      const rule = { http_method: 'GET', pattern, delta: 1, metric_id: metric.id }
      const answer = await send('POST', `services/${s}/proxy/mapping_rules.json`, rule)
      expect([answer.status, Object.keys(answer.body.errors ?? {})]).toEqual([422, ['pattern']])
      const good = { ...rule, pattern: '/a/{x}.json$?q={v}&r=1' }
      expect(await entity('POST', `services/${s}/proxy/mapping_rules.json`, good)).toMatchObject({
        pattern: good.pattern,
      })
    },
  )

  test('a policy that no gateway here knows, when it is written into the chain', async () => {
    const s = (await service())['id']
    const answer = await send('PUT', `services/${s}/proxy/policies.json`, { policies_config: [{ name: 'soap' }] })
    expect([answer.status, answer.body.errors.policies_config[0]]).toEqual([
      422,
      expect.stringContaining('is the policy soap, which is not supported'),
    ])
    expect((await send('GET', `services/${s}/proxy/policies.json`)).body.policies_config[0].name).toBe('apicast')
  })
})
