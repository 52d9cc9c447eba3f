import { hash } from 'node:crypto'
import { PERIODS, type Period } from '../core/calendar.ts'
import type { CounterKeys, KeyPrefix } from '../core/counter-keys.ts'
import type { Account, Application, Plan, Service } from '../model/service.ts'
import { MetricTree } from './metric-tree.ts'
import type { AccountDocuments } from './ports.ts'
import { compileFilters } from './referrer-filter.ts'

/** Kinds of the documents, and what their keys are. */
export const DOCUMENT = {
  /** id */
  service: 'service',
  /** system name -> id */
  serviceName: 'service-name',
  /** provider key, hashed -> ids of its services, the default first */
  provider: 'provider',
  /** id */
  account: 'account',
  /** id */
  application: 'application',
  /** service id / app_id, hashed -> id */
  appId: 'application-app-id',
  /** service id / user key, hashed -> id */
  userKey: 'application-user-key',
} as const

/** Keys of documents can be read in the file: no credential is one. */
export const hashed = (secret: string): string => hash('sha256', secret, 'base64url')

export const credentialKey = (service: string, credential: string): string => `${service}/${hashed(credential)}`

/** A limit of a plan, ready to be asked for. */
export interface LimitView {
  readonly metric: string
  /** Of the metric in the tree. */
  readonly place: number
  readonly period: Period
  readonly max: number
}

export interface PlanView {
  readonly plan: Plan
  /** Those whose metric still exists. */
  readonly limits: readonly LimitView[]
}

export interface ServiceView {
  readonly service: Service
  readonly tree: MetricTree
  readonly plans: ReadonlyMap<string, PlanView>
}

export interface ApplicationView {
  readonly application: Application
  readonly service: ServiceView
  readonly plan: PlanView
  /** Keys of the counters of the plan's limits, in their order: two halves each. */
  readonly counterKeys: Int32Array
  /** Null: it has no filters. */
  readonly admitsReferrer: ((referrer: string) => boolean) | null
}

/** What is looked up is kept at hand in this number; then all of it is forgotten. */
const KNOWN_MAX = 50_000

const NO_PLAN: Plan = { id: '', systemName: '', name: '', state: 'hidden', limits: [] }

/** Who may call, as the gateway threads read it. What was read is good until `forget`. */
export class Directory {
  readonly #documents: AccountDocuments
  readonly #counterKeys: ReadonlyMap<Period, KeyPrefix>
  #services = new Map<string, ServiceView>()
  #providers = new Map<string, readonly string[]>()
  #applications = new Map<string, ApplicationView>()
  /** By kind and key. */
  #credentials = new Map<string, ApplicationView>()

  constructor(documents: AccountDocuments, keys: CounterKeys) {
    this.#documents = documents
    this.#counterKeys = new Map(PERIODS.map((period) => [period, keys.prefix('usage', period)]))
  }

  /** Something has changed. */
  forget(): void {
    this.#services = new Map()
    this.#providers = new Map()
    this.#applications = new Map()
    this.#credentials = new Map()
  }

  service(id: string): ServiceView | null {
    const known = this.#services.get(id)
    if (known !== undefined) return known
    const service = this.#read<Service>(DOCUMENT.service, id)
    if (service === null) return null
    const view = viewOf(service)
    this.#services.set(id, view)
    return view
  }

  serviceByName(systemName: string): ServiceView | null {
    const id = this.#read<string>(DOCUMENT.serviceName, systemName)
    return id === null ? null : this.service(id)
  }

  /** Ids of the services of a provider key, the default one first; empty: there is no such key. */
  servicesOfProvider(key: string): readonly string[] {
    const known = this.#providers.get(key)
    if (known !== undefined) return known
    const ids = this.#read<readonly string[]>(DOCUMENT.provider, hashed(key)) ?? []
    if (ids.length > 0) this.#providers.set(key, ids)
    return ids
  }

  account(id: string): Account | null {
    return this.#read<Account>(DOCUMENT.account, id)
  }

  byAppId(service: string, appId: string): ApplicationView | null {
    return this.#byCredential(DOCUMENT.appId, service, appId)
  }

  byUserKey(service: string, userKey: string): ApplicationView | null {
    return this.#byCredential(DOCUMENT.userKey, service, userKey)
  }

  application(id: string): ApplicationView | null {
    const known = this.#applications.get(id)
    if (known !== undefined) return known
    const application = this.#read<Application>(DOCUMENT.application, id)
    const service = application === null ? null : this.service(application.serviceId)
    if (application === null || service === null) return null
    const plan = service.plans.get(application.planId) ?? { plan: NO_PLAN, limits: [] }
    const view = {
      application,
      service,
      plan,
      counterKeys: this.#keysOf(application.id, plan),
      admitsReferrer: compileFilters(application.referrerFilters.map(({ value }) => value)),
    }
    if (this.#applications.size >= KNOWN_MAX) this.forget()
    this.#applications.set(id, view)
    return view
  }

  #byCredential(kind: string, service: string, credential: string): ApplicationView | null {
    const name = `${kind} ${service}/${credential}`
    const known = this.#credentials.get(name)
    if (known !== undefined) return known
    const id = this.#read<string>(kind, credentialKey(service, credential))
    const view = id === null ? null : this.application(id)
    if (view !== null) this.#credentials.set(name, view)
    return view
  }

  #keysOf(application: string, { limits }: PlanView): Int32Array {
    const keys = new Int32Array(limits.length * 2)
    for (const [i, { metric, period }] of limits.entries()) {
      this.#counterKeys.get(period)!.writeWith(`${application}\0${metric}`, keys, i)
    }
    return keys
  }

  #read<T>(kind: string, key: string): T | null {
    const body = this.#documents.read(kind, key)
    return body === null ? null : (JSON.parse(Buffer.from(body).toString('utf8')) as T)
  }
}

function viewOf(service: Service): ServiceView {
  const tree = new MetricTree(service.metrics)
  const plans = service.plans.map((plan): [string, PlanView] => {
    const limits = plan.limits.flatMap(({ metric, period, value }): LimitView[] => {
      const place = tree.place(metric)
      return place < 0 ? [] : [{ metric, place, period, max: value }]
    })
    return [plan.id, { plan, limits }]
  })
  return { service, tree, plans: new Map(plans) }
}
