import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccountsInProcess } from '../../../test/kit/accounts.ts'
import { amount, usageFixture } from '../../../test/kit/usage.ts'

// usage, top_applications and summary over a real database, by a clock that stands still.

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** The moment of the reference's example: a Friday. */
const NOW = Date.parse('2009-12-11T19:21:00Z')

let here: AccountsInProcess

beforeAll(async () => {
  here = await AccountsInProcess.start(usageFixture(), NOW)
  here.use(
    amount({ atMs: NOW - HOUR, value: 3 }),
    amount({ atMs: NOW, application: '101', value: 1 }),
    amount({ atMs: NOW, application: '101', name: 'forecast', value: 1 }),
    amount({ atMs: NOW - 3 * DAY, application: '102', value: 20 }),
    amount({ atMs: NOW - 20 * DAY, application: '103', value: 50 }),
    amount({ atMs: Date.parse('2009-01-31T23:30:00Z'), application: '103', value: 7 }),
    ...Array.from({ length: 9 }, (_, i) => amount({ atMs: NOW - 2 * HOUR, application: String(103 + i) })),
    amount({ atMs: NOW, application: '999', value: 90 }),
  )
})
afterAll(() => here.stop())

async function get(
  path: string,
  key = here.token,
): Promise<{ status: number; type: string; text: string; file: string }> {
  const answer = await fetch(`${here.admin}${path}`, { headers: { authorization: `Bearer ${key}` } })
  const header = (name: string): string => answer.headers.get(name) ?? ''
  return {
    status: answer.status,
    type: header('content-type'),
    text: await answer.text(),
    file: header('content-disposition'),
  }
}
const json = async (path: string) => JSON.parse((await get(path)).text)

describe('usage', () => {
  test('of a service: the keys, periods and values of the vendor', async () => {
    const body = await json('/stats/services/42/usage.json?metric_name=hits&period=day')
    expect(Object.keys(body)).toEqual(['metric', 'period', 'total', 'values'])
    expect(body).toMatchObject({
      metric: { id: 1, name: 'Hits', system_name: 'hits', unit: 'hit' },
      period: {
        name: 'day',
        since: '2009-12-10T19:00:00Z',
        until: '2009-12-11T19:59:59Z',
        timezone: 'Etc/UTC',
        granularity: 'hour',
      },
      total: 103,
    })
    expect(body.values).toEqual([...new Array(22).fill(0), 9, 3, 91])
  })

  test('of an application, with what it is', async () => {
    const body = await json('/stats/applications/100/usage.json?metric_name=hits&period=day')
    expect([body.total, body.application]).toEqual([
      3,
      {
        id: 100,
        name: '=cmd|"x"',
        state: 'live',
        link: '/p/admin/applications/100',
        description: '<b>first</b>',
        plan: { id: 7, name: 'Basic' },
        account: { id: 5, name: 'ACME & Sons', link: '/buyers/accounts/5' },
        service: { id: 42 },
      },
    ])
  })

  test.each([
    ['period=year', 'month', 13],
    ['period=month', 'day', 31],
    ['period=week', 21_600, 29],
    ['period=eternity', 'eternity', 1],
    ['since=2009-12-01&until=2009-12-02%2023:59:59&granularity=21600', 21_600, 8],
    ['since=2009-11-01&until=2009-12-11&granularity=month', 'month', 2],
  ])('?%s', async (query, granularity, values) => {
    const body = await json(`/stats/services/42/usage.json?metric_name=hits&${query}`)
    expect([body.period.granularity, body.values.length]).toEqual([granularity, values])
    expect(body.total).toBe(body.values.reduce((a: number, b: number) => a + b, 0))
  })

  test('by the clocks of a zone off the whole hour', async () => {
    // 2009-02-01 05:00 in New Delhi.
    const query = 'metric_name=hits&since=2009-01-31&until=2009-02-02&granularity=day'
    expect((await json(`/stats/services/42/usage.json?${query}`)).values).toEqual([7, 0, 0])
    const delhi = await json(`/stats/services/42/usage.json?${query}&timezone=New%20Delhi`)
    expect([delhi.period.timezone, delhi.values]).toEqual(['Asia/Kolkata', [0, 7, 0]])
    const near = 'metric_name=hits&since=2009-12-11&until=2009-12-12&granularity=day&timezone=Kathmandu'
    // 18:21 and 19:21 UTC are 00:06 and 01:06 of the next day there, 17:21 is 23:06.
    expect((await json(`/stats/services/42/usage.json?${near}`)).values).toEqual([9, 94])
  })

  test('compared with the time before', async () => {
    const body = await json('/stats/services/42/usage.json?metric_name=hits&period=week&skip_change=false')
    expect([body.previous_total, body.change]).toEqual([0, 100])
    const month = await json(
      '/stats/services/42/usage.json?metric_name=hits&since=2009-12-11&until=2009-12-11&granularity=day&skip_change=false',
    )
    expect([month.total, month.previous_total]).toEqual([103, 0])
  })

  test('as XML', async () => {
    const query = 'metric_name=forecast&since=2009-12-11&until=2009-12-11&granularity=day'
    const answer = await get(`/stats/applications/101/usage.xml?${query}`)
    expect(answer.type).toBe('application/xml; charset=utf-8')
    expect(answer.text).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><usage><metric><id>2</id><name>Forecast</name><system_name>forecast</system_name>' +
        '<unit>hit</unit></metric><period><since>2009-12-11T00:00:00Z</since><until>2009-12-11T23:59:59Z</until><name/>' +
        '<granularity>day</granularity></period><data><total>1</total><values length="1">1</values></data>' +
        '<application><id>101</id><name>App 1</name><plan><id>7</id><name>Basic</name></plan>' +
        '<account><name>Globex</name><id>6</id></account></application></usage>',
    )
    expect((await get('/stats/services/42/usage.xml?metric_name=hits&period=day')).text).toContain('<name>day</name>')
  })

  test('as CSV', async () => {
    const query = 'metric_name=transfer&since=2009-12-11&until=2009-12-12&granularity=day&timezone=Madrid'
    const answer = await get(`/stats/services/42/usage.csv?${query}`)
    expect([answer.type, answer.file]).toEqual([
      'text/csv; charset=utf-8',
      `attachment; filename="usage-${NOW / 1000}.csv"`,
    ])
    expect(answer.text).toBe(
      'Metric System Name,Metric Name,Date,Value\ntransfer,Transfer,2009-12-11 00:00:00 +0100,0\n' +
        'transfer,Transfer,2009-12-12 00:00:00 +0100,0\n',
    )
  })

  test.each([
    ['', 400, 'Required parameter missing: metric_name'],
    ['metric_name=nope&period=day', 400, 'metric nope not found'],
    ['metric_name=hits', 400, 'Required parameter missing: granularity'],
    ['metric_name=hits&period=hour', 400, 'Period must be one of'],
    ['metric_name=hits&since=2009-12-12&until=2009-12-11&granularity=day', 400, 'until after since'],
    ['metric_name=hits&since=yesterday&until=2009-12-11&granularity=day', 400, 'valid date/time format'],
    ['metric_name=hits&since=2008-01-01&until=2009-12-11&granularity=day', 400, 'must be less than 1 year'],
  ])('refuses ?%s', async (query, status, message) => {
    const answer = await get(`/stats/services/42/usage.json?${query}`)
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(message)])
  })

  test('of what is not there, or not the asker’s', async () => {
    expect((await get('/stats/services/9/usage.json?metric_name=hits&period=day')).text).toBe(
      '{"error":"Service not found"}',
    )
    expect((await get('/stats/applications/9/usage.json?metric_name=hits&period=day')).text).toBe(
      '{"error":"Application not found"}',
    )
    const other = await get('/stats/applications/100/usage.json?metric_name=hits&period=day', 'pk-maps')
    expect([other.status, other.text]).toEqual([403, '{"error":"This provider key is not that of service weather"}'])
  })
})

describe('top_applications', () => {
  const top = async (query: string) => json(`/stats/services/42/top_applications.json?metric_name=hits&${query}`)

  test('are at most ten, of the calendar period that holds the date', async () => {
    const body = await top('period=day&since=2009-12-11%2015:00:00')
    expect(Object.keys(body)).toEqual(['applications', 'metric', 'period'])
    expect(body.period).toEqual({ name: 'day', since: '2009-12-11T00:00:00Z', until: '2009-12-11T23:59:59Z' })
    // 999 used most, and was deleted meanwhile.
    expect(body.applications).toHaveLength(10)
    expect(body.applications[0]).toEqual({
      name: '=cmd|"x"',
      id: 100,
      value: '3',
      account: { id: 5, name: 'ACME & Sons' },
      plan: { id: 7, name: 'Basic' },
      service: { id: 42 },
    })
    expect((await top('period=week&since=2009-12-11')).period.since).toBe('2009-12-07T00:00:00Z')
    expect((await top('period=week&since=2009-12-11')).applications[0]).toMatchObject({ id: 102, value: '20' })
    expect((await top('period=month&since=2009-11-30')).applications).toMatchObject([{ id: 103, value: '50' }])
    expect((await top('period=year&since=2009-06-01')).applications[0]).toMatchObject({ id: 103, value: '58' })
    const delhi = await top('period=month&since=2009-02-15&timezone=New%20Delhi')
    expect([delhi.period.since, delhi.applications[0].value]).toEqual(['2009-02-01T00:00:00+05:30', '7'])
  })

  test('as XML and as CSV', async () => {
    const query = 'metric_name=hits&period=day&since=2009-12-11'
    const xml = (await get(`/stats/services/42/top_applications.xml?${query}`)).text
    expect(xml).toContain('<top><metric><id>1</id><name>Hits</name>')
    expect(xml).toContain(
      '<application><value>3</value><id>100</id><name>=cmd|"x"</name><plan><id>7</id><name>Basic</name></plan>' +
        '<account><name>ACME &amp; Sons</name><id>5</id></account></application>',
    )
    const csv = await get(`/stats/services/42/top_applications.csv?${query}`)
    expect(csv.file).toBe(`attachment; filename="top-applications-${NOW / 1000}.csv"`)
    expect(csv.text.split('\n').slice(0, 2)).toEqual([
      'Application Name,Application ID,Plan Name,Plan ID,Account Name,Account ID,Total',
      `"'=cmd|""x""",100,Basic,7,"ACME & Sons",5,3`,
    ])
  })

  test.each([
    ['period=day&since=2009-12-11', 'Required parameter missing: metric_name'],
    ['metric_name=hits&since=2009-12-11', 'Required parameter missing: period'],
    ['metric_name=hits&period=day', 'Required parameter missing: since'],
    [
      'metric_name=hits&period=eternity&since=2009-12-11',
      'Period must be one of [\\"year\\", \\"month\\", \\"week\\", \\"day\\"] not',
    ],
    ['metric_name=nope&period=day&since=2009-12-11', 'metric nope not found'],
    ['metric_name=hits&period=day&since=2009-12-41', 'valid date/time format'],
  ])('refuses ?%s', async (query, message) => {
    const answer = await get(`/stats/services/42/top_applications.json?${query}`)
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(message)])
  })

  test('there are none of an application', async () => {
    const answer = await get(
      '/stats/applications/100/top_applications.json?metric_name=hits&period=day&since=2009-12-11',
    )
    expect(answer.status).toBe(404)
  })
})

describe('summary', () => {
  test('of a service: the methods of its hits', async () => {
    const body = await json('/stats/services/42/summary.json')
    expect(body).toEqual([
      {
        metric: {
          id: 2,
          system_name: 'forecast',
          friendly_name: 'Forecast',
          description: 'Days ahead',
          unit: 'hit',
          service_id: 42,
          parent_id: 1,
        },
      },
    ])
    expect((await get('/stats/services/42/summary.xml')).text).toContain(
      '<metrics type="array"><metric><id>2</id><system_name>forecast</system_name>',
    )
  })

  test('of an application: all metrics and methods', async () => {
    const { metrics, methods } = await json('/stats/applications/100/summary.json')
    const names = (list: { metric: { system_name: string } }[]): string[] =>
      list.map(({ metric }) => metric.system_name)
    expect([names(metrics), names(methods)]).toEqual([['hits', 'transfer'], ['forecast']])
    expect((await get('/stats/applications/100/summary.csv')).status).toBe(406)
  })
})
