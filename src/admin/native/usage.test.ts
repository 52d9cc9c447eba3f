import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccountsInProcess } from '../../../test/kit/accounts.ts'
import { amount, usageFixture } from '../../../test/kit/usage.ts'
import type { ApplicationPageAnswer, ApplicationsAnswer, TopApplicationsAnswer, UsageAnswer } from './answers.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-11-20T19:21:00Z')

let here: AccountsInProcess

beforeAll(async () => {
  here = await AccountsInProcess.start(usageFixture(), NOW)
  here.use(
    amount({ atMs: NOW - HOUR, value: 3 }),
    amount({ atMs: NOW, application: '101', value: 1 }),
    amount({ atMs: NOW, application: '101', name: 'forecast', value: 1 }),
    amount({ atMs: NOW - 3 * DAY, application: '102', value: 20 }),
    amount({ atMs: NOW - 40 * DAY, application: '100', name: 'transfer', value: 700 }),
  )
})
afterAll(() => here.stop())

async function get(path: string): Promise<{ status: number; text: string; file: string }> {
  const answer = await fetch(`${here.admin}${path}`, { headers: { authorization: `Bearer ${here.token}` } })
  return { status: answer.status, text: await answer.text(), file: answer.headers.get('content-disposition') ?? '' }
}
const json = async (path: string) => JSON.parse((await get(path)).text)

describe('/api/usage', () => {
  test('of a service: metrics with their methods, granule by granule', async () => {
    const answer: UsageAnswer = await json('/api/usage?service=weather&last=24h')
    expect(answer).toMatchObject({
      nowMs: NOW,
      granularity: 'hour',
      granularities: ['hour', 'day', 'month'],
      service: { id: '42', systemName: 'weather', name: 'Weather' },
      application: null,
    })
    expect(answer.startsMs).toHaveLength(24)
    expect(answer.metrics.map(({ name, parent, isMethod, total }) => [name, parent, isMethod, total])).toEqual([
      ['hits', null, false, 4],
      ['forecast', 'hits', true, 1],
      ['transfer', null, false, 0],
    ])
    expect(answer.metrics[0]!.values.slice(-2)).toEqual([3, 1])
  })

  test('of an application, of one metric with its methods', async () => {
    const answer: UsageAnswer = await json('/api/usage?application=101&metric=hits&last=7d&timezone=Europe/Madrid')
    expect(answer.application).toEqual({ id: '101', name: 'App 1' })
    expect(answer.metrics.map(({ name, total, values }) => [name, total, values.length])).toEqual([
      ['hits', 1, 7],
      ['forecast', 1, 7],
    ])
    const year: UsageAnswer = await json('/api/usage?application=100&metric=transfer&last=12m')
    expect(year.metrics.map(({ total }) => total)).toEqual([700])
  })

  test('as CSV, which no spreadsheet takes for a formula', async () => {
    const answer = await get('/api/usage?service=42&since=2026-11-20&until=2026-11-20&granularity=day&format=csv')
    expect(answer.file).toBe(`attachment; filename="usage-${NOW / 1000}.csv"`)
    expect(answer.text).toBe('datetime,Hits,Forecast,Transfer\r\n2026-11-20T00:00:00Z,4,1,0\r\n')
  })

  test.each([
    ['', 400, 'Give either service or application.'],
    ['service=42&application=100', 400, 'Give either service or application.'],
    ['service=9', 404, 'There is no service 9; /api/services lists them.'],
    ['application=9', 404, 'There is no application 9; /api/applications lists them.'],
    ['service=42&metric=nope', 404, 'those of this service are hits, forecast, transfer.'],
    ['service=42&granularity=minute', 400, 'granularity must be one of hour, day, month.'],
    ['service=42&since=2026-11-21&until=2026-11-20', 400, 'since lies in the future'],
    ['service=42&since=2026-11-20&until=2026-11-19', 400, 'since must come before until.'],
    ['service=42&since=2020-01-01&granularity=hour', 400, 'it can be day or month.'],
    ['service=42&since=soon', 400, 'since must be a date or an instant'],
  ])('refuses ?%s with %i', async (query, status, message) => {
    const answer = await get(`/api/usage?${query}`)
    expect([answer.status, JSON.parse(answer.text).error.message]).toEqual([status, expect.stringContaining(message)])
  })
})

test('/api/top-applications', async () => {
  const answer: TopApplicationsAnswer = await json('/api/top-applications?service=42&last=7d')
  expect(answer).toMatchObject({ metric: 'hits', granularity: 'day', service: { id: '42' } })
  expect(answer.rows).toEqual([
    { application: '102', name: 'App 2', account: 'ACME & Sons', plan: 'Basic', value: 20 },
    { application: '100', name: '=cmd|"x"', account: 'ACME & Sons', plan: 'Basic', value: 3 },
    { application: '101', name: 'App 1', account: 'Globex', plan: 'Basic', value: 1 },
  ])
  expect((await json('/api/top-applications?service=42&metric=transfer&last=24h')).rows).toEqual([])
  expect((await get('/api/top-applications?metric=hits')).status).toBe(400)
})

describe('/api/applications', () => {
  test('lists, filters and pages', async () => {
    const all: ApplicationsAnswer = await json('/api/applications')
    expect([all.total, all.page, all.pages, all.applications.length]).toEqual([12, 1, 1, 12])
    expect(all.applications.find(({ id }) => id === '111')).toEqual({
      id: '111',
      name: 'App 11',
      service: { id: '42', systemName: 'weather', name: 'Weather' },
      account: { id: '6', name: 'Globex' },
      plan: { id: '7', name: 'Basic' },
      state: 'suspended',
    })
    expect((await json('/api/applications?q=globex&service=weather')).total).toBe(6)
    expect((await json('/api/applications?service=maps')).total).toBe(0)
    expect(await json('/api/applications?page=2')).toMatchObject({ applications: [], total: 12, page: 2 })
    expect((await get('/api/applications?page=0')).status).toBe(400)
    expect((await get('/api/applications?service=9')).status).toBe(404)
  })

  test('one: its limits with what is used of them, and no key', async () => {
    const { status, text } = await get('/api/applications/100')
    expect([status, text.includes('user-key-of')]).toEqual([200, false])
    const page = JSON.parse(text) as ApplicationPageAnswer
    expect(page).toMatchObject({ id: '100', description: '<b>first</b>', keyHints: ['use...ret'] })
    expect(page.limits).toEqual([
      {
        metric: 'hits',
        metricName: 'Hits',
        period: 'day',
        limit: 100,
        used: 3,
        startsMs: Date.parse('2026-11-20'),
        endsMs: Date.parse('2026-11-21'),
      },
      {
        metric: 'transfer',
        metricName: 'Transfer',
        period: 'eternity',
        limit: 5_000,
        used: 700,
        startsMs: null,
        endsMs: null,
      },
    ])
    expect((await get('/api/applications/9')).status).toBe(404)
  })
})
