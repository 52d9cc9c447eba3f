import { afterAll, describe, expect, test } from 'vitest'
import { callsOf, demoNowMs, demoOptions, demoToken } from '../../../test/browser/demo-gateway.ts'
import { delayed } from '../../stores/conformance/delayed.ts'
import { buildAdmin } from '../server.ts'

const options = demoOptions()
const hourMs = 3_600_000
const minuteMs = Math.floor(demoNowMs / 60_000) * 60_000
await options.analytics.write({
  rows: [
    callsOf({ minuteMs, calls: 10 }),
    callsOf({ minuteMs, calls: 2, status: 304 }),
    callsOf({
      minuteMs,
      calls: 3,
      status: 404,
      answeredBy: 'gateway',
      proxy: '',
      serviceId: '',
      errorCode: 'RouteNotFound',
    }),
    callsOf({ minuteMs, calls: 4, status: 429, answeredBy: 'policy', authorized: false, errorCode: 'APIG.0308' }),
    callsOf({ minuteMs, calls: 1, status: 499, answeredBy: 'client', totalMs: 2000 }),
    callsOf({ minuteMs, calls: 1, status: 911, proxy: 'orders', serviceId: '' }),
    callsOf({ minuteMs: minuteMs - 2 * hourMs, calls: 5, status: 503, proxy: 'maps', serviceId: '43' }),
  ],
  droppedCalls: 6,
})
const app = buildAdmin(options)
afterAll(() => app.close())

const headers = { authorization: `Bearer ${demoToken}` }
const get = async (url: string) => app.inject({ url, headers })
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const sums = (lists: Record<string, number[]>): Record<string, number> =>
  Object.fromEntries(Object.entries(lists).map(([key, values]) => [key, sum(values)]))

describe('/api/response-codes', () => {
  test('has every call, by class and by who answered', async () => {
    const answer = (await get('/api/response-codes')).json()
    expect(answer).toMatchObject({
      nowMs: demoNowMs,
      sinceMs: Date.parse('2026-11-21T12:00:00Z'),
      untilMs: Date.parse('2026-11-22T12:00:00Z'),
      timezone: 'Etc/UTC',
      granularity: 'hour',
      granularities: ['minute', 'quarter', 'hour', 'day', 'month'],
      calls: 26,
    })
    expect(answer.startsMs).toHaveLength(24)
    expect(sums(answer.byClass)).toEqual({ '1XX': 0, '2XX': 10, '3XX': 2, '4XX': 7, '499': 1, '5XX': 5, other: 1 })
    expect(sums(answer.byAnswerer)).toEqual({ gateway: 3, policy: 4, callout: 0, target: 18, client: 1 })
    expect([answer.byClass['5XX'][21], answer.byClass['2XX'][23]]).toEqual([5, 10])
    expect(answer.statuses).toEqual([
      { status: 200, calls: 10 },
      { status: 503, calls: 5 },
      { status: 429, calls: 4 },
      { status: 404, calls: 3 },
      { status: 304, calls: 2 },
      { status: 499, calls: 1 },
      { status: 911, calls: 1 },
    ])
    expect(answer.errors).toContainEqual({ proxy: 'weather', errorCode: 'APIG.0308', calls: 4 })
    expect(answer.latency.p50Ms).toBeGreaterThan(20)
    expect(answer.traffic.lastMs).toBe(Date.parse('2026-11-22T11:00:00Z'))
  })

  test('of one service by its id or its name, of one proxy', async () => {
    for (const service of ['42', 'weather']) {
      expect((await get(`/api/response-codes?service=${service}`)).json().calls).toBe(17)
    }
    expect((await get('/api/response-codes?proxy=maps')).json().calls).toBe(5)
    expect((await get('/api/response-codes?proxy=gone')).json()).toMatchObject({ calls: 0, traffic: null })
  })

  test('of another range and granularity', async () => {
    const hour = (await get('/api/response-codes?last=1h')).json()
    expect([hour.granularity, hour.startsMs.length, hour.calls]).toEqual(['minute', 60, 21])
    const day = (await get('/api/response-codes?since=2026-11-22&until=2026-11-22&granularity=day')).json()
    expect([day.startsMs, day.byClass['5XX']]).toEqual([[Date.parse('2026-11-22T00:00:00Z')], [5]])
    const away = (await get('/api/response-codes?last=7d&timezone=Asia/Kolkata')).json()
    expect([away.timezone, away.untilMs]).toEqual(['Asia/Kolkata', Date.parse('2026-11-22T18:30:00Z')])
  })

  test.each([
    ['granularity=second', 400, 'bad_parameter', 'granularity must be one of minute, quarter, hour, day, month.'],
    ['last=2h', 400, 'bad_parameter', 'last must be one of 1h, 24h, 7d, 30d, 12m.'],
    ['service=42&service=43', 400, 'bad_parameter', 'service must be one text, given once.'],
    ['metric=hits', 400, 'bad_parameter', 'There is no parameter "metric" for this call.'],
    ['service=', 400, 'bad_parameter', 'service must NOT have fewer than 1 characters.'],
    ['service=42&proxy=maps', 400, 'bad_parameter', 'Give one of service, proxy and application.'],
    ['service=7', 404, 'unknown_service', 'There is no service 7; /api/services lists them.'],
    ['since=now', 400, 'bad_parameter', 'since must be a date or an instant as in 2026-11-22 or 2026-11-22T10:30:00Z.'],
    ['last=12m&granularity=hour', 400, 'bad_parameter', 'it can be day or month'],
  ])('refuses ?%s with %i', async (query, status, code, message) => {
    const answer = await get(`/api/response-codes?${query}`)
    expect(answer.statusCode).toBe(status)
    expect(answer.json().error).toMatchObject({ code, requestId: answer.headers['x-request-id'] })
    expect(answer.json().error.message).toContain(message)
  })

  test('is never kept by a browser', async () => {
    expect((await get('/api/response-codes')).headers['cache-control']).toBe('no-store')
    expect((await get('/api/response-codes?last=x')).headers['cache-control']).toBe('no-store')
  })
})

test('/api/services lists services without their keys', async () => {
  const answer = await get('/api/services')
  expect(answer.json().services[0]).toEqual({ id: '42', systemName: 'weather', name: 'Weather' })
  expect(answer.body).not.toMatch(/pk-|tok-/)
})

test('/api/proxies lists proxies with the service that each is bound to', async () => {
  expect((await get('/api/proxies')).json()).toMatchObject({
    proxies: [
      {
        name: 'weather',
        revision: 3,
        basePaths: ['/v1/weather'],
        service: { id: '42', systemName: 'weather', name: 'Weather' },
      },
      {
        name: 'maps',
        revision: 1,
        basePaths: ['/v1/maps', '/v2/maps'],
        service: { id: '43', systemName: 'maps', name: 'Maps' },
      },
      { name: 'orders', revision: 12, basePaths: ['/orders'], service: null },
    ],
  })
})

test('/api/overview has the last hour and the health of the counters', async () => {
  expect((await get('/api/overview')).json()).toEqual({
    nowMs: demoNowMs,
    startedMs: demoNowMs,
    ready: true,
    why: null,
    proxies: 3,
    services: 3,
    lastHour: {
      calls: 21,
      clientErrors: 8,
      serverErrors: 0,
      latency: { p50Ms: expect.any(Number), p99Ms: expect.any(Number) },
    },
    analytics: { lostCalls: 6, pendingCalls: 0, problem: null },
  })
})

test('a store that answers later makes no difference', async () => {
  const later = buildAdmin({ ...options, analytics: delayed(options.analytics) })
  for (const url of ['/api/overview', '/api/response-codes?last=7d&service=42', '/metrics']) {
    const [now, then] = [await get(url), await later.inject({ url, headers })]
    expect(then.statusCode).toBe(200)
    if (url !== '/metrics') expect(then.json()).toEqual(now.json())
  }
  await later.close()
})
