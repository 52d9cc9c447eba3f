import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// Edge's statistics over the gateway's own rollups.

const folder = mkdtempSync(join(tmpdir(), 'postern-edge-stats-'))
let postern: Postern
let backend: Backend

beforeAll(async () => {
  backend = await Backend.start((received, response) => {
    response.statusCode = received.url === '/broken' ? 503 : 200
    response.end('ok')
  })
  writeFiles(join(folder, 'guarded'), {
    'apiproxy/guarded.xml': '<APIProxy name="guarded"/>',
    'apiproxy/policies/VK.xml': '<VerifyAPIKey name="VK"><APIKey ref="request.queryparam.apikey"/></VerifyAPIKey>',
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>VK</Name></Step></Request></PreFlow>
      <HTTPProxyConnection><BasePath>/guarded</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
  })
  writeFileSync(
    join(folder, 'postern.yaml'),
    `version: 1\norganization: acme\nenvironment: test\napis: [{name: plain, basePath: /plain, target: "${backend.url}"}, {name: other, basePath: /other, target: "${backend.url}"}, {bundle: guarded}]\n`,
  )
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { workers: 1 })
})

afterAll(async () => {
  await postern.stop()
  await backend.stop()
  rmSync(folder, { recursive: true, force: true })
})

const edgeTime = (ms: number): string => {
  const [date, time] = new Date(ms).toISOString().split('T') as [string, string]
  const [year, month, day] = date.split('-')
  return `${month}/${day}/${year} ${time.slice(0, 5)}`
}

async function stats(dimensions: string, parameters: Record<string, string>) {
  const timeRange = `${edgeTime(Date.now() - 7_200_000)}~${edgeTime(Date.now() + 7_200_000)}`
  const query = new URLSearchParams({ select: 'sum(message_count)', timeRange, ...parameters })
  const { status, body } = await postern.ask(`/v1/o/acme/e/test/stats${dimensions}?${query}`)
  return { status, body: body as ReturnType<typeof JSON.parse> }
}

const counts = (body: ReturnType<typeof JSON.parse>) =>
  Object.fromEntries(
    body.environments[0].dimensions.map((one: ReturnType<typeof JSON.parse>) => [one.name, one.metrics[0].values[0]]),
  )

async function makeApp(): Promise<string> {
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${postern.token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${postern.admin}/v1/o/acme${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return (await answer.json()) as ReturnType<typeof JSON.parse>
  }
  await post('/apiproducts', { name: 'basic', proxies: ['guarded'] })
  await post('/developers', { email: 'ada@example.com', firstName: 'A', lastName: 'L', userName: 'ada' })
  const app = await post('/developers/ada@example.com/apps', { name: 'reader', apiProducts: ['basic'] })
  return app.credentials[0].consumerKey
}

test('calls by dimensions, filtered, over time', async () => {
  const key = await makeApp()
  for (const path of ['/plain/a', '/plain/broken', '/plain/a', '/other/a', '/nowhere', `/guarded?apikey=${key}`]) {
    await call(`${postern.gateway}${path}`)
  }
  await until(async () => counts((await stats('/apis', {})).body)['guarded'] === '1.0')
  expect(counts((await stats('/apis', {})).body)).toMatchObject({ plain: '3.0', other: '1.0', guarded: '1.0' })
  const both = counts((await stats('/apiproxy,response_status_code', {})).body)
  expect(both).toMatchObject({ 'plain,200': '2.0', 'plain,503': '1.0', 'other,200': '1.0' })
  expect(counts((await stats('/apis', { filter: "(response_status_code ge '500')" })).body)).toEqual({ plain: '1.0' })
  expect(counts((await stats('/developer_app', { filter: "(apiproxy eq 'guarded')" })).body)).toEqual({ reader: '1.0' })
  expect(counts((await stats('/developer_email', { filter: "(apiproxy eq 'guarded')" })).body)).toEqual({
    'ada@example.com': '1.0',
  })
  const page = (await stats('/apis', { limit: '1', sortby: 'sum(message_count)', sort: 'DESC' })).body
  expect(counts(page)).toEqual({ plain: '3.0' })

  const select = 'sum(message_count),avg(total_response_time),sum(target_error),sum(is_error),tps'
  const { body } = await stats('/apis', { select, timeUnit: 'hour', filter: "(apiproxy eq 'plain')" })
  const metrics = Object.fromEntries(
    body.environments[0].dimensions[0].metrics.map(({ name, values }: ReturnType<typeof JSON.parse>) => [name, values]),
  )
  const total = metrics['sum(message_count)'].reduce(
    (sum: number, one: { value: string }) => sum + Number(one.value),
    0,
  )
  expect(total).toBe(3)
  expect(metrics['sum(message_count)'][0].timestamp % 3_600_000).toBe(0)
  expect(Number(metrics['avg(total_response_time)'][0].value)).toBeGreaterThan(0)
  expect(metrics['sum(target_error)'].map((one: { value: string }) => one.value)).toContain('1.0')
  expect((await stats('', {})).body.environments[0].metrics[0].values).toEqual(['6.0'])
})

test.each([
  ['/colour', {}, 'there is no dimension "colour"; there are apis'],
  ['/apis', { select: 'max(message_count)' }, 'select: max(message_count) is not supported'],
  ['/apis', { select: '' }, 'select is missing'],
  ['/apis', { timeRange: 'today' }, 'timeRange must be'],
  ['/apis', { filter: "(x eq 'y')" }, 'filter: x is no dimension here'],
  ['/apis', { limit: 'all' }, 'limit must be a whole number'],
  ['/apis', { sortby: 'x' }, 'sortby must be one of'],
])('stats%s %j is refused', async (dimensions, parameters, message) => {
  const { status, body } = await stats(dimensions, parameters)
  expect([status, body.message]).toEqual([400, expect.stringContaining(message)])
})
