import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../analytics/rollup.ts'
import { ManualClock } from '../../core/clock.ts'
import { batchOf, call, suiteNowMs } from '../conformance/analytics.suite.ts'
import { RollupDatabase } from './analytics.ts'
import { type OpenDatabase, openDatabase } from './database.ts'
import { BatchLostError, QueuedAnalytics } from './queued.ts'
import { UsageDatabase } from './usage.ts'

describe('QueuedAnalytics on a disk that is full', () => {
  let folder: string
  let database: OpenDatabase
  let rollups: RollupDatabase
  let queue: QueuedAnalytics
  let told: string[]
  let timers: { task: () => void; delayMs: number }[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-'))
    database = openDatabase(folder, suiteNowMs)
    rollups = new RollupDatabase(
      database.writer,
      database.reader,
      new UsageDatabase(database.writer, database.reader),
      new ManualClock(suiteNowMs),
    )
    told = []
    timers = []
    queue = new QueuedAnalytics(rollups, {
      schedule: (task, delayMs) => {
        const timer = { task, delayMs }
        timers.push(timer)
        return () => {
          timers = timers.filter((other) => other !== timer)
        }
      },
      tell: (level, message) => told.push(`${level}: ${message}`),
      rowsMax: 600,
    })
  })
  afterEach(() => {
    database.close()
    rmSync(folder, { recursive: true })
  })

  function elapse(): number {
    const timer = timers.shift()!
    timer.task()
    return timer.delayMs
  }

  function pages(): number {
    return Number(database.writer.prepare('PRAGMA page_count').get()?.['page_count'])
  }

  function fillDisk(): void {
    database.writer.exec(`PRAGMA max_page_count = ${pages()}`)
  }

  function freeDisk(): void {
    database.writer.exec('PRAGMA max_page_count = 1000000')
  }

  let next = 0
  /** Many different series, so that the pages the file has do not suffice. */
  function wide(calls: number): Batch {
    return batchOf(
      Array.from({ length: calls }, () => call({ application: `application-${next++}-${'x'.repeat(200)}` })),
    )
  }

  function stored(): number {
    const edgesMs = [suiteNowMs - 3_600_000, suiteNowMs + 60_000]
    return rollups.counts({ scope: { kind: 'all' }, keys: ['any'], edgesMs, authorizedOnly: false })[0]![0]!
  }

  it('writes batches of a short time in one transaction', async () => {
    const both = Promise.all([queue.write(wide(2)), queue.write(wide(3))])
    expect(queue.health().pendingCalls).toBe(5)
    expect(elapse()).toBe(100)
    await both
    expect(stored()).toBe(5)
    expect(timers).toEqual([])
  })

  it('keeps what comes, tries again ever more slowly, tells once, and recovers without loss', async () => {
    fillDisk()
    const written = Promise.all([queue.write(wide(200)), queue.write(wide(200))])
    const delays = Array.from({ length: 8 }, elapse)
    expect(delays).toEqual([100, 250, 500, 1000, 2000, 4000, 8000, 10_000])
    expect(told).toEqual([expect.stringMatching(/^error: analytics: cannot write \(.*full.*\); traffic goes on/)])
    expect(queue.health()).toEqual({ lostCalls: 0, pendingCalls: 400, problem: expect.stringContaining('full') })
    expect(stored()).toBe(0)

    freeDisk()
    elapse()
    await written
    expect(stored()).toBe(400)
    expect(queue.health()).toEqual({ lostCalls: 0, pendingCalls: 0, problem: null })
    expect(told.slice(1)).toEqual(['info: analytics: writing works again; nothing was lost'])
  })

  it('counts and tells what it can no longer keep, and goes on afterwards', async () => {
    fillDisk()
    const kept = queue.write(wide(500))
    elapse()
    await expect(queue.write(wide(200))).rejects.toThrow(BatchLostError)
    await expect(queue.write(wide(150))).rejects.toThrow(BatchLostError)
    expect(queue.health()).toMatchObject({ lostCalls: 350, pendingCalls: 500 })
    expect(told).toHaveLength(2)

    freeDisk()
    elapse()
    await kept
    expect(stored()).toBe(500)
    expect(told.at(-1)).toBe('info: analytics: writing works again; 350 calls are not counted')
    const after = queue.write(wide(50))
    elapse()
    await after
    expect(stored()).toBe(550)
    expect(queue.health()).toMatchObject({ lostCalls: 350, problem: null })
  })

  it('flush writes at once, or says why not and keeps what waits', async () => {
    const first = queue.write(wide(1))
    queue.flush()
    await first
    fillDisk()
    const second = queue.write(wide(400))
    expect(() => queue.flush()).toThrow(/full/)
    freeDisk()
    queue.flush()
    await second
    expect(stored()).toBe(401)
  })

  it('close tries once more and tells what is lost', async () => {
    fillDisk()
    const lost = queue.write(wide(400))
    expect(queue.close()).toBe(400)
    await expect(lost).rejects.toThrow(/400 calls are lost at shutdown: .*full/)
    expect(told.at(-1)).toMatch(/^error: analytics: 400 calls are lost at shutdown/)
    expect(timers).toEqual([])
  })

  it('does not let a batch that can never be stored hold up the others', async () => {
    const broken = { ...wide(1), rows: [{ ...wide(1).rows[0]!, minuteMs: Number.NaN }] }
    const results = Promise.allSettled([queue.write(wide(1)), queue.write(broken), queue.write(wide(1))])
    elapse()
    expect((await results).map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(stored()).toBe(2)
    expect(queue.health()).toEqual({ lostCalls: 1, pendingCalls: 0, problem: null })
  })
})
