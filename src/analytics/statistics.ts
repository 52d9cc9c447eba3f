import { type CodeClass, codeClass } from '../core/code-class.ts'
import { percentileMs } from './latency.ts'
import type { Latency } from './ports.ts'
import { type AnsweredBy, answerers } from './record.ts'
import {
  type KindRule,
  kindRules,
  type Label,
  type Labels,
  type Level,
  levelRules,
  noLabels,
  type SeriesKind,
  type SeriesRef,
} from './series.ts'
import { type Outcome, outcomeOf, Totals } from './totals.ts'

/** Calls by the values of one label, as finely as they are kept. */
export interface StatisticsQuery {
  readonly by: Label
  /** Labels that calls must have. '': those without. */
  readonly match: Partial<Labels>
  readonly codeClass?: CodeClass
  /** At least two instants, ascending: the range, or the granules of `values`. */
  readonly edgesMs: readonly number[]
  readonly rowsMax: number
  /** So many of the first rows have their calls in each granule. */
  readonly seriesMax: number
}

export interface StatisticsRow {
  readonly value: string
  readonly calls: number
  readonly clientErrors: number
  readonly serverErrors: number
  /** Null values where it is not kept for this cut of the calls. */
  readonly latency: Latency
  readonly values: readonly number[] | null
}

export interface Statistics {
  /** Of all rows, those that were left out too. */
  readonly calls: number
  /** The most calls first. */
  readonly rows: readonly StatisticsRow[]
  readonly rowsLeftOut: number
}

/** Where a question is answered from. */
export interface StatisticsPlan {
  readonly kind: SeriesKind
  /** Rows of this level and finer ones hold it. */
  readonly coarsest: Level
  /** Calls that are in no series of the kind, since they lack the label that is asked by: what these have more. Null: none lack it. */
  readonly whole: SeriesKind | null
}

/** Over a longer range the finest series would have too many rows to read for what only they know. */
const FINE_RANGE_MS_MAX = 6 * 3_600_000

/**
 * The smallest series that know the labels of a question. Status and who answered are in the rows of every series, and labels only of the
 * finest, which alone knows how long calls of one status took: it is asked for short ranges. Null: only the finest series
 * know these labels, and the range begins before what is kept of them.
 */
export function statisticsPlan(query: StatisticsQuery, nowMs: number): StatisticsPlan | null {
  const sinceMs = query.edgesMs[0]!
  const matched = Object.keys(query.match) as Label[]
  const wanted = [query.by, ...matched]
  const ofOutcomes = query.codeClass !== undefined || wanted.some((label) => OF_OUTCOMES.has(label))
  const asksForNone = matched.some((label) => query.match[label] === '' && !OF_OUTCOMES.has(label))
  const finest: StatisticsPlan = { kind: 'call', coarsest: 'quarter', whole: null }
  const isFine = sinceMs >= nowMs - levelRules[1]!.keptMs && query.edgesMs.at(-1)! - sinceMs <= FINE_RANGE_MS_MAX
  if (ofOutcomes && isFine) return finest
  const rule = asksForNone ? undefined : ruleWith(wanted)
  if (rule === undefined || rule.kind === 'call') return sinceMs >= nowMs - levelRules[1]!.keptMs ? finest : null
  const lacking = rule.needs !== null && query.match[rule.needs] === undefined
  return { kind: rule.kind, coarsest: 'day', whole: lacking ? ruleWith(matched)!.kind : null }
}

/** Labels that the finest series have, and that the rows of all series tell as well. */
const OF_OUTCOMES: ReadonlySet<Label> = new Set(['status', 'answeredBy'])

function ruleWith(labels: readonly Label[]): KindRule | undefined {
  const needed = labels.filter((label) => !OF_OUTCOMES.has(label))
  return kindRules.find((rule) => needed.every((label) => rule.labels.includes(label)))
}

/** What a store reads for it. */
export interface StatisticsRows {
  series(kind: SeriesKind, match: Partial<Labels>): readonly SeriesRef[]
  /** Sums of one series in each granule. */
  granules(series: SeriesRef, edgesMs: readonly number[], coarsest: Level): readonly Totals[]
}

/** Answers a question of `statisticsPlan`. Throws a RangeError where there is none. */
export function statistics(rows: StatisticsRows, query: StatisticsQuery, nowMs: number): Statistics {
  const plan = statisticsPlan(query, nowMs)
  if (plan === null) throw new RangeError('this is kept for 90 days')
  const { kind, coarsest, whole } = plan
  const range = [query.edgesMs[0]!, query.edgesMs.at(-1)!]
  const found = rows.series(kind, seriesMatch(kind, query.match))
  const parts = new Map<string, Cut>()
  const sources = new Map<string, Sources>()
  for (const series of found) {
    const [totals] = rows.granules(series, range, coarsest)
    for (const [value, cut] of cutsOf(series.labels, totals!, query)) {
      const known = parts.get(value)
      if (known === undefined) parts.set(value, cut)
      else known.add(cut)
      const source = sources.get(value)
      if (source === undefined) sources.set(value, { plus: [series], minus: [] })
      else source.plus.push(series)
    }
  }
  if (whole !== null) {
    const rest = { plus: rows.series(whole, seriesMatch(whole, query.match)), minus: found }
    const cut = restOf(rows, rest, range, query)
    if (cut !== undefined) {
      parts.set('', cut)
      sources.set('', { plus: [...rest.plus], minus: found })
    }
  }
  const sorted = [...parts].filter(([, cut]) => cut.calls > 0).sort(([, a], [, b]) => b.calls - a.calls)
  const first = sorted.slice(0, query.rowsMax)
  return {
    calls: sorted.reduce((sum, [, cut]) => sum + cut.calls, 0),
    rows: first.map(([value, cut], i) => ({
      value,
      ...cut.row,
      values: i < query.seriesMax ? valuesOf(rows, value, sources.get(value)!, query, coarsest) : null,
    })),
    rowsLeftOut: sorted.length - first.length,
  }
}

/** The series whose calls make a row, and those whose calls are in them and not of the row. */
interface Sources {
  readonly plus: SeriesRef[]
  readonly minus: readonly SeriesRef[]
}

/** Calls of one value. */
class Cut {
  readonly totals: Totals
  /** All calls of `totals` are of this value, so their latencies are too. */
  exact: boolean

  constructor(totals: Totals, exact: boolean) {
    this.totals = totals
    this.exact = exact
  }

  get calls(): number {
    return this.totals.calls
  }

  add(other: Cut): void {
    this.totals.add(other.totals)
    this.exact &&= other.exact
  }

  get row(): Omit<StatisticsRow, 'value' | 'values'> {
    const { totals } = this
    let clientErrors = 0
    let serverErrors = 0
    for (const [key, count] of totals.outcomes) {
      const { status } = outcomeOf(key)
      if (status >= 500) serverErrors += count
      else if (status >= 400) clientErrors += count
    }
    return { calls: totals.calls, clientErrors, serverErrors, latency: this.exact ? latencyOf(totals) : NO_LATENCY }
  }
}

const NO_LATENCY: Latency = { meanMs: null, p50Ms: null, p90Ms: null, p99Ms: null }

/** Of a sum in microseconds; null when there were no calls. */
export function meanMs(sumUs: number, calls: number): number | null {
  return calls === 0 ? null : Math.round(sumUs / calls) / 1000
}

export function latencyOf(totals: Totals): Latency {
  const { latency, calls, totalUs } = totals
  return {
    meanMs: meanMs(totalUs, calls),
    p50Ms: percentileMs(latency, 0.5),
    p90Ms: percentileMs(latency, 0.9),
    p99Ms: percentileMs(latency, 0.99),
  }
}

/** Status and who answered are looked for in the rows: series from before they were labels have them there only. */
function seriesMatch(kind: SeriesKind, match: Partial<Labels>): Partial<Labels> {
  const rule = kindRules.find((one) => one.kind === kind)!
  return Object.fromEntries(
    Object.entries(match).filter(([label]) => rule.labels.includes(label as Label) && !OF_OUTCOMES.has(label as Label)),
  )
}

/** The totals of a series by the values that are asked for. */
function cutsOf(labels: Labels, totals: Totals, query: StatisticsQuery): Map<string, Cut> {
  const cuts = new Map<string, Cut>()
  const kept = new Map<string, Totals>()
  let all = true
  for (const [key, count] of totals.outcomes) {
    const outcome = outcomeOf(key)
    if (!fits(outcome, query)) {
      all = false
      continue
    }
    const value = labelOf(outcome, labels, query.by)
    const part = kept.get(value) ?? new Totals()
    part.outcomes.set(key, (part.outcomes.get(key) ?? 0) + count)
    kept.set(value, part)
  }
  // One value and nothing left out: times and bytes belong to it as well.
  const exact = all && kept.size === 1
  for (const [value, part] of kept) cuts.set(value, new Cut(exact ? copyOf(totals) : part, exact))
  return cuts
}

function copyOf(totals: Totals): Totals {
  const copy = new Totals()
  copy.add(totals)
  return copy
}

function fits({ status, answerer }: Outcome, { match, codeClass: wanted }: StatisticsQuery): boolean {
  if (match.status !== undefined && match.status !== String(status)) return false
  if (match.answeredBy !== undefined && match.answeredBy !== nameOf(answerer)) return false
  return wanted === undefined || wanted === codeClass(status)
}

const nameOf = (answerer: number): AnsweredBy => answerers[answerer] ?? 'gateway'

function labelOf(outcome: Outcome, labels: Labels, by: Label): string {
  if (by === 'status') return String(outcome.status)
  return by === 'answeredBy' ? nameOf(outcome.answerer) : labels[by]
}

/** The row of calls that lack the label: all that match, less those that have one. */
function restOf(
  rows: StatisticsRows,
  { plus, minus }: { readonly plus: readonly SeriesRef[]; readonly minus: readonly SeriesRef[] },
  range: readonly number[],
  query: StatisticsQuery,
): Cut | undefined {
  const rest = new Totals()
  for (const series of plus) rest.add(rows.granules(series, range, 'day')[0]!)
  for (const series of minus) rest.subtract(rows.granules(series, range, 'day')[0]!)
  return cutsOf(noLabels, rest, query).get('')
}

function valuesOf(
  rows: StatisticsRows,
  value: string,
  { plus, minus }: Sources,
  query: StatisticsQuery,
  coarsest: Level,
): number[] {
  const values = new Array<number>(query.edgesMs.length - 1).fill(0)
  const count = (series: SeriesRef, labels: Labels, sign: number): void => {
    for (const [i, totals] of rows.granules(series, query.edgesMs, coarsest).entries()) {
      for (const [key, calls] of totals.outcomes) {
        const outcome = outcomeOf(key)
        if (fits(outcome, query) && labelOf(outcome, labels, query.by) === value) values[i]! += sign * calls
      }
    }
  }
  const isRest = minus.length > 0 || value === ''
  for (const series of plus) count(series, isRest ? noLabels : series.labels, 1)
  for (const series of minus) count(series, noLabels, -1)
  return values
}
