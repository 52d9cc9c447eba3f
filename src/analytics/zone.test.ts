import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Granularity, granuleEdges, granuleStart, nextGranule } from './granules.ts'
import { parseTime, Zone } from './zone.ts'
import { railsZones } from './zone-names.ts'

function zone(name: string): Zone {
  const found = Zone.named(name)
  if (found === null) throw new Error(`no zone ${name}`)
  return found
}

const zones = [
  'UTC',
  'Madrid',
  'New Delhi',
  'Kathmandu',
  'Newfoundland',
  'Australia/Lord_Howe',
  'America/New_York',
  'Samoa',
  'Asia/Beirut',
]

describe('Zone', () => {
  it.each([
    ['Madrid', 'Europe/Madrid'],
    ['Pacific Time (US & Canada)', 'America/Los_Angeles'],
    ['Buenos Aires', 'America/Argentina/Buenos_Aires'],
    ['UTC', 'Etc/UTC'],
    ['Europe/Madrid', 'Europe/Madrid'],
    ['Etc/GMT+12', 'Etc/GMT+12'],
  ])('knows %s', (name, tzName) => {
    expect(zone(name).name).toBe(tzName)
  })

  it.each(['', 'Nowhere', '+05:30', 'Madrid ', 'constructor', 'Europe/Madrid;x'])("does not know '%s'", (name) => {
    expect(Zone.named(name)).toBeNull()
  })

  it("finds every one of Rails' names in the tz database", () => {
    expect([...railsZones.keys()].filter((name) => Zone.named(name) === null)).toEqual([])
  })

  it('never crashes on a name', () => {
    fc.assert(fc.property(fc.string(), (name) => void Zone.named(name)))
  })

  it.each([
    ['Madrid', '2026-03-29T02:30:00', '2026-03-29T03:30:00+02:00'],
    ['Madrid', '2026-10-25T02:30:00', '2026-10-25T02:30:00+02:00'],
    ['Asia/Beirut', '2022-03-27T00:00:00', '2022-03-27T01:00:00+03:00'],
    ['UTC', '2026-03-29T02:30:00', '2026-03-29T02:30:00Z'],
    ['London', '2026-01-01', '2026-01-01T00:00:00+00:00'],
    ['New Delhi', '2026-01-01', '2026-01-01T00:00:00+05:30'],
    ['Newfoundland', '2026-01-01', '2026-01-01T00:00:00-03:30'],
    ['UTC', '0150-12-01', '0150-12-01T00:00:00Z'],
  ])('in %s, %s is %s', (name, local, expected) => {
    const at = zone(name)
    expect(at.format(parseTime(local, at)!)).toBe(expected)
  })

  it('goes from UTC to its clocks and back, except for an hour that they show twice', () => {
    const anyTime = fc.integer({ min: 0, max: Date.UTC(2040, 0) }).map((ms) => ms - (ms % 1000))
    fc.assert(
      fc.property(fc.constantFrom(...zones), anyTime, (name, utcMs) => {
        const at = zone(name)
        const back = at.toUtc(at.toLocal(utcMs))
        if (back !== utcMs) expect(at.toLocal(back)).toBe(at.toLocal(utcMs))
      }),
    )
  })
})

describe('parseTime', () => {
  const madrid = zone('Madrid')
  it.each([
    ['2012-02-22', '2012-02-22T00:00:00+01:00'],
    ['2012-02-22 23:49', '2012-02-22T23:49:00+01:00'],
    ['2012-02-22 23:49:07', '2012-02-22T23:49:07+01:00'],
    ['2012-02-22T23:49:07.123', '2012-02-22T23:49:07+01:00'],
    ['2012/2/3 4:05', '2012-02-03T04:05:00+01:00'],
    ['20120222', '2012-02-22T00:00:00+01:00'],
    ['2012-02-22T12:00:00Z', '2012-02-22T13:00:00+01:00'],
    ['2012-02-22 12:00:00 UTC', '2012-02-22T13:00:00+01:00'],
    ['2012-02-22T12:00:00-05:00', '2012-02-22T18:00:00+01:00'],
    ['2012-02-22 12:00:00 +0530', '2012-02-22T07:30:00+01:00'],
  ])('reads %s', (text, expected) => {
    expect(madrid.format(parseTime(text, madrid)!)).toBe(expected)
  })

  it.each([
    '',
    'foo',
    '201501-01',
    '2012-13-01',
    '2012-02-30',
    '2012-02-22 24:00',
    '2012-02-22 1:60',
    '2012-02-22x',
    '2012-02',
    '0',
  ])("does not read '%s'", (text) => {
    expect(parseTime(text, madrid)).toBeNull()
  })

  it('gives a whole number or null for any text, at once', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const timeMs = parseTime(text, madrid)
        if (timeMs !== null) expect(Number.isSafeInteger(timeMs)).toBe(true)
      }),
    )
    expect(parseTime(`2012-02-22${' '.repeat(100_000)}x`, madrid)).toBeNull()
  })
})

describe('granules', () => {
  const anyGranularity = fc.constantFrom<Granularity>('hour', '21600', 'day', 'month')
  const anyTime = fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2040, 0) }).map((ms) => ms - (ms % 1000))

  it('begin where the one before ends, and hold their own start', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), anyGranularity, anyTime, (name, granularity, timeMs) => {
        const at = zone(name)
        const start = granuleStart(granularity, timeMs, at)
        const next = nextGranule(granularity, timeMs, at)
        expect(start).toBeLessThanOrEqual(timeMs)
        expect(next).toBeGreaterThan(timeMs)
        expect(granuleStart(granularity, start, at)).toBe(start)
        if (granularity !== 'hour') expect(granuleStart(granularity, next, at)).toBe(next)
      }),
    )
  })

  it.each<[string, Granularity, string, string, number]>([
    ['Madrid', 'hour', '2026-03-29', '2026-03-30', 23],
    ['Madrid', 'hour', '2026-10-25', '2026-10-26', 25],
    ['Madrid', '21600', '2026-10-25', '2026-10-26', 4],
    ['Madrid', 'day', '2026-10-01', '2026-11-01', 31],
    ['New Delhi', 'hour', '2026-01-01', '2026-01-02', 24],
    ['Madrid', 'month', '2026-01-01', '2027-01-01', 12],
    ['Australia/Lord_Howe', 'day', '2026-04-01', '2026-05-01', 30],
    ['Pacific/Apia', 'day', '2011-12-29', '2012-01-01', 2],
  ])('in %s by %s from %s to %s there are %d', (name, granularity, since, until, count) => {
    const at = zone(name)
    const edges = granuleEdges(granularity, parseTime(since, at)!, parseTime(until, at)!, at)
    expect(edges.length - 1).toBe(count)
  })
})
