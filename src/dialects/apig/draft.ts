import { createHash, randomBytes } from 'node:crypto'
import { type Docs, KINDS, type Kind, RELEASE_ENV } from './docs.ts'
import { ApigError, type ManagementCode } from './error.ts'

/** All resources, by kind and id. Replaced whole, never changed. */
export type ApigState = { readonly [K in Kind]: ReadonlyMap<string, Docs[K]> }

export interface ApigChange {
  readonly kind: Kind
  readonly id: string
  /** Null: removed. */
  readonly doc: Docs[Kind] | null
}

/** Only what every gateway has. */
export function emptyState(): ApigState {
  const state = Object.fromEntries(KINDS.map((kind) => [kind, new Map()])) as unknown as ApigState
  return { ...state, env: new Map([[RELEASE_ENV.id, RELEASE_ENV]]) }
}

/** What an id is made of in a file: the same at every start. */
export type MakeId = (kind: Kind, ...parts: readonly string[]) => string

export const randomId: MakeId = () => randomBytes(16).toString('hex')

export const fileId: MakeId = (kind, ...parts) =>
  createHash('sha256')
    .update(JSON.stringify([kind, ...parts]))
    .digest('hex')
    .slice(0, 32)

const MISSING: Partial<Record<Kind, ManagementCode>> = {
  group: 'APIG.3001',
  api: 'APIG.3002',
  env: 'APIG.3003',
  app: 'APIG.3004',
  throttle: 'APIG.3005',
  acl: 'APIG.3006',
  variable: 'APIG.3011',
  throttleBinding: 'APIG.3012',
  special: 'APIG.3013',
  version: 'APIG.3015',
}

export interface DraftOptions {
  readonly makeId: MakeId
  readonly nowMs: number
  /** Comes from a file: an admin API may use it and not change it. */
  readonly owned: (kind: Kind, id: string) => boolean
}

/** One change in the making: reads what is there, notes what is to be. Thrown away when anything fails. */
export class Draft {
  readonly options: DraftOptions
  readonly #state: ApigState
  readonly #changed = new Map<Kind, Map<string, Docs[Kind] | null>>()

  constructor(state: ApigState, options: DraftOptions) {
    this.#state = state
    this.options = options
  }

  get now(): string {
    return new Date(this.options.nowMs).toISOString()
  }

  id(kind: Kind, ...parts: readonly string[]): string {
    return this.options.makeId(kind, ...parts)
  }

  find<K extends Kind>(kind: K, id: string): Docs[K] | null {
    const changed = this.#changed.get(kind)?.get(id)
    if (changed !== undefined) return changed as Docs[K] | null
    return this.#state[kind].get(id) ?? null
  }

  /** Throws the code of what is missing. */
  get<K extends Kind>(kind: K, id: string): Docs[K] {
    const doc = this.find(kind, id)
    if (doc !== null) return doc
    throw ApigError.of(MISSING[kind] ?? 'APIG.3014', `${kind} ${id.slice(0, 64)}`)
  }

  /** In the order in which they were made. */
  list<K extends Kind>(kind: K): Docs[K][] {
    const changed = this.#changed.get(kind)
    if (changed === undefined) return [...this.#state[kind].values()]
    const kept = [...this.#state[kind].values()].flatMap((doc) => {
      const now = changed.get(doc.id)
      return now === undefined ? [doc] : now === null ? [] : [now as Docs[K]]
    })
    const added = [...changed].filter(([id, doc]) => doc !== null && !this.#state[kind].has(id))
    return [...kept, ...added.map(([, doc]) => doc as Docs[K])]
  }

  where<K extends Kind>(kind: K, test: (doc: Docs[K]) => boolean): Docs[K][] {
    return this.list(kind).filter(test)
  }

  put<K extends Kind>(kind: K, doc: Docs[K]): Docs[K] {
    this.#mayChange(kind, doc.id)
    this.#note(kind, doc.id, doc)
    return doc
  }

  remove(kind: Kind, id: string): void {
    this.#mayChange(kind, id)
    this.#note(kind, id, null)
  }

  /** The name must be new among its kind (and, where there is one, its parent). */
  mustBeNew<K extends Kind>(kind: K, code: ManagementCode, name: string, test: (doc: Docs[K]) => boolean): void {
    if (this.list(kind).some(test)) throw ApigError.of(code, name, 'name')
  }

  get changes(): ApigChange[] {
    return [...this.#changed].flatMap(([kind, docs]) => [...docs].map(([id, doc]) => ({ kind, id, doc })))
  }

  /** What is there with the changes made. */
  state(): ApigState {
    const next: Record<string, ReadonlyMap<string, unknown>> = { ...this.#state }
    for (const kind of this.#changed.keys()) next[kind] = new Map(this.list(kind).map((doc) => [doc.id, doc]))
    return next as unknown as ApigState
  }

  #note(kind: Kind, id: string, doc: Docs[Kind] | null): void {
    let docs = this.#changed.get(kind)
    if (docs === undefined) {
      docs = new Map()
      this.#changed.set(kind, docs)
    }
    docs.set(id, doc)
  }

  #mayChange(kind: Kind, id: string): void {
    if (id === RELEASE_ENV.id) throw ApigError.of('APIG.3418', 'RELEASE is always there')
    if (this.options.owned(kind, id)) throw ApigError.of('APIG.3407', 'change it there')
  }
}
