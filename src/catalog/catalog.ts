import type { Draft } from '../dialects/apig/draft.ts'
import type { PublishedApi } from '../model/apig.ts'
import type { DeployedProxy, PosternConfig } from '../model/deployment.ts'
import { type EnvironmentEntities, noEntities } from '../model/entities.ts'
import type { ApiProxy } from '../model/proxy.ts'
import { type ApigResources, apigResources, documentChanges, draftOver, openApig } from './apig.ts'
import { type Deployment, type DeployOptions, deployedAt } from './deployed.ts'
import { ENTITY_KINDS, type EntityWord } from './entity-kinds.ts'
import {
  documentKey,
  ENVIRONMENT,
  type Environments,
  loadEnvironments,
  mustBeNew,
  placeOf,
  removalsOf,
  settingsOfAll,
} from './environments.ts'
import { CatalogError } from './error.ts'
import { FlowCatalog, mustNotBeDeployed } from './flows.ts'
import { History, type HistoryEntry } from './history.ts'
import { DEPLOYMENT, type Deployments, loadDeployments } from './load-deployments.ts'
import type { CatalogServices, DocumentChange } from './ports.ts'
import { environmentsAfter, filesAfter, mustBeSamePlace } from './reload.ts'
import { errorText, PROXIES, Revisions } from './revisions.ts'

/**
 * What is imported, deployed and set beside the files, and what is served of it all. A change is judged, published to every
 * thread, and kept; one that fails anywhere changes nothing. One change at a time.
 */
export class Catalog {
  readonly revisions: Revisions<ApiProxy>
  readonly flows: FlowCatalog
  readonly #history: History
  readonly #services: CatalogServices & { files: PosternConfig }
  /** The gateway's own environment. */
  readonly #own: string
  #deployments: Deployments = new Map()
  #environments: Environments
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
    this.#services = { ...services }
    this.revisions = new Revisions(PROXIES, services.documents, services.kinds)
    this.#history = new History('deployment-history', services.documents, () => services.now())
    this.#own = services.files.settings.environment
    this.#environments = loadEnvironments(services.files, services.documents)
    const { resources, broken } = openApig(services.files.apigResources, services.documents, services.warn)
    this.#apig = resources
    this.#brokenVersions = broken
    for (const word of Object.keys(ENTITY_KINDS) as EntityWord[]) this.#loadEntities(word)
    this.flows = new FlowCatalog(this.#services, {
      environments: () => this.#environments,
      change: (environment, entities, changes) =>
        this.#change(this.#deployments, this.#with(environment, entities), changes),
      oneAtATime: (work) => this.#oneAtATime(work),
    })
    this.#environments = this.flows.loaded(this.#environments)
    this.#deployments = this.#loadDeployments()
  }

  /** What is to be served now. */
  get config(): PosternConfig {
    return this.#configOf(this.#deployments, this.#environments, this.#apig)
  }

  /** Those of the files too. */
  get deployments(): Deployment[] {
    const ofFiles = this.#services.files.proxies.map(({ proxy: { name, revision } }) => ({
      environment: this.#own,
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

  deploymentOf(name: string, environment: string): Deployment | null {
    return this.deployments.find((one) => one.name === name && one.environment === environment) ?? null
  }

  /** What was served under a name in an environment, the latest first. */
  history(name: string, environment: string): readonly HistoryEntry[] {
    return this.#history.of(documentKey(this.#own, environment, name))
  }

  /** Names of the environments, the gateway's own first. */
  get environments(): string[] {
    return [...this.#environments.keys()]
  }

  addEnvironment(name: string): Promise<void> {
    return this.#oneAtATime(async () => {
      mustBeNew(this.#environments, name)
      const next = new Map(this.#environments).set(name, noEntities)
      await this.#change(this.#deployments, next, [{ kind: ENVIRONMENT, key: name, body: jsonBody({ name }) }])
    })
  }

  /** Forgets an environment that nothing is deployed in, with all that was set in it. */
  removeEnvironment(name: string): Promise<void> {
    return this.#oneAtATime(async () => {
      const { settings, environments } = this.#services.files
      const conflict = [settings, ...environments].some(({ environment }) => environment === name)
        ? `Environment ${name} comes from the configuration of this gateway; change it there`
        : [...this.#deployments.values()].some(({ deployment }) => deployment.environment === name)
          ? `Environment ${name} has deployments; undeploy them first`
          : null
      if (conflict !== null) throw new CatalogError('conflict', 'messaging.config.beans.EnvironmentInUse', conflict)
      const next = new Map(this.#environments)
      next.delete(name)
      const kinds = [...Object.keys(ENTITY_KINDS), ...this.flows.documentKinds, this.#history.kind]
      const doomed = removalsOf(this.#services.documents, kinds, name)
      await this.#change(this.#deployments, next, [...doomed, { kind: ENVIRONMENT, key: name, body: null }])
    })
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

  /** Serves a revision in place of another one in an environment, which `override` allows. */
  deploy(name: string, revision: number, options: DeployOptions): Promise<Deployment> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      const { environment, basePath, override } = options
      const deployment = { environment, name, revision, basePath }
      const deployed = this.#deployed(this.revisions.read(name, revision), deployment)
      const key = documentKey(this.#own, environment, name)
      const before = this.#deployments.get(key)?.deployment
      if (before !== undefined && !override) {
        const text = `Revision ${before.revision} of application ${name} is deployed in environment ${environment} already; undeploy it or deploy with override=true`
        throw new CatalogError('conflict', 'messaging.config.beans.ApplicationAlreadyDeployed', text)
      }
      const next = new Map(this.#deployments).set(key, { deployment, deployed })
      await this.#change(next, this.#environments, [
        { kind: DEPLOYMENT, key, body: jsonBody(deployment) },
        this.#history.adding(key, { ...deployment, state: 'deployed' }),
      ])
      return deployment
    })
  }

  undeploy(name: string, revision: number, environment: string): Promise<Deployment> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      const key = documentKey(this.#own, environment, name)
      const before = this.#deployments.get(key)?.deployment
      if (before?.revision !== revision) {
        this.revisions.zip(name, revision)
        const text = `Revision ${revision} of application ${name} is not deployed in environment ${environment}`
        throw new CatalogError('conflict', 'messaging.config.beans.ApplicationNotDeployed', text)
      }
      const next = new Map(this.#deployments)
      next.delete(key)
      await this.#change(next, this.#environments, [
        { kind: DEPLOYMENT, key, body: null },
        this.#history.adding(key, { ...before, state: 'undeployed' }),
      ])
      return before
    })
  }

  /** Forgets a revision, or all of them with null. Throws CatalogError while one is deployed. */
  remove(name: string, revision: number | null): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      if (revision !== null) this.revisions.zip(name, revision)
      const doomed = this.revisions.of(name).map((head) => head.revision)
      const deployed = this.#deploymentsOf(name).find((one) => revision === null || one.revision === revision)
      if (deployed !== undefined) {
        const text = `Revision ${deployed.revision} of application ${name} is deployed in environment ${deployed.environment}; undeploy it first`
        throw new CatalogError('conflict', 'messaging.config.beans.ApplicationIsDeployed', text)
      }
      this.revisions.remove(name, revision === null ? doomed : [revision], this.#services.now())
      if (revision === null) this.#history.forget(this.environments.map((one) => documentKey(this.#own, one, name)))
    })
  }

  /** Puts another zip in the place of a revision; when it is deployed, it is served at once. */
  replaceRevision(name: string, revision: number, zip: Uint8Array): Promise<ApiProxy> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      const before = this.revisions.zip(name, revision)
      const proxy = this.revisions.replace(name, revision, zip, this.#services.now())
      const places = this.#deploymentsOf(name).filter((one) => one.revision === revision)
      if (places.length === 0) return proxy
      const next = new Map(this.#deployments)
      for (const deployment of places) {
        const key = documentKey(this.#own, deployment.environment, name)
        next.set(key, { deployment, deployed: this.#deployed(proxy, deployment) })
      }
      await this.#change(next, this.#environments, []).catch((error) => {
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
      this.#revisionMustNotBeDeployed(name, revision)
      this.revisions.addFile(name, revision, path, content, this.#services.now())
    })
  }

  /** Takes one file out of a revision that is not deployed. */
  removeFile(name: string, revision: number, path: string): Promise<void> {
    return this.#oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      this.#revisionMustNotBeDeployed(name, revision)
      this.revisions.removeFile(name, revision, path, this.#services.now())
    })
  }

  /** `environment` says whose, where the kind is one of environments. */
  entities(word: EntityWord, environment: string = this.#own): readonly object[] {
    return ENTITY_KINDS[word].of(this.#environments.get(environment)!)
  }

  entity(word: EntityWord, key: string, environment: string = this.#own): object {
    const kind = ENTITY_KINDS[word]
    const all = this.entities(word, environment)
    const found =
      all.find((entity) => kind.key(entity) === key) ?? all.find((entity) => kind.otherKey?.(entity) === key)
    if (found !== undefined) return found
    throw new CatalogError('missing', kind.missing, `${kind.noun} named ${key} does not exist in this ${kind.scope}`)
  }

  /** Makes an entity of a client's JSON. */
  createEntity(word: EntityWord, body: unknown, environment: string = this.#own): Promise<object> {
    return this.#oneAtATime(async () => {
      const kind = ENTITY_KINDS[word]
      const entity = kind.read(body)
      const key = kind.key(entity)
      if (this.entities(word, environment).some((other) => kind.key(other) === key)) {
        const text = `${kind.noun} named ${key} is there already`
        throw new CatalogError('conflict', `messaging.config.beans.${kind.noun}AlreadyExists`, text)
      }
      await this.#replace(word, key, entity, environment)
      return entity
    })
  }

  /** Replaces an entity by what `change` makes of it. */
  changeEntity(
    word: EntityWord,
    name: string,
    change: (before: object) => object,
    environment: string = this.#own,
  ): Promise<object> {
    return this.#oneAtATime(async () => {
      const before = this.entity(word, name, environment)
      const entity = change(before)
      const key = ENTITY_KINDS[word].key(before)
      this.#entityMustNotBeOwned(word, key, environment)
      await this.#replace(word, key, entity, environment)
      return entity
    })
  }

  removeEntity(word: EntityWord, name: string, environment: string = this.#own): Promise<object> {
    return this.#oneAtATime(async () => {
      const entity = this.entity(word, name, environment)
      const key = ENTITY_KINDS[word].key(entity)
      this.#entityMustNotBeOwned(word, key, environment)
      await this.#replace(word, key, null, environment)
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
        await this.#change(this.#deployments, this.#environments, documentChanges(changes), next)
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
        await this.#change(this.#deployments, this.#environments, [])
      } catch (error) {
        this.#ofPortal = before
        throw error
      }
    })
  }

  /** Serves these in place of what the files said before. What was made beside them stays. Throws CatalogError when they do not fit. */
  useFiles(files: PosternConfig): Promise<readonly string[]> {
    return this.#oneAtATime(async () => {
      const before = this.#services.files
      mustBeSamePlace(before.settings, files.settings)
      const next = filesAfter(before, files, () => ++this.#lastDeployment)
      const environments = environmentsAfter(before, next, this.#environments)
      this.#services.files = next
      try {
        await this.#change(this.#deployments, environments, [])
      } catch (error) {
        this.#services.files = before
        throw error
      }
      return next.proxies.filter((one) => !before.proxies.includes(one)).map(({ proxy }) => proxy.name)
    })
  }

  async #replace(word: EntityWord, key: string, entity: object | null, environment: string): Promise<void> {
    const kind = ENTITY_KINDS[word]
    const others = this.entities(word, environment).filter((other) => kind.key(other) !== key)
    const next = kind.with(this.#environments.get(environment)!, entity === null ? others : [...others, entity])
    const change = {
      kind: word,
      key: documentKey(this.#own, environment, key),
      body: entity === null ? null : jsonBody(entity),
    }
    await this.#change(this.#deployments, this.#with(environment, next), [change])
  }

  #with(environment: string, entities: EnvironmentEntities): Environments {
    return new Map(this.#environments).set(environment, entities)
  }

  #deploymentsOf(name: string): Deployment[] {
    return [...this.#deployments.values()].map(({ deployment }) => deployment).filter((one) => one.name === name)
  }

  #revisionMustNotBeDeployed(name: string, revision: number): void {
    const isDeployed = this.#deploymentsOf(name).some((one) => one.revision === revision)
    mustNotBeDeployed(isDeployed, revision, `application ${name}`)
  }

  #deployed(proxy: ApiProxy, { environment, basePath }: Deployment): DeployedProxy {
    const deployed = deployedAt(proxy, basePath, ++this.#lastDeployment)
    return environment === this.#own ? deployed : { ...deployed, environment }
  }

  /** Judge, publish, keep; when it cannot be kept, what was served before is served again. */
  async #change(
    deployments: Deployments,
    environments: Environments,
    changes: readonly DocumentChange[],
    apig: ApigResources = this.#apig,
  ): Promise<void> {
    const { judge, publish, documents, now } = this.#services
    const next = this.#configOf(deployments, environments, apig)
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
    this.#environments = environments
    this.#apig = apig
  }

  #configOf(deployments: Deployments, environments: Environments, apig: ApigResources): PosternConfig {
    const { files } = this.#services
    const [settings, ...others] = settingsOfAll(files, environments)
    // A call for a host that is nobody's is routed by path: the gateway's own environment comes first.
    const inOrder = [...environments.keys()].flatMap((environment) =>
      [...deployments.values()].filter((one) => one.deployment.environment === environment).map((one) => one.deployed),
    )
    return {
      ...files,
      settings: settings!,
      environments: others,
      apig: { ...apig.runtime, apis: [...apig.runtime.apis, ...this.#guests] },
      proxies: [...files.proxies, ...this.#ofPortal, ...inOrder],
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

  #entityMustNotBeOwned(word: EntityWord, key: string, environment: string): void {
    const kind = ENTITY_KINDS[word]
    const { settings, environments } = this.#services.files
    const files = [settings, ...environments].find((one) => one.environment === environment)
    if (files === undefined || !kind.of(files.entities).some((entity) => kind.key(entity) === key)) return
    const text = `${kind.noun} ${key} comes from the configuration file of this gateway; change it there`
    throw new CatalogError('owned-by-file', 'messaging.config.beans.OwnedByFile', text)
  }

  /** At start: what a file names wins over what was set before. */
  #loadEntities(word: EntityWord): void {
    const kind = ENTITY_KINDS[word]
    const { documents } = this.#services
    for (const { key: document } of documents.list(word)) {
      const { environment, key } = placeOf(this.#own, document)
      const entities = this.#environments.get(environment)
      if (entities === undefined || kind.of(entities).some((entity) => kind.key(entity) === key)) continue
      const read = JSON.parse(Buffer.from(documents.read(word, document)!).toString('utf8')) as object
      this.#environments = this.#with(environment, kind.with(entities, [...kind.of(entities), read]))
    }
  }

  #loadDeployments(): Deployments {
    return loadDeployments({
      ...this.#services,
      own: this.#own,
      isLeftToFiles: (name) => this.#owned(name) !== null,
      environments: this.#environments,
      deployed: (deployment) => this.#deployed(this.revisions.read(deployment.name, deployment.revision), deployment),
      problemsOf: (deployments) => this.#services.judge(this.#configOf(deployments, this.#environments, this.#apig)),
    })
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    return mine
  }
}

const jsonBody = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
