import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coverageOf } from './segments.ts'
import { forgottenBeforeMs, levelRules } from './series.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 4, 17, 11, 12, 13)

function levels(edgesMs: readonly number[]): string[] {
  return coverageOf(edgesMs, NOW).segments.map((s) => `${s.level} ${(s.untilMs - s.sinceMs) / MINUTE}`)
}

describe('coverageOf', () => {
  const midnight = Date.UTC(2026, 4, 17)

  it.each<[string, number[], string[]]>([
    ['whole days', [midnight - 3 * DAY, midnight], ['day 4320']],
    ['hours one after the other', [midnight, midnight + HOUR, midnight + 2 * HOUR], ['hour 120']],
    [
      'a month in a zone two hours east',
      [midnight - 30 * DAY - 2 * HOUR, midnight - 2 * HOUR],
      ['hour 120', 'day 41760', 'hour 1320'],
    ],
    [
      'a day five and a half hours east',
      [midnight - 5.5 * HOUR, midnight + 18.5 * HOUR],
      ['quarter 30', 'hour 1380', 'quarter 30'],
    ],
    ['minutes of today', [NOW - 13_000 - 3 * MINUTE, NOW - 13_000], ['minute 3']],
    ['nothing', [midnight, midnight], []],
  ])('reads the fewest rows for %s', (_, edges, expected) => {
    expect(levels(edges)).toEqual(expected)
  })

  it('moves an edge up to what is still kept at its age', () => {
    const at = (agoMs: number): number => coverageOf([NOW - agoMs], NOW).edgesMs[0]! % HOUR
    expect(at(HOUR)).toBe(13 * MINUTE)
    expect(at(3 * DAY)).toBe(15 * MINUTE)
    expect(at(100 * DAY)).toBe(0)
  })

  it('covers every granule once with rows that do not lie across an edge and are not deleted', () => {
    const edgeAgo = fc.oneof(fc.nat(2 * DAY), fc.nat(100 * DAY), fc.nat(800 * DAY), fc.integer({ min: -DAY, max: 0 }))
    const aligned = fc.tuple(edgeAgo, fc.constantFrom(1, MINUTE, 15 * MINUTE, HOUR, DAY))
    fc.assert(
      fc.property(fc.array(aligned, { minLength: 2, maxLength: 30 }), (ago) => {
        const edges = ago.map(([ms, unit]) => Math.floor((NOW - ms) / unit) * unit).sort((a, b) => a - b)
        const { edgesMs, segments } = coverageOf(edges, NOW)
        expect(edgesMs).toEqual([...edgesMs].sort((a, b) => a - b))
        for (const [i, edge] of edgesMs.entries()) expect(edge - edges[i]!).toBeLessThan(HOUR)
        let at = edgesMs[0]!
        for (const { level, sinceMs, untilMs } of segments) {
          const rule = levelRules.find((r) => r.level === level)!
          expect(sinceMs).toBe(at)
          expect(untilMs).toBeGreaterThan(sinceMs)
          expect(sinceMs % rule.lengthMs).toBe(0)
          expect(untilMs % rule.lengthMs).toBe(0)
          expect(sinceMs).toBeGreaterThanOrEqual(forgottenBeforeMs(rule, NOW))
          for (const edge of edgesMs) if (edge > sinceMs && edge < untilMs) expect(edge % rule.lengthMs).toBe(0)
          at = untilMs
        }
        expect(at).toBe(edgesMs.at(-1))
      }),
    )
  })
})
