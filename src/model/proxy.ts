import type { SslInfo } from './entities.ts'
import type { LoadBalancer } from './load-balancer.ts'
import type { LocalConnection } from './local-connection.ts'
import type { Position, SourceText } from './source.ts'

/** Whose words a proxy answers in: that of the files it was written in. */
export type Dialect = 'apigee' | 'apicast' | 'apig'

/** One revision of one API proxy: plain data that can be sent to another thread as JSON. */
export interface ApiProxy {
  readonly dialect: Dialect
  readonly name: string
  readonly revision: number
  readonly displayName: string
  readonly description: string
  readonly proxyEndpoints: readonly ProxyEndpoint[]
  readonly targetEndpoints: readonly TargetEndpoint[]
  readonly policies: readonly Policy[]
  /** Files that policies name (`jsc://a.js`), by type and name. */
  readonly resources: readonly Resource[]
}

export interface Resource {
  readonly type: string
  readonly name: string
  readonly text: string
}

/** A policy as it was parsed by its kind: `config` is whatever that kind's `parse` gave, plain data. */
export interface Policy {
  readonly name: string
  /** The root element, which names the kind: 'AssignMessage'. */
  readonly kind: string
  readonly displayName: string
  readonly enabled: boolean
  readonly continueOnError: boolean
  readonly config: unknown
  readonly at: Position
}

/** One use of a policy in a flow. */
export interface Step {
  readonly policy: string
  readonly condition: SourceText | null
  readonly at: Position
}

export interface Flow {
  readonly name: string
  readonly description: string
  readonly condition: SourceText | null
  readonly request: readonly Step[]
  readonly response: readonly Step[]
  readonly at: Position
}

export interface FaultRule {
  readonly name: string
  readonly condition: SourceText | null
  readonly steps: readonly Step[]
  /** Only of a DefaultFaultRule: runs even after a FaultRule did. */
  readonly alwaysEnforce: boolean
  readonly at: Position
}

/** What proxy and target endpoints share. */
export interface Endpoint {
  readonly name: string
  readonly preFlow: Flow | null
  readonly flows: readonly Flow[]
  readonly postFlow: Flow | null
  /** In document order; the proxy side reads them from the last to the first, the target side from the first to the last. */
  readonly faultRules: readonly FaultRule[]
  readonly defaultFaultRule: FaultRule | null
  readonly at: Position
}

export interface ProxyEndpoint extends Endpoint {
  /** As written, wildcards included: '/v1/weather', '/a/&#42;/b'. */
  readonly basePath: string
  readonly virtualHosts: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly routeRules: readonly RouteRule[]
  readonly postClientFlow: Flow | null
}

/** `target` names a TargetEndpoint, `url` goes there directly, neither: the request is echoed. */
export interface RouteRule {
  readonly name: string
  readonly condition: SourceText | null
  readonly target: string | null
  readonly url: SourceText | null
  readonly at: Position
}

export interface TargetEndpoint extends Endpoint {
  readonly connection: HttpConnection | LocalConnection
}

/** HTTPTargetConnection: the same element in target endpoints and in ServiceCallout. */
export interface HttpConnection {
  /** A message template; its scheme is literal. Null: the balancer says. */
  readonly url: SourceText | null
  readonly balancer: LoadBalancer | null
  readonly properties: Readonly<Record<string, string>>
  /** Absent: like every https URL. */
  readonly ssl?: SslInfo
  readonly at: Position
}
