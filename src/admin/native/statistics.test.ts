import { afterAll, describe, expect, test } from 'vitest'
import { callsOf, demoNowMs, demoOptions, demoToken } from '../../../test/browser/demo-gateway.ts'
import { TooMuchToRead } from '../../analytics/too-much.ts'
import { delayed } from '../../stores/conformance/delayed.ts'
import { buildAdmin } from '../server.ts'

const options = demoOptions()
const minuteMs = Math.floor(demoNowMs / 60_000) * 60_000
const DAY = 86_400_000
await options.analytics.write({
  rows: [
    callsOf({ minuteMs, calls: 10 }),
    callsOf({ minuteMs, calls: 4, status: 429, answeredBy: 'policy', errorCode: 'APIG.0308', totalMs: 2 }),
    callsOf({ minuteMs, calls: 3, status: 404, answeredBy: 'gateway', proxy: '', serviceId: '', errorCode: 'NoRoute' }),
    callsOf({ minuteMs: minuteMs - DAY * 5, calls: 5, status: 503, proxy: 'maps', serviceId: '43', method: 'POST' }),
    callsOf({ minuteMs: minuteMs - DAY * 200, calls: 7, proxy: 'maps', serviceId: '43' }),
  ],
  droppedCalls: 0,
})
const app = buildAdmin({ ...options, analytics: delayed(options.analytics) })
afterAll(() => app.close())

const get = async (query: string) =>
  app.inject({ url: `/api/statistics?${query}`, headers: { authorization: `Bearer ${demoToken}` } })
const rows = async (query: string): Promise<unknown> =>
  (await get(query)).json().rows.map((row: { value: string; calls: number }) => [row.value, row.calls])

describe('/api/statistics', () => {
  test('by status, with latency where the range is short', async () => {
    expect((await get('by=status')).json().rows[1]).toMatchObject({ calls: 4, latency: { meanMs: null } })
    const answer = (await get('by=status&last=1h')).json()
    expect(answer).toMatchObject({ by: 'status', calls: 17, rowsLeftOut: 0, granularity: 'minute', nowMs: demoNowMs })
    expect(answer.rows.map((row: { value: string; name: string }) => [row.value, row.name])).toEqual([
      ['200', '200'],
      ['429', '429'],
      ['404', '404'],
    ])
    expect(answer.rows[1]).toMatchObject({ calls: 4, clientErrors: 4, serverErrors: 0, latency: { meanMs: 2 } })
    expect(answer).not.toHaveProperty('startsMs')
  })

  test('a question that would read for too long is told what to ask instead', async () => {
    const message = 'the question reads for more than 5 s: ask for a shorter time or a coarser granularity'
    const analytics = { ...delayed(options.analytics), statistics: () => Promise.reject(new TooMuchToRead(message)) }
    const busy = buildAdmin({ ...options, analytics })
    const answer = await busy.inject({
      url: '/api/statistics?by=status',
      headers: { authorization: `Bearer ${demoToken}` },
    })
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'too_much_to_read'])
    expect(answer.json().error.message).toContain('ask for a shorter time')
    await busy.close()
  })

  test('in each quarter of an hour', async () => {
    const answer = (await get('by=status&last=7d&granularity=quarter&series=true')).json()
    expect(answer).toMatchObject({ granularity: 'quarter', calls: 22 })
    const [first] = answer.rows as { value: string; values: number[] }[]
    const quarter = minuteMs - (minuteMs % 900_000)
    expect([first!.value, first!.values[answer.startsMs.indexOf(quarter)]]).toEqual(['200', 10])
    expect(first!.values.reduce((sum, calls) => sum + calls, 0)).toBe(10)
  })

  test('by any label, with filters', async () => {
    expect(await rows('by=proxy')).toEqual([
      ['weather', 14],
      ['', 3],
    ])
    expect(await rows('by=answeredBy&class=4XX')).toEqual([
      ['policy', 4],
      ['gateway', 3],
    ])
    expect(await rows('by=errorCode&proxy=')).toEqual([['NoRoute', 3]])
    expect(await rows('by=method&last=7d&service=maps')).toEqual([['POST', 5]])
    expect(await rows('by=proxy&last=7d&status=503')).toEqual([['maps', 5]])
    expect(await rows('by=path&status=404&answeredBy=gateway')).toHaveLength(1)
    expect(await rows('by=status&proxy=gone')).toEqual([])
    expect((await get('by=service&last=7d')).json().rows[1]).toMatchObject({ value: '43', name: 'Maps', calls: 5 })
  })

  test('granule by granule', async () => {
    const answer = (await get('by=status&last=7d&series=true')).json()
    expect(answer.startsMs).toHaveLength(7)
    expect(answer.rows[0]).toMatchObject({ value: '200', values: [0, 0, 0, 0, 0, 0, 10] })
    expect(answer.rows[1]).toMatchObject({ value: '503', values: [0, 5, 0, 0, 0, 0, 0] })
  })

  test('what is kept for ever, and what is not', async () => {
    expect(await rows('by=proxy&last=12m&proxy=maps')).toEqual([['maps', 12]])
    const old = await get('by=method&last=12m')
    expect(old.statusCode).toBe(400)
    expect(old.json().error).toMatchObject({ code: 'range_too_old' })
    expect(old.json().error.message).toContain('Calls by method with these filters are kept for 90 days')
  })

  test.each([
    ['', 400, 'The parameter by is missing.'],
    ['by=colour', 400, 'by must be one of status, answeredBy, proxy'],
    ['by=status&status=99999', 400, 'status must be <= 999.'],
    ['by=status&series=yes', 400, 'series must be true or false.'],
    ['by=status&status=ok', 400, 'status must be a whole number.'],
    ['by=status&last=2d', 400, 'last must be one of 1h, 24h, 7d, 30d, 12m.'],
    ['by=status&since=2026-11-30&until=2026-11-01', 400, 'since'],
    ['by=status&service=nope', 404, 'There is no service nope; /api/services lists them.'],
    ['by=status&granularity=minute&last=30d', 400, 'granularity cannot be minute'],
    ['by=status&timezone=Mars', 400, 'timezone Mars is unknown'],
  ])('refuses ?%s with %i', async (query, status, message) => {
    const answer = await get(query)
    expect(answer.statusCode).toBe(status)
    expect(answer.json().error.message).toContain(message)
  })
})
