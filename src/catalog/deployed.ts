import type { DeployedProxy } from '../model/deployment.ts'
import type { ApiProxy } from '../model/proxy.ts'

/** A revision that is served, through an admin API. */
export interface Deployment {
  readonly environment: string
  readonly name: string
  readonly revision: number
  /** Put before the base paths of the bundle; empty: as they are. */
  readonly basePath: string
}

/** How a revision is to be served. */
export interface DeployOptions {
  readonly environment: string
  /** In place of another revision. */
  readonly override: boolean
  /** As in `Deployment`. */
  readonly basePath: string
}

/** A revision as it is served: below a base path that the deployment puts before those of the bundle. */
export function deployedAt(proxy: ApiProxy, basePath: string, deployment: number): DeployedProxy {
  const proxyEndpoints =
    basePath === ''
      ? proxy.proxyEndpoints
      : proxy.proxyEndpoints.map((endpoint) => ({
          ...endpoint,
          basePath: `${basePath}${endpoint.basePath}`.replace(/(?<=.)\/$/, ''),
        }))
  return { proxy: { ...proxy, proxyEndpoints }, serviceId: null, throttle: null, deployment }
}
