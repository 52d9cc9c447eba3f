import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileDateFormat, formatDate } from './date-format.ts'

const utc = (text: string): number => Date.parse(text)

describe('SimpleDateFormat in UTC', () => {
  // Sunday 5 January 2020, 3 minutes past midnight; and others where a rule shows.
  const sunday = utc('2020-01-05T00:03:09.007Z')
  const cases: readonly (readonly [pattern: string, ms: number, expected: string])[] = [
    ['yyyy-MM-dd', 1_494_390_266_000, '2017-05-10'],
    ['yyyyMMddHHmmss', 1_494_390_266_000, '20170510042426'],
    ['MMMM d, yyyy', 1_531_349_564_000, 'July 11, 2018'],
    ['EEE, dd MMM yyyy HH:mm:ss z', 1_494_390_266_000, 'Wed, 10 May 2017 04:24:26 UTC'],
    ["yyyy-MM-dd'T'HH:mm:ss.SSSXXX", 1_494_390_266_000, '2017-05-10T04:24:26.000Z'],
    ['yy y yyyyy', sunday, '20 2020 02020'],
    ['M MM MMM MMMM L', sunday, '1 01 Jan January 1'],
    ['E EEEE u', sunday, 'Sun Sunday 7'],
    ['u', utc('2020-01-06T00:00:00Z'), '1'],
    ['d dd D DDD F', sunday, '5 05 5 005 1'],
    ['F D', utc('2020-12-31T00:00:00Z'), '5 366'],
    ['w ww W', sunday, '2 02 2'],
    ['w W YYYY', utc('2020-01-01T00:00:00Z'), '1 1 2020'],
    ['w YYYY yyyy', utc('2019-12-29T00:00:00Z'), '1 2020 2019'],
    ['w YYYY', utc('2019-12-28T00:00:00Z'), '52 2019'],
    ['H k K h a', sunday, '0 24 0 12 AM'],
    ['HH kk KK hh a', utc('2020-01-05T13:00:00Z'), '13 13 01 01 PM'],
    ['m mm s ss S SS SSS SSSSS', sunday, '3 03 9 09 7 07 007 00007'],
    ['G yyyy', sunday, 'AD 2020'],
    ['G yyyy', utc('-000043-03-15T00:00:00Z'), 'BC 0044'],
    ['z zzzz Z X XX XXX', sunday, 'UTC Coordinated Universal Time +0000 Z Z Z'],
    ["''yy 'o''clock' h", sunday, "'20 o'clock 12"],
    ['', sunday, ''],
    ['-/: .', sunday, '-/: .'],
  ]
  test.each(cases)('%s', (pattern, ms, expected) => {
    expect(formatDate(pattern, ms, true)).toBe(expected)
  })

  const wrong: readonly (readonly [pattern: string, at: number, message: RegExp])[] = [
    ['yyyy-JJ', 5, /JJ means nothing.*'T'/],
    ['yyyyTHH', 4, /T means nothing/],
    ["yyyy'T", 4, /not closed/],
    ['XXXX', 0, /XXXX means nothing/],
    ['y'.repeat(300), 256, /at most 256/],
  ]
  test.each(wrong)('refuses %s', (pattern, at, message) => {
    expect(compileDateFormat(pattern, true)).toEqual({ ok: false, at, message: expect.stringMatching(message) })
    expect(formatDate(pattern, 0, true)).toBeNull()
  })

  test('agrees with toISOString at any moment', () => {
    fc.assert(
      fc.property(
        fc.date({
          min: new Date(utc('0001-01-01T00:00:00Z')),
          max: new Date(utc('9999-12-31T00:00:00Z')),
          noInvalidDate: true,
        }),
        (date) => {
          expect(formatDate("yyyy-MM-dd'T'HH:mm:ss.SSSX", date.getTime(), true)).toBe(date.toISOString())
        },
      ),
    )
  })

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.double(), fc.boolean(), (pattern, ms, inUtc) => {
        const text = formatDate(pattern, ms, inUtc)
        expect(text === null || typeof text === 'string').toBe(true)
      }),
    )
  })
})

describe('SimpleDateFormat in the zone of the process', () => {
  test('the fields are those of the zone', () => {
    const zone = process.env['TZ']
    process.env['TZ'] = 'America/New_York'
    try {
      const ms = utc('2020-07-01T02:03:04Z')
      expect(formatDate('yyyy-MM-dd HH:mm:ss z Z X XXX', ms, false)).toBe('2020-06-30 22:03:04 EDT -0400 -04 -04:00')
      expect(formatDate('zzzz', ms, false)).toBe('Eastern Daylight Time')
      expect(formatDate('HH', ms, true)).toBe('02')
    } finally {
      if (zone === undefined) delete process.env['TZ']
      else process.env['TZ'] = zone
    }
  })
})
