import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixedWindow, INTERVAL_MAX, isTimeUnit, TIME_UNITS, UNIT_MS, windowEndMs } from './windows.ts'

describe('fixed windows', () => {
  it('have a length and a text in the singular', () => {
    expect(fixedWindow(10, 'second')).toEqual({ lengthMs: 10_000, text: '10 second' })
    expect(TIME_UNITS.map((unit) => fixedWindow(1, unit).lengthMs)).toEqual([1_000, 60_000, 3_600_000, 86_400_000])
    expect(fixedWindow(INTERVAL_MAX, 'day').text).toBe('2147483647 day')
    for (const interval of [0, -1, 1.5, Number.NaN, INTERVAL_MAX + 1]) {
      expect(() => fixedWindow(interval, 'day')).toThrow(`not ${interval}`)
    }
  })

  it('know their units', () => {
    expect(TIME_UNITS).toEqual(Object.keys(UNIT_MS))
    expect(['second', 'SECOND', 'seconds', 'week', 'toString', '', null, 1].map(isTimeUnit)).toEqual([
      true,
      ...new Array<boolean>(7).fill(false),
    ])
  })

  it('end at multiples of their length since the epoch', () => {
    expect(windowEndMs(Date.UTC(2026, 10, 22, 23, 59, 59, 999), UNIT_MS.day)).toBe(Date.UTC(2026, 10, 23))
    expect(windowEndMs(Date.UTC(2026, 10, 23), UNIT_MS.day)).toBe(Date.UTC(2026, 10, 24))
    expect(windowEndMs(1_790_000_000_000, Infinity)).toBe(Infinity)
    const lengths = fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.constantFrom(...TIME_UNITS))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), lengths, (nowMs, [interval, unit]) => {
        const { lengthMs } = fixedWindow(interval, unit)
        const endMs = windowEndMs(nowMs, lengthMs)
        expect(endMs % lengthMs).toBe(0)
        expect(endMs > nowMs && endMs - lengthMs <= nowMs).toBe(true)
      }),
    )
  })
})
