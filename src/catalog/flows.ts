import type { EnvironmentEntities, FlowHook, FlowHooks, SharedFlow } from '../model/entities.ts'
import { documentKey, type Environments, placeOf } from './environments.ts'
import { CatalogError } from './error.ts'
import { History, type HistoryEntry } from './history.ts'
import type { CatalogServices, DocumentChange } from './ports.ts'
import { Revisions, SHARED_FLOWS } from './revisions.ts'

const DEPLOYMENT = 'sharedflow-deployment'
const HISTORY = 'sharedflow-history'
const HOOK = 'flow-hook'

/** What the shared flows need of the catalogue that they are part of. */
export interface FlowHost {
  environments(): Environments
  /** Judged, in force everywhere and kept; or nothing of it. */
  change(environment: string, entities: EnvironmentEntities, changes: readonly DocumentChange[]): Promise<void>
  oneAtATime<T>(work: () => Promise<T>): Promise<T>
}

/** Shared flows and flow hooks of the catalogue: imported, deployed, attached beside those of the files. */
export class FlowCatalog {
  readonly revisions: Revisions<SharedFlow>
  /** Of what is kept of each environment. */
  readonly documentKinds: readonly string[] = [DEPLOYMENT, HOOK, HISTORY]
  readonly #services: CatalogServices
  readonly #host: FlowHost
  readonly #history: History

  constructor(services: CatalogServices, host: FlowHost) {
    this.#services = services
    this.#host = host
    this.#history = new History(HISTORY, services.documents, () => services.now())
    this.revisions = new Revisions(SHARED_FLOWS, services.documents, services.kinds)
  }

  /** Imported, or of a file. Sorted. */
  get names(): string[] {
    const deployed = [...this.#host.environments().values()].flatMap(({ sharedFlows }) => sharedFlows)
    return [...new Set([...deployed.map(({ name }) => name), ...this.revisions.names()])].sort()
  }

  hooks(environment: string): FlowHooks {
    return this.#entities(environment).flowHooks
  }

  /** The revision that is deployed in an environment; null: none. */
  deployed(name: string, environment: string): SharedFlow | null {
    return flowOf(this.#entities(environment), name)
  }

  /** What was served under a name in an environment, the latest first. */
  history(name: string, environment: string): readonly HistoryEntry[] {
    return this.#history.of(this.#documentKey(environment, name))
  }

  #entities(environment: string): EnvironmentEntities {
    return this.#host.environments().get(environment)!
  }

  #documentKey(environment: string, key: string): string {
    return documentKey(this.#services.files.settings.environment, environment, key)
  }

  #mustNotBeDeployed(name: string, revision: number | null): void {
    const deployed = [...this.#host.environments().values()].map((entities) => flowOf(entities, name)?.revision)
    const found = deployed.find((one) => one !== undefined && (revision === null || one === revision))
    mustNotBeDeployed(found !== undefined, found ?? 0, `shared flow ${name}`)
  }

  /** Keeps a bundle as the next revision; nothing of it is served yet. */
  import(name: string, zip: Uint8Array): Promise<SharedFlow> {
    return this.#host.oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      return this.revisions.import(name, zip, this.#services.now())
    })
  }

  /** Puts one file into a revision that is not deployed. */
  addFile(name: string, revision: number, path: string, content: Uint8Array): Promise<void> {
    return this.#host.oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      this.#mustNotBeDeployed(name, revision)
      this.revisions.addFile(name, revision, path, content, this.#services.now())
    })
  }

  /** Takes one file out of a revision that is not deployed. */
  removeFile(name: string, revision: number, path: string): Promise<void> {
    return this.#host.oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      this.#mustNotBeDeployed(name, revision)
      this.revisions.removeFile(name, revision, path, this.#services.now())
    })
  }

  deploy(name: string, revision: number, override: boolean, environment: string): Promise<void> {
    return this.#host.oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      const flow = this.revisions.read(name, revision)
      const before = this.deployed(name, environment)
      if (before !== null && !override) {
        const text = `Revision ${before.revision} of shared flow ${name} is deployed already; undeploy it or deploy with override=true`
        throw new CatalogError('conflict', 'messaging.config.beans.SharedFlowAlreadyDeployed', text)
      }
      const key = this.#documentKey(environment, name)
      await this.#host.change(environment, withFlow(this.#entities(environment), name, flow), [
        { kind: DEPLOYMENT, key, body: jsonBody({ revision }) },
        this.#history.adding(key, { revision, basePath: '', state: 'deployed' }),
      ])
    })
  }

  undeploy(name: string, revision: number, environment: string): Promise<void> {
    return this.#host.oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      if (this.deployed(name, environment)?.revision !== revision) {
        this.revisions.zip(name, revision)
        const text = `Revision ${revision} of shared flow ${name} is not deployed`
        throw new CatalogError('conflict', 'messaging.config.beans.SharedFlowNotDeployed', text)
      }
      const key = this.#documentKey(environment, name)
      await this.#host.change(environment, withFlow(this.#entities(environment), name, null), [
        { kind: DEPLOYMENT, key, body: null },
        this.#history.adding(key, { revision, basePath: '', state: 'undeployed' }),
      ])
    })
  }

  /** Forgets a revision, or all of them with null. Throws CatalogError while one is deployed. */
  remove(name: string, revision: number | null): Promise<void> {
    return this.#host.oneAtATime(async () => {
      this.#mustNotBeOwned(name)
      if (revision !== null) this.revisions.zip(name, revision)
      const doomed = revision === null ? this.revisions.of(name).map((head) => head.revision) : [revision]
      this.#mustNotBeDeployed(name, revision)
      this.revisions.remove(name, doomed, this.#services.now())
      if (revision !== null) return
      this.#history.forget([...this.#host.environments().keys()].map((one) => this.#documentKey(one, name)))
    })
  }

  /** Attaches a shared flow that is deployed; null detaches. */
  setHook(hook: keyof FlowHooks, attached: FlowHook | null, environment: string): Promise<void> {
    return this.#host.oneAtATime(async () => {
      const { settings } = this.#services.files
      if (environment === settings.environment && settings.entities.flowHooks[hook] !== null) {
        throw ownedByFile(`flow hook ${hook}`)
      }
      if (attached !== null && this.deployed(attached.sharedFlow, environment) === null) {
        const text = `SharedFlow named ${attached.sharedFlow} is not deployed in this environment`
        throw new CatalogError('missing', 'messaging.config.beans.SharedFlowDoesNotExist', text)
      }
      const body = attached === null ? null : jsonBody(attached)
      const change = { kind: HOOK, key: this.#documentKey(environment, hook), body }
      await this.#host.change(environment, withHook(this.#entities(environment), hook, attached), [change])
    })
  }

  /** At start: the environments with what was deployed and attached. What cannot be any more is told and left out. */
  loaded(environments: Environments): Environments {
    const { documents, warn, files } = this.#services
    const own = files.settings.environment
    const kept = <T>(kind: string, key: string): T =>
      JSON.parse(Buffer.from(documents.read(kind, key)!).toString('utf8')) as T
    const all = new Map(environments)
    for (const { key } of documents.list(DEPLOYMENT)) {
      const { environment, key: name } = placeOf(own, key)
      const entities = all.get(environment)
      if (entities === undefined || flowOf(entities, name) !== null) continue
      try {
        const flow = this.revisions.read(name, kept<{ revision: number }>(DEPLOYMENT, key).revision)
        all.set(environment, withFlow(entities, name, flow))
      } catch (error) {
        const { message: reason } = error as Error
        warn({ sharedFlow: name, reason }, 'a deployed shared flow cannot be read and is left out')
      }
    }
    for (const { key } of documents.list(HOOK)) {
      const place = placeOf(own, key)
      const hook = place.key as keyof FlowHooks
      const entities = all.get(place.environment)
      const attached = kept<FlowHook>(HOOK, key)
      if (entities === undefined || entities.flowHooks[hook] !== null) continue
      if (flowOf(entities, attached.sharedFlow) !== null) all.set(place.environment, withHook(entities, hook, attached))
      else warn({ hook, sharedFlow: attached.sharedFlow }, 'the shared flow of a flow hook is not there')
    }
    return all
  }

  #mustNotBeOwned(name: string): void {
    if (flowOf(this.#services.files.settings.entities, name) !== null) throw ownedByFile(`shared flow ${name}`)
  }
}

export function mustNotBeDeployed(isDeployed: boolean, revision: number, what: string): void {
  if (!isDeployed) return
  const text = `Revision ${revision} of ${what} is deployed; undeploy it first`
  throw new CatalogError('conflict', 'messaging.config.beans.ApplicationIsDeployed', text)
}

function ownedByFile(what: string): CatalogError {
  const text = `${what} comes from a file that this gateway was started with; change it there`
  return new CatalogError('owned-by-file', 'messaging.config.beans.OwnedByFile', text)
}

const flowOf = (entities: EnvironmentEntities, name: string): SharedFlow | null =>
  entities.sharedFlows.find((flow) => flow.name === name) ?? null

/** With that revision of a shared flow; null: with none of its name. */
function withFlow(entities: EnvironmentEntities, name: string, flow: SharedFlow | null): EnvironmentEntities {
  const others = entities.sharedFlows.filter((other) => other.name !== name)
  return { ...entities, sharedFlows: flow === null ? others : [...others, flow] }
}

function withHook(
  entities: EnvironmentEntities,
  hook: keyof FlowHooks,
  attached: FlowHook | null,
): EnvironmentEntities {
  return { ...entities, flowHooks: { ...entities.flowHooks, [hook]: attached } }
}

const jsonBody = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
