import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../core/clock.ts'
import { UsageError, type UsageParameters, usageRange } from './threescale-range.ts'

function clockAt(iso: string): ManualClock {
  return new ManualClock(Date.parse(iso))
}

function rangeOf(
  now: string,
  parameters: UsageParameters,
): { since: string; until: string; granularity: string | number; values: number } {
  const { period, edgesMs } = usageRange(parameters, { clock: clockAt(now) })
  return { since: period.since, until: period.until, granularity: period.granularity, values: edgesMs.length - 1 }
}

describe('ranges', () => {
  const utc = 'UTC'
  it.each<[string, string, UsageParameters, string, string, string | number, number]>([
    [
      'a day in the middle of an hour',
      '2009-12-04T11:12:00Z',
      { period: 'day' },
      '2009-12-03T11:00:00Z',
      '2009-12-04T11:59:59Z',
      'hour',
      25,
    ],
    [
      'a day at the full hour',
      '2009-12-04T11:00:00Z',
      { period: 'day' },
      '2009-12-03T11:00:00Z',
      '2009-12-04T10:59:59Z',
      'hour',
      24,
    ],
    [
      'a day from since',
      '2026-01-01T00:00:00Z',
      { period: 'day', since: '2009-12-04' },
      '2009-12-04T00:00:00Z',
      '2009-12-04T23:59:59Z',
      'hour',
      24,
    ],
    ['a week', '2009-12-13T13:30:00Z', { period: 'week' }, '2009-12-06T12:00:00Z', '2009-12-13T17:59:59Z', 21_600, 29],
    [
      'a month',
      '2009-12-13T00:00:00Z',
      { period: 'month', timezone: 'Madrid' },
      '2009-11-13T00:00:00+01:00',
      '2009-12-13T23:59:59+01:00',
      'day',
      31,
    ],
    [
      'a month from its first day',
      '2026-01-01T00:00:00Z',
      { period: 'month', since: '2012-02-01' },
      '2012-02-01T00:00:00Z',
      '2012-02-29T23:59:59Z',
      'day',
      29,
    ],
    [
      'a month from a day that the next one lacks',
      '2026-01-01T00:00:00Z',
      { period: 'month', since: '2013-01-31' },
      '2013-01-31T00:00:00Z',
      '2013-02-27T23:59:59Z',
      'day',
      28,
    ],
    ['a year', '2010-07-04T11:12:00Z', { period: 'year' }, '2009-07-01T00:00:00Z', '2010-07-31T23:59:59Z', 'month', 13],
    [
      'a year by days',
      '2026-01-01T00:00:00Z',
      { period: 'year', granularity: 'day', since: '2013-01-01' },
      '2013-01-01T00:00:00Z',
      '2013-12-31T23:59:59Z',
      'day',
      365,
    ],
    [
      'since and until by day',
      utc,
      { since: '2010-01-01', until: '2010-01-02', granularity: 'day' },
      '2010-01-01T00:00:00Z',
      '2010-01-02T23:59:59Z',
      'day',
      2,
    ],
    [
      'since and until by month',
      utc,
      { since: '2010-01-15', until: '2010-03-02 10:00', granularity: 'month' },
      '2010-01-01T00:00:00Z',
      '2010-03-31T23:59:59Z',
      'month',
      3,
    ],
    [
      'six hours that end on a border',
      utc,
      { since: '2010-01-01 07:00', until: '2010-01-02', granularity: '21600' },
      '2010-01-01T06:00:00Z',
      '2010-01-01T23:59:59Z',
      21_600,
      3,
    ],
    [
      'six hours that do not',
      utc,
      { since: '2010-01-01', until: '2010-01-02 00:00:01', granularity: '21600' },
      '2010-01-01T00:00:00Z',
      '2010-01-02T05:59:59Z',
      21_600,
      5,
    ],
    [
      'a day of 23 hours',
      utc,
      { period: 'day', since: '2026-03-29', timezone: 'Madrid' },
      '2026-03-29T00:00:00+01:00',
      '2026-03-29T23:59:59+02:00',
      'hour',
      23,
    ],
    [
      'a day of 25 hours',
      utc,
      { period: 'day', since: '2026-10-25', timezone: 'Madrid' },
      '2026-10-25T00:00:00+02:00',
      '2026-10-25T23:59:59+01:00',
      'hour',
      25,
    ],
    [
      'a week with a day of 25 hours',
      utc,
      { period: 'week', since: '2026-10-20', timezone: 'Madrid' },
      '2026-10-20T00:00:00+02:00',
      '2026-10-26T23:59:59+01:00',
      21_600,
      28,
    ],
    [
      'a zone off the hour',
      '2026-01-01T11:12:00Z',
      { period: 'day', timezone: 'New Delhi' },
      '2025-12-31T16:00:00+05:30',
      '2026-01-01T16:59:59+05:30',
      'hour',
      25,
    ],
    [
      'a time long ago',
      utc,
      { period: 'month', since: '0150-12-01' },
      '0150-12-01T00:00:00Z',
      '0150-12-31T23:59:59Z',
      'day',
      31,
    ],
    [
      'eternity',
      '2026-01-01T11:12:00Z',
      { period: 'eternity', since: '2015-06-15', timezone: 'Madrid' },
      '1970-01-01T00:00:00Z',
      '2026-01-01T23:59:59Z',
      'eternity',
      1,
    ],
    [
      'the longest by hour',
      utc,
      { since: '2010-01-01', until: '2010-03-31', granularity: 'hour' },
      '2010-01-01T00:00:00Z',
      '2010-03-31T00:59:59Z',
      'hour',
      2137,
    ],
    [
      'the longest by day',
      utc,
      { since: '2010-01-01', until: '2010-12-31', granularity: 'day' },
      '2010-01-01T00:00:00Z',
      '2010-12-31T23:59:59Z',
      'day',
      365,
    ],
    [
      'the longest by month',
      utc,
      { since: '2010-01-01', until: '2019-12-31', granularity: 'month' },
      '2010-01-01T00:00:00Z',
      '2019-12-31T23:59:59Z',
      'month',
      120,
    ],
  ])('%s', (_, now, parameters, since, until, granularity, values) => {
    const at = now === utc ? '2026-01-01T00:00:00Z' : now
    expect(rangeOf(at, parameters)).toEqual({ since, until, granularity, values })
  })

  it("uses the account's time zone when the call names none", () => {
    const { period } = usageRange({ period: 'day' }, { clock: clockAt('2026-01-01T11:12:00Z'), timezone: 'Madrid' })
    expect(period.timezone).toBe('Europe/Madrid')
  })

  it.each<[string, UsageParameters, [number, number]]>([
    [
      'hours',
      { period: 'day', since: '2026-03-29', timezone: 'Madrid' },
      [Date.UTC(2026, 2, 28, 0), Date.UTC(2026, 2, 28, 23)],
    ],
    [
      'days over a change of clocks',
      { since: '2026-03-29', until: '2026-03-30', granularity: 'day', timezone: 'Madrid' },
      [Date.UTC(2026, 2, 26, 23), Date.UTC(2026, 2, 28, 23)],
    ],
    [
      'months',
      { since: '2024-02-01', until: '2024-03-31', granularity: 'month' },
      [Date.UTC(2023, 11, 1), Date.UTC(2024, 1, 1)],
    ],
  ])('compares with as many %s just before', (_, parameters, expected) => {
    const range = usageRange({ ...parameters, skip_change: 'false' }, { clock: clockAt('2026-06-01T00:00:00Z') })
    expect(range.previousMs).toEqual(expected)
  })
})

describe('errors', () => {
  it.each<[UsageParameters, string, string | null]>([
    [{ period: 'troloro' }, 'Period must be one of ["eternity", "year", "month", "week", "day"] not "troloro"', null],
    [
      { period: 'constructor' },
      'Period must be one of ["eternity", "year", "month", "week", "day"] not "constructor"',
      null,
    ],
    [{}, 'Required parameter missing: granularity', null],
    [{ granularity: 'day' }, 'Required parameter missing: since', null],
    [
      { granularity: 'day', since: '2010-01-01' },
      "You need to specify either 'range' or 'since' and 'until'",
      'or a period',
    ],
    [
      { granularity: 'minute', since: '2010-01-01', until: '2010-01-02' },
      'Granularity must be one of month, day, 21600, hour, not minute',
      '21600 is six hours',
    ],
    [
      { period: 'day', granularity: 'year' },
      'Granularity must be one of month, day, 21600, hour, not year',
      '21600 is six hours',
    ],
    [
      { period: 'month', granularity: 'eternity' },
      "Granularity 'eternity' is only supported for period 'eternity'",
      null,
    ],
    [
      { period: 'eternity', granularity: 'month' },
      "Only 'eternity' granularity is supported for period 'eternity'",
      null,
    ],
    [
      { period: 'day', since: '201501-01' },
      'Date parameters should have valid date/time format.',
      "since: '2012-02-22' or '2012-02-22 23:49:00', not '201501-01'",
    ],
    [
      { granularity: 'hour', since: '2010-01-01', until: '2010-04-01' },
      'Time range for the granularity must be less than 90 days',
      'granularity 21600 allows 6 months',
    ],
    [
      { granularity: '21600', since: '2010-01-01', until: '2010-08-01' },
      'Time range for the granularity must be less than 6 months',
      'granularity day allows 1 year',
    ],
    [
      { granularity: 'day', since: '2010-01-01', until: '2011-01-01' },
      'Time range for the granularity must be less than 1 year',
      'granularity month allows 10 years',
    ],
    [
      { granularity: 'month', since: '2010-01-01', until: '2020-01-01' },
      'Time range for the granularity must be less than 10 years',
      'ask for a shorter range',
    ],
    [
      { granularity: 'hour', since: '0001-01-01', until: '9999-01-01' },
      'Time range for the granularity must be less than 90 days',
      'ask for a shorter range',
    ],
    [
      { granularity: 'day', since: '2010-01-02', until: '2010-01-01' },
      'Date parameters should have until after since.',
      'exchange since and until',
    ],
    [
      { period: 'day', timezone: 'Mars' },
      'Unknown timezone Mars',
      "a Rails name such as 'Madrid' or a tz name such as 'Europe/Madrid'",
    ],
  ])('%j', (parameters, message, hint) => {
    const ask = (): unknown => usageRange(parameters, { clock: clockAt('2026-01-01T00:00:00Z') })
    expect(ask).toThrow(UsageError)
    expect(ask).toThrow(expect.objectContaining({ message, hint }))
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

  it('a widened range is not widened again', () => {
    const granularity = fc.constantFrom('hour', '21600', 'day', 'month')
    fc.assert(
      fc.property(zones, nowMs, granularity, fc.nat(80 * 86_400_000), (timezone, now, name, lengthMs) => {
        const options = { clock: new ManualClock(now) }
        const [since, until] = [now - lengthMs, now].map((ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`)
        const once = usageRange({ granularity: name, since, until, timezone }, options)
        const again = { granularity: name, since: once.period.since, until: once.period.until, timezone }
        expect(usageRange(again, options)).toEqual(once)
      }),
      { numRuns: 60 },
    )
  })

  it('a range of no length that lies on a border is one granule', () => {
    const [since, until] = ['2020-01-01 06:00:00', '2020-01-01 06:00:00']
    const range = usageRange({ granularity: '21600', since, until }, { clock: clockAt('2026-01-01T00:00:00Z') })
    expect(range.period.until).toBe('2020-01-01T11:59:59Z')
    expect(range.edgesMs.length).toBe(2)
  })

  it('any parameters give an answer or a UsageError, at once', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom('day', 'hour', '2010-01-01', 'Madrid', 'eternity', '21600'),
    )
    const parameters = fc.record(
      { period: text, since: text, until: text, granularity: text, timezone: text },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(parameters, nowMs, (any, now) => {
        try {
          expect(usageRange(any, { clock: new ManualClock(now) }).edgesMs.length).toBeLessThan(5_000)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
        }
      }),
    )
  })
})
