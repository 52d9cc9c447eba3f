/** What the native API answers; the dashboard takes these types from here, and nothing else. */

import type { CodeClass } from '../../core/code-class.ts'

export type { CodeClass }

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
  readonly proxies: readonly ProxyListAnswer[]
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

/** A range in whole granules, as every answer over time repeats it. */
export interface RangeAnswer {
  readonly nowMs: number
  readonly sinceMs: number
  readonly untilMs: number
  /** Whose days and months they are. */
  readonly timezone: string
  readonly granularity: string
  /** The granularities that this range can be asked in. */
  readonly granularities: readonly string[]
}

/** Upper bounds within which that share of the calls was answered. */
export interface FullLatencyAnswer extends LatencyAnswer {
  readonly meanMs: number | null
  readonly p90Ms: number | null
}

/** GET /api/live: the data of each `event: second`, one JSON text. Of the second that ended at `timeMs`. */
export interface LiveSecond {
  readonly timeMs: number
  readonly callsPerSecond: number
  /** 0 to 1: answers of 5XX; 0 where there were no calls. */
  readonly errorShare: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly byClass: Readonly<Record<CodeClass, number>>
  /** Of the last minute, the most frequent first; at most 5. */
  readonly topErrors: readonly LiveError[]
  /** Since the start. */
  readonly lostCalls: number
}

export interface LiveError {
  readonly proxy: string
  readonly errorCode: string
  readonly status: number
  readonly calls: number
}

/** GET /api/statistics: calls by the values of one label. Sorted by calls, the most first. */
export interface StatisticsAnswer extends RangeAnswer {
  readonly by: StatisticsBy
  /** Calls in the range that the filters let through; rows hold all of them, except where `rowsLeftOut` says otherwise. */
  readonly calls: number
  readonly rows: readonly StatisticsRow[]
  /** Rows beyond the most that are shown. */
  readonly rowsLeftOut: number
  /** With `series=true`: where each value of a row's `values` begins. */
  readonly startsMs?: readonly number[]
}

export type StatisticsBy =
  | 'status'
  | 'answeredBy'
  | 'proxy'
  | 'revision'
  | 'application'
  | 'service'
  | 'method'
  | 'path'
  | 'errorCode'

export interface StatisticsRow {
  /** '' where a call has none: no proxy was found, nobody was identified, nothing went wrong. */
  readonly value: string
  /** What people call it, where an id is the value (applications, services); else the value. */
  readonly name: string
  readonly calls: number
  readonly clientErrors: number
  readonly serverErrors: number
  readonly latency: FullLatencyAnswer
  /** With `series=true`, of the first 10 rows: calls in each granule. */
  readonly values?: readonly number[]
}

/** GET /api/usage?service= or ?application=: what 3scale's metrics counted. */
export interface UsageAnswer extends RangeAnswer {
  readonly startsMs: readonly number[]
  readonly service: ServiceAnswer
  /** The one that was asked for; null: the whole service. */
  readonly application: { readonly id: string; readonly name: string } | null
  /** Metrics with their methods behind them, in the service's order. */
  readonly metrics: readonly UsageMetric[]
}

export interface UsageMetric {
  /** System name. */
  readonly name: string
  readonly friendlyName: string
  readonly unit: string
  readonly isMethod: boolean
  /** Of a method: the metric that it adds to. */
  readonly parent: string | null
  readonly total: number
  readonly values: readonly number[]
}

/** GET /api/top-applications?service=&metric=: at most 10, those that used most first. */
export interface TopApplicationsAnswer extends RangeAnswer {
  readonly service: ServiceAnswer
  /** System name. */
  readonly metric: string
  readonly rows: readonly {
    /** Id; /api/applications/:id has the rest. */
    readonly application: string
    readonly name: string
    readonly account: string
    readonly plan: string
    readonly value: number
  }[]
}

/** GET /api/applications?service=&q=&page= */
export interface ApplicationsAnswer {
  readonly applications: readonly ApplicationAnswer[]
  /** Of all pages. */
  readonly total: number
  readonly page: number
  readonly pages: number
}

export interface ApplicationAnswer {
  readonly id: string
  readonly name: string
  readonly service: ServiceAnswer | null
  readonly account: { readonly id: string; readonly name: string }
  readonly plan: { readonly id: string; readonly name: string }
  readonly state: string
}

/** GET /api/applications/:id */
export interface ApplicationPageAnswer extends ApplicationAnswer {
  readonly description: string
  /** Shortened: the first and the last three characters at most. Whole keys are never shown. */
  readonly keyHints: readonly string[]
  readonly limits: readonly ApplicationLimit[]
}

export interface ApplicationLimit {
  /** System name. */
  readonly metric: string
  readonly metricName: string
  readonly period: string
  readonly limit: number
  readonly used: number
  /** Where the running period begins and ends; null: eternity. */
  readonly startsMs: number | null
  readonly endsMs: number | null
}

/** GET /api/throttles */
export interface ThrottlesAnswer {
  readonly nowMs: number
  readonly throttles: readonly ThrottleAnswer[]
}

export interface ThrottleAnswer {
  readonly name: string
  /** In words: '1 minute'. */
  readonly period: string
  readonly seconds: number
  /** All that it is bound to share one count. */
  readonly shared: boolean
  /** Names of proxies and APIs. */
  readonly bindings: readonly string[]
  /** Calls in one period; 0: no such limit. */
  readonly limits: { readonly api: number; readonly user: number; readonly app: number; readonly ip: number }
  /** The running ones that are known, the fullest first; at most 200 over all throttles. */
  readonly windows: readonly ThrottleWindow[]
}

export interface ThrottleWindow {
  readonly dimension: 'api' | 'user' | 'app' | 'ip'
  /** Whom it counts: an API's name, an application's or account's id, an address. Never a secret. */
  readonly key: string
  /** Of an application or account that is known: its name for people. */
  readonly name?: string
  /** The API whose calls it counts; '': all that share the throttle. */
  readonly api?: string
  readonly used: number
  readonly limit: number
  readonly resetsAtMs: number
}

/** GET /api/proxies/:name: what a deployed proxy consists of, for the picture of its flows. */
export interface ProxyPageAnswer {
  readonly name: string
  readonly revision: number
  /** Those that are kept; the deployed one among them. */
  readonly revisions: readonly number[]
  readonly displayName: string
  readonly description: string
  readonly basePaths: readonly string[]
  readonly dialect: string
  readonly service: ServiceAnswer | null
  /** Name of the throttle that it is bound to. */
  readonly throttle: string | null
  readonly flows: readonly EndpointFlows[]
  readonly routes: readonly ProxyRoute[]
  readonly targets: readonly ProxyTarget[]
  readonly policies: readonly ProxyPolicy[]
}

/** In the order in which they run. */
export interface EndpointFlows {
  readonly endpoint: 'proxy' | 'target'
  readonly name: string
  readonly preFlow: FlowAnswer | null
  readonly flows: readonly FlowAnswer[]
  readonly postFlow: FlowAnswer | null
  /** `request` holds their steps. */
  readonly faultRules: readonly FlowAnswer[]
  /** `response` holds its steps. Of proxy endpoints only. */
  readonly postClientFlow: FlowAnswer | null
}

export interface FlowAnswer {
  readonly name: string
  readonly condition: string | null
  readonly request: readonly FlowStep[]
  readonly response: readonly FlowStep[]
}

export interface FlowStep {
  /** Name of the policy. */
  readonly step: string
  readonly condition: string | null
}

export interface ProxyRoute {
  /** The proxy endpoint whose route rule it is. */
  readonly endpoint: string
  readonly name: string
  readonly condition: string | null
  /** Name of a target endpoint, or a URL; null: no target, the request is echoed. */
  readonly target: string | null
}

export interface ProxyTarget {
  readonly name: string
  /** Without credentials; null where a load balancer decides. */
  readonly url: string | null
  readonly loadBalancer: { readonly algorithm: string; readonly servers: readonly string[] } | null
}

export interface ProxyPolicy {
  readonly name: string
  /** '' when it has none: show the name. */
  readonly displayName: string
  /** The element: 'ServiceCallout'. */
  readonly type: string
  readonly enabled: boolean
  readonly continueOnError: boolean
}

/** GET /api/calls: the latest calls that the filters let through, the latest first. */
export interface CallsAnswer {
  readonly calls: readonly RecentCallAnswer[]
  /** Calls that are held now, over all threads, before filters. */
  readonly held: number
  /** Arrival of the oldest that is held; null: none is. */
  readonly oldestMs: number | null
  /** How many are held at most, and for how long. */
  readonly heldMax: number
  readonly hoursMax: number
  /** Gateway threads that did not answer in time: their calls are missing here. */
  readonly silentThreads: number
}

export interface RecentCallAnswer {
  readonly requestId: string
  readonly timeMs: number
  readonly method: string
  /** As it came, without query. */
  readonly path: string
  /** '' when none was found. */
  readonly proxy: string
  readonly revision: number
  readonly status: number
  /** 0 when none was reached. */
  readonly targetStatus: number
  readonly answeredBy: Answerer
  /** '' when nothing went wrong. */
  readonly errorCode: string
  readonly totalMs: number
  readonly targetMs: number
  readonly policyMs: number
  /** Id; '' when nobody was identified. */
  readonly application: string
  readonly service: string
}

/** GET /api/calls/:requestId: all that is known of one call. */
export interface ExplainAnswer {
  readonly found: true
  readonly call: ExplainedCall
  /** In the order in which they were reached, in ms from the arrival. */
  readonly stages: readonly CallStage[]
  /** What ended the call before its target's answer could go out as it was; null: nothing did. */
  readonly refusedBy: RefusedBy | null
  /** Of single steps only where the call was traced; null: it was not. */
  readonly steps: readonly { readonly name: string; readonly ms: number }[] | null
}

export interface ExplainedCall extends RecentCallAnswer {
  readonly clientAddress: string
  readonly host: string
  /** As it came, without '?'; values that masks or their names hide are '*****'. */
  readonly query: string
  readonly httpVersion: string
  readonly environment: string
  readonly account: string
  readonly basePath: string
  readonly pathSuffix: string
  /** Name of the conditional flow that ran; '' when none did. */
  readonly flow: string
  readonly route: string
  readonly targetName: string
  /** Without credentials, its query masked; '' when nothing was sent. */
  readonly targetUrl: string
  readonly bytesIn: number
  readonly bytesOut: number
  /** Gateways that the request went through, this one included. */
  readonly forwards: number
  /** With `recentCalls: {bodies: true}`: what came and went, masked and cut; null: not kept. */
  readonly requestBody: string | null
  readonly responseBody: string | null
}

export interface CallStage {
  readonly name: 'request flows' | 'target' | 'response flows' | 'send answer'
  readonly startMs: number
  readonly endMs: number
}

export interface RefusedBy {
  /** The step's policy; '' when the gateway itself refused. */
  readonly step: string
  /** Element of that policy: 'Quota'. */
  readonly policyType: string
  /** The fault rule that made the answer; '' when none did. */
  readonly rule: string
  readonly errorCode: string
  readonly message: string
  /** Where a limit refused: which, how much was used of how much, and when it starts anew. */
  readonly limitName: string | null
  readonly used: number | null
  readonly limit: number | null
  readonly resetsAtMs: number | null
}

export interface ProxyListAnswer extends ProxyAnswer {
  readonly dialect: string
  /** When this revision came into force here; null: with the start of the process. */
  readonly deployedAtMs: number | null
  readonly policies: number
}
