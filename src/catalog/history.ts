import type { DocumentChange, Documents } from './ports.ts'

/** One thing that was done to what is served under a name in an environment. */
export interface HistoryEntry {
  readonly revision: number
  /** As in `Deployment`. */
  readonly basePath: string
  readonly state: 'deployed' | 'undeployed'
  /** When, ms since the epoch. */
  readonly atMs: number
}

const ENTRIES_MAX = 50

/** What was deployed and undeployed, name by name: the last entries of each, kept beside the deployments and written with them. */
export class History {
  /** Of its documents. */
  readonly kind: string
  readonly #documents: Documents
  readonly #now: () => number

  constructor(kind: string, documents: Documents, now: () => number) {
    this.kind = kind
    this.#documents = documents
    this.#now = now
  }

  /** The latest first. `key`: that of the deployment. */
  of(key: string): readonly HistoryEntry[] {
    const kept = this.#documents.read(this.kind, key)
    return kept === null ? [] : (JSON.parse(Buffer.from(kept).toString('utf8')) as HistoryEntry[])
  }

  /** The change that adds an entry, to be written with what it tells of. */
  adding(key: string, entry: Omit<HistoryEntry, 'atMs'>): DocumentChange {
    const { revision, basePath, state } = entry
    const entries = [{ revision, basePath, state, atMs: this.#now() }, ...this.of(key)].slice(0, ENTRIES_MAX)
    return { kind: this.kind, key, body: Buffer.from(JSON.stringify(entries)) }
  }

  /** Nothing is left that it could lead back to. */
  forget(keys: readonly string[]): void {
    const { kind } = this
    this.#documents.write(
      keys.map((key) => ({ kind, key, body: null })),
      this.#now(),
    )
  }
}
