import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { Decision } from '../../core/counters.ts'
import { type CounterTable, LOCK_STRIDE } from './counter-table.ts'
import { type HammerReport, type HammerTask, T0, WINDOWS } from './counters.hammer.ts'
import { MemoryCounters } from './counters.ts'

const HAMMER = new URL('./counters.hammer.ts', import.meta.url)

/** Starts the threads, lets them go together, and gives their reports. */
async function hammer(threads: number, task: Omit<HammerTask, 'thread' | 'control'>): Promise<HammerReport[]> {
  const control = new Int32Array(new SharedArrayBuffer(12))
  const reports = Array.from({ length: threads }, async (_, i) => {
    const worker = start({ ...task, thread: i + 1, control: control.buffer })
    const exit = once(worker, 'exit') // can be emitted together with the message
    const [report] = (await once(worker, 'message')) as [HammerReport]
    await exit
    return report
  })
  await ready(control, threads)
  return Promise.all(reports)
}

function start(task: HammerTask): Worker {
  return new Worker(HAMMER, { workerData: task })
}

async function ready(control: Int32Array<SharedArrayBuffer>, threads: number): Promise<void> {
  for (let seen = 0; seen < threads; seen = Atomics.load(control, 0)) {
    const wait = Atomics.waitAsync(control, 0, seen)
    if (wait.async) await wait.value
  }
  Atomics.store(control, 1, 1)
  Atomics.notify(control, 1)
}

function sum(reports: readonly HammerReport[], window: number): number {
  return reports.reduce((total, report) => total + (report.admitted[window] ?? 0), 0)
}

function countOf(table: CounterTable, nowMs: number): number {
  const counters = new MemoryCounters(table, 99)
  const decision = new Decision()
  counters.keys.prefix('hammer', 0).write(decision.keys, decision.add(nowMs + 1000, 1000, 0, 0))
  counters.peek(decision, nowMs)
  return decision.counts[0]!
}

describe('counters shared by threads', () => {
  it.each([2, 4])('admit exactly the limit over %i threads on one key', async (threads) => {
    const table = MemoryCounters.allocate({ slots: 1024, shards: 16 })
    const limit = 50_000
    const reports = await hammer(threads, { table, mode: 'count', decisions: 40_000, keys: 1, limit })
    expect(sum(reports, 0)).toBe(limit)
    expect(reports.reduce((total, report) => total + report.refused, 0)).toBe(threads * 40_000 - limit)
    expect(countOf(table, T0)).toBe(limit)
    expect(new MemoryCounters(table, 99).fill(T0).lockedOut).toBe(0)
  })

  it('lose no count of four checks in one decision', async () => {
    const table = MemoryCounters.allocate({ slots: 1024, shards: 16 })
    const reports = await hammer(3, { table, mode: 'count', decisions: 20_000, keys: 4, limit: 1e9 })
    expect(sum(reports, 0)).toBe(60_000)
    expect(countOf(table, T0)).toBe(60_000)
  })

  it('stay exact in every window while threads are late', async () => {
    const table = MemoryCounters.allocate({ slots: 1024, shards: 16 })
    const threads = 4
    const limit = 1000
    const decisions = 4000 // a window passes after that many decisions of all threads
    const reports = await hammer(threads, { table, mode: 'windows', decisions, keys: 1, limit })
    const counted = Array.from({ length: WINDOWS }, (_, window) => sum(reports, window))
    expect(Math.max(...counted)).toBe(limit)
    expect(counted.slice(0, threads - 1)).toEqual(new Array(threads - 1).fill(limit))
  })
})

describe('a thread killed inside a check', () => {
  const KEYS = 4

  function everyKey(counters: MemoryCounters): Decision {
    const decision = new Decision()
    for (let key = 0; key < KEYS; key++) {
      counters.keys.prefix('hammer', key).write(decision.keys, decision.add(T0 + 1000, 1000, 1e9, 1))
    }
    return decision
  }

  it('does not hang the others, wherever it was', async () => {
    const table = MemoryCounters.allocate({ slots: 1024, shards: 16 })
    const counters = new MemoryCounters(table, 1)
    const decision = everyKey(counters)
    let counted = 0
    for (let round = 1; round <= 10; round++) {
      const worker = await victim(table, round + 1)
      while (countOf(table, T0) < counted + 1000) await nextTurn()
      await worker.terminate()
      MemoryCounters.recover(table, round + 1)
      expect(counters.take(decision, T0)).toBe(true)
      expect(decision.uncounted).toBe(false)
      const counts = [...decision.counts.subarray(0, KEYS)]
      // Each thread that was killed can have left one decision counted in a part of its checks.
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(round)
      counted = counts[0]!
    }
  })

  it('gives back the locks it died with', async () => {
    const table = MemoryCounters.allocate({ slots: 1024, shards: 64 })
    const counters = new MemoryCounters(table, 1)
    const decision = everyKey(counters)
    const locks = new Int32Array(table.locks)
    const shards = Array.from({ length: KEYS }, (_, key) => decision.keys[key * 2 + 1]! & 63)
    const last = Math.max(...shards) * LOCK_STRIDE
    const first = Math.min(...shards) * LOCK_STRIDE
    let freed = 0
    for (let thread = 2; freed === 0 && thread < 12; thread++) {
      // With its last lock in another's hands the thread stands still with the first in its own; there it is killed.
      while (Atomics.compareExchange(locks, last, 0, 1) !== 0) await nextTurn()
      const worker = await victim(table, thread)
      while (Atomics.load(locks, first) !== thread) await nextTurn()
      await worker.terminate()
      const held = locks.filter((owner) => owner === thread).length
      expect(MemoryCounters.recover(table, thread)).toBe(held)
      freed += held
      Atomics.store(locks, last, 0)
      expect(counters.take(decision, T0)).toBe(true)
      expect(decision.uncounted).toBe(false)
    }
    expect(freed).toBeGreaterThan(0)
    expect(locks.every((owner) => owner === 0)).toBe(true)
  })

  async function victim(table: CounterTable, thread: number): Promise<Worker> {
    const control = new Int32Array(new SharedArrayBuffer(12))
    const worker = start({
      table,
      thread,
      control: control.buffer,
      mode: 'forever',
      decisions: 0,
      keys: KEYS,
      limit: 1e9,
    })
    await ready(control, 1)
    return worker
  }
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
