import {
  type ThrottleBinding,
  type ThrottleView,
  throttleViews,
  type WindowOwners,
} from '../accounts/throttle-windows.ts'
import type { ProxySummary, ServedProxy } from '../admin/options.ts'
import { proxyName } from '../apig/compile.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Counters } from '../core/counters.ts'
import type { PublishedApi } from '../model/apig.ts'
import type { DeployedProxy, PosternConfig } from '../model/deployment.ts'

/** What is served now, as the dashboard lists it: proxies, and APIs of the apig dialect by group and name. */
export class ServedProxies {
  readonly #catalog: Catalog
  /** When each proxy came into force in its present form; null: with the start. */
  #since: ReadonlyMap<string, { readonly form: string; readonly atMs: number | null }>

  constructor(catalog: Catalog) {
    this.#catalog = catalog
    this.#since = new Map(catalog.config.proxies.map((one) => [placeOf(one), { form: formOf(one), atMs: null }]))
  }

  /** A configuration is in force. */
  published({ proxies }: PosternConfig, atMs: number): void {
    this.#since = new Map(
      proxies.map((one) => {
        const form = formOf(one)
        const before = this.#since.get(placeOf(one))
        return [placeOf(one), before?.form === form ? before : { form, atMs }]
      }),
    )
  }

  get summaries(): ProxySummary[] {
    const { proxies, apig } = this.#catalog.config
    const apis = new Map(apig.apis.map((api): [string, ProxySummary] => [nameOf(api), apiSummary(api)]))
    return [...proxies.map((deployed) => this.#summary(deployed)), ...apis.values()]
  }

  find(name: string): ServedProxy | null {
    const { proxies, apig } = this.#catalog.config
    const deployed = proxies.find(({ proxy }) => proxy.name === name)
    if (deployed !== undefined) {
      const { revision } = deployed.proxy
      const known = this.#catalog.revisions.names().includes(name)
      const imported = known ? this.#catalog.revisions.of(name).map((head) => head.revision) : []
      const revisions = [...new Set([...imported, revision])].sort((a, b) => a - b)
      return { kind: 'proxy', deployed, revisions }
    }
    const versions = apig.apis.filter((api) => nameOf(api) === name)
    return versions.length === 0 ? null : { kind: 'api', name, versions }
  }

  throttles(
    counters: Counters,
    { windowsMax, ...owners }: WindowOwners & { readonly windowsMax: number },
    nowMs: number,
  ): Promise<ThrottleView[]> {
    const { throttles, proxies, apig, settings } = this.#catalog.config
    const bindings = [
      ...proxies.flatMap(({ throttle, proxy }): ThrottleBinding[] =>
        throttle === null ? [] : [{ throttle, environment: settings.environment, api: proxy.name }],
      ),
      ...apig.apis.flatMap((api): ThrottleBinding[] =>
        api.throttle === null ? [] : [{ throttle: api.throttle, environment: api.stage, api: proxyName(api) }],
      ),
    ]
    return throttleViews(throttles, bindings, counters, owners, nowMs, windowsMax)
  }

  #summary(deployed: DeployedProxy): ProxySummary {
    const { name, revision, proxyEndpoints, dialect, policies } = deployed.proxy
    return {
      name,
      revision,
      basePaths: proxyEndpoints.map((endpoint) => endpoint.basePath),
      serviceId: deployed.serviceId,
      dialect,
      deployedAtMs: this.#since.get(placeOf(deployed))?.atMs ?? null,
      policies: policies.length,
    }
  }
}

/** Environments may have proxies of one name. */
const placeOf = ({ proxy, environment }: DeployedProxy): string => `${environment ?? ''}/${proxy.name}`

const formOf = ({ proxy, deployment }: DeployedProxy): string => `${proxy.revision} ${deployment ?? 0}`

const nameOf = ({ groupName, apiName }: PublishedApi): string => `${groupName}/${apiName}`

function apiSummary(api: PublishedApi): ProxySummary {
  const common = { revision: 1, serviceId: null, dialect: 'apig', deployedAtMs: null, policies: 0 }
  return { ...common, name: nameOf(api), basePaths: [api.path] }
}
