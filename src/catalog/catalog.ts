import type { Draft } from '../dialects/apig/draft.ts'
import type { PublishedApi } from '../model/apig.ts'
import type { DeployedProxy, PosternConfig } from '../model/deployment.ts'
import type { EnvironmentEntities } from '../model/entities.ts'
import { problemLine } from '../model/problem.ts'
import type { ApiProxy } from '../model/proxy.ts'
import { type ApigResources, apigResources, documentChanges, draftOver, openApig } from './apig.ts'
import { deployedAt } from './deployed.ts'
import { ENTITY_KINDS, type EntityWord } from './entity-kinds.ts'
import { CatalogError } from './error.ts'
import { FlowCatalog, mustNotBeDeployed } from './flows.ts'
import type { CatalogServices, DocumentChange } from './ports.ts'
import { errorText, PROXIES, Revisions } from './revisions.ts'

/** A revision that is served, through an admin API. */
export interface Deployment {
  readonly name: string
  readonly revision: number
  /** Put before the base paths of the bundle; empty: as they are. */
  readonly basePath: string
}

/** By the name of the proxy. */
type Deployments = ReadonlyMap<string, { readonly deployment: Deployment; readonly deployed: DeployedProxy }>

const DEPLOYMENT = 'api-deployment'

/**
 * What is imported, deployed and set beside the files, and what is served of it all. A change is judged, published to every
 * thread, and kept; one that fails anywhere changes nothing. One change at a time.
 */
export class Catalog {
  readonly revisions: Revisions<ApiProxy>
  readonly flows: FlowCatalog
  readonly #services: CatalogServices
  #deployments: Deployments = new Map()
  #entities: EnvironmentEntities
  #lastDeployment = 0
  #apig: ApigResources
  /** Kept by the portal, not here. */
  #ofPortal: readonly DeployedProxy[] = []
  /** Versions of APIs that are kept and cannot be served. */
  readonly #brokenVersions: ReadonlySet<string>
  /** Served for a while and kept nowhere: what is being debugged. */
  #guests: readonly PublishedApi[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(services: CatalogServices) {
    this.#services = services
    this.revisions = new Revisions(PROXIES, services.documents, services.kinds)
    this.#entities = services.files.settings.entities
    const { resources, broken } = openApig(services.files.apigResources, services.documents, services.warn)
    this.#apig = resources
    this.#brokenVersions = broken
    for (const word of Object.keys(ENTITY_KINDS) as EntityWord[]) this.#loadEntities(word)
    this.flows = new FlowCatalog(services, {
      entities: () => this.#entities,
      change: (entities, changes) => this.#change(this.#deployments, entities, changes),
      oneAtATime: (work) => this.#oneAtATime(work),
    })
    this.#entities = this.flows.loaded(this.#entities)
    for (const { key } of services.documents.list(DEPLOYMENT)) this.#loadDeployment(key)
  }

  /** What is to be served now. */
  get config(): PosternConfig {
    return this.#configOf(this.#deployments, this.#entities, this.#apig)
  }

  /** Those of the files too. */
  get deployments(): Deployment[] {
    const ofFiles = this.#services.files.proxies.map(({ proxy: { name, revision } }) => ({
      name,
      revision,
      basePath: '',
    }))
    return [...ofFiles, ...[...this.#deployments.values()].map(({ deployment }) => deployment)]
  }

  /** Names of everything that can be asked for: imported, or of a file. Sorted. */
  get names(): string[] {
    const ofFiles = this.#services.files.proxies.map(({ proxy }) => proxy.name)
    return [...new Set([...ofFiles, ...this.revisions.names()])].sort()
  }

  deploymentOf(name: string): Deployment | null {
    return this.deployments.find((deployment) => deployment.name === name) ?? null
  }

  /** A revision as its files have it. Throws CatalogError when there is none. */
  proxy(name: string, revision: number): ApiProxy {
    const owned = this.#owned(name)
    return owned?.revision === revision ? owned : this.revisions.draft(name, revision)
  }

  /** Keeps a bundle as the next revision; nothing of it is served yet. */
  import(name: string, zip: Uint8Array): Promise<ApiProxy> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      return this.revisions.import(name, zip, this.#services.now())
    })
  }

  /** Serves a revision in place of another one, which `override` allows. */
  deploy(name: string, revision: number, options: { override: boolean; basePath: string }): Promise<Deployment> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      const deployed = deployedAt(this.revisions.read(name, revision), options.basePath, ++this.#lastDeployment)
      const before = this.#deployments.get(name)?.deployment
      if (before !== undefined && !options.override) {
        const text = `Revision ${before.revision} of application ${name} is deployed already; undeploy it or deploy with override=true`
        throw new CatalogError('conflict', 'messaging.config.beans.ApplicationAlreadyDeployed', text)
      }
      const deployment = { name, revision, basePath: options.basePath }
      const next = new Map(this.#deployments).set(name, { deployment, deployed })
      await this.#change(next, this.#entities, [{ kind: DEPLOYMENT, key: name, body: jsonBody(deployment) }])
      return deployment
    })
  }

  undeploy(name: string, revision: number): Promise<Deployment> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      const before = this.#deployments.get(name)?.deployment
      if (before?.revision !== revision) {
        this.revisions.zip(name, revision)
        const text = `Revision ${revision} of application ${name} is not deployed`
        throw new CatalogError('conflict', 'messaging.config.beans.ApplicationNotDeployed', text)
      }
      const next = new Map(this.#deployments)
      next.delete(name)
      await this.#change(next, this.#entities, [{ kind: DEPLOYMENT, key: name, body: null }])
      return before
    })
  }

  /** Forgets a revision, or all of them with null. Throws CatalogError while one is deployed. */
  remove(name: string, revision: number | null): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      if (revision !== null) this.revisions.zip(name, revision)
      const doomed = this.revisions.of(name).map((head) => head.revision)
      const deployed = this.#deployments.get(name)?.deployment.revision
      if (deployed !== undefined && (revision === null || revision === deployed)) {
        const text = `Revision ${deployed} of application ${name} is deployed; undeploy it first`
        throw new CatalogError('conflict', 'messaging.config.beans.ApplicationIsDeployed', text)
      }
      this.revisions.remove(name, revision === null ? doomed : [revision], this.#services.now())
    })
  }

  /** Puts another zip in the place of a revision; when it is deployed, it is served at once. */
  replaceRevision(name: string, revision: number, zip: Uint8Array): Promise<ApiProxy> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      const before = this.revisions.zip(name, revision)
      const proxy = this.revisions.replace(name, revision, zip, this.#services.now())
      const deployment = this.#deployments.get(name)?.deployment
      if (deployment?.revision !== revision) return proxy
      const deployed = deployedAt(proxy, deployment.basePath, ++this.#lastDeployment)
      const next = new Map(this.#deployments).set(name, { deployment, deployed })
      await this.#change(next, this.#entities, []).catch((error) => {
        this.revisions.replace(name, revision, before, this.#services.now())
        throw error
      })
      return proxy
    })
  }

  /** Puts one file into a revision that is not deployed. */
  addFile(name: string, revision: number, path: string, content: Uint8Array): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      mustNotBeDeployed(this.#deployments.get(name)?.deployment.revision === revision, revision, `application ${name}`)
      this.revisions.addFile(name, revision, path, content, this.#services.now())
    })
  }

  /** Takes one file out of a revision that is not deployed. */
  removeFile(name: string, revision: number, path: string): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      mustNotBeDeployed(this.#deployments.get(name)?.deployment.revision === revision, revision, `application ${name}`)
      this.revisions.removeFile(name, revision, path, this.#services.now())
    })
  }

  entities(word: EntityWord): readonly object[] {
    return ENTITY_KINDS[word].of(this.#entities)
  }

  entity(word: EntityWord, key: string): object {
    const kind = ENTITY_KINDS[word]
    const found =
      kind.of(this.#entities).find((entity) => kind.key(entity) === key) ??
      kind.of(this.#entities).find((entity) => kind.otherKey?.(entity) === key)
    if (found !== undefined) return found
    throw new CatalogError('missing', kind.missing, `${kind.noun} named ${key} does not exist in this ${kind.scope}`)
  }

  /** Makes an entity of a client's JSON. */
  createEntity(word: EntityWord, body: unknown): Promise<object> {
    return this.#oneAtATime(async () => {
      const kind = ENTITY_KINDS[word]
      const entity = kind.read(body)
      const key = kind.key(entity)
      if (kind.of(this.#entities).some((other) => kind.key(other) === key)) {
        const text = `${kind.noun} named ${key} is there already`
        throw new CatalogError('conflict', `messaging.config.beans.${kind.noun}AlreadyExists`, text)
      }
      await this.#replace(word, key, entity)
      return entity
    })
  }

  /** Replaces an entity by what `change` makes of it. */
  changeEntity(word: EntityWord, name: string, change: (before: object) => object): Promise<object> {
    return this.#oneAtATime(async () => {
      const before = this.entity(word, name)
      const entity = change(before)
      const key = ENTITY_KINDS[word].key(before)
      this.#entityMustNotBeOwned(word, key)
      await this.#replace(word, key, entity)
      return entity
    })
  }

  removeEntity(word: EntityWord, name: string): Promise<object> {
    return this.#oneAtATime(async () => {
      const entity = this.entity(word, name)
      const key = ENTITY_KINDS[word].key(entity)
      this.#entityMustNotBeOwned(word, key)
      await this.#replace(word, key, null)
      return entity
    })
  }

  /** Resources of the apig dialect as they are; nothing that is done with it is kept. */
  get apig(): Draft {
    return this.#draft()
  }

  /** Changes resources of the apig dialect, all or nothing: in force in every thread and kept when it resolves. */
  changeApig<T>(work: (draft: Draft) => T): Promise<T> {
    return this.#oneAtATime(async () => {
      const draft = this.#draft()
      const made = work(draft)
      const { changes } = draft
      if (changes.length > 0) {
        const next = apigResources(draft.state(), this.#brokenVersions)
        await this.#change(this.#deployments, this.#entities, documentChanges(changes), next)
      }
      return made
    })
  }

  /** Serves one more API while `work` runs. Other changes need not wait for it. */
  async withApi<T>(api: PublishedApi, work: () => Promise<T>): Promise<T> {
    const serve = (guests: readonly PublishedApi[]): Promise<void> => {
      this.#guests = guests
      return this.#services.publish(this.config)
    }
    await this.#oneAtATime(() => serve([...this.#guests, api]))
    try {
      return await work()
    } finally {
      await this.#oneAtATime(() => serve(this.#guests.filter((one) => one !== api)))
    }
  }

  #draft(): Draft {
    return draftOver(this.#apig.state, this.#services.files.apigResources, this.#services.now())
  }

  /** Serves these in place of what a portal had configured before. Throws CatalogError when they do not fit beside the others. */
  usePortal(proxies: readonly DeployedProxy[]): Promise<void> {
    return this.#oneAtATime(async () => {
      const before = this.#ofPortal
      this.#ofPortal = proxies
      try {
        await this.#change(this.#deployments, this.#entities, [])
      } catch (error) {
        this.#ofPortal = before
        throw error
      }
    })
  }

  async #replace(word: EntityWord, key: string, entity: object | null): Promise<void> {
    const kind = ENTITY_KINDS[word]
    const others = kind.of(this.#entities).filter((other) => kind.key(other) !== key)
    const next = kind.with(this.#entities, entity === null ? others : [...others, entity])
    const body = entity === null ? null : jsonBody(entity)
    await this.#change(this.#deployments, next, [{ kind: word, key, body }])
  }

  /** Judge, publish, keep; when it cannot be kept, what was served before is served again. */
  async #change(
    deployments: Deployments,
    entities: EnvironmentEntities,
    changes: readonly DocumentChange[],
    apig: ApigResources = this.#apig,
  ): Promise<void> {
    const { judge, publish, documents, now } = this.#services
    const next = this.#configOf(deployments, entities, apig)
    const problems = judge(next)
    if (problems.some((problem) => problem.severity === 'error')) {
      const first = problems.find((problem) => problem.severity === 'error')!
      throw new CatalogError('invalid', `messaging.config.beans.${first.code}`, errorText(problems))
    }
    await publish(next)
    try {
      documents.write(changes, now())
    } catch (error) {
      await publish(this.config)
      throw error
    }
    this.#deployments = deployments
    this.#entities = entities
    this.#apig = apig
  }

  #configOf(deployments: Deployments, entities: EnvironmentEntities, apig: ApigResources): PosternConfig {
    const { files } = this.#services
    return {
      ...files,
      settings: { ...files.settings, entities },
      apig: { ...apig.runtime, apis: [...apig.runtime.apis, ...this.#guests] },
      proxies: [...files.proxies, ...this.#ofPortal, ...[...deployments.values()].map(({ deployed }) => deployed)],
    }
  }

  #owned(name: string): ApiProxy | null {
    return this.#services.files.proxies.find(({ proxy }) => proxy.name === name)?.proxy ?? null
  }

  #mustNotBeOwned(name: string): void {
    if (this.#owned(name) === null) return
    const text = `${name} comes from a file that this gateway was started with; change it there, or start without it`
    throw new CatalogError('owned-by-file', 'messaging.config.beans.OwnedByFile', text)
  }

  #entityMustNotBeOwned(word: EntityWord, key: string): void {
    const kind = ENTITY_KINDS[word]
    if (!kind.of(this.#services.files.settings.entities).some((entity) => kind.key(entity) === key)) return
    const text = `${kind.noun} ${key} comes from the configuration file of this gateway; change it there`
    throw new CatalogError('owned-by-file', 'messaging.config.beans.OwnedByFile', text)
  }

  /** At start: what a file names wins over what was set before. */
  #loadEntities(word: EntityWord): void {
    const kind = ENTITY_KINDS[word]
    const keys = new Set(kind.of(this.#entities).map((entity) => kind.key(entity)))
    const { documents } = this.#services
    const kept = documents.list(word).filter(({ key }) => !keys.has(key))
    const read = kept.map(({ key }) => JSON.parse(Buffer.from(documents.read(word, key)!).toString('utf8')) as object)
    this.#entities = kind.with(this.#entities, [...kind.of(this.#entities), ...read])
  }

  /** At start: a deployment that can no longer be served is told and left out, so that the others are served. */
  #loadDeployment(name: string): void {
    const { documents, judge, warn } = this.#services
    if (this.#owned(name) !== null) return
    try {
      const text = Buffer.from(documents.read(DEPLOYMENT, name)!).toString('utf8')
      const deployment = JSON.parse(text) as Deployment
      const proxy = this.revisions.read(name, deployment.revision)
      const deployed = deployedAt(proxy, deployment.basePath, ++this.#lastDeployment)
      const next = new Map(this.#deployments).set(name, { deployment, deployed })
      const error = judge(this.#configOf(next, this.#entities, this.#apig)).find(
        (problem) => problem.severity === 'error',
      )
      if (error !== undefined) throw new Error(problemLine(error))
      this.#deployments = next
    } catch (error) {
      warn({ proxy: name, reason: (error as Error).message }, 'a deployed proxy cannot be served and is left out')
    }
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    return mine
  }
}

const jsonBody = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
