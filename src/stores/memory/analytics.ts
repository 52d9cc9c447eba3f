import type { Cells, CellsQuery } from '../../analytics/cells.ts'
import type {
  Analytics,
  AnalyticsHealth,
  CountsQuery,
  FirstAndLast,
  RunningTotals,
  Scope,
  Summary,
  SummaryQuery,
} from '../../analytics/ports.ts'
import { AnalyticsQueries, type RollupRows } from '../../analytics/queries.ts'
import type { Batch } from '../../analytics/rollup.ts'
import { Running } from '../../analytics/running.ts'
import {
  type Addition,
  additionsOf,
  forgottenBeforeMs,
  type Labels,
  type Level,
  levelRules,
  type SeriesKind,
  type SeriesRef,
} from '../../analytics/series.ts'
import type { Statistics, StatisticsQuery } from '../../analytics/statistics.ts'
import { Totals } from '../../analytics/totals.ts'
import type { Clock } from '../../core/clock.ts'

interface Series {
  readonly id: number
  readonly kind: SeriesKind
  readonly labels: Labels
  readonly levels: Readonly<Record<Level, Map<number, Totals>>>
}

/** Analytics that are gone with the process: for tests, and for gateways that keep nothing. */
export class MemoryAnalytics implements Analytics, RollupRows {
  readonly #clock: Clock
  readonly #queries: AnalyticsQueries
  readonly #running = new Running()
  readonly #byKey = new Map<string, Series>()
  readonly #byId: Series[] = []
  #lostCalls = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#queries = new AnalyticsQueries(this, clock)
  }

  write(batch: Batch): void {
    this.#lostCalls += batch.droppedCalls
    this.#running.add(batch)
    for (const addition of additionsOf([batch])) {
      const { levels } = this.#series(addition)
      for (const { level, startMs, totals } of addition.rows) {
        const sum = levels[level].get(startMs) ?? new Totals()
        sum.add(totals)
        levels[level].set(startMs, sum)
      }
    }
  }

  #series({ kind, labels, key }: Addition): Series {
    let series = this.#byKey.get(key)
    if (series === undefined) {
      const levels = { minute: new Map(), quarter: new Map(), hour: new Map(), day: new Map() }
      series = { id: this.#byId.length, kind, labels, levels }
      this.#byKey.set(key, series)
      this.#byId.push(series)
    }
    return series
  }

  /** Forgets rows that are older than their level is kept. */
  prune(): void {
    for (const rule of levelRules) {
      const beforeMs = forgottenBeforeMs(rule, this.#clock.now())
      for (const { levels } of this.#byId) {
        for (const startMs of levels[rule.level].keys()) if (startMs < beforeMs) levels[rule.level].delete(startMs)
      }
    }
  }

  begin(): void {
    // Nothing here takes long.
  }

  series(kind: SeriesKind, match: Partial<Labels>): readonly SeriesRef[] {
    const wanted = Object.entries(match) as [keyof Labels, string][]
    return this.#byId.filter((s) => s.kind === kind && wanted.every(([label, value]) => s.labels[label] === value))
  }

  scan(level: Level, seriesId: number, sinceMs: number, untilMs: number, into: (startMs: number) => Totals): void {
    const rows = this.#byId[seriesId]?.levels[level] ?? new Map<number, Totals>()
    const starts = [...rows.keys()].filter((startMs) => startMs >= sinceMs && startMs < untilMs)
    for (const startMs of starts.sort((a, b) => a - b)) into(startMs).add(rows.get(startMs)!)
  }

  bounds(level: Level, seriesId: number): FirstAndLast | null {
    let firstMs = Number.POSITIVE_INFINITY
    let lastMs = Number.NEGATIVE_INFINITY
    for (const startMs of this.#byId[seriesId]?.levels[level].keys() ?? []) {
      firstMs = Math.min(firstMs, startMs)
      lastMs = Math.max(lastMs, startMs)
    }
    return lastMs >= firstMs ? { firstMs, lastMs } : null
  }

  counts(query: CountsQuery): readonly (readonly number[])[] {
    return this.#queries.counts(query)
  }

  summary(query: SummaryQuery): Summary {
    return this.#queries.summary(query)
  }

  statistics(query: StatisticsQuery): Statistics {
    return this.#queries.statistics(query)
  }

  cells(query: CellsQuery): Cells {
    return this.#queries.cells(query)
  }

  firstAndLast(scope: Scope): FirstAndLast | null {
    return this.#queries.firstAndLast(scope)
  }

  running(): RunningTotals {
    return this.#running.totals()
  }

  health(): AnalyticsHealth {
    return { lostCalls: this.#lostCalls, pendingCalls: 0, problem: null }
  }
}
