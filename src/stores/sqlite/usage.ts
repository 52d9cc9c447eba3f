import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { StoredUsage, UsageQueries, UsageQuery, UsageScope } from '../../accounts/ports.ts'
import { PERIODS, type Period, periodEndMs, periodStartMs } from '../../core/calendar.ts'
import type { IntegrationError, UsageAmount, UsageBatch } from '../../model/usage.ts'

// Counters as 3scale keeps them: per service and per application, by calendar period. Minutes are of applications only, and
// soon forgotten; a service has no minute and no year.
const SERVICE_PERIODS: readonly Period[] = ['hour', 'day', 'week', 'month', 'eternity']
const APPLICATION_PERIODS: readonly Period[] = ['minute', 'hour', 'day', 'week', 'month', 'year', 'eternity']
const MINUTES_KEPT_MS = 180_000
const ERRORS_KEPT = 1_000
const VALUE_MAX = Number.MAX_SAFE_INTEGER
const KNOWN_SERIES_MAX = 50_000

const periodNumber = (period: Period): number => PERIODS.indexOf(period)

/** Usage in SQLite: batches in, by one connection; questions out, by another. */
export class UsageDatabase implements UsageQueries {
  readonly #writer: DatabaseSync
  readonly #findSeries: StatementSync
  readonly #addSeries: StatementSync
  readonly #addTo: StatementSync
  readonly #setTo: StatementSync
  readonly #addError: StatementSync
  readonly #trimErrors: StatementSync
  readonly #series: StatementSync
  readonly #sum: StatementSync
  readonly #errors: StatementSync
  readonly #known = new Map<string, number>()

  constructor(writer: DatabaseSync, reader: DatabaseSync) {
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
    this.#series = reader.prepare(
      'SELECT id FROM usage_series WHERE service = ? AND application = ? AND kind = ? AND name = ?',
    )
    this.#sum = reader.prepare(
      'SELECT coalesce(sum(value), 0) AS value FROM usage WHERE series = ? AND period = ? AND start >= ? AND start < ?',
    )
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

  /** Deletes minutes that nobody may ask for any more. */
  prune(nowMs: number): void {
    this.#writer
      .prepare('DELETE FROM usage WHERE period = 0 AND start < ?')
      .run(Math.floor((nowMs - MINUTES_KEPT_MS) / 1000))
  }

  usage({ scope, kind, name, edgesMs, by }: UsageQuery): number[] {
    const granules = Math.max(0, edgesMs.length - 1)
    const found = this.#series.get(scope.service, applicationOf(scope), kind, name)
    if (found === undefined) return new Array<number>(granules).fill(0)
    const series = Number(found['id'])
    return Array.from({ length: granules }, (_, i) => {
      const sinceMs = edgesMs[i]!
      const untilMs = edgesMs[i + 1]!
      const row = this.#sum.get(series, periodNumber(periodOf(sinceMs, untilMs, by)), sinceMs / 1000, untilMs / 1000)
      return Number(row?.['value'])
    })
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
    for (const period of periods) {
      const start = periodStartMs(period, atMs) / 1000
      const key = `${period} ${start}`
      const row = rows.get(key)
      if (row === undefined) rows.set(key, { period: periodNumber(period), start, value, set })
      else row.value = Math.min(row.value + value, VALUE_MAX)
    }
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

const applicationOf = (scope: UsageScope): string => (scope.kind === 'service' ? '' : scope.application)

/** The longest counters that are exactly the granule, so that what was set shows as it was set; else those of hours. */
function periodOf(sinceMs: number, untilMs: number, by: 'minute' | 'hour'): Period {
  if (by === 'minute') return 'minute'
  if (sinceMs === 0) return 'eternity'
  for (const period of ['month', 'day'] as const) {
    if (periodStartMs(period, sinceMs) === sinceMs && periodEndMs(period, sinceMs) === untilMs) return period
  }
  return 'hour'
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
