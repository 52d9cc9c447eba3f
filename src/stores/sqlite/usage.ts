import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { ApplicationTotal, StoredUsage, TopQuery, UsageQueries, UsageQuery } from '../../accounts/ports.ts'
import { type Period, periodStartMs } from '../../core/calendar.ts'
import type { IntegrationError, UsageAmount, UsageBatch } from '../../model/usage.ts'
import { periodNumber, QUARTER, UsageQuestions } from './usage-questions.ts'

// Counters as 3scale keeps them: per service and per application, by calendar period. Minutes are of applications only, and
// soon forgotten; a service has no minute and no year.
const SERVICE_PERIODS: readonly Period[] = ['hour', 'day', 'week', 'month', 'eternity']
const APPLICATION_PERIODS: readonly Period[] = ['minute', 'hour', 'day', 'week', 'month', 'year', 'eternity']
const MINUTES_KEPT_MS = 180_000
const QUARTER_MS = 900_000
const QUARTERS_KEPT_MS = 91 * 86_400_000
/** Series whose quarters one run looks at. */
const PRUNED_AT_ONCE = 500
const ERRORS_KEPT = 1_000
const VALUE_MAX = Number.MAX_SAFE_INTEGER
const KNOWN_SERIES_MAX = 50_000

/** Usage in SQLite: batches in, by one connection; questions out, by another. */
export class UsageDatabase implements UsageQueries {
  readonly #writer: DatabaseSync
  readonly #findSeries: StatementSync
  readonly #addSeries: StatementSync
  readonly #addTo: StatementSync
  readonly #setTo: StatementSync
  readonly #addError: StatementSync
  readonly #trimErrors: StatementSync
  readonly #questions: UsageQuestions
  readonly #deleteMinutes: StatementSync
  readonly #deleteQuarters: StatementSync
  readonly #nextSeries: StatementSync
  readonly #errors: StatementSync
  readonly #known = new Map<string, number>()
  #prunedUpTo = 0

  constructor(writer: DatabaseSync, reader: DatabaseSync, now: () => number = Date.now) {
    this.#writer = writer
    this.#findSeries = writer.prepare(
      'SELECT id FROM usage_series WHERE service = ? AND application = ? AND kind = ? AND name = ?',
    )
    this.#addSeries = writer.prepare('INSERT INTO usage_series (service, application, kind, name) VALUES (?, ?, ?, ?)')
    this.#addTo = writer.prepare(
      `INSERT INTO usage (series, period, start, value) VALUES (?, ?, ?, ?)
       ON CONFLICT (series, period, start) DO UPDATE SET value = min(${VALUE_MAX}, value + excluded.value)`,
    )
    this.#setTo = writer.prepare('INSERT OR REPLACE INTO usage (series, period, start, value) VALUES (?, ?, ?, ?)')
    this.#addError = writer.prepare('INSERT INTO integration_error (service, code, message, at) VALUES (?, ?, ?, ?)')
    this.#trimErrors = writer.prepare(
      `DELETE FROM integration_error WHERE service = ?1 AND id <= coalesce(
         (SELECT id FROM integration_error WHERE service = ?1 ORDER BY id DESC LIMIT 1 OFFSET ${ERRORS_KEPT}), 0)`,
    )
    this.#questions = new UsageQuestions(reader, now)
    this.#deleteMinutes = writer.prepare(`DELETE FROM usage WHERE period = ${periodNumber('minute')} AND start < ?`)
    this.#deleteQuarters = writer.prepare(`DELETE FROM usage WHERE series = ? AND period = ${QUARTER} AND start < ?`)
    this.#nextSeries = writer.prepare('SELECT id FROM usage_series WHERE id > ? ORDER BY id LIMIT ?')
    this.#errors = reader.prepare(
      'SELECT code, message, at FROM integration_error WHERE service = ? ORDER BY id DESC LIMIT ? OFFSET ?',
    )
  }

  /** Adds batches inside a transaction that the caller has begun. */
  write(batches: readonly UsageBatch[]): void {
    const sums = new Map<number, Map<string, Row>>()
    for (const { amounts, errors } of batches) {
      for (const amount of amounts) {
        if (amount.set) this.#flush(sums)
        this.#collect(sums, amount)
        if (amount.set) this.#flush(sums)
      }
      for (const { service, code, message, atMs } of errors) this.#addError.run(service, code, message, atMs)
      for (const service of new Set(errors.map((error) => error.service))) this.#trimErrors.run(service)
    }
    this.#flush(sums)
  }

  /** A transaction was rolled back: series that it added are gone. */
  forgetSeries(): void {
    this.#known.clear()
  }

  /** Deletes minutes that nobody may ask for any more, and quarters of an hour of the next series; each has its turn. */
  prune(nowMs: number): void {
    this.#deleteMinutes.run(Math.floor((nowMs - MINUTES_KEPT_MS) / 1000))
    const series = this.#nextSeries.all(this.#prunedUpTo, PRUNED_AT_ONCE)
    const before = Math.floor((nowMs - QUARTERS_KEPT_MS) / 1000)
    for (const { id } of series) this.#deleteQuarters.run(Number(id), before)
    this.#prunedUpTo = series.length < PRUNED_AT_ONCE ? 0 : Number(series.at(-1)!['id'])
  }

  usage(query: UsageQuery): number[] {
    return this.#questions.usage(query)
  }

  topApplications(query: TopQuery): ApplicationTotal[] {
    return this.#questions.topApplications(query)
  }

  integrationErrors(query: { service: string; offset: number; count: number }): IntegrationError[] {
    const { service, offset, count } = query
    return this.#errors.all(service, count, offset).map((row) => ({
      service,
      code: String(row['code']),
      message: String(row['message']),
      atMs: Number(row['at']),
    }))
  }

  forgetErrors(service: string): number {
    return Number(this.#writer.prepare('DELETE FROM integration_error WHERE service = ?').run(service).changes)
  }

  #collect(sums: Map<number, Map<string, Row>>, amount: UsageAmount): void {
    const { service, application, kind, name, atMs, value, set } = amount
    this.#collectFor(sums, this.#seriesId(service, '', kind, name), SERVICE_PERIODS, atMs, value, set)
    if (application === '') return
    this.#collectFor(sums, this.#seriesId(service, application, kind, name), APPLICATION_PERIODS, atMs, value, set)
  }

  #collectFor(
    sums: Map<number, Map<string, Row>>,
    series: number,
    periods: readonly Period[],
    atMs: number,
    value: number,
    set: boolean,
  ): void {
    let rows = sums.get(series)
    if (rows === undefined) {
      rows = new Map()
      sums.set(series, rows)
    }
    const add = (period: number, startMs: number): void => {
      const key = `${period} ${startMs}`
      const row = rows.get(key)
      if (row === undefined) rows.set(key, { period, start: startMs / 1000, value, set })
      else row.value = Math.min(row.value + value, VALUE_MAX)
    }
    add(QUARTER, Math.floor(atMs / QUARTER_MS) * QUARTER_MS)
    for (const period of periods) add(periodNumber(period), periodStartMs(period, atMs))
  }

  #flush(sums: Map<number, Map<string, Row>>): void {
    for (const [series, rows] of sums) {
      for (const { period, start, value, set } of rows.values()) {
        ;(set ? this.#setTo : this.#addTo).run(series, period, start, value)
      }
    }
    sums.clear()
  }

  #seriesId(service: string, application: string, kind: string, name: string): number {
    const key = `${service}\0${application}\0${kind}\0${name}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const found = this.#findSeries.get(service, application, kind, name)
    const id = Number(
      found === undefined ? this.#addSeries.run(service, application, kind, name).lastInsertRowid : found['id'],
    )
    if (this.#known.size >= KNOWN_SERIES_MAX) this.#known.clear()
    this.#known.set(key, id)
    return id
  }
}

interface Row {
  readonly period: number
  readonly start: number
  value: number
  readonly set: boolean
}

/** What is kept of an application's usage, read by a gateway thread through a connection of its own. */
export class StoredUsageReader implements StoredUsage {
  readonly #file: string
  #statement: StatementSync | null = null

  /** The database must be there when the first question comes. */
  constructor(file: string) {
    this.#file = file
  }

  value(application: string, service: string, metric: string, period: Period, startMs: number): number {
    this.#statement ??= new DatabaseSync(this.#file, { readOnly: true }).prepare(
      `SELECT value FROM usage WHERE period = ? AND start = ? AND series =
       (SELECT id FROM usage_series WHERE service = ? AND application = ? AND kind = 'metric' AND name = ?)`,
    )
    const row = this.#statement.get(periodNumber(period), startMs / 1000, service, application, metric)
    return row === undefined ? 0 : Number(row['value'])
  }
}
