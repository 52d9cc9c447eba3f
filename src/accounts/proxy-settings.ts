import type { Stamps } from '../model/service.ts'
import type { AccountStore } from './ports.ts'

/** What a gateway of the service does, as the portal edits it: fields, rules and chain as the APIs have them. */
export interface ProxySettings {
  readonly fields: Readonly<Record<string, string | number | null>>
  readonly rules: readonly ProxyRule[]
  /** Entries of a policy chain, as APIcast has them. */
  readonly policies: readonly object[]
  readonly updatedAtMs: number
  /** How often it was changed. */
  readonly changes?: number
}

export interface ProxyRule extends Stamps {
  readonly id: string
  readonly method: string
  readonly pattern: string
  readonly metricId: string
  readonly delta: number
  readonly last: boolean
  readonly position: number
}

/** One published version for gateways: `content` is the SERVICE object of an APIcast configuration. */
export interface ProxyConfig extends Stamps {
  readonly id: string
  readonly version: number
  readonly environment: ProxyEnvironment
  readonly content: object
}

export type ProxyEnvironment = 'sandbox' | 'production'

/** Kinds of the documents. */
const SETTINGS = 'service-proxy'
const CONFIGS = 'service-proxy-configs'

/** Proxies and their published versions, by service. */
export class ProxySettingsStore {
  readonly #store: AccountStore
  readonly #now: () => number

  constructor(store: AccountStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  settings(service: string): ProxySettings {
    return this.#read<ProxySettings>(SETTINGS, service) ?? { fields: {}, rules: [], policies: [], updatedAtMs: 0 }
  }

  change(service: string, change: (before: ProxySettings) => Partial<ProxySettings>): ProxySettings {
    const before = this.settings(service)
    const after = { ...before, ...change(before), updatedAtMs: this.#now(), changes: (before.changes ?? 0) + 1 }
    this.#write(SETTINGS, service, after)
    return after
  }

  /** The oldest first. */
  configs(service: string, environment: ProxyEnvironment): readonly ProxyConfig[] {
    return this.#read<readonly ProxyConfig[]>(CONFIGS, `${service}/${environment}`) ?? []
  }

  addConfig(
    service: string,
    environment: ProxyEnvironment,
    id: string,
    content: object,
    version?: number,
  ): ProxyConfig {
    const before = this.configs(service, environment)
    const nowMs = this.#now()
    const next = version ?? (before.at(-1)?.version ?? 0) + 1
    const config = { id, version: next, environment, content, createdAtMs: nowMs, updatedAtMs: nowMs }
    const kept = before.filter((other) => other.version !== config.version)
    this.#write(CONFIGS, `${service}/${environment}`, [...kept, config].slice(-CONFIGS_KEPT))
    return config
  }

  remove(service: string): void {
    for (const key of [`${service}/sandbox`, `${service}/production`]) this.#write(CONFIGS, key, null)
    this.#write(SETTINGS, service, null)
  }

  #read<T>(kind: string, key: string): T | null {
    const body = this.#store.read(kind, key)
    return body === null ? null : (JSON.parse(Buffer.from(body).toString('utf8')) as T)
  }

  #write(kind: string, key: string, value: unknown): void {
    const body = value === null ? null : Buffer.from(JSON.stringify(value))
    this.#store.write([{ kind, key, body }], this.#now())
  }
}

const CONFIGS_KEPT = 1_000
