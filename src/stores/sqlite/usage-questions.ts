import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ApplicationTotal, TopQuery, UsageQuery, UsageScope } from '../../accounts/ports.ts'
import { coverageOf } from '../../analytics/segments.ts'
import type { Level } from '../../analytics/series.ts'
import { PERIODS, type Period, periodEndMs, periodStartMs } from '../../core/calendar.ts'

/** Rows of a quarter of an hour, which are no period of the vendor's: what time zones off the whole hour need. */
export const QUARTER = 100
const QUARTER_MS = 900_000

export const periodNumber = (period: Period): number => PERIODS.indexOf(period)

const LEVELS: Readonly<Record<Level, number>> = {
  minute: QUARTER,
  quarter: QUARTER,
  hour: periodNumber('hour'),
  day: periodNumber('day'),
}

/** What was used, asked of the rows: whole days where a granule holds them, then hours and quarters at its ends. */
export class UsageQuestions {
  readonly #now: () => number
  readonly #series: StatementSync
  readonly #sum: StatementSync
  readonly #rows: StatementSync
  readonly #byApplication: StatementSync

  constructor(reader: DatabaseSync, now: () => number) {
    this.#now = now
    this.#series = reader.prepare(
      'SELECT id FROM usage_series WHERE service = ? AND application = ? AND kind = ? AND name = ?',
    )
    this.#sum = reader.prepare(
      'SELECT coalesce(sum(value), 0) AS value FROM usage WHERE series = ? AND period = ? AND start >= ? AND start < ?',
    )
    this.#rows = reader.prepare(
      'SELECT start, value FROM usage WHERE series = ? AND period = ? AND start >= ? AND start < ? ORDER BY start',
    )
    this.#byApplication = reader.prepare(
      `SELECT application, sum(value) AS value FROM usage_series JOIN usage ON usage.series = usage_series.id
       WHERE service = ? AND application <> '' AND kind = 'metric' AND name = ? AND period = ? AND start >= ? AND start < ?
       GROUP BY usage_series.id`,
    )
  }

  usage({ scope, kind, name, edgesMs, by }: UsageQuery): number[] {
    const granules = Math.max(0, edgesMs.length - 1)
    const found = this.#series.get(scope.service, applicationOf(scope), kind, name)
    if (found === undefined) return new Array<number>(granules).fill(0)
    const series = Number(found['id'])
    const periods = Array.from({ length: granules }, (_, i) => periodOf(edgesMs[i]!, edgesMs[i + 1]!, by))
    if (periods.every((period) => period !== null)) {
      return periods.map((period, i) => this.#inPeriod(series, period, edgesMs[i]!, edgesMs[i + 1]!))
    }
    const values = this.#covered(series, edgesMs)
    for (const [i, period] of periods.entries()) {
      if (period !== null) values[i] = this.#inPeriod(series, period, edgesMs[i]!, edgesMs[i + 1]!)
    }
    return values
  }

  /** Applications that used something, the most first. */
  topApplications({ service, name, sinceMs, untilMs, count }: TopQuery): ApplicationTotal[] {
    const totals = new Map<string, number>()
    for (const { level, sinceMs: from, untilMs: to } of this.#coverage([sinceMs, untilMs]).segments) {
      for (const row of this.#byApplication.iterate(service, name, LEVELS[level], from / 1000, to / 1000)) {
        const application = String(row['application'])
        totals.set(application, (totals.get(application) ?? 0) + Number(row['value']))
      }
    }
    return [...totals]
      .filter(([, value]) => value > 0)
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .slice(0, count)
      .map(([application, value]) => ({ application, value }))
  }

  #inPeriod(series: number, period: Period, sinceMs: number, untilMs: number): number {
    return Number(this.#sum.get(series, periodNumber(period), sinceMs / 1000, untilMs / 1000)?.['value'])
  }

  #covered(series: number, edges: readonly number[]): number[] {
    const { edgesMs, segments } = this.#coverage(edges)
    const values = new Array<number>(edgesMs.length - 1).fill(0)
    let granule = 0
    for (const { level, sinceMs, untilMs } of segments) {
      for (const row of this.#rows.iterate(series, LEVELS[level], sinceMs / 1000, untilMs / 1000)) {
        while (Number(row['start']) * 1000 >= edgesMs[granule + 1]!) granule++
        values[granule]! += Number(row['value'])
      }
    }
    return values
  }

  #coverage(edges: readonly number[]): ReturnType<typeof coverageOf> {
    const quarters = edges.map((edge) => Math.ceil(edge / QUARTER_MS) * QUARTER_MS)
    return coverageOf(quarters, this.#now())
  }
}

const applicationOf = (scope: UsageScope): string => (scope.kind === 'service' ? '' : scope.application)

/** The counters that are exactly the granule, so that what was set shows as it was set; null: it is made of several. */
function periodOf(sinceMs: number, untilMs: number, by: 'minute' | 'hour'): Period | null {
  if (by === 'minute') return 'minute'
  if (sinceMs === 0) return 'eternity'
  const isMonth = periodStartMs('month', sinceMs) === sinceMs && periodEndMs('month', sinceMs) === untilMs
  return isMonth ? 'month' : null
}
