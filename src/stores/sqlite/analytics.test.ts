import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { analyticsSuite, batchOf, call, type MakeAnalytics, suiteNowMs } from '../conformance/analytics.suite.ts'
import { statisticsSuite } from '../conformance/statistics.suite.ts'
import { RollupDatabase } from './analytics.ts'
import { type OpenDatabase, openDatabase } from './database.ts'
import { QueuedAnalytics } from './queued.ts'
import { UsageDatabase } from './usage.ts'

const DAY = 86_400_000

function pruneAll(rollups: RollupDatabase): number {
  let rows = 0
  for (let run = rollups.prune(); ; run = rollups.prune()) {
    rows += run.rows
    if (run.complete) return rows
  }
}

const sqlite: MakeAnalytics = (clock) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'))
  const database = openDatabase(folder, clock.now())
  const rollups = new RollupDatabase(
    database.writer,
    database.reader,
    new UsageDatabase(database.writer, database.reader),
    clock,
  )
  const analytics = new QueuedAnalytics(rollups, {
    schedule: (task) => {
      const handle = setImmediate(task)
      return () => clearImmediate(handle)
    },
    tell: () => undefined,
  })
  return {
    analytics,
    prune: () => void pruneAll(rollups),
    close: () => {
      database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

analyticsSuite('sqlite', sqlite)
statisticsSuite('sqlite', sqlite)

describe('RollupDatabase', () => {
  let folder: string
  let database: OpenDatabase
  let rollups: RollupDatabase
  const clock = new ManualClock()

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-'))
    clock.set(suiteNowMs)
    database = openDatabase(folder, suiteNowMs)
    rollups = new RollupDatabase(
      database.writer,
      database.reader,
      new UsageDatabase(database.writer, database.reader),
      clock,
    )
  })
  afterEach(() => {
    database.close()
    rmSync(folder, { recursive: true })
  })

  function countRows(table: string): number {
    return Number(database.reader.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
  }

  it('deletes a bounded number of rows a run and goes on where it ended', () => {
    const calls = Array.from({ length: 30 }, (_, i) =>
      call({ application: `app${i % 3}`, timeMs: suiteNowMs - i * 60_000 }),
    )
    rollups.writeAll([batchOf(calls)])
    const [minutes, hours] = [countRows('rollup_minute'), countRows('rollup_hour')]
    clock.advance(10 * DAY)
    let deleted = 0
    for (let run = 0; run < 1_000 && countRows('rollup_minute') > 0; run++) {
      const { rows } = rollups.prune(7, 2)
      expect(rows).toBeLessThanOrEqual(7)
      deleted += rows
    }
    expect(deleted).toBe(minutes)
    expect(countRows('rollup_hour')).toBe(hours)
  })

  it('forgets series of single calls that have no rows any more, and counts them anew when they come back', () => {
    rollups.writeAll([batchOf([call({ method: 'OLD' })])])
    const series = countRows('series')
    clock.advance(100 * DAY)
    pruneAll(rollups)
    expect(countRows('series')).toBe(series - 1)
    const timeMs = clock.now()
    rollups.writeAll([batchOf([call({ method: 'OLD', timeMs })])])
    const rows = rollups.statistics({
      match: {},
      by: 'method',
      edgesMs: [timeMs - DAY, timeMs + DAY],
      rowsMax: 9,
      seriesMax: 0,
    }).rows
    expect(rows).toMatchObject([{ value: 'OLD', calls: 1 }])
  })

  it('writes all of a batch or nothing, and knows its series again after a failure', () => {
    database.writer.exec(
      `CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.rollup_day BEGIN SELECT raise(ABORT, 'not today'); END`,
    )
    expect(() => rollups.writeAll([batchOf([call()])])).toThrow('not today')
    expect([countRows('series'), countRows('rollup_minute')]).toEqual([0, 0])
    database.writer.exec('DROP TRIGGER refuse')
    rollups.writeAll([batchOf([call()])])
    const edgesMs = [suiteNowMs - DAY, suiteNowMs + DAY]
    expect(
      rollups.counts({ scope: { kind: 'service', id: '42' }, keys: ['any'], edgesMs, authorizedOnly: true }),
    ).toEqual([[1]])
  })

  it('cannot be changed by a question', () => {
    expect(() => database.reader.exec('DELETE FROM series')).toThrow(/readonly/)
  })
})
