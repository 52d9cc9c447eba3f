import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Analytics } from '../../analytics/ports.ts'
import type { StatisticsQuery } from '../../analytics/statistics.ts'
import { ManualClock } from '../../core/clock.ts'
import { type AnalyticsUnderTest, batchOf, call, type MakeAnalytics, suiteNowMs } from './analytics.suite.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const hourMs = suiteNowMs - (suiteNowMs % HOUR)

/** What every store must answer to questions by one label. */
export function statisticsSuite(name: string, make: MakeAnalytics): void {
  describe(`${name}: statistics by a label`, () => {
    let held: AnalyticsUnderTest
    let analytics: Analytics
    let clock: ManualClock

    beforeEach(async () => {
      clock = new ManualClock(suiteNowMs)
      held = await make(clock)
      analytics = held.analytics
    })
    afterEach(() => held.close())

    const rowsOf = async (query: Partial<StatisticsQuery>): Promise<[string, number][]> => {
      const edgesMs = [hourMs - HOUR, hourMs + HOUR]
      const { rows } = await analytics.statistics({
        match: {},
        by: 'status',
        edgesMs,
        rowsMax: 100,
        seriesMax: 0,
        ...query,
      })
      return rows.map((row) => [row.value, row.calls])
    }

    const several = batchOf([
      call(),
      call({ totalMs: 3 }),
      call({ status: 404, answeredBy: 'gateway', proxy: '', serviceId: '', application: '', errorCode: 'NoRoute' }),
      call({ status: 429, answeredBy: 'policy', errorCode: 'APIG.0308', method: 'POST', totalMs: 900 }),
      call({ status: 499, answeredBy: 'client', application: 'app2', errorCode: 'gone' }),
      call({ status: 503, proxy: 'maps', application: '', errorCode: 'bad' }),
      call({ status: 911, proxy: 'maps', serviceId: '', application: '' }),
    ])

    it('by status and by who answered, with how long they took', async () => {
      await analytics.write(several)
      const edgesMs = [hourMs, hourMs + HOUR]
      const { calls, rows } = await analytics.statistics({ match: {}, by: 'status', edgesMs, rowsMax: 2, seriesMax: 0 })
      expect([calls, rows[0]!.value, rows[0]!.calls]).toEqual([7, '200', 2])
      expect(rows[0]!.latency).toMatchObject({ meanMs: 7.5, p50Ms: 4 })
      expect(await rowsOf({ match: { status: '429' } })).toEqual([['429', 1]])
      const throttled = await analytics.statistics({
        match: { status: '429' },
        by: 'answeredBy',
        edgesMs,
        rowsMax: 9,
        seriesMax: 0,
      })
      expect(throttled.rows).toMatchObject([{ value: 'policy', clientErrors: 1, latency: { meanMs: 900 } }])
      expect(new Map(await rowsOf({ by: 'answeredBy' }))).toEqual(
        new Map([
          ['target', 4],
          ['gateway', 1],
          ['policy', 1],
          ['client', 1],
        ]),
      )
    })

    it('calls without the label are a row of their own', async () => {
      await analytics.write(several)
      expect(new Map(await rowsOf({ by: 'proxy' }))).toEqual(
        new Map([
          ['weather', 4],
          ['maps', 2],
          ['', 1],
        ]),
      )
      expect(new Map(await rowsOf({ by: 'application' }))).toEqual(
        new Map([
          ['app1', 3],
          ['', 3],
          ['app2', 1],
        ]),
      )
      expect(new Map(await rowsOf({ by: 'errorCode', match: { proxy: 'maps' } }))).toEqual(
        new Map([
          ['bad', 1],
          ['', 1],
        ]),
      )
      expect(await rowsOf({ by: 'status', match: { proxy: '' } })).toEqual([['404', 1]])
    })

    it('filters by class, where 499 is one of its own', async () => {
      await analytics.write(several)
      expect(new Map(await rowsOf({ codeClass: '4XX' }))).toEqual(
        new Map([
          ['404', 1],
          ['429', 1],
        ]),
      )
      expect(await rowsOf({ codeClass: '499' })).toEqual([['499', 1]])
      expect(await rowsOf({ codeClass: 'other', by: 'proxy' })).toEqual([['maps', 1]])
      expect(await rowsOf({ codeClass: '5XX', by: 'method', match: { proxy: 'maps' } })).toEqual([['GET', 1]])
      expect(await rowsOf({ codeClass: '4XX', by: 'proxy' })).toHaveLength(2)
    })

    it('leaves out rows beyond the most, and gives the first ones granule by granule', async () => {
      await analytics.write(batchOf([call({ timeMs: hourMs - 30 * MINUTE }), call({ timeMs: hourMs + MINUTE })]))
      await analytics.write(several)
      const edgesMs = [hourMs - HOUR, hourMs, hourMs + HOUR]
      const found = await analytics.statistics({ match: {}, by: 'proxy', edgesMs, rowsMax: 2, seriesMax: 1 })
      expect([found.calls, found.rowsLeftOut]).toEqual([9, 1])
      expect(found.rows.map(({ value, values }) => [value, values])).toEqual([
        ['weather', [1, 5]],
        ['maps', null],
      ])
      const all = await analytics.statistics({ match: {}, by: 'proxy', edgesMs, rowsMax: 9, seriesMax: 9 })
      expect(all.rows.find(({ value }) => value === '')?.values).toEqual([0, 1])
    })

    it('by status and by application for ever, by method for 90 days', async () => {
      await analytics.write(several)
      clock.advance(100 * DAY)
      await held.prune()
      const edgesMs = [hourMs, hourMs + HOUR]
      expect(await rowsOf({ edgesMs })).toContainEqual(['200', 2])
      expect(await rowsOf({ edgesMs, by: 'application' })).toContainEqual(['app1', 3])
      expect(await rowsOf({ edgesMs, match: { application: 'app1' } })).toEqual([
        ['200', 2],
        ['429', 1],
      ])
      await expect(rowsOf({ edgesMs, by: 'method' })).rejects.toThrow('this is kept for 90 days')
    })

    it('agrees with itself, whichever series are asked', async () => {
      await analytics.write(several)
      const edgesMs = [hourMs, hourMs + HOUR]
      const fine = new Map(await rowsOf({ edgesMs, match: { proxy: 'weather' } }))
      clock.advance(3 * DAY)
      await held.prune()
      expect(new Map(await rowsOf({ edgesMs, match: { proxy: 'weather' } }))).toEqual(fine)
      expect(new Map(await rowsOf({ edgesMs, match: { proxy: 'weather', method: 'GET' } }))).toEqual(
        new Map([
          ['200', 2],
          ['499', 1],
        ]),
      )
    })
  })
}
