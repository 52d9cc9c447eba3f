import { createHash } from 'node:crypto'
import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import type { Account, Application, Service } from '../../model/service.ts'
import type { Places } from './shape.ts'

type List<T> = readonly (T | undefined)[]

export interface RawAccount {
  readonly id?: string
  readonly name?: string
  readonly applications?: List<RawApplication>
}

interface RawApplication {
  readonly service?: string
  readonly plan?: string
  readonly id?: string
  readonly name?: string
  readonly state?: 'active' | 'suspended'
  readonly appId?: string
  readonly clientId?: string
  readonly userKey?: string
  readonly appKeys?: List<string>
  readonly referrerFilters?: List<string>
  readonly redirectUrl?: string
}

/** Which key holds the credential of an application, by the version of its service. */
const CREDENTIAL = { '1': 'userKey', '2': 'appId', oauth: 'clientId' } as const
const CREDENTIALS = ['userKey', 'appId', 'clientId'] as const

/** Reads `accounts`: services and plans exist, credentials fit the service and differ within it. */
export class AccountReading {
  readonly accounts: Account[] = []
  readonly applications: Application[] = []
  readonly #services: readonly Service[]
  readonly #places: Places
  readonly #problems: Problems
  readonly #taken = new Set<string>()

  constructor(services: readonly Service[], places: Places, problems: Problems) {
    this.#services = services
    this.#places = places
    this.#problems = problems
  }

  read(raws: List<RawAccount>): void {
    for (const [index, raw] of raws.entries()) {
      if (raw?.id === undefined) continue
      const path = `accounts.${index}`
      this.#unique(`account ${raw.id}`, `${path}.id`)
      this.accounts.push({
        id: raw.id,
        name: raw.name ?? raw.id,
        state: 'approved',
        users: [],
        createdAtMs: 0,
        updatedAtMs: 0,
      })
      for (const [i, application] of (raw.applications ?? []).entries()) {
        if (application !== undefined) this.#application(application, raw.id, `${path}.applications.${i}`)
      }
    }
  }

  #application(raw: RawApplication, accountId: string, path: string): void {
    if (raw.service === undefined || raw.plan === undefined) return
    const service = this.#named('service', raw.service, this.#services, (one) => [one.id, one.systemName], path)
    if (service === undefined) return
    const plan = this.#named('plan', raw.plan, service.plans, (one) => [one.id, one.name], path)
    const wanted = CREDENTIAL[service.backendVersion]
    for (const other of CREDENTIALS) {
      if (other === wanted || raw[other] === undefined) continue
      const text = `${other} is not for services with backendVersion ${service.backendVersion}; they take ${wanted}`
      this.#problems.error('BadValue', this.#places.at(`${path}.${other}`), text)
    }
    const credential = raw[wanted]
    if (credential === undefined) {
      const text = `${path}.${wanted} is missing: the service has backendVersion ${service.backendVersion}`
      this.#problems.error('MissingKey', this.#places.at(path), text)
      return
    }
    const id = raw.id ?? idOf(service.id, credential)
    this.#unique(`application ${id}`, path)
    // The id that is made of a credential stands for it: a key is not for error messages.
    if (raw.id !== undefined) this.#unique(`application ${idOf(service.id, credential)}`, path)
    if (plan === undefined) return
    this.applications.push({
      id,
      accountId,
      serviceId: service.id,
      planId: plan.id,
      name: raw.name ?? raw.appId ?? raw.clientId ?? id,
      description: '',
      state: raw.state === 'suspended' ? 'suspended' : 'live',
      appId: raw.appId ?? raw.clientId ?? null,
      userKey: raw.userKey ?? null,
      keys: texts(raw.appKeys),
      referrerFilters: texts(raw.referrerFilters).map((value, index) => ({ id: String(index + 1), value })),
      redirectUrl: raw.redirectUrl ?? null,
      createdAtMs: 0,
      updatedAtMs: 0,
    })
  }

  #named<T>(
    kind: 'service' | 'plan',
    name: string,
    things: readonly T[],
    namesOf: (thing: T) => readonly string[],
    path: string,
  ): T | undefined {
    const found = things.find((thing) => namesOf(thing).includes(name))
    if (found === undefined && !this.#places.isBroken('services')) {
      const nearest = didYouMean(name, things.flatMap(namesOf))
      const text = `no ${kind} is called ${name}${nearest}`
      this.#problems.error('UnknownReference', this.#places.at(`${path}.${kind}`), text)
    }
    return found
  }

  #unique(what: string, path: string): void {
    if (this.#taken.has(what)) this.#problems.error('DuplicateName', this.#places.at(path), `${what} is there already`)
    this.#taken.add(what)
  }
}

/** The same number for the same credential, at every start; nobody can tell the credential from it. */
function idOf(service: string, credential: string): string {
  const hash = createHash('sha256').update(`${service}\0${credential}`).digest()
  return String(1_000_000_000_000 + (hash.readUIntBE(0, 6) % 1_000_000_000_000))
}

function texts(list: List<string> | undefined): string[] {
  return (list ?? []).filter((text) => text !== undefined)
}
