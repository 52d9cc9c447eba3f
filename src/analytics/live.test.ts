import { describe, expect, test } from 'vitest'
import { callsOf } from '../../test/browser/demo-gateway.ts'
import { ManualClock } from '../core/clock.ts'
import { delayed } from '../stores/conformance/delayed.ts'
import { MemoryAnalytics } from '../stores/memory/analytics.ts'
import { LiveFeed, type Second } from './live.ts'

const NOW = Date.parse('2026-11-22T11:12:13Z')
const minuteMs = Math.floor(NOW / 60_000) * 60_000

/** A feed whose seconds pass when the test says so. */
function feedOf() {
  const clock = new ManualClock(NOW)
  const memory = new MemoryAnalytics(clock)
  const analytics = delayed(memory)
  let task: (() => void) | null = null
  const feed = new LiveFeed({
    analytics,
    now: () => clock.now(),
    repeat: (given) => {
      task = given
      return () => {
        task = null
      }
    },
  })
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  const tick = async (): Promise<void> => {
    clock.advance(1_000)
    task?.()
    await settled()
  }
  return { memory, feed, tick, settled, ticking: () => task !== null }
}

describe('the live feed', () => {
  test('tells what came since the second before, once to each listener', async () => {
    const { memory, feed, tick, settled } = feedOf()
    memory.write({ rows: [callsOf({ minuteMs, calls: 100 })], droppedCalls: 0 })
    const seen: Second[] = []
    const end = feed.listen((second) => seen.push(second))
    feed.listen(() => {})
    await settled()
    expect(seen).toEqual([])
    memory.write({
      rows: [
        callsOf({ minuteMs, calls: 98, totalMs: 3 }),
        callsOf({ minuteMs, calls: 2, status: 503, proxy: 'maps', errorCode: 'bad', totalMs: 900 }),
      ],
      droppedCalls: 4,
    })
    await tick()
    expect(seen).toMatchObject([{ timeMs: NOW + 1_000, calls: 100, seconds: 1, p50Ms: 4, p99Ms: 1024, lostCalls: 4 }])
    expect([...seen[0]!.byStatus]).toEqual([
      [200, 98],
      [503, 2],
    ])
    expect(seen[0]!.topErrors).toEqual([{ proxy: 'maps', errorCode: 'bad', status: 503, calls: 2 }])
    await tick()
    expect(seen[1]).toMatchObject({ calls: 0, p50Ms: null, p99Ms: null })
    expect(seen[1]!.topErrors).toEqual(seen[0]!.topErrors)
    end()
    await tick()
    expect(seen).toHaveLength(2)
  })

  test('top errors are those of the last minute', async () => {
    const { memory, feed, tick, settled } = feedOf()
    const seen: Second[] = []
    feed.listen((second) => seen.push(second))
    await settled()
    for (const [calls, errorCode] of [
      [3, 'a'],
      [5, 'b'],
    ] as const) {
      memory.write({ rows: [callsOf({ minuteMs, calls, status: 500, errorCode })], droppedCalls: 0 })
      await tick()
    }
    expect(seen.at(-1)!.topErrors.map((error) => [error.errorCode, error.calls])).toEqual([
      ['b', 5],
      ['a', 3],
    ])
    for (let i = 0; i < 59; i++) await tick()
    expect(seen.at(-1)!.topErrors.map((error) => error.errorCode)).toEqual(['b'])
    await tick()
    expect(seen.at(-1)!.topErrors).toEqual([])
  })

  test('who comes late hears of the last two minutes first, with the errors of the last one', async () => {
    const { memory, feed, tick, settled } = feedOf()
    await settled()
    memory.write({ rows: [callsOf({ minuteMs, calls: 9, status: 500, errorCode: 'old' })], droppedCalls: 0 })
    for (let i = 0; i < 60; i++) await tick()
    memory.write({ rows: [callsOf({ minuteMs, calls: 2, status: 503, errorCode: 'new' })], droppedCalls: 0 })
    await tick()
    const seen: Second[] = []
    feed.listen((second) => seen.push(second))
    expect(seen.map(({ timeMs }) => timeMs)).toEqual(Array.from({ length: 61 }, (_, i) => NOW + (i + 1) * 1_000))
    expect([seen[0]!.calls, seen.at(-1)!.calls]).toEqual([9, 2])
    expect(seen.at(-1)!.topErrors).toEqual([{ proxy: 'weather', errorCode: 'new', status: 503, calls: 2 }])
    expect(seen.slice(0, -1).flatMap(({ topErrors }) => topErrors)).toEqual([])
    for (let i = 0; i < 60; i++) await tick()
    const later: Second[] = []
    feed.listen((second) => later.push(second))
    expect(later).toHaveLength(120)
  })

  test('asks nobody once it is closed', async () => {
    const { feed, settled, ticking } = feedOf()
    await settled()
    expect(ticking()).toBe(true)
    feed.close()
    expect(ticking()).toBe(false)
  })
})
