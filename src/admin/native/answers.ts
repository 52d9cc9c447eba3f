/** What the native API answers; the dashboard takes these types from here, and nothing else. */

/** 4XX is without 499, which stands alone: the client went away before it had an answer. `other`: a status below 100 or above 599. */
export type CodeClass = '1XX' | '2XX' | '3XX' | '4XX' | '499' | '5XX' | 'other'

export type Answerer = 'gateway' | 'policy' | 'callout' | 'target' | 'client'

/** Milliseconds; null where there were no calls. */
export interface LatencyAnswer {
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** GET /api/response-codes. Every list of numbers has one for each of `startsMs`. */
export interface ResponseCodesAnswer {
  readonly nowMs: number
  readonly sinceMs: number
  readonly untilMs: number
  /** Whose days and months they are. */
  readonly timezone: string
  readonly granularity: string
  /** The granularities that this range can be asked in. */
  readonly granularities: readonly string[]
  readonly startsMs: readonly number[]
  readonly calls: number
  readonly byClass: Readonly<Record<CodeClass, readonly number[]>>
  readonly byAnswerer: Readonly<Record<Answerer, readonly number[]>>
  /** The most frequent first. */
  readonly statuses: readonly { readonly status: number; readonly calls: number }[]
  readonly errors: readonly { readonly proxy: string; readonly errorCode: string; readonly calls: number }[]
  readonly latency: LatencyAnswer
  /** When there was traffic in this scope at all, whatever the range; null: never. */
  readonly traffic: { readonly firstMs: number; readonly lastMs: number } | null
}

export interface ServiceAnswer {
  readonly id: string
  readonly systemName: string
  readonly name: string
}

/** GET /api/services */
export interface ServicesAnswer {
  readonly services: readonly ServiceAnswer[]
}

export interface ProxyAnswer {
  readonly name: string
  readonly revision: number
  readonly basePaths: readonly string[]
  readonly service: ServiceAnswer | null
}

/** GET /api/proxies */
export interface ProxiesAnswer {
  readonly proxies: readonly ProxyAnswer[]
}

/** GET /api/overview: how the gateway is, and the last hour. */
export interface OverviewAnswer {
  readonly nowMs: number
  readonly startedMs: number
  readonly ready: boolean
  /** What it waits for; null when it is ready. */
  readonly why: string | null
  readonly proxies: number
  readonly services: number
  readonly lastHour: {
    readonly calls: number
    readonly clientErrors: number
    readonly serverErrors: number
    readonly latency: LatencyAnswer
  }
  readonly analytics: {
    /** Calls that are counted nowhere. */
    readonly lostCalls: number
    readonly pendingCalls: number
    readonly problem: string | null
  }
}
