import { compileThrottle } from '../accounts/throttle.ts'
import { ApiRouter } from '../apig/router.ts'
import type { Cache } from '../core/cache.ts'
import type { Counters } from '../core/counters.ts'
import type { KeyValueMaps } from '../core/key-value-maps.ts'
import type { LogFiles } from '../core/log-files.ts'
import type { ServerStates } from '../core/server-states.ts'
import { compileProxy } from '../engine/compile.ts'
import type { EngineServices } from '../engine/compile-env.ts'
import type { PolicyKinds } from '../engine/policy.ts'
import { CallMasks } from '../engine/query-mask.ts'
import { defaultFeatures } from '../model/apig.ts'
import {
  boundHosts,
  type DeployedProxy,
  GATEWAY_LIMIT_OF_APIG,
  type HostMap,
  type Settings,
} from '../model/deployment.ts'
import { problemLine } from '../model/problem.ts'
import { claimsOf } from './claims.ts'
import { endpointKey } from './local-client.ts'
import type { Publication } from './protocol.ts'
import { HostRouter } from './route.ts'
import type { ApiServing } from './serve-apis.ts'
import type { Served } from './served.ts'
import type { Snapshot } from './snapshot.ts'
import { ThrottleGate } from './throttle-gate.ts'
import { Destinations } from './url.ts'

export interface PublishServices {
  readonly kinds: PolicyKinds
  readonly engine: EngineServices
  readonly counters: Counters
  readonly cache: Cache
  readonly maps: KeyValueMaps
  readonly servers: ServerStates
  readonly logFiles: LogFiles
  readonly hostMap: HostMap
  /** Those of the apig dialect, as they were compiled last. */
  readonly apis: ApiServing
  readonly debugSecret: string
}

/** What a thread serves from a publication. Throws when a proxy does not compile: the main thread never publishes such. */
export function snapshotOf(publication: Publication, services: PublishServices): Snapshot {
  const settings = JSON.parse(publication.settings) as Settings
  const served: Served[] = []
  for (const text of publication.proxies) served.push(...serve(JSON.parse(text) as DeployedProxy, settings, services))
  const { apis, strays, features } = services.apis.serve(publication.apig, publication.settings, settings)
  return {
    generation: publication.generation,
    settings,
    responseCodes: publication.responseCodes,
    router: new HostRouter(served),
    served: [...served, ...apis.map(({ entry }) => entry)],
    endpoints: new Map(served.map((one) => [endpointKey(one.endpoint.proxy.name, one.endpoint.name), one])),
    apis: new ApiRouter(apis, strays),
    features,
    debugSecret: services.debugSecret,
    masks: new CallMasks(settings.entities.masks, services.kinds),
    destinations: new Destinations(services.hostMap, !settings.edgeCompatibleTls),
    balancers: [...new Set(served.map(({ endpoint }) => endpoint.proxy))].flatMap((proxy) => proxy.balancers),
  }
}

/** Before anything is published: no proxy is found. */
export function emptySnapshot(settings: Settings): Snapshot {
  return {
    generation: 0,
    settings,
    responseCodes: false,
    router: new HostRouter([]),
    endpoints: new Map(),
    served: [],
    apis: new ApiRouter([]),
    features: defaultFeatures,
    debugSecret: '',
    masks: new CallMasks([], new Map()),
    destinations: new Destinations({}, true),
    balancers: [],
  }
}

function serve(deployed: DeployedProxy, settings: Settings, services: PublishServices): Served[] {
  const { plan, problems } = compileProxy(deployed, settings, services.kinds, services.engine)
  const error = problems.find((problem) => problem.severity === 'error')
  if (error !== undefined) throw new Error(`${plan.name}: ${problemLine(error)}`)
  const throttle = compileThrottle(deployed.throttle, {
    counters: services.counters,
    environment: settings.environment,
    api: plan.name,
    gatewayLimitPerSecond:
      settings.gatewayLimitPerSecond ?? (deployed.proxy.dialect === 'apig' ? GATEWAY_LIMIT_OF_APIG : 0),
  })
  const gate = throttle === null ? null : new ThrottleGate(throttle, settings.rateLimitFields)
  return plan.endpoints.map((endpoint) => ({
    endpoint,
    serviceId: deployed.serviceId,
    access: null,
    hosts: deployed.hosts ?? boundHosts(endpoint.virtualHosts, settings.virtualHosts),
    strict: deployed.hosts !== undefined,
    claims: claimsOf(deployed),
    gate,
    recorder: null,
  }))
}
