import { dirname, isAbsolute, join } from 'node:path'
import { noApig } from '../../model/apig.ts'
import type { CachingMode } from '../../model/auth-rep.ts'
import {
  type DebugAllow,
  type DeployedProxy,
  defaultSettings,
  type HostMap,
  type PosternConfig,
  type RecentCallsSettings,
  type Settings,
} from '../../model/deployment.ts'
import type { CacheDescriptor, EnvironmentEntities, FlowHooks, SharedFlow } from '../../model/entities.ts'
import { didYouMean } from '../../model/nearest.ts'
import { type Problem, Problems } from '../../model/problem.ts'
import type { ApiProxy, Dialect } from '../../model/proxy.ts'
import type { Service } from '../../model/service.ts'
import type { Throttle } from '../../model/throttle.ts'
import type { VirtualHost } from '../../model/virtual-host.ts'
import { runtimeOfResources } from '../apig/runtime.ts'
import { readApigSection } from '../apig/section.ts'
import { AccountReading, type RawAccount } from './accounts.ts'
import { ConsumerReading, type RawDeveloper, type RawProduct } from './consumers.ts'
import type { Environment } from './environment.ts'
import { type RawKeyValueMap, readKeyValueMaps } from './key-value-maps.ts'
import { configKeys } from './keys.ts'
import { type RawMask, readMasks } from './masks.ts'
import { readServiceProxy } from './service-proxy.ts'
import { type RawService, readServices } from './services.ts'
import { ShapeReading } from './shape.ts'
import { readShortForm } from './short-form.ts'
import { type RawKeyStore, type RawReference, type RawTargetServer, StoreReading } from './stores.ts'
import { type RawThrottle, readThrottles, serviceThrottles } from './throttles.ts'
import { readYaml } from './yaml-tree.ts'

/** What is asked for at a path: the bundle reader with its policy kinds, handed in. */
export type BundleAt = (path: string, name: string | null) => BundleAtRead

export interface BundleAtRead {
  readonly draft: ApiProxy | null
  /** Null: it is none, or has errors. */
  readonly sharedFlow: SharedFlow | null
  /** Positions as they are to be printed. */
  readonly problems: readonly Problem[]
  /** The folder or zip that positions in the draft are relative to. */
  readonly base: string
}

/** A proxy as far as it could be read, for a compiler to look for its own errors. Deployed only if nobody finds any. */
export interface DraftProxy {
  readonly deployed: DeployedProxy
  /** Put before the file of a position, to print it; empty: the file is printed as it is. */
  readonly base: string
}

export interface PosternYamlRead {
  /** Null exactly when a problem is an error. */
  readonly config: PosternConfig | null
  /** As far as they could be read, so that one error does not make others; null when nothing could. */
  readonly settings: Settings | null
  readonly drafts: readonly DraftProxy[]
  /** The file has a `dialect`. */
  readonly saysDialect: boolean
  readonly problems: readonly Problem[]
}

interface RawApi {
  readonly bundle?: string
  readonly name?: string
  readonly basePath?: string
  readonly target?: string
  readonly service?: string
  readonly throttle?: string
}

/** What the table of keys leaves: values that did not fit are missing. */
interface RawConfig {
  readonly organization?: string
  readonly environment?: string
  readonly dialect?: Dialect
  readonly responseCodes?: boolean
  readonly virtualHosts?: readonly (
    | { readonly name?: string; readonly hostAliases?: readonly (string | undefined)[] }
    | undefined
  )[]
  readonly debug?: { readonly allow?: DebugAllow }
  readonly apis?: readonly (RawApi | undefined)[]
  readonly throttles?: readonly (RawThrottle | undefined)[]
  readonly gatewayLimitPerSecond?: number
  readonly rateLimitFields?: boolean
  readonly apig?: unknown
  readonly services?: readonly (RawService | undefined)[]
  readonly accounts?: readonly (RawAccount | undefined)[]
  readonly authCachingMode?: CachingMode
  readonly tls?: { readonly edgeCompatible?: boolean }
  readonly hostMap?: Readonly<Record<string, string>>
  readonly keyStores?: readonly (RawKeyStore | undefined)[]
  readonly targetServers?: readonly (RawTargetServer | undefined)[]
  readonly references?: readonly (RawReference | undefined)[]
  readonly sharedFlows?: readonly (string | undefined)[]
  readonly flowHooks?: Partial<Record<keyof FlowHooks, string>>
  readonly caches?: readonly ({ readonly name?: string; readonly expirySeconds?: number } | undefined)[]
  readonly recentCalls?: Partial<RecentCallsSettings>
  readonly masks?: readonly (RawMask | undefined)[]
  readonly keyValueMaps?: readonly (RawKeyValueMap | undefined)[]
  readonly products?: readonly (RawProduct | undefined)[]
  readonly developers?: readonly (RawDeveloper | undefined)[]
}

/**
 * Reads a `postern.yaml`: `file` is how problems name it and what its paths are relative to. All problems at once, each
 * with line and column. Never throws for what the text holds.
 */
export function readPosternYaml(text: string, file: string, env: Environment, bundleAt: BundleAt): PosternYamlRead {
  const problems = new Problems()
  const tree = readYaml(text, file, env, problems)
  const shape = new ShapeReading(file, problems)
  const raw = tree === null ? undefined : shape.read(tree, { type: 'keys', keys: configKeys }, '')
  if (raw === undefined)
    return { config: null, settings: null, drafts: [], saysDialect: false, problems: problems.list }
  const reading = new ConfigReading(raw as RawConfig, file, env, shape, problems, bundleAt)
  const config = reading.run()
  return {
    config: problems.hasErrors ? null : config,
    settings: config.settings,
    drafts: reading.drafts,
    saysDialect: (raw as RawConfig).dialect !== undefined,
    problems: problems.list,
  }
}

class ConfigReading {
  readonly drafts: DraftProxy[] = []
  readonly #raw: RawConfig
  readonly #file: string
  readonly #env: Environment
  readonly #shape: ShapeReading
  readonly #problems: Problems
  readonly #bundleAt: BundleAt

  constructor(
    raw: RawConfig,
    file: string,
    env: Environment,
    shape: ShapeReading,
    problems: Problems,
    bundleAt: BundleAt,
  ) {
    this.#raw = raw
    this.#file = file
    this.#env = env
    this.#shape = shape
    this.#problems = problems
    this.#bundleAt = bundleAt
  }

  run(): PosternConfig {
    const raw = this.#raw
    const throttles = readThrottles(raw.throttles ?? [], this.#shape.places, this.#problems)
    const services = readServices(raw.services ?? [], this.#shape.places, this.#problems)
    const consumers = new AccountReading(services, this.#shape.places, this.#problems)
    consumers.read(raw.accounts ?? [])
    for (const [index, api] of (raw.apis ?? []).entries()) {
      if (api !== undefined) this.#api(api, `apis.${index}`, throttles, services)
    }
    this.#serviceProxies(services)
    return {
      settings: this.#settings(),
      environments: [],
      proxies: this.drafts.map((draft) => draft.deployed),
      throttles,
      serviceThrottles: serviceThrottles(raw.throttles ?? [], throttles),
      services,
      keyValueMaps: readKeyValueMaps(raw.keyValueMaps ?? [], this.#shape.places, this.#problems),
      accounts: consumers.accounts,
      applications: consumers.applications,
      responseCodes: raw.responseCodes ?? false,
      hostMap: this.#hostMap(),
      ...this.#apig(),
    }
  }

  #apig(): Pick<PosternConfig, 'apig' | 'apigResources'> {
    const { apig } = this.#raw
    if (apig === undefined) return { apig: noApig, apigResources: [] }
    const resources = readApigSection(apig, (path, message) => {
      const place = path === '' ? 'apig' : `apig.${path}`
      if (!this.#shape.places.isBroken(place))
        this.#problems.error('BadApi', this.#shape.places.at(place), `${place}: ${message}`)
    })
    return { apig: runtimeOfResources(resources), apigResources: resources }
  }

  #serviceProxies(services: readonly Service[]): void {
    const caching = this.#raw.authCachingMode ?? 'strict'
    for (const [index, raw] of (this.#raw.services ?? []).entries()) {
      const service = services.find(({ id }) => id === raw?.id)
      if (raw?.proxy === undefined || service === undefined) continue
      const path = `services.${index}.proxy`
      if (this.#shape.places.isBroken(path)) continue
      const { places } = this.#shape
      const deployed = readServiceProxy(service, raw.proxy, caching, path, this.#env, places, this.#problems)
      if (deployed !== null) this.drafts.push({ deployed, base: '' })
    }
  }

  #settings(): Settings {
    const raw = this.#raw
    return {
      organization: raw.organization ?? defaultSettings.organization,
      environment: raw.environment ?? defaultSettings.environment,
      dialect: raw.dialect ?? defaultSettings.dialect,
      debugAllow: raw.debug?.allow ?? defaultSettings.debugAllow,
      gatewayLimitPerSecond: raw.gatewayLimitPerSecond ?? defaultSettings.gatewayLimitPerSecond,
      rateLimitFields: raw.rateLimitFields ?? defaultSettings.rateLimitFields,
      edgeCompatibleTls: raw.tls?.edgeCompatible ?? defaultSettings.edgeCompatibleTls,
      virtualHosts: this.#virtualHosts(),
      recentCalls: this.#recentCalls(),
      entities: this.#entities(),
    }
  }

  #recentCalls(): RecentCallsSettings {
    const settings = { ...defaultSettings.recentCalls, ...this.#raw.recentCalls }
    if (settings.bodies && settings.max > BODIES_MAX) {
      const text = `recentCalls.max must be at most ${BODIES_MAX} with bodies: true, not ${settings.max}`
      this.#problems.error('BadValue', this.#shape.places.at('recentCalls.max'), text)
    }
    return settings
  }

  #entities(): EnvironmentEntities {
    const raw = this.#raw
    const consumers = new ConsumerReading(this.#shape.places, this.#problems)
    const stores = new StoreReading(this.#file, this.#shape.places, this.#problems)
    const keyStores = stores.keyStores(raw.keyStores ?? [])
    return {
      ...defaultSettings.entities,
      ...this.#flows(),
      keyStores,
      targetServers: stores.targetServers(raw.targetServers ?? []),
      references: stores.references(raw.references ?? [], keyStores),
      caches: this.#caches(),
      masks: readMasks(raw.masks ?? []),
      products: consumers.products(raw.products ?? []),
      developers: consumers.developers(raw.developers ?? []),
    }
  }

  #flows(): Pick<EnvironmentEntities, 'sharedFlows' | 'flowHooks'> {
    const sharedFlows = (this.#raw.sharedFlows ?? []).flatMap((path, index) =>
      path === undefined ? [] : this.#sharedFlow(path, `sharedFlows.${index}`),
    )
    const names = sharedFlows.map(({ name }) => name)
    for (const name of names.filter((one, i) => names.indexOf(one) !== i)) {
      const text = `a shared flow called ${name} is there already; names must differ`
      this.#problems.error('DuplicateName', this.#shape.places.at('sharedFlows'), text)
    }
    const hooks = Object.entries(this.#raw.flowHooks ?? {})
    const set = hooks.map(([hook, sharedFlow]) => [hook, { sharedFlow, continueOnError: false }])
    const flowHooks: FlowHooks = { ...defaultSettings.entities.flowHooks, ...Object.fromEntries(set) }
    for (const [hook, name] of hooks) {
      if (names.includes(name) || this.#problems.hasErrors) continue
      const at = this.#shape.places.at(`flowHooks.${hook}`)
      this.#problems.error(
        'UnknownReference',
        at,
        `no shared flow of this file is called ${name}${didYouMean(name, names)}`,
      )
    }
    return { sharedFlows, flowHooks }
  }

  #sharedFlow(written: string, path: string): SharedFlow[] {
    const place = isAbsolute(written) ? written : join(dirname(this.#file), written)
    const { draft, sharedFlow, problems } = this.#bundleAt(place, null)
    for (const problem of problems) this.#problems.list.push(this.#pointed(problem, place, path))
    if (draft !== null) {
      this.#problems.error('BadValue', this.#shape.places.at(path), `${written} is a proxy; name it under apis`)
    }
    return sharedFlow === null ? [] : [sharedFlow]
  }

  #caches(): CacheDescriptor[] {
    return (this.#raw.caches ?? []).flatMap((cache) =>
      cache?.name === undefined ? [] : [{ name: cache.name, expirySeconds: cache.expirySeconds ?? null }],
    )
  }

  #virtualHosts(): VirtualHost[] {
    return (this.#raw.virtualHosts ?? []).flatMap((host, index) => {
      if (host?.name === undefined) return []
      const aliases = (host.hostAliases ?? []).filter((alias) => alias !== undefined)
      for (const alias of aliases) {
        if (/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(alias)) continue
        const at = this.#shape.places.at(`virtualHosts.${index}.hostAliases`)
        this.#problems.error('BadValue', at, `"${alias}" is no host name; write it without scheme, port and wildcard`)
      }
      return [{ name: host.name, hostAliases: aliases.map((alias) => alias.toLowerCase()) }]
    })
  }

  #api(api: RawApi, path: string, throttles: readonly Throttle[], services: readonly Service[]): void {
    const proxy = api.bundle === undefined ? this.#shortForm(api, path) : this.#bundle(api, api.bundle, path)
    const names = (service: Service): string[] => [service.id, service.systemName]
    const service = this.#named('service', api.service, path, services, names)
    const throttle = this.#named('throttle', api.throttle, path, throttles, (one) => [one.name])
    if (proxy === null) return
    const twin = this.drafts.find((draft) => draft.deployed.proxy.name === proxy.draft.name)
    if (twin !== undefined) {
      const at = this.#shape.places.at(`${path}.${api.bundle === undefined ? 'name' : 'bundle'}`)
      this.#problems.error(
        'DuplicateName',
        at,
        `a proxy called ${proxy.draft.name} is there already; names must differ`,
      )
    }
    const deployed = { proxy: proxy.draft, serviceId: service?.id ?? null, throttle: throttle ?? null }
    this.drafts.push({ deployed, base: proxy.base })
  }

  #bundle(api: RawApi, bundle: string, path: string): { draft: ApiProxy; base: string } | null {
    for (const key of ['basePath', 'target'] as const) {
      if (api[key] === undefined) continue
      const text = `${key} is of the short form; a bundle says it itself`
      this.#problems.error('ConflictingKeys', this.#shape.places.at(`${path}.${key}`), text)
    }
    const place = isAbsolute(bundle) ? bundle : join(dirname(this.#file), bundle)
    const { draft, sharedFlow, problems, base } = this.#bundleAt(place, api.name ?? null)
    for (const problem of problems) this.#problems.list.push(this.#pointed(problem, place, `${path}.bundle`))
    if (sharedFlow !== null) {
      const text = `${bundle} is a shared flow; name it under sharedFlows`
      this.#problems.error('BadValue', this.#shape.places.at(`${path}.bundle`), text)
    }
    return draft === null ? null : { draft, base }
  }

  /** What is wrong with the path itself is shown where the path is written. */
  #pointed(problem: Problem, place: string, path: string): Problem {
    if (problem.at.file !== place) return problem
    return { ...problem, at: this.#shape.places.at(path), message: `${place}: ${problem.message}` }
  }

  #shortForm(api: RawApi, path: string): { draft: ApiProxy; base: string } | null {
    const dialect = this.#raw.dialect ?? defaultSettings.dialect
    const draft = readShortForm(api, path, dialect, this.#shape.places, this.#problems)
    return draft === null ? null : { draft, base: '' }
  }

  /** The thing that an api refers to by one of its names. */
  #named<T>(
    kind: 'service' | 'throttle',
    name: string | undefined,
    path: string,
    things: readonly T[],
    namesOf: (thing: T) => readonly string[],
  ): T | undefined {
    if (name === undefined) return undefined
    const found = things.find((thing) => namesOf(thing).includes(name))
    if (found !== undefined || this.#wasBroken(kind, name)) return found
    const nearest = didYouMean(name, things.flatMap(namesOf))
    const at = this.#shape.places.at(`${path}.${kind}`)
    this.#problems.error('UnknownReference', at, `no ${kind} of this file is called ${name}${nearest}`)
    return undefined
  }

  /** Something of that name is in the file but has errors of its own: one error for one mistake. */
  #wasBroken(kind: 'service' | 'throttle', name: string): boolean {
    if (kind === 'throttle') return (this.#raw.throttles ?? []).some((raw) => raw === undefined || raw.name === name)
    return (this.#raw.services ?? []).some((raw) => raw === undefined || raw.id === name || raw.systemName === name)
  }

  #hostMap(): HostMap {
    const map: Record<string, string> = {}
    for (const [from, to] of Object.entries(this.#raw.hostMap ?? {})) {
      const wrong = [from, to].find((origin) => !ORIGIN.test(origin))
      if (wrong === undefined) map[from.toLowerCase()] = to.toLowerCase()
      else {
        const text = `${JSON.stringify(wrong.slice(0, 100))} is no origin, as in http://real.host: http://127.0.0.1:8091`
        this.#problems.error('BadValue', this.#shape.places.at(`hostMap.${from}`), text)
      }
    }
    return map
  }
}

/** Calls that are kept with their bodies: more would fill the memory. */
const BODIES_MAX = 10_000

const ORIGIN = /^https?:\/\/[^\s/?#@]+$/i
