import { ApiRouter } from '../apig/router.ts'
import type { Cache } from '../core/cache.ts'
import type { Counters } from '../core/counters.ts'
import type { KeyValueMaps } from '../core/key-value-maps.ts'
import type { LogFiles } from '../core/log-files.ts'
import type { ServerStates } from '../core/server-states.ts'
import type { EngineServices } from '../engine/compile-env.ts'
import type { PolicyKinds } from '../engine/policy.ts'
import { CallMasks } from '../engine/query-mask.ts'
import { defaultFeatures } from '../model/apig.ts'
import type { HostMap, Settings } from '../model/deployment.ts'
import { endpointKey } from './local-client.ts'
import type { Publication, Text } from './protocol.ts'
import { HostRouter } from './route.ts'
import type { ApiServing } from './serve-apis.ts'
import { ProxyServing } from './serve-proxies.ts'
import type { Served } from './served.ts'
import type { Snapshot } from './snapshot.ts'
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

/** Makes what a thread serves of each publication; keeps what it needs of the last one. */
export class Publisher {
  readonly #services: PublishServices
  readonly #proxies: ProxyServing
  #settings: ReadonlyMap<number, Known> = new Map()

  constructor(services: PublishServices) {
    this.#services = services
    this.#proxies = new ProxyServing(services)
  }

  /**
   * `keep` says that the snapshot is in force: what was compiled for it is known from then on, as the main thread believes. Throws when a
   * proxy does not compile: the main thread never publishes such.
   */
  async snapshotOf(publication: Publication): Promise<{ snapshot: Snapshot; keep(): void }> {
    const services = this.#services
    const environments = new Map(
      publication.environments.map((text) => [text.id, this.#settings.get(text.id) ?? read(text)]),
    )
    const all = [...environments.values()]
    const own = all[0]!
    const byName = new Map(all.map(({ settings }) => [settings.environment, settings]))
    const settingsOf = (environment: string | undefined): Settings => byName.get(environment ?? '') ?? own.settings
    const { served, keep } = await this.#proxies.serve(publication.proxies, settingsOf)
    const { settings } = own
    const { apis, strays, features } = services.apis.serve(publication.apig, own.text, settings)
    const snapshot: Snapshot = {
      generation: publication.generation,
      settings,
      responseCodes: publication.responseCodes,
      router: new HostRouter(served),
      served: [...served, ...apis.map(({ entry }) => entry)],
      endpoints: new Map(served.map((one) => [keyOf(one), one])),
      apis: new ApiRouter(apis, strays),
      features,
      debugSecret: services.debugSecret,
      masks: new CallMasks(settings.entities.masks, services.kinds),
      destinations: new Destinations(services.hostMap, !settings.edgeCompatibleTls),
      balancers: [...new Set(served.map(({ endpoint }) => endpoint.proxy))].flatMap((proxy) => proxy.balancers),
    }
    return {
      snapshot,
      keep: () => {
        keep()
        this.#settings = environments
      },
    }
  }
}

const keyOf = ({ endpoint: { name, proxy } }: Served): string =>
  endpointKey(proxy.settings.environment, proxy.name, name)

/** The settings of an environment, and the text that they are of. */
interface Known {
  readonly text: string
  readonly settings: Settings
}

const read = ({ text }: Text): Known => ({ text: text!, settings: JSON.parse(text!) as Settings })

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
