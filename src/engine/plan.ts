import type { DeployedProxy, Settings } from '../model/deployment.ts'
import type { Balancer } from './balancer.ts'
import type { ConnectionTls } from './connection-tls.ts'
import type { Exchange } from './exchange.ts'
import type { LocalTarget } from './local-target.ts'
import type { Step } from './outcome.ts'
import type { Template } from './template.ts'

/** What a proxy becomes at deploy: flat lists of steps, closures for conditions, accessors for variables. */
export interface ProxyPlan {
  readonly deployed: DeployedProxy
  readonly settings: Settings
  readonly name: string
  readonly revision: number
  readonly endpoints: readonly EndpointPlan[]
  /** Of its targets and policies. */
  readonly balancers: readonly Balancer[]
}

export type Test = (x: Exchange) => boolean

/** Null where there is nothing to do: the life of a request asks only that. */
export interface Segments {
  readonly request: readonly Step[] | null
  readonly response: readonly Step[] | null
  /** In the order in which they are tried. */
  readonly faultRules: readonly FaultRulePlan[]
  readonly defaultFaultRule: FaultRulePlan | null
}

export interface EndpointPlan extends Segments {
  readonly proxy: ProxyPlan
  readonly name: string
  readonly basePath: string
  readonly virtualHosts: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly routes: readonly RoutePlan[]
  readonly postClient: readonly Step[] | null
}

export interface FaultRulePlan {
  readonly name: string
  readonly test: Test | null
  /** Bodies that `test` reads (`loadContent`). */
  readonly needs: number
  readonly steps: readonly Step[]
  readonly alwaysEnforce: boolean
}

/** `target` null: the request is echoed. */
export interface RoutePlan {
  readonly name: string
  readonly test: Test | null
  /** Bodies that `test` reads (`loadContent`). */
  readonly needs: number
  readonly target: TargetPlan | null
}

export interface TargetPlan extends Segments {
  readonly name: string
  /** Of the base; with a balancer of the path behind host and port. */
  readonly url: Template
  /** The URL when no variable is in it; null when it must be filled in for each call. */
  readonly fixedUrl: string | null
  /** Null: like every https URL. */
  readonly tls: ConnectionTls | null
  /** Null: the target is no proxy of this gateway. Else `url` is of the base of the path. */
  readonly local: LocalTarget | null
  /** Null: one URL says where the target is. */
  readonly balancer: Balancer | null
  /** Bodies that must be at hand before the request goes out (`loadContent`): it may have to be sent again. */
  readonly needs: number
  readonly success: SuccessCodes
  readonly connectTimeoutMs: number
  readonly ioTimeoutMs: number
  /** Headers to keep, in lower case; null: all. */
  readonly retainRequestHeaders: ReadonlySet<string> | null
  readonly retainResponseHeaders: ReadonlySet<string> | null
  readonly retainQuery: ReadonlySet<string> | null
  /** Times that a call which failed is sent again; -1: once, when its method is idempotent. Absent: never. */
  readonly retries?: number
  /** Added to `Via` of what is sent: this gateway, and for what it sends. */
  readonly hop?: string
  /** For the Host header, instead of that of the URL. */
  readonly hostHeader?: string | null
}

/** Statuses that count as success, by hundreds and one by one. */
export type SuccessCodes = (status: number) => boolean
