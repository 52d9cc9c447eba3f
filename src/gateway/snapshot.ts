import type { ApiRouter } from '../apig/router.ts'
import type { Balancer } from '../engine/balancer.ts'
import type { CallMasks } from '../engine/query-mask.ts'
import type { ApigFeatures } from '../model/apig.ts'
import type { Settings } from '../model/deployment.ts'
import type { HostRouter } from './route.ts'
import type { Served } from './served.ts'
import type { Destinations } from './url.ts'

/** All that a deployment changes, in one reference: requests keep the one they began with. */
export interface Snapshot {
  readonly generation: number
  readonly settings: Settings
  /** Calls of a service count in 3scale's response code statistics. */
  readonly responseCodes: boolean
  readonly router: HostRouter
  /** APIs of the apig dialect; they go before base paths. */
  readonly apis: ApiRouter<Served>
  readonly features: ApigFeatures
  /** Seals debug tokens. */
  readonly debugSecret: string
  /** What recent calls hide. */
  readonly masks: CallMasks
  readonly destinations: Destinations
  /** All of them, APIs of the apig dialect too. */
  readonly served: readonly Served[]
  /** By `endpointKey`, for calls from proxy to proxy. */
  readonly endpoints: ReadonlyMap<string, Served>
  /** Of all proxies. */
  readonly balancers: readonly Balancer[]
}
