import { describe, expect, it } from 'vitest'
import { PERIODS, periodEndMs, periodStartMs } from './calendar.ts'

const at = (text: string): number => Date.parse(text)

describe('calendar periods', () => {
  it.each([
    ['minute', '2016-02-29T13:14:15.900Z', '2016-02-29T13:14:00Z', '2016-02-29T13:15:00Z'],
    ['hour', '2016-02-29T13:14:15Z', '2016-02-29T13:00:00Z', '2016-02-29T14:00:00Z'],
    ['day', '2016-02-29T13:14:15Z', '2016-02-29T00:00:00Z', '2016-03-01T00:00:00Z'],
    // A Monday, the Sunday before it, and the week over a change of year.
    ['week', '2016-02-29T00:00:00Z', '2016-02-29T00:00:00Z', '2016-03-07T00:00:00Z'],
    ['week', '2016-02-28T23:59:59Z', '2016-02-22T00:00:00Z', '2016-02-29T00:00:00Z'],
    ['week', '2021-01-01T10:00:00Z', '2020-12-28T00:00:00Z', '2021-01-04T00:00:00Z'],
    ['week', '1970-01-01T00:00:00Z', '1969-12-29T00:00:00Z', '1970-01-05T00:00:00Z'],
    ['month', '2016-02-29T13:14:15Z', '2016-02-01T00:00:00Z', '2016-03-01T00:00:00Z'],
    ['month', '2016-12-31T23:59:59Z', '2016-12-01T00:00:00Z', '2017-01-01T00:00:00Z'],
    ['year', '2016-02-29T13:14:15Z', '2016-01-01T00:00:00Z', '2017-01-01T00:00:00Z'],
  ] as const)('%s at %s', (period, moment, start, end) => {
    expect(periodStartMs(period, at(moment))).toBe(at(start))
    expect(periodEndMs(period, at(moment))).toBe(at(end))
  })

  it('eternity begins with the epoch and never ends', () => {
    expect(periodStartMs('eternity', at('2016-01-01'))).toBe(0)
    expect(periodEndMs('eternity', at('2016-01-01'))).toBe(Number.POSITIVE_INFINITY)
  })

  it('every period holds its own start and not its end', () => {
    for (const period of PERIODS.filter((one) => one !== 'eternity')) {
      const end = periodEndMs(period, at('2024-02-29T12:34:56Z'))
      expect(periodStartMs(period, end)).toBe(end)
      expect(periodEndMs(period, end - 1)).toBe(end)
    }
  })
})
