import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Decision } from '../../core/counters.ts'
import { MemoryCounters } from './counters.ts'
import { watchFill } from './fill-watch.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_790_000_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

test('a table that fills up is told once, and again when it was emptier in between', () => {
  const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 1024 }), 1)
  const lines: [object, string][] = []
  watchFill(counters, { warn: (facts: object, text: string) => void lines.push([facts, text]) } as never)
  const prefix = counters.keys.prefix('ip')
  const decision = new Decision()
  const count = (addresses: number): void => {
    for (let i = 0; i < addresses; i++) {
      decision.clear()
      prefix.writeWith(`10.0.${i >> 8}.${i & 255}`, decision.keys, decision.add(Date.now() + 60_000, 60_000, 9, 1))
      counters.take(decision, Date.now())
    }
  }
  count(700)
  vi.advanceTimersByTime(20_000)
  expect(lines).toEqual([])
  count(900)
  vi.advanceTimersByTime(30_000)
  expect(lines).toEqual([[{ used: expect.any(Number), slots: 1024 }, expect.stringContaining('more than 75 % full')]])
  expect((lines[0]![0] as { used: number }).used).toBeGreaterThan(768)
  // All windows end.
  vi.advanceTimersByTime(60_000)
  count(900)
  vi.advanceTimersByTime(10_000)
  expect(lines).toHaveLength(2)
})
