import type { Batch, BatchRow } from './rollup.ts'
import { Totals } from './totals.ts'

/** How finely time is kept, and for how long. Coarser levels hold everything that finer ones do. */
export type Level = 'minute' | 'quarter' | 'hour' | 'day'

export interface LevelRule {
  readonly level: Level
  readonly lengthMs: number
  /** Rows older than this may be gone. */
  readonly keptMs: number
}

const HOUR_MS = 3_600_000

/** From fine to coarse; each length divides the next. */
export const levelRules: readonly LevelRule[] = [
  { level: 'minute', lengthMs: 60_000, keptMs: 48 * HOUR_MS },
  { level: 'quarter', lengthMs: 900_000, keptMs: 90 * 24 * HOUR_MS },
  { level: 'hour', lengthMs: HOUR_MS, keptMs: Number.POSITIVE_INFINITY },
  { level: 'day', lengthMs: 24 * HOUR_MS, keptMs: Number.POSITIVE_INFINITY },
]

/**
 * Rows of a level that begin before this may be deleted; -Infinity where all are kept. An hour later than rows stop being asked
 * for, so that no question that runs meanwhile misses one.
 */
export function forgottenBeforeMs(rule: LevelRule, nowMs: number): number {
  return Math.floor((nowMs - rule.keptMs) / HOUR_MS - 1) * HOUR_MS
}

/** What tells one series from another. A series uses the labels of its kind; the others are ''. */
export interface Labels {
  readonly environment: string
  readonly proxy: string
  readonly revision: string
  readonly service: string
  readonly application: string
  readonly account: string
  readonly method: string
  readonly path: string
  readonly errorCode: string
  readonly status: string
  readonly answeredBy: string
}

export type Label = keyof Labels
export type SeriesKind = 'all' | 'proxy' | 'service' | 'application' | 'error' | 'call'

export const labelNames: readonly Label[] = [
  'environment',
  'proxy',
  'revision',
  'service',
  'application',
  'account',
  'method',
  'path',
  'errorCode',
  'status',
  'answeredBy',
]

export const noLabels: Labels = {
  environment: '',
  proxy: '',
  revision: '',
  service: '',
  application: '',
  account: '',
  method: '',
  path: '',
  errorCode: '',
  status: '',
  answeredBy: '',
}

/** A series that was found in a store. */
export interface SeriesRef {
  readonly id: number
  readonly kind: SeriesKind
  readonly labels: Labels
}

export interface KindRule {
  readonly kind: SeriesKind
  readonly labels: readonly Label[]
  /** A call without this label is not in the series. */
  readonly needs: Label | null
  readonly levels: readonly Level[]
}

const ALL_LEVELS: readonly Level[] = ['minute', 'quarter', 'hour', 'day']

/**
 * Which rows a call is added to. Only `call` has every label, so only it is not kept for ever. There are many applications, so the
 * finest levels of theirs are not kept twice: they are the sums of their kinds of call.
 */
export const kindRules: readonly KindRule[] = [
  { kind: 'all', labels: [], needs: null, levels: ALL_LEVELS },
  { kind: 'proxy', labels: ['environment', 'proxy'], needs: 'proxy', levels: ALL_LEVELS },
  { kind: 'service', labels: ['service'], needs: 'service', levels: ALL_LEVELS },
  { kind: 'application', labels: ['service', 'application'], needs: 'application', levels: ['hour', 'day'] },
  { kind: 'error', labels: ['environment', 'proxy', 'errorCode'], needs: 'errorCode', levels: ALL_LEVELS },
  { kind: 'call', labels: labelNames, needs: null, levels: ['minute', 'quarter'] },
]

/** What batches add to one series: one entry for each stored row. Entries may share their totals, so copy before you change them. */
export interface Addition {
  readonly kind: SeriesKind
  readonly labels: Labels
  /** The same text for the same series. */
  readonly key: string
  readonly rows: readonly { readonly level: Level; readonly startMs: number; readonly totals: Totals }[]
}

interface Minutes {
  readonly rule: KindRule
  readonly labels: Labels
  readonly totals: Map<number, Totals>
}

/** All additions of some batches, each series and each stored row once. */
export function additionsOf(batches: readonly Batch[]): readonly Addition[] {
  const series = new Map<string, Minutes>()
  for (const batch of batches) for (const row of batch.rows) addRow(series, row)
  return [...series].map(([key, { rule, labels, totals }]) => ({
    kind: rule.kind,
    labels,
    key,
    rows: rule.levels.flatMap((level) => rowsOf(level, totals)),
  }))
}

function addRow(series: Map<string, Minutes>, row: BatchRow): void {
  const all = labelsOf(row)
  for (const rule of kindRules) {
    if (rule.needs !== null && all[rule.needs] === '') continue
    let key: string = rule.kind
    for (const label of rule.labels) key += `\0${all[label]}`
    let minutes = series.get(key)
    if (minutes === undefined) {
      minutes = { rule, labels: only(all, rule.labels), totals: new Map() }
      series.set(key, minutes)
    }
    let totals = minutes.totals.get(row.minuteMs)
    if (totals === undefined) {
      totals = new Totals()
      minutes.totals.set(row.minuteMs, totals)
    }
    totals.addRow(row)
  }
}

// Nearly always all calls of a flush are of one minute, and then every level adds the same.
function rowsOf(
  level: Level,
  minutes: ReadonlyMap<number, Totals>,
): { level: Level; startMs: number; totals: Totals }[] {
  const { lengthMs } = levelRules.find((rule) => rule.level === level)!
  const rows = new Map<number, Totals>()
  for (const [minuteMs, totals] of minutes) {
    const startMs = minuteMs - (minuteMs % lengthMs)
    const known = rows.get(startMs)
    rows.set(startMs, known === undefined ? totals : sumOf(known, totals))
  }
  return [...rows].map(([startMs, totals]) => ({ level, startMs, totals }))
}

function sumOf(a: Totals, b: Totals): Totals {
  const sum = new Totals()
  sum.add(a)
  sum.add(b)
  return sum
}

function labelsOf(row: BatchRow): Labels {
  return {
    environment: row.environment,
    proxy: row.proxy,
    revision: row.revision === 0 ? '' : String(row.revision),
    service: row.serviceId,
    application: row.application,
    account: row.account,
    method: row.method,
    path: row.pathTemplate,
    errorCode: row.errorCode,
    status: String(row.status),
    answeredBy: row.answeredBy,
  }
}

function only(labels: Labels, names: readonly Label[]): Labels {
  const kept: Record<Label, string> = { ...noLabels }
  for (const name of names) kept[name] = labels[name]
  return kept
}
