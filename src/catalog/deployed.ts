import type { DeployedProxy } from '../model/deployment.ts'
import type { ApiProxy } from '../model/proxy.ts'

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
