import type { Account, Application, Service } from '../model/service.ts'
import { credentialKey, DOCUMENT, hashed } from './directory.ts'
import { IdSource } from './id-source.ts'
import type { AccountStore } from './ports.ts'

/** What configuration files say about accounts. They own what they name: nobody else changes it. */
export interface FileAccounts {
  readonly services: readonly Service[]
  readonly accounts: readonly Account[]
  readonly applications: readonly Application[]
}

export type RegistryReason = 'missing' | 'taken' | 'owned-by-file'

/** Why a change was refused; nothing was changed. */
export class RegistryError extends Error {
  readonly reason: RegistryReason
  /** The field that is to blame; null: the whole. */
  readonly field: string | null

  constructor(reason: RegistryReason, field: string | null, message: string) {
    super(message)
    this.reason = reason
    this.field = field
  }
}

export interface RegistryServices {
  readonly store: AccountStore
  now(): number
  /** Resolves when every gateway thread has heard that something changed. */
  changed(): Promise<void>
}

/** Documents that only this class reads: what files own. */
const OWNED = 'account-file-owned'

interface Change {
  readonly kind: string
  readonly key: string
  readonly value: unknown
}

/**
 * Services, accounts and applications, on the main thread: in memory to be listed, kept in documents of which the gateway threads
 * read what they need (`Directory`). A change is kept, then in force in every thread when its promise resolves. One at a time.
 */
export class Registry {
  readonly #services: RegistryServices
  readonly #serviceById = new Map<string, Service>()
  readonly #accountById = new Map<string, Account>()
  readonly #applicationById = new Map<string, Application>()
  readonly #owned = new Set<string>()
  readonly #ids: IdSource
  #last: Promise<unknown> = Promise.resolve()

  constructor(services: RegistryServices, files: FileAccounts) {
    this.#services = services
    this.#ids = new IdSource(services.store, services.now)
    this.#load(DOCUMENT.service, this.#serviceById)
    this.#load(DOCUMENT.account, this.#accountById)
    this.#load(DOCUMENT.application, this.#applicationById)
    this.#takeOver(files)
    for (const service of this.#serviceById.values()) this.#noteIds(service)
    for (const id of [...this.#accountById.keys(), ...this.#applicationById.keys()]) this.#ids.note(id)
  }

  get services(): Service[] {
    return [...this.#serviceById.values()]
  }

  get accounts(): Account[] {
    return [...this.#accountById.values()]
  }

  get applications(): Application[] {
    return [...this.#applicationById.values()]
  }

  service(id: string): Service | null {
    return this.#serviceById.get(id) ?? null
  }

  account(id: string): Account | null {
    return this.#accountById.get(id) ?? null
  }

  application(id: string): Application | null {
    return this.#applicationById.get(id) ?? null
  }

  /** True: a configuration file names it, and nobody else may change it. */
  isOwned(kind: string, id: string): boolean {
    return this.#owned.has(`${kind}/${id}`)
  }

  /** A number that is no id yet, and never was one. */
  nextId(): string {
    return this.#ids.next()
  }

  /** Adds a service, or replaces it. */
  putService(id: string, make: (before: Service | null) => Service): Promise<Service> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(DOCUMENT.service, id)
      const before = this.service(id)
      const service = make(before)
      const twin = this.services.find((other) => other.id !== id && other.systemName === service.systemName)
      if (twin !== undefined) throw new RegistryError('taken', 'system_name', 'has already been taken')
      this.#serviceById.set(id, service)
      await this.#keep(this.#serviceChanges(before, service), () => restore(this.#serviceById, id, before))
      return service
    })
  }

  /** Removes a service with its applications. */
  removeService(id: string): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(DOCUMENT.service, id)
      const before = this.service(id)
      if (before === null) throw new RegistryError('missing', null, 'Not found')
      const doomed = this.applications.filter(({ serviceId }) => serviceId === id)
      this.#serviceById.delete(id)
      for (const application of doomed) this.#applicationById.delete(application.id)
      const changes = [
        ...this.#serviceChanges(before, null),
        ...doomed.flatMap((application) => applicationChanges(application, null)),
      ]
      await this.#keep(changes, () => {
        this.#serviceById.set(id, before)
        for (const application of doomed) this.#applicationById.set(application.id, application)
      })
    })
  }

  putAccount(id: string, make: (before: Account | null) => Account): Promise<Account> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(DOCUMENT.account, id)
      const before = this.account(id)
      const account = make(before)
      this.#accountById.set(id, account)
      await this.#keep([{ kind: DOCUMENT.account, key: id, value: account }], () =>
        restore(this.#accountById, id, before),
      )
      return account
    })
  }

  /** Removes an account with its applications. */
  removeAccount(id: string): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(DOCUMENT.account, id)
      const before = this.account(id)
      if (before === null) throw new RegistryError('missing', null, 'Not found')
      const doomed = this.applications.filter(({ accountId }) => accountId === id)
      this.#accountById.delete(id)
      for (const application of doomed) this.#applicationById.delete(application.id)
      const changes = [
        { kind: DOCUMENT.account, key: id, value: null },
        ...doomed.flatMap((application) => applicationChanges(application, null)),
      ]
      await this.#keep(changes, () => {
        this.#accountById.set(id, before)
        for (const application of doomed) this.#applicationById.set(application.id, application)
      })
    })
  }

  putApplication(id: string, make: (before: Application | null) => Application): Promise<Application> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(DOCUMENT.application, id)
      const before = this.application(id)
      const application = make(before)
      this.#mustBeItsOwn(application)
      this.#applicationById.set(id, application)
      await this.#keep(applicationChanges(before, application), () => restore(this.#applicationById, id, before))
      return application
    })
  }

  removeApplication(id: string): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(DOCUMENT.application, id)
      const before = this.application(id)
      if (before === null) throw new RegistryError('missing', null, 'Not found')
      this.#applicationById.delete(id)
      await this.#keep(applicationChanges(before, null), () => this.#applicationById.set(id, before))
    })
  }

  /** No two applications of a service have the same app_id or user_key. */
  #mustBeItsOwn({ id, serviceId, appId, userKey }: Application): void {
    const taken = (kind: string, value: string | null): boolean => {
      const body = value === null ? null : this.#services.store.read(kind, credentialKey(serviceId, value))
      return body !== null && parse(body) !== id
    }
    if (taken(DOCUMENT.appId, appId)) throw new RegistryError('taken', 'application_id', 'has already been taken')
    if (taken(DOCUMENT.userKey, userKey)) throw new RegistryError('taken', 'user_key', 'has already been taken')
  }

  #serviceChanges(before: Service | null, after: Service | null): Change[] {
    const changes: Change[] = [{ kind: DOCUMENT.service, key: (after ?? before)!.id, value: after }]
    if (before !== null && before.systemName !== after?.systemName) {
      changes.push({ kind: DOCUMENT.serviceName, key: before.systemName, value: null })
    }
    if (after !== null) changes.push({ kind: DOCUMENT.serviceName, key: after.systemName, value: after.id })
    for (const key of new Set([before?.providerKey ?? null, after?.providerKey ?? null])) {
      if (key === null) continue
      const ids = this.services.filter(({ providerKey }) => providerKey === key).map(({ id }) => id)
      changes.push({ kind: DOCUMENT.provider, key: hashed(key), value: ids.length === 0 ? null : ids })
    }
    return changes
  }

  /** At start: what files name replaces what they named before, and what anybody made under the same id. */
  #takeOver(files: FileAccounts): void {
    const changes: Change[] = []
    const { store } = this.#services
    const now = new Set([
      ...files.services.map(({ id }) => `${DOCUMENT.service}/${id}`),
      ...files.accounts.map(({ id }) => `${DOCUMENT.account}/${id}`),
      ...files.applications.map(({ id }) => `${DOCUMENT.application}/${id}`),
    ])
    for (const { key } of store.list(OWNED)) if (!now.has(key)) this.#disown(key, changes)
    for (const service of files.services) {
      const before = this.service(service.id)
      this.#serviceById.set(service.id, service)
      changes.push(...this.#serviceChanges(before, service))
    }
    for (const account of files.accounts) {
      this.#accountById.set(account.id, account)
      changes.push({ kind: DOCUMENT.account, key: account.id, value: account })
    }
    for (const application of files.applications) {
      const before = this.application(application.id)
      this.#applicationById.set(application.id, application)
      changes.push(...applicationChanges(before, application))
    }
    for (const key of now) {
      this.#owned.add(key)
      changes.push({ kind: OWNED, key, value: true })
    }
    if (changes.length > 0) this.#write(changes)
  }

  /** A file does not name it any more. */
  #disown(key: string, changes: Change[]): void {
    changes.push({ kind: OWNED, key, value: null })
    const slash = key.indexOf('/')
    const id = key.slice(slash + 1)
    switch (key.slice(0, slash)) {
      case DOCUMENT.service: {
        const before = this.service(id)
        this.#serviceById.delete(id)
        if (before !== null) changes.push(...this.#serviceChanges(before, null))
        return
      }
      case DOCUMENT.account:
        this.#accountById.delete(id)
        changes.push({ kind: DOCUMENT.account, key: id, value: null })
        return
      case DOCUMENT.application: {
        const before = this.application(id)
        this.#applicationById.delete(id)
        if (before !== null) changes.push(...applicationChanges(before, null))
      }
    }
  }

  /** Keeps and tells; when it cannot be kept nothing has changed. */
  async #keep(changes: readonly Change[], undo: () => void): Promise<void> {
    try {
      this.#write(changes)
    } catch (error) {
      undo()
      throw error
    }
    await this.#services.changed()
  }

  #write(changes: readonly Change[]): void {
    const bodies = changes.map(({ kind, key, value }) => ({
      kind,
      key,
      body: value === null ? null : Buffer.from(JSON.stringify(value)),
    }))
    this.#services.store.write(bodies, this.#services.now())
  }

  #load<T>(kind: string, into: Map<string, T>): void {
    const { store } = this.#services
    for (const { key } of store.list(kind)) {
      const body = store.read(kind, key)
      if (body !== null) into.set(key, parse(body) as T)
    }
  }

  #noteIds(service: Service): void {
    this.#ids.note(service.id)
    for (const { id } of service.metrics) this.#ids.note(id)
    for (const plan of service.plans) {
      this.#ids.note(plan.id)
      for (const { id } of plan.limits) this.#ids.note(id)
    }
  }

  #mustNotBeOwned(kind: string, id: string): void {
    if (!this.isOwned(kind, id)) return
    const text = `${kind} ${id} comes from a file that this gateway was started with; change it there`
    throw new RegistryError('owned-by-file', null, text)
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    return mine
  }
}

function applicationChanges(before: Application | null, after: Application | null): Change[] {
  const { id } = (after ?? before)!
  const changes: Change[] = [{ kind: DOCUMENT.application, key: id, value: after }]
  for (const application of [before, after]) {
    if (application === null) continue
    const value = application === after ? id : null
    const { serviceId, appId, userKey } = application
    if (appId !== null) changes.push({ kind: DOCUMENT.appId, key: credentialKey(serviceId, appId), value })
    if (userKey !== null) changes.push({ kind: DOCUMENT.userKey, key: credentialKey(serviceId, userKey), value })
  }
  return changes
}

function restore<T>(map: Map<string, T>, id: string, before: T | null): void {
  if (before === null) map.delete(id)
  else map.set(id, before)
}

const parse = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body).toString('utf8'))
