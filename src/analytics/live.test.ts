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
  return { clock, memory, feed, tick, settled, ticking: () => task !== null }
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

  test('asks nobody while nobody listens, and begins anew when somebody does', async () => {
    const { memory, feed, tick, settled, ticking } = feedOf()
    const end = feed.listen(() => {})
    await settled()
    expect(ticking()).toBe(true)
    end()
    expect([ticking(), feed.size]).toEqual([false, 0])
    memory.write({ rows: [callsOf({ minuteMs, calls: 9 })], droppedCalls: 0 })
    const seen: Second[] = []
    feed.listen((second) => seen.push(second))
    await settled()
    await tick()
    expect(seen).toMatchObject([{ calls: 0 }])
  })
})
