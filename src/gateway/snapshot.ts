import type { Settings } from '../model/deployment.ts'
import type { Router } from './route.ts'
import type { Destinations } from './url.ts'

/** All that a deployment changes, in one reference: requests keep the one they began with. */
export interface Snapshot {
  readonly generation: number
  readonly settings: Settings
  readonly router: Router
  readonly destinations: Destinations
}
