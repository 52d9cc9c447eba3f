import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../core/clock.ts'
import type { Analytics, CountsQuery } from './ports.ts'
import { changePercent, usageResponseCode } from './threescale-usage.ts'

interface Event {
  readonly timeMs: number
  readonly status: number
}

const scope = { kind: 'service', id: '42' } as const

/** Counts a list of events in the plainest way. */
function analyticsOf(events: readonly Event[]): Analytics & { asked: CountsQuery[] } {
  const asked: CountsQuery[] = []
  const unused = (): never => {
    throw new Error('not asked for here')
  }
  return {
    asked,
    counts(query) {
      asked.push(query)
      return query.keys.map((key) =>
        query.edgesMs.slice(1).map((untilMs, i) => {
          const inside = (e: Event): boolean => e.timeMs >= query.edgesMs[i]! && e.timeMs < untilMs
          return events.filter(
            (e) => inside(e) && (key.endsWith('XX') ? `${e.status}`[0] === key[0] : `${e.status}` === key),
          ).length
        }),
      )
    },
    write: unused,
    summary: unused,
    statistics: unused,
    cells: unused,
    firstAndLast: unused,
    running: unused,
    health: unused,
  }
}

function clockAt(iso: string): ManualClock {
  return new ManualClock(Date.parse(iso))
}

function events(status: number, ...isos: string[]): Event[] {
  return isos.map((iso) => ({ timeMs: Date.parse(iso), status }))
}

describe('usage_response_code', () => {
  it("answers in the vendor's words and order", async () => {
    const analytics = analyticsOf(events(200, '2009-12-03T10:59:59Z', '2009-12-03T11:00:00Z', '2009-12-04T11:05:00Z'))
    const answer = await usageResponseCode(
      analytics,
      scope,
      { response_code: '200', period: 'day', timezone: 'Madrid', skip_change: 'false' },
      { clock: clockAt('2009-12-04T11:12:00Z'), application: { id: 7 } },
    )
    expect(JSON.stringify(answer)).toBe(
      JSON.stringify({
        response_code: { code: '200' },
        period: {
          name: 'day',
          since: '2009-12-03T12:00:00+01:00',
          until: '2009-12-04T12:59:59+01:00',
          timezone: 'Europe/Madrid',
          granularity: 'hour',
        },
        total: 2,
        values: [1, ...new Array(23).fill(0), 1],
        application: { id: 7 },
        previous_total: 1,
        change: 100,
      }),
    )
    expect(analytics.asked.every((query) => query.authorizedOnly && query.scope === scope)).toBe(true)
  })

  it('compares only when asked to, with the word false', async () => {
    for (const skip of [undefined, 'true', '', 'no', 'FALSE']) {
      const parameters = { response_code: '2XX', period: 'week', ...(skip === undefined ? {} : { skip_change: skip }) }
      const answer = await usageResponseCode(analyticsOf([]), scope, parameters, {
        clock: clockAt('2026-01-01T00:00:00Z'),
      })
      expect(answer).not.toHaveProperty('change')
      expect(answer).not.toHaveProperty('previous_total')
    }
  })

  it.each(['2XX', '4XX', '5XX', '200', '403', '404', '500', '503'])('counts %s', async (code) => {
    const status = Number(code.replace('XX', '18').slice(0, 3))
    const analytics = analyticsOf(events(status, '2026-01-01T10:00:00Z'))
    const answer = await usageResponseCode(
      analytics,
      scope,
      { response_code: code, period: 'day' },
      { clock: clockAt('2026-01-01T12:00:00Z') },
    )
    expect(answer.total).toBe(1)
  })

  it.each(['201', '429', '502', '3XX', '1XX', '2xx', 'policy', 'any', "'; DROP TABLE series", '__proto__'])(
    "has only zeros for '%s' and asks for nothing",
    async (code) => {
      const analytics = analyticsOf(events(Number(code) || 200, '2026-01-01T10:00:00Z'))
      const answer = await usageResponseCode(
        analytics,
        scope,
        { response_code: code, period: 'day', skip_change: 'false' },
        { clock: clockAt('2026-01-01T12:34:00Z') },
      )
      expect(answer).toMatchObject({ response_code: { code }, total: 0, values: new Array(25).fill(0), change: 0 })
      expect(analytics.asked).toEqual([])
    },
  )
})

describe('errors', () => {
  it('a missing code is a missing parameter, told as plain text', async () => {
    const answer = usageResponseCode(
      analyticsOf([]),
      scope,
      { period: 'day' },
      { clock: clockAt('2026-01-01T00:00:00Z') },
    )
    await expect(answer).rejects.toMatchObject({ message: 'Required parameter missing: response_code', plain: true })
  })
})

describe('properties', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Madrid',
    'New Delhi',
    'Kathmandu',
    'Newfoundland',
    'Australia/Lord_Howe',
    'Samoa',
  )
  const nowMs = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) })
  const period = fc.constantFrom('day', 'week', 'month', 'year', 'eternity')

  it('the values of a range add up to its total, and that is every event inside', async () => {
    const ago = fc.array(fc.nat(400 * 86_400_000), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(zones, nowMs, period, ago, async (timezone, now, name, times) => {
        const all = times.map((ms) => ({ timeMs: now - ms, status: 200 }))
        const parameters = { response_code: '2XX', period: name, timezone }
        const clock = new ManualClock(now)
        const {
          total,
          values,
          period: answered,
        } = await usageResponseCode(analyticsOf(all), scope, parameters, { clock })
        expect(values.reduce((sum, n) => sum + n, 0)).toBe(total)
        const [since, until] = [Date.parse(answered.since), Date.parse(answered.until) + 999]
        expect(total).toBe(all.filter((e) => e.timeMs >= since && e.timeMs <= until).length)
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    [0, 0, 0],
    [5, 0, 100],
    [0, 5, -100],
    [11, 10, 10],
    [20, 40, -50],
  ])('%d after %d is %d per cent', (total, before, change) => {
    expect(changePercent(total, before)).toBeCloseTo(change)
  })
})
