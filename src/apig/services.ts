import type { Cache } from '../core/cache.ts'
import type { Counters } from '../core/counters.ts'
import type { Outbound } from '../engine/policy.ts'
import type { ApigFeatures } from '../model/apig.ts'
import type { AppIndex } from './app-index.ts'

/** What the steps of this dialect are compiled with. */
export interface ApigServices {
  readonly outbound: Outbound
  readonly counters: Counters
  readonly cache: Cache
  readonly apps: AppIndex
  readonly features: ApigFeatures
  /** Names this gateway in `Via`. */
  readonly gatewayId: string
  now(): number
}
