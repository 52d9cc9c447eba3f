import type { UsageQueries } from '../accounts/ports.ts'
import type { ProxySettingsStore } from '../accounts/proxy-settings.ts'
import type { Registry } from '../accounts/registry.ts'
import type { ThrottleView, WindowOwners } from '../accounts/throttle-windows.ts'
import type { Analytics } from '../analytics/ports.ts'
import type { Clock } from '../core/clock.ts'
import type { PublishedApi } from '../model/apig.ts'
import type { DeployedProxy, RecentCallsSettings } from '../model/deployment.ts'
import type { Service } from '../model/service.ts'
import type { RecentCall } from '../trace/recent-call.ts'
import type { CallFilter, CallPage } from '../trace/recent-calls.ts'
import type { DebugSessions } from '../trace/sessions.ts'
import type { ApigContext } from './apig/context.ts'
import type { EdgeContext } from './edge/context.ts'
import type { MetricsSource } from './metrics.ts'

/** Where the admin door writes what happened; pino's loggers fit. */
export interface AdminLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What is deployed now, as the dashboard lists it. */
export interface ProxySummary {
  readonly name: string
  readonly revision: number
  readonly basePaths: readonly string[]
  /** The service that it is bound to (`Service.id`), or null. */
  readonly serviceId: string | null
  readonly dialect: string
  /** When this revision came into force; null: with the start of the process. */
  readonly deployedAtMs: number | null
  /** How many it has. */
  readonly policies: number
}

export interface Readiness {
  readonly ready: boolean
  /** What it still waits for, in words. */
  readonly why?: string
}

export interface AccountServices {
  readonly registry: Registry
  readonly proxies: ProxySettingsStore
  readonly usage: UsageQueries
  /** Where gateways elsewhere reach the Service Management API, as configurations for them say. */
  backendUrl(): string
}

/** A proxy as it is served; APIs of the apig dialect by group and name. */
export type ServedProxy =
  | { readonly kind: 'proxy'; readonly deployed: DeployedProxy; readonly revisions: readonly number[] }
  | { readonly kind: 'api'; readonly name: string; readonly versions: readonly PublishedApi[] }

/** What the gateway threads remember. */
export interface RecentCallsSource {
  settings(): RecentCallsSettings
  /** One page of each thread that answers; `silent` counts the others. */
  page(filter: CallFilter): Promise<{ readonly answers: readonly CallPage[]; readonly silent: number }>
  find(requestId: string): Promise<RecentCall | null>
}

/** Debug sessions, and what they may be about. */
export interface TraceContext {
  readonly sessions: DebugSessions
  readonly organization: string
  /** What is served now. */
  deployed(): readonly { readonly environment: string; readonly proxy: string; readonly revision: number }[]
  now(): number
}

/** All that the admin door needs; it keeps no globals and reads no environment. */
export interface AdminOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 9000; 0 takes a free one. */
  readonly port?: number
  readonly token: string
  readonly analytics: Analytics
  /** What is deployed can change at any time: asked for at each call. */
  readonly services: () => readonly Service[]
  /** 3scale's accounts and what was used; null: there are none. */
  readonly accounts: AccountServices | null
  readonly proxies: () => readonly ProxySummary[]
  /** One of them; null: there is none of that name. */
  readonly proxy: (name: string) => ServedProxy | null
  /** All throttles, with what is used of them by whom. */
  readonly throttles: (asked: WindowOwners & { readonly windowsMax: number }) => Promise<readonly ThrottleView[]>
  readonly recentCalls: RecentCallsSource
  readonly metrics: MetricsSource
  /** Edge's management API changes this; null: there is no such API. */
  readonly edge: EdgeContext | null
  /** APIG's management API; null: there is no such API. */
  readonly apig: ApigContext | null
  /** Null: nothing can be traced. */
  readonly trace: TraceContext | null
  /** A token for debug headers, good until then. */
  readonly debugToken: (expiresAtMs: number) => string
  readonly readiness: () => Readiness
  /** The built dashboard (index.html, app.js, app.css, icon.svg); null: there is none. */
  readonly dashboardFolder: string | null
  /** Ticks of `/api/live`; by itself when left out. */
  readonly everySecond?: (task: () => void) => () => void
  readonly clock: Clock
  readonly log: AdminLog
}
