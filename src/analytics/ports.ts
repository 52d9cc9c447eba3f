import type { MaybePromise } from '../core/async.ts'
import type { Cells, CellsQuery } from './cells.ts'
import type { AnsweredBy } from './record.ts'
import type { Batch } from './rollup.ts'
import type { Statistics, StatisticsQuery } from './statistics.ts'

/** What a question is about: everything, or one proxy, service or application. */
export type Scope =
  | { readonly kind: 'all' }
  | { readonly kind: 'proxy'; readonly name: string }
  | { readonly kind: 'service'; readonly id: string }
  | { readonly kind: 'application'; readonly id: string }

/** `'404'` one status, `'4XX'` a class, `'policy'` who answered, `'any'` all calls. */
export type CountKey = string

export interface CountsQuery {
  readonly scope: Scope
  readonly keys: readonly CountKey[]
  /**
   * Where granules begin, ascending, and where the last one ends: n + 1 instants for n granules, in ms since the epoch. Time
   * zones are the asker's business. Exact to the minute for 48 hours, to the quarter of an hour for 90 days, to the hour for
   * ever; an older edge moves up to the next whole hour. At most `edgesMax`.
   */
  readonly edgesMs: readonly number[]
  /** Only what 3scale counts: calls of a service that no access rule refused. */
  readonly authorizedOnly: boolean
}

export const edgesMax = 20_000

export interface SummaryQuery {
  readonly scope: Scope
  readonly sinceMs: number
  readonly untilMs: number
}

/** Upper bounds within which that share of the calls was answered, in ms; null when there were no calls. */
export interface Latency {
  readonly meanMs: number | null
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p99Ms: number | null
}

/** Lists are sorted by count, the largest first. */
export interface Summary {
  readonly calls: number
  readonly authorizedCalls: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly latency: Latency
  /** Mean time in ms spent waiting for targets and in policies. */
  readonly meanTargetMs: number | null
  readonly meanPolicyMs: number | null
  readonly byAnsweredBy: readonly { readonly answeredBy: AnsweredBy; readonly calls: number }[]
  readonly byStatus: readonly { readonly status: number; readonly calls: number }[]
  /** The most frequent `topErrorsMax`; empty for services and applications. */
  readonly byErrorCode: readonly { readonly proxy: string; readonly errorCode: string; readonly calls: number }[]
}

export const topErrorsMax = 20

/** Start of the first and of the last hour in which there were calls. */
export interface FirstAndLast {
  readonly firstMs: number
  readonly lastMs: number
}

/** Counts that only grow, since the process began; for `/metrics`. */
export interface RunningTotals {
  readonly calls: readonly {
    readonly proxy: string
    readonly status: number
    readonly answeredBy: AnsweredBy
    readonly calls: number
  }[]
  readonly durations: readonly {
    readonly proxy: string
    readonly calls: number
    readonly seconds: number
    /** Cumulative, in ascending order: calls that took less than `upToMs`; `calls` above stands for +Inf. */
    readonly buckets: readonly { readonly upToMs: number; readonly calls: number }[]
  }[]
  /** Calls that went wrong. */
  readonly errors: readonly {
    readonly proxy: string
    readonly errorCode: string
    readonly status: number
    readonly calls: number
  }[]
}

export interface AnalyticsHealth {
  /** Calls that are counted nowhere, since start: dropped in a full thread, or refused while the disk was full. */
  readonly lostCalls: number
  /** Calls that are received and not yet on disk. */
  readonly pendingCalls: number
  /** Why nothing can be written at the moment; null when all is well. */
  readonly problem: string | null
}

/** What happened: rollups in, questions out. Implemented by stores, checked by `conformance/analytics.suite.ts`. */
export interface Analytics {
  /** Adds a batch as a whole or not at all; answers when it is kept. */
  write(batch: Batch): MaybePromise<void>
  /** Calls per key and granule: one list of n numbers for each of `keys`, in their order. Throws a RangeError for edges that do not ascend. */
  counts(query: CountsQuery): MaybePromise<readonly (readonly number[])[]>
  summary(query: SummaryQuery): MaybePromise<Summary>
  /** Throws a RangeError when `statisticsPlan` gives null. */
  statistics(query: StatisticsQuery): MaybePromise<Statistics>
  cells(query: CellsQuery): MaybePromise<Cells>
  /** Null when nothing was ever counted. */
  firstAndLast(scope: Scope): MaybePromise<FirstAndLast | null>
  running(): MaybePromise<RunningTotals>
  health(): MaybePromise<AnalyticsHealth>
}
