import { afterAll, describe, expect, test } from 'vitest'
import { callsOf, demoNowMs, demoOptions, demoToken } from '../../../test/browser/demo-gateway.ts'
import { buildAdmin } from '../server.ts'

const options = demoOptions()
const minuteMs = Math.floor(demoNowMs / 60_000) * 60_000
await options.analytics.write({
  rows: [
    callsOf({ minuteMs, calls: 10 }),
    callsOf({ minuteMs, calls: 2, status: 201 }),
    callsOf({ minuteMs, calls: 4, status: 429, answeredBy: 'policy', authorized: false }),
    callsOf({ minuteMs, calls: 1, status: 404 }),
    callsOf({ minuteMs, calls: 8, proxy: 'maps', serviceId: '43' }),
  ],
  droppedCalls: 0,
})
const app = buildAdmin(options)
afterAll(() => app.close())

const path = '/stats/services/42/usage_response_code'
const withToken = { authorization: `Bearer ${demoToken}` }
const get = async (url: string, headers: Record<string, string> = withToken) => app.inject({ url, headers })

describe('usage_response_code.json', () => {
  test('has what 3scale has', async () => {
    const answer = await get(`${path}.json?response_code=2XX&period=day`)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.headers['cache-control']).toBe('no-store')
    const body = answer.json()
    expect(Object.keys(body)).toEqual(['response_code', 'period', 'total', 'values'])
    expect(body).toMatchObject({
      response_code: { code: '2XX' },
      period: { name: 'day', since: '2026-11-21T11:00:00Z', until: '2026-11-22T11:59:59Z', granularity: 'hour' },
      total: 12,
    })
    expect(body.values).toEqual([...new Array(24).fill(0), 12])
  })

  test('counts authorized calls only', async () => {
    expect((await get(`${path}.json?response_code=4XX&period=day`)).json().total).toBe(1)
  })

  test.each(['/stats/services/42', '/stats/services/weather', '/stats/api/services/42', '/stats/api/services/weather'])(
    'is there at %s, with and without the extension',
    async (base) => {
      for (const ending of ['', '.json']) {
        expect((await get(`${base}/usage_response_code${ending}?response_code=200&period=day`)).json().total).toBe(10)
      }
    },
  )

  test('compares when it is asked to', async () => {
    const compared = (await get(`${path}.json?response_code=200&period=day&skip_change=false`)).json()
    expect(compared).toMatchObject({ total: 10, previous_total: 0, change: 100 })
  })

  test('takes since, until and granularity; of two the last one counts; ignores what it does not know', async () => {
    const query = 'response_code=404&response_code=200&since=2026-11-22&until=2026-11-22&granularity=day&other=1'
    const body = (await get(`${path}.json?${query}`)).json()
    expect([body.period.name, body.values]).toEqual([null, [10]])
  })
})

describe('usage_response_code.csv', () => {
  test('has a line for each value', async () => {
    const query = 'response_code=200&since=2026-11-22%2010:00:00&until=2026-11-22%2011:59:59&granularity=hour'
    const answer = await get(`${path}.csv?${query}`)
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(answer.headers['content-disposition']).toBe('attachment; filename="usage-1795345933.csv"')
    expect(answer.body).toBe(
      'Metric System Name,Metric Name,Date,Value\n200,200,2026-11-22 10:00:00 UTC,0\n200,200,2026-11-22 11:00:00 UTC,10\n',
    )
    const madrid = await get(
      `${path}.csv?response_code=200&timezone=Madrid&since=2026-11-22&until=2026-11-22&granularity=day`,
    )
    expect(madrid.body.split('\n')[1]).toBe('200,200,2026-11-22 00:00:00 +0100,10')
  })

  test('cannot be made to hold a formula', async () => {
    const code = encodeURIComponent('=1+1,"x"\n')
    const answer = await get(`${path}.csv?response_code=${code}&since=2026-11-22&until=2026-11-22&granularity=day`)
    expect(answer.statusCode).toBe(200)
    expect(answer.body.split('\n')[1]).toMatch(/^"'=1\+1,""x""/)
  })
})

describe('is refused', () => {
  test.each([
    ['period=day', 'Required parameter missing: response_code', 'text/plain; charset=utf-8'],
    ['response_code=200', 'Required parameter missing: granularity', 'text/plain; charset=utf-8'],
  ])('without what it needs: ?%s', async (query, text, type) => {
    const answer = await get(`${path}.json?${query}`)
    expect([answer.statusCode, answer.body, answer.headers['content-type']]).toEqual([400, text, type])
  })

  test.each([
    ['period=decade', 'Period must be one of'],
    ['granularity=minute&since=2026-11-22&until=2026-11-22', 'Granularity must be one of'],
    ['granularity=hour&since=2026-13-45&until=2026-11-22', 'Date parameters should have valid date/time format.'],
    ['granularity=hour&since=2025-11-22&until=2026-11-22', 'Time range for the granularity must be less than 90 days'],
    ['period=day&timezone=Mars', 'Unknown timezone Mars'],
  ])('for ?%s', async (query, message) => {
    const answer = await get(`${path}.json?response_code=200&${query}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toContain(message)
    const csv = await get(`${path}.csv?response_code=200&${query}`)
    expect([csv.statusCode, csv.headers['content-type']]).toEqual([400, 'text/plain; charset=utf-8'])
    expect(csv.body).toContain(message)
  })

  test('says what would be right beside the words of the vendor', async () => {
    const query = 'response_code=200&granularity=hour&since=2025-12-22&until=2026-11-22'
    expect((await get(`${path}.json?${query}`)).json()).toEqual({
      error: 'Time range for the granularity must be less than 90 days',
      hint: 'granularity day allows 1 year',
    })
  })

  test('for a service, a report or a format that is not there', async () => {
    const unknown = await get('/stats/services/7/usage_response_code.json?response_code=200&period=day')
    expect([unknown.statusCode, unknown.json()]).toEqual([404, { error: 'Service not found' }])
    for (const url of [
      '/stats/services/42/summaries.json',
      '/stats/services/42/usage_response_codes',
      '/stats/services/42',
    ]) {
      const answer = await get(url)
      expect([answer.statusCode, answer.json()]).toEqual([404, { error: `There is no GET ${url} here.` }])
    }
    const xml = await get(`${path}.xml?response_code=200&period=day`)
    expect([xml.statusCode, xml.json().error]).toEqual([
      406,
      'usage_response_code is there as .json, .csv, not as .xml',
    ])
  })
})

describe('with a provider key', () => {
  const query = 'response_code=200&period=day'

  test('the statistics of its service are read', async () => {
    const basic = `Basic ${Buffer.from('pk-weather:').toString('base64')}`
    expect((await get(`${path}.json?${query}&provider_key=pk-weather`, {})).json().total).toBe(10)
    expect((await get(`${path}.json?${query}`, { authorization: basic })).statusCode).toBe(200)
  })

  test('those of another service are not', async () => {
    const other = await get(`/stats/services/43/usage_response_code.json?${query}&provider_key=pk-weather`, {})
    expect([other.statusCode, other.json()]).toEqual([403, { error: 'This provider key is not that of service maps' }])
    const none = await get(`/stats/services/44/usage_response_code.json?${query}&provider_key=null`, {})
    expect(none.statusCode).toBe(401)
  })

  test('nothing else is opened', async () => {
    expect((await get('/api/services?provider_key=pk-weather', {})).statusCode).toBe(401)
    expect((await get('/metrics?provider_key=pk-weather', {})).statusCode).toBe(401)
  })
})
