import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { FirstAndLast } from '../../analytics/ports.ts'
import { AnalyticsQueries, type RollupRows } from '../../analytics/queries.ts'
import type { Batch } from '../../analytics/rollup.ts'
import {
  type Addition,
  additionsOf,
  forgottenBeforeMs,
  type Label,
  type Labels,
  type Level,
  labelNames,
  levelRules,
  type SeriesKind,
  type SeriesRef,
} from '../../analytics/series.ts'
import { TooMuchToRead } from '../../analytics/too-much.ts'
import { Totals } from '../../analytics/totals.ts'
import type { Clock } from '../../core/clock.ts'
import type { UsageDatabase } from './usage.ts'

/** How long one question may read, in ms; writing waits meanwhile. */
const READ_MAX_MS = 5_000
const ROWS_BETWEEN_CHECKS = 512
/** Ids of series that are kept at hand; one costs some 300 bytes. */
const KNOWN_SERIES_MAX = 50_000

const columns: Readonly<Record<Label, string>> = {
  environment: 'environment',
  proxy: 'proxy',
  revision: 'revision',
  service: 'service',
  application: 'application',
  account: 'account',
  method: 'method',
  path: 'path',
  errorCode: 'error_code',
  status: 'status',
  answeredBy: 'answered_by',
}

const columnList = labelNames.map((label) => columns[label]).join(', ')
const columnMatch = labelNames.map((label) => `${columns[label]} = ?`).join(' AND ')

/** What one run of `prune` did. */
export interface Pruned {
  readonly rows: number
  /** True when it came to the end of all series. */
  readonly complete: boolean
}

/** Rollups in SQLite: batches in, by one connection; questions out, by another. */
export class RollupDatabase extends AnalyticsQueries {
  readonly #writer: DatabaseSync
  readonly #usage: UsageDatabase
  readonly #clock: Clock
  readonly #findSeries: StatementSync
  readonly #addSeries: StatementSync
  readonly #upserts: Readonly<Record<Level, StatementSync>>
  readonly #nextSeries: StatementSync
  readonly #deletes: Readonly<Record<Level, StatementSync>>
  readonly #forget: StatementSync
  readonly #known = new Map<string, number>()
  #prunedUpTo = 0

  /** The tables must be there: see `openDatabase`. */
  constructor(writer: DatabaseSync, reader: DatabaseSync, usage: UsageDatabase, clock: Clock) {
    super(new Rows(reader), clock)
    this.#writer = writer
    this.#usage = usage
    this.#clock = clock
    writer.function('totals_sum', { deterministic: true }, (a, b) => {
      const totals = new Totals()
      totals.addPacked(a as Uint8Array)
      totals.addPacked(b as Uint8Array)
      return totals.pack()
    })
    this.#findSeries = writer.prepare(`SELECT id FROM series WHERE kind = ? AND ${columnMatch}`)
    this.#addSeries = writer.prepare(
      `INSERT INTO series (kind, ${columnList}) VALUES (?, ${labelNames.map(() => '?').join(', ')})`,
    )
    this.#upserts = perLevel((level) =>
      writer.prepare(
        `INSERT INTO rollup_${level} (series, start, totals) VALUES (?, ?, ?)
         ON CONFLICT (series, start) DO UPDATE SET totals = totals_sum(totals, excluded.totals)`,
      ),
    )
    this.#nextSeries = writer.prepare('SELECT id, kind FROM series WHERE id > ? ORDER BY id LIMIT ?')
    this.#deletes = perLevel((level) =>
      writer.prepare(
        `DELETE FROM rollup_${level} WHERE series = ?1 AND start IN
         (SELECT start FROM rollup_${level} WHERE series = ?1 AND start < ?2 ORDER BY start LIMIT ?3)`,
      ),
    )
    this.#forget = writer.prepare(
      `DELETE FROM series WHERE id = ? AND NOT EXISTS (SELECT 1 FROM rollup_minute WHERE series = id)
       AND NOT EXISTS (SELECT 1 FROM rollup_quarter WHERE series = id)`,
    )
  }

  /** Adds all batches in one transaction, on disk when it returns. Throws what SQLite throws, with nothing added. */
  writeAll(batches: readonly Batch[]): void {
    const additions = additionsOf(batches)
    const usage = batches.flatMap((batch) => batch.usage ?? [])
    if (additions.length === 0 && usage.length === 0) return
    this.#inTransaction(() => {
      this.#add(additions)
      this.#usage.write(usage)
    })
  }

  #add(additions: readonly Addition[]): void {
    for (const addition of additions) {
      const id = this.#seriesId(addition)
      let packed: Uint8Array | null = null
      let packedFrom: Totals | null = null
      for (const { level, startMs, totals } of addition.rows) {
        if (packed === null || packedFrom !== totals) packed = totals.pack()
        packedFrom = totals
        this.#upserts[level].run(id, startMs / 1000, packed)
      }
    }
  }

  #seriesId({ kind, labels, key }: Addition): number {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const values = labelNames.map((label) => labels[label])
    const found = this.#findSeries.get(kind, ...values)
    const id = Number(found === undefined ? this.#addSeries.run(kind, ...values).lastInsertRowid : found['id'])
    if (this.#known.size >= KNOWN_SERIES_MAX) this.#known.clear()
    this.#known.set(key, id)
    return id
  }

  /**
   * Deletes rows that are older than their level is kept, at most about `rowsMax` of them and of `seriesMax` series, and series
   * that have no rows any more; the next run goes on where this one ended.
   */
  prune(rowsMax = 2_000, seriesMax = 500): Pruned {
    let rows = 0
    let complete = false
    this.#inTransaction(() => {
      const series = this.#nextSeries.all(this.#prunedUpTo, seriesMax)
      complete = series.length < seriesMax
      for (const { id, kind } of series) {
        if (rows >= rowsMax) {
          complete = false
          break
        }
        const deleted = this.#pruneSeries(Number(id), rowsMax - rows)
        rows += deleted
        if (deleted > 0 && kind === 'call') this.#forgetIfEmpty(Number(id))
        if (rows < rowsMax) this.#prunedUpTo = Number(id)
      }
    })
    if (complete) this.#prunedUpTo = 0
    this.#usage.prune(this.#clock.now())
    return { rows, complete }
  }

  #pruneSeries(id: number, rowsMax: number): number {
    let deleted = 0
    for (const rule of levelRules) {
      const before = forgottenBeforeMs(rule, this.#clock.now()) / 1000
      if (!Number.isFinite(before)) continue
      deleted += Number(this.#deletes[rule.level].run(id, before, rowsMax - deleted).changes)
    }
    return deleted
  }

  // Only series of kind `call` are not kept for ever; they have rows of the two finest levels alone.
  #forgetIfEmpty(id: number): void {
    if (this.#forget.run(id).changes) this.#known.clear()
  }

  #inTransaction(work: () => void): void {
    this.#writer.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#writer.exec('COMMIT')
    } catch (error) {
      // Series that were added in this transaction are gone with it.
      this.#known.clear()
      this.#usage.forgetSeries()
      if (this.#writer.isTransaction) this.#writer.exec('ROLLBACK')
      throw error
    }
  }
}

class Rows implements RollupRows {
  readonly #reader: DatabaseSync
  readonly #scans: Readonly<Record<Level, StatementSync>>
  readonly #bounds: Readonly<Record<Level, StatementSync>>
  #untilMs = 0

  constructor(reader: DatabaseSync) {
    this.#reader = reader
    this.#scans = perLevel((level) =>
      reader.prepare(
        `SELECT start, totals FROM rollup_${level} WHERE series = ? AND start >= ? AND start < ? ORDER BY start`,
      ),
    )
    this.#bounds = perLevel((level) =>
      reader.prepare(`SELECT min(start) AS first, max(start) AS last FROM rollup_${level} WHERE series = ?`),
    )
  }

  begin(): void {
    this.#untilMs = performance.now() + READ_MAX_MS
  }

  series(kind: SeriesKind, match: Partial<Labels>): readonly SeriesRef[] {
    const used = labelNames.filter((label) => match[label] !== undefined)
    const where = used.map((label) => ` AND ${columns[label]} = ?`).join('')
    const statement = this.#reader.prepare(`SELECT id, ${columnList} FROM series WHERE kind = ?${where} ORDER BY id`)
    return statement.all(kind, ...used.map((label) => match[label]!)).map((row) => {
      const labels = Object.fromEntries(labelNames.map((label) => [label, String(row[columns[label]])]))
      return { id: Number(row['id']), kind, labels: labels as Record<Label, string> }
    })
  }

  scan(level: Level, seriesId: number, sinceMs: number, untilMs: number, into: (startMs: number) => Totals): void {
    let rows = 0
    for (const row of this.#scans[level].iterate(seriesId, sinceMs / 1000, untilMs / 1000)) {
      into(Number(row['start']) * 1000).addPacked(row['totals'] as Uint8Array)
      if (++rows % ROWS_BETWEEN_CHECKS === 0) this.#checkTime()
    }
    this.#checkTime()
  }

  #checkTime(): void {
    if (performance.now() > this.#untilMs) {
      throw new TooMuchToRead(
        `the question reads for more than ${READ_MAX_MS / 1000} s: ask for a shorter time or a coarser granularity`,
      )
    }
  }

  bounds(level: Level, seriesId: number): FirstAndLast | null {
    const row = this.#bounds[level].get(seriesId)
    if (row === undefined || row['first'] === null) return null
    return { firstMs: Number(row['first']) * 1000, lastMs: Number(row['last']) * 1000 }
  }
}

function perLevel<Value>(make: (level: Level) => Value): Readonly<Record<Level, Value>> {
  return { minute: make('minute'), quarter: make('quarter'), hour: make('hour'), day: make('day') }
}
