import type { ApigRuntime } from './apig.ts'
import { type EnvironmentEntities, type KeyValueMap, noEntities } from './entities.ts'
import type { ApiProxy, Dialect } from './proxy.ts'
import type { Account, Application, Service } from './service.ts'
import type { Throttle } from './throttle.ts'
import type { VirtualHost } from './virtual-host.ts'

/** Who may ask for debug headers with `X-Apig-Mode: debug`. */
export type DebugAllow = 'everyone' | 'loopback' | 'token' | 'nobody'

/** What holds for the whole gateway rather than for one proxy. Plain data. */
export interface Settings {
  readonly organization: string
  readonly environment: string
  /** Whose errors are used before any proxy is known. */
  readonly dialect: Dialect
  readonly debugAllow: DebugAllow
  /** Calls a second to each API over all environments; 0: no limit. Null: 200 for APIs of the apig dialect, none for others. */
  readonly gatewayLimitPerSecond: number | null
  /** `Retry-After` and the IETF's `RateLimit` fields in the answers of what is throttled. */
  readonly rateLimitFields: boolean
  /** Edge's way: https without a TrustStore accepts any certificate. */
  readonly edgeCompatibleTls: boolean
  readonly virtualHosts: readonly VirtualHost[]
  readonly entities: EnvironmentEntities
  readonly recentCalls: RecentCallsSettings
}

/** What explain can look back at. */
export interface RecentCallsSettings {
  /** Calls, over all threads; 0: none are kept. */
  readonly max: number
  readonly hours: number
  /** Keep the beginning of bodies too. */
  readonly bodies: boolean
}

export const defaultSettings: Settings = {
  organization: 'postern',
  environment: 'test',
  dialect: 'apigee',
  debugAllow: 'everyone',
  gatewayLimitPerSecond: null,
  rateLimitFields: true,
  edgeCompatibleTls: false,
  virtualHosts: [],
  entities: noEntities,
  recentCalls: { max: 10_000, hours: 24, bodies: false },
}

/** One proxy as it is deployed: the revision, and what it is bound to. */
export interface DeployedProxy {
  readonly proxy: ApiProxy
  /** 3scale's service whose statistics and accounts it uses. */
  readonly serviceId: string | null
  readonly throttle: Throttle | null
  /** Counts the deployments of an admin API, so that a new one of the same revision can be told from the last; absent: 0. */
  readonly deployment?: number
  /** The environment that it is deployed in; absent: the gateway's own. */
  readonly environment?: string
  /** Host names (lower case) that it answers for, and for no other. Absent: its virtual hosts say. */
  readonly hosts?: readonly string[]
  /** Among the services of a host the first whose rules fit a call is called (APICAST_PATH_ROUTING); `only`: or none. */
  readonly routing?: 'path' | 'only'
}

/** `http://real.host` -> `http://127.0.0.1:8091`: outbound calls that go elsewhere. Keys and values are origins in lower case. */
export type HostMap = Readonly<Record<string, string>>

/** Calls a second that APIG allows each of its own APIs unless told otherwise. */
export const GATEWAY_LIMIT_OF_APIG = 200

/** All that a `postern.yaml`, or the PATHs of a command line together, ask for. */
export interface PosternConfig {
  readonly settings: Settings
  /** Of the environments beside that of `settings`. */
  readonly environments: readonly Settings[]
  readonly proxies: readonly DeployedProxy[]
  readonly throttles: readonly Throttle[]
  /** Of services of an APIcast configuration, by the id of the service. */
  readonly serviceThrottles: Readonly<Record<string, Throttle>>
  readonly services: readonly Service[]
  readonly keyValueMaps: readonly KeyValueMap[]
  readonly accounts: readonly Account[]
  readonly applications: readonly Application[]
  /** Count response codes for 3scale's statistics. Our own statistics are always on. */
  readonly responseCodes: boolean
  readonly hostMap: HostMap
  /** What is served of the apig dialect. */
  readonly apig: ApigRuntime
  /** The resources that it is made of: those of the files. */
  readonly apigResources: readonly ApigResource[]
}

/** One resource of the apig dialect as its reader keeps it. */
export interface ApigResource {
  readonly kind: string
  readonly id: string
  readonly doc: unknown
}

/** The settings that a proxy is compiled and served with: those of its environment. */
export function settingsOf(
  config: Pick<PosternConfig, 'settings' | 'environments'>,
  deployed: DeployedProxy,
): Settings {
  const { environment } = deployed
  if (environment === undefined) return config.settings
  return config.environments.find((one) => one.environment === environment) ?? config.settings
}
