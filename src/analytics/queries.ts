import type { Clock } from '../core/clock.ts'
import { type Cells, type CellsQuery, type CellsSource, cells } from './cells.ts'
import {
  type CountKey,
  type CountsQuery,
  edgesMax,
  type FirstAndLast,
  type Scope,
  type Summary,
  type SummaryQuery,
  topErrorsMax,
} from './ports.ts'
import { answerers } from './record.ts'
import { coverageOf } from './segments.ts'
import { kindRules, type Labels, type Level, type SeriesKind, type SeriesRef } from './series.ts'
import {
  latencyOf,
  meanMs,
  type Statistics,
  type StatisticsQuery,
  type StatisticsRows,
  statistics,
} from './statistics.ts'
import { type Outcome, outcomeOf, Totals } from './totals.ts'

/** What a store must be able to do for the questions below: find its series, read rows of one of them. */
export interface RollupRows {
  /** A question begins: from now on its time runs. */
  begin(): void
  /** All series of a kind whose labels are as given. */
  series(kind: SeriesKind, match: Partial<Labels>): readonly SeriesRef[]
  /** Adds the rows with since <= start < until, in ascending order, to what `into` gives for their start. */
  scan(level: Level, seriesId: number, sinceMs: number, untilMs: number, into: (startMs: number) => Totals): void
  /** Starts of the first and last row. */
  bounds(level: Level, seriesId: number): FirstAndLast | null
}

/** Answers the port's questions from stored rows; the same for every store that is asked synchronously. */
export class AnalyticsQueries {
  readonly #rows: RollupRows
  readonly #clock: Clock

  constructor(rows: RollupRows, clock: Clock) {
    this.#rows = rows
    this.#clock = clock
  }

  counts(query: CountsQuery): number[][] {
    this.#rows.begin()
    checkEdges(query.edgesMs)
    const wanted = query.keys.map(keyTest)
    const granules = this.#granules(this.#seriesOf(query.scope), query.edgesMs, 'day')
    const values = wanted.map(() => new Array<number>(granules.length).fill(0))
    for (const [granule, totals] of granules.entries()) {
      for (const [key, calls] of totals.outcomes) {
        const outcome = outcomeOf(key)
        if (query.authorizedOnly && !outcome.authorized) continue
        for (const [i, matches] of wanted.entries()) if (matches(outcome)) values[i]![granule]! += calls
      }
    }
    return values
  }

  summary(query: SummaryQuery): Summary {
    this.#rows.begin()
    const { scope } = query
    const totals = this.#sum(this.#seriesOf(scope), query)
    const outcomes = [...totals.outcomes].map(([key, calls]) => ({ ...outcomeOf(key), calls }))
    const calls = totals.calls
    return {
      calls,
      authorizedCalls: outcomes.reduce((sum, o) => sum + (o.authorized ? o.calls : 0), 0),
      bytesIn: totals.bytesIn,
      bytesOut: totals.bytesOut,
      latency: latencyOf(totals),
      meanTargetMs: meanMs(totals.targetUs, calls),
      meanPolicyMs: meanMs(totals.policyUs, calls),
      byAnsweredBy: grouped(outcomes, (o) => answerers[o.answerer] ?? 'gateway', 'answeredBy'),
      byStatus: grouped(outcomes, (o) => o.status, 'status'),
      byErrorCode: scope.kind === 'all' || scope.kind === 'proxy' ? this.#byErrorCode(query) : [],
    }
  }

  statistics(query: StatisticsQuery): Statistics {
    this.#rows.begin()
    checkEdges(query.edgesMs)
    const rows: StatisticsRows = {
      series: (kind, match) => this.#rows.series(kind, match),
      granules: (series, edgesMs, coarsest) => this.#granules([series], edgesMs, coarsest),
    }
    return statistics(rows, query, this.#clock.now())
  }

  cells(query: CellsQuery): Cells {
    this.#rows.begin()
    checkEdges(query.edgesMs)
    const source: CellsSource = {
      series: (kind, match) => this.#rows.series(kind, match),
      granules: (series, edgesMs, coarsest) => this.#granules(series, edgesMs, coarsest),
    }
    return cells(source, query)
  }

  firstAndLast(scope: Scope): FirstAndLast | null {
    this.#rows.begin()
    let firstMs = Number.POSITIVE_INFINITY
    let lastMs = Number.NEGATIVE_INFINITY
    for (const series of this.#seriesOf(scope)) {
      const bounds = this.#rows.bounds('hour', series.id)
      if (bounds === null) continue
      firstMs = Math.min(firstMs, bounds.firstMs)
      lastMs = Math.max(lastMs, bounds.lastMs)
    }
    return lastMs >= firstMs ? { firstMs, lastMs } : null
  }

  #byErrorCode(query: SummaryQuery): { proxy: string; errorCode: string; calls: number }[] {
    const rows: { proxy: string; errorCode: string; calls: number }[] = []
    for (const series of this.#rows.series('error', proxyMatch(query.scope))) {
      const { calls } = this.#sum([series], query)
      if (calls > 0) rows.push({ proxy: series.labels.proxy, errorCode: series.labels.errorCode, calls })
    }
    return rows.sort(byCalls).slice(0, topErrorsMax)
  }

  #seriesOf(scope: Scope): readonly SeriesRef[] {
    switch (scope.kind) {
      case 'all':
        return this.#rows.series('all', {})
      case 'proxy':
        return this.#rows.series('proxy', { proxy: scope.name })
      case 'service':
        return this.#rows.series('service', { service: scope.id })
      case 'application':
        return this.#rows.series('application', { application: scope.id })
    }
  }

  #granules(series: readonly SeriesRef[], edges: readonly number[], coarsest: Level): Totals[] {
    const { edgesMs, segments } = coverageOf(edges, this.#clock.now(), coarsest)
    const granules = Array.from({ length: Math.max(0, edges.length - 1) }, () => new Totals())
    let first = 0
    for (const { level, sinceMs, untilMs } of segments) {
      while (sinceMs >= edgesMs[first + 1]!) first++
      for (const one of series) {
        for (const id of this.#kept(one, level)) {
          let granule = first
          this.#rows.scan(level, id, sinceMs, untilMs, (startMs) => {
            while (startMs >= edgesMs[granule + 1]!) granule++
            return granules[granule]!
          })
        }
      }
    }
    return granules
  }

  /** The series that hold the rows of this one at that level: itself, or the kinds of call that it is made of. */
  #kept({ id, kind, labels }: SeriesRef, level: Level): readonly number[] {
    const rule = kindRules.find((one) => one.kind === kind)!
    if (rule.levels.includes(level)) return [id]
    const match = Object.fromEntries(rule.labels.map((label) => [label, labels[label]]))
    return this.#rows.series('call', match).map((call) => call.id)
  }

  #sum(series: readonly SeriesRef[], range: TimeRange, coarsest: Level = 'day'): Totals {
    checkEdges([range.sinceMs, range.untilMs])
    return this.#granules(series, [range.sinceMs, range.untilMs], coarsest)[0]!
  }
}

interface TimeRange {
  readonly sinceMs: number
  readonly untilMs: number
}

function checkEdges(edgesMs: readonly number[]): void {
  if (edgesMs.length > edgesMax) throw new RangeError(`${edgesMs.length} edges are too many: at most ${edgesMax}`)
  for (const [i, edge] of edgesMs.entries()) {
    if (!Number.isSafeInteger(edge)) throw new RangeError(`edge ${i} is ${edge}, not whole milliseconds`)
    if (i > 0 && edge < edgesMs[i - 1]!) throw new RangeError(`edge ${i} lies before edge ${i - 1}: edges must ascend`)
  }
}

function keyTest(key: CountKey): (outcome: Outcome) => boolean {
  if (/^[1-9]XX$/.test(key)) return (outcome) => Math.floor(outcome.status / 100) === Number(key[0])
  if (/^[0-9]{1,3}$/.test(key)) return (outcome) => outcome.status === Number(key)
  const answerer = (answerers as readonly string[]).indexOf(key)
  if (answerer >= 0) return (outcome) => outcome.answerer === answerer
  if (key === 'any') return () => true
  throw new RangeError(`'${key}' counts nothing: use a status, 1XX to 9XX, any, or one of ${answerers.join(', ')}`)
}

function proxyMatch(scope: Scope): Partial<Labels> {
  return scope.kind === 'proxy' ? { proxy: scope.name } : {}
}

function grouped<Value, Name extends string>(
  outcomes: readonly (Outcome & { readonly calls: number })[],
  pick: (outcome: Outcome) => Value,
  name: Name,
): (Record<Name, Value> & { calls: number })[] {
  const sums = new Map<Value, number>()
  for (const outcome of outcomes) {
    const value = pick(outcome)
    sums.set(value, (sums.get(value) ?? 0) + outcome.calls)
  }
  const rows = [...sums].map(([value, calls]) => ({ [name]: value, calls }) as Record<Name, Value> & { calls: number })
  return rows.sort(byCalls)
}

function byCalls(a: { readonly calls: number }, b: { readonly calls: number }): number {
  return b.calls - a.calls
}
