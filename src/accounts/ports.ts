import type { MaybePromise } from '../core/async.ts'
import type { Period } from '../core/calendar.ts'
import type { IntegrationError } from '../model/usage.ts'

/** Where services, accounts and applications are kept, as JSON: read by gateway threads, written by the main thread. */
export interface AccountDocuments {
  read(kind: string, key: string): Uint8Array | null
}

/** The same for who writes. */
export interface AccountStore extends AccountDocuments {
  list(kind: string): readonly { readonly key: string }[]
  /** All changes or none; `body` null removes. */
  write(
    changes: readonly { readonly kind: string; readonly key: string; readonly body: Uint8Array | null }[],
    nowMs: number,
  ): void
}

/** What an application has used, as far as it is kept. */
export interface StoredUsage {
  value(application: string, service: string, metric: string, period: Period, startMs: number): MaybePromise<number>
}

export type UsageScope =
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'application'; readonly service: string; readonly application: string }

export interface UsageQuery {
  readonly scope: UsageScope
  readonly kind: 'metric' | 'code'
  readonly name: string
  /**
   * Where granules begin, ascending, and where the last one ends, ms since the epoch. By hour: exact to the quarter of an hour
   * for 90 days, then to the hour; an edge between moves up. By minute: whole minutes, kept for 3 minutes, of applications only.
   */
  readonly edgesMs: readonly number[]
  readonly by: 'minute' | 'hour'
}

/** Of one metric, over all time between two instants. */
export interface TopQuery {
  readonly service: string
  readonly name: string
  readonly sinceMs: number
  readonly untilMs: number
  readonly count: number
}

export interface ApplicationTotal {
  readonly application: string
  readonly value: number
}

/** Questions about what was used. */
export interface UsageQueries {
  /** One number for each granule. */
  usage(query: UsageQuery): MaybePromise<readonly number[]>
  /** Applications that used something, the most first. */
  topApplications(query: TopQuery): MaybePromise<readonly ApplicationTotal[]>
  /** The newest first. */
  integrationErrors(query: {
    readonly service: string
    readonly offset: number
    readonly count: number
  }): MaybePromise<readonly IntegrationError[]>
  forgetErrors(service: string): MaybePromise<number>
}
