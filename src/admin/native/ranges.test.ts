import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AdminError } from '../errors.ts'
import { rangeParameters } from './parameters.ts'
import { type Granularity, granularities, periods, type RangeQuery, rangeOf, valuesMax } from './ranges.ts'

const nowMs = Date.parse('2026-11-22T11:12:13Z')

/** Granularity, number of values, first and last edge. */
function inShort(query: RangeQuery): [string, number, string, string] {
  const { granularity, edgesMs } = rangeOf(query, nowMs)
  const at = (ms: number): string => new Date(ms).toISOString().slice(0, 16)
  return [granularity, edgesMs.length - 1, at(edgesMs[0]!), at(edgesMs.at(-1)!)]
}

function refusal(query: RangeQuery): string {
  try {
    rangeOf(query, nowMs)
  } catch (error) {
    if (error instanceof AdminError && error.status === 400) return error.message
    throw error
  }
  throw new Error('was not refused')
}

test('the schema of calls names the granularities and periods that there are', () => {
  expect(rangeParameters.granularity.enum).toEqual(granularities)
  expect(rangeParameters.last.enum).toEqual(Object.keys(periods))
})

describe('the last ...', () => {
  test.each<[RangeQuery, [string, number, string, string]]>([
    [{}, ['hour', 24, '2026-11-21T12:00', '2026-11-22T12:00']],
    [{ last: '1h' }, ['minute', 60, '2026-11-22T10:13', '2026-11-22T11:13']],
    [{ last: '24h', granularity: 'minute' }, ['minute', 1440, '2026-11-21T11:13', '2026-11-22T11:13']],
    [{ last: '7d' }, ['day', 7, '2026-11-16T00:00', '2026-11-23T00:00']],
    [{ last: '7d', granularity: 'hour' }, ['hour', 168, '2026-11-15T12:00', '2026-11-22T12:00']],
    [{ last: '7d', granularity: 'quarter' }, ['quarter', 672, '2026-11-15T11:15', '2026-11-22T11:15']],
    [{ last: '30d' }, ['day', 30, '2026-10-24T00:00', '2026-11-23T00:00']],
    [{ last: '12m' }, ['month', 12, '2025-12-01T00:00', '2026-12-01T00:00']],
    [{ last: '12m', granularity: 'day' }, ['day', 365, '2025-11-23T00:00', '2026-11-23T00:00']],
    [{ last: '7d', timezone: 'Asia/Kolkata' }, ['day', 7, '2026-11-15T18:30', '2026-11-22T18:30']],
    [{ last: '12m', timezone: 'Europe/Madrid' }, ['month', 12, '2025-11-30T23:00', '2026-11-30T23:00']],
  ])('%o', (query, short) => {
    expect(inShort(query)).toEqual(short)
  })

  test('a day of 25 hours has 25 of them', () => {
    const query: RangeQuery = {
      since: '2026-10-25',
      until: '2026-10-25',
      granularity: 'hour',
      timezone: 'Europe/Madrid',
    }
    expect(inShort(query)).toEqual(['hour', 25, '2026-10-24T22:00', '2026-10-25T23:00'])
  })
})

describe('from one instant until another', () => {
  test.each<[RangeQuery, [string, number, string, string]]>([
    [{ since: '2026-11-01', until: '2026-11-15' }, ['day', 15, '2026-11-01T00:00', '2026-11-16T00:00']],
    [{ since: '2026-11-22' }, ['hour', 12, '2026-11-22T00:00', '2026-11-22T12:00']],
    [{ since: '2026-11-22', until: '2099-01-01' }, ['hour', 12, '2026-11-22T00:00', '2026-11-22T12:00']],
    [
      { since: '2026-11-22T10:00:30+01:00', until: '2026-11-22T10:02:00+01:00' },
      ['minute', 2, '2026-11-22T09:00', '2026-11-22T09:02'],
    ],
    [{ since: '1970-01-01' }, ['month', 683, '1970-01-01T00:00', '2026-12-01T00:00']],
  ])('%o', (query, short) => {
    expect(inShort(query)).toEqual(short)
  })
})

describe('is refused with what would be right', () => {
  test.each<[RangeQuery, string]>([
    [{ last: '2h' }, 'last must be one of 1h, 24h, 7d, 30d, 12m, not 2h.'],
    [{ last: 'constructor' }, 'last must be one of'],
    [{ last: '24h', since: '2026-11-01' }, 'Give either last, or since and until.'],
    [{ until: '2026-11-01' }, 'until needs since'],
    [{ since: '2026-11-02', until: '2026-11-01' }, 'since must come before until.'],
    [{ since: '2026-12-01' }, 'since lies in the future; now it is 2026-11-22T11:12:13.000Z.'],
    [{ since: '2026-02-31' }, 'since must be a date or an instant as in 2026-11-22 or 2026-11-22T10:30:00Z.'],
    [{ since: '2026-11-22T10:30:00' }, 'since must be a date or an instant'],
    [{ since: 'yesterday' }, 'since must be a date or an instant'],
    [{ since: '2026-11-01', until: '2026-11-22T25:00:00Z' }, 'until must be a date or an instant'],
    [{ since: '1969-12-31' }, 'since must lie between the years 1970 and 3000.'],
    [{ timezone: 'Mars/Olympus' }, 'timezone Mars/Olympus is unknown; take a name as Europe/Madrid or UTC.'],
    [
      { last: '7d', granularity: 'minute' },
      'granularity cannot be minute for this range (minutes are kept for 48 hours); it can be quarter or hour or day or month.',
    ],
    [
      { since: '2026-08-01', until: '2026-08-10', granularity: 'quarter' },
      'granularity cannot be quarter for this range (quarters of an hour are kept for 90 days); it can be hour or day or month.',
    ],
    [
      { since: '2026-10-01', granularity: 'quarter' },
      'granularity cannot be quarter for this range (more than 3000 values); it can be hour or day or month.',
    ],
    [
      { last: '12m', granularity: 'hour' },
      'granularity cannot be hour for this range (more than 3000 values); it can be day or month.',
    ],
  ])('%o', (query, message) => {
    expect(refusal(query)).toContain(message)
  })
})

test('whatever is asked, the answer covers it in rising edges and few enough values, or is a 400', () => {
  const text = fc.oneof(
    fc.string(),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constant('2026-11-01'),
  )
  const query = fc.record(
    {
      last: fc.oneof(fc.constantFrom(...Object.keys(periods)), fc.string()),
      since: text,
      until: text,
      granularity: fc.constantFrom<Granularity>(...granularities),
      timezone: fc.oneof(fc.constantFrom('UTC', 'Europe/Madrid', 'Asia/Kolkata', 'America/St_Johns'), fc.string()),
    },
    { requiredKeys: [] },
  )
  const clock = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2035-01-01') })
  fc.assert(
    fc.property(query, clock, (asked, atMs) => {
      try {
        const { edgesMs, granularity, granularities: fitting } = rangeOf(asked, atMs)
        expect(edgesMs.every((edge, index) => index === 0 || edge > edgesMs[index - 1]!)).toBe(true)
        expect(edgesMs.length - 1).toBeLessThanOrEqual(valuesMax + 2)
        expect(edgesMs[0]!).toBeLessThanOrEqual(atMs)
        expect(fitting).toContain(granularity)
        if (asked.since === undefined) expect(edgesMs.at(-1)!).toBeGreaterThan(atMs)
      } catch (error) {
        if (!(error instanceof AdminError)) throw error
        expect(error.status).toBe(400)
      }
    }),
    { numRuns: 300 },
  )
})
