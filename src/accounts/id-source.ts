import type { AccountStore } from './ports.ts'

const KIND = 'account-last-id'
const KEY = 'last'

/** Numbers that were never an id of anything: the last one is kept, so that what was removed does not give its id to another. */
export class IdSource {
  readonly #store: AccountStore
  readonly #now: () => number
  #last: number

  constructor(store: AccountStore, now: () => number) {
    this.#store = store
    this.#now = now
    const kept = store.read(KIND, KEY)
    this.#last = kept === null ? 0 : Number(Buffer.from(kept).toString('utf8'))
  }

  /** An id that is in use, whoever gave it; names are none of ours. */
  note(id: string): void {
    if (/^\d{1,9}$/.test(id)) this.#last = Math.max(this.#last, Number(id))
  }

  next(): string {
    const id = String(++this.#last)
    this.#store.write([{ kind: KIND, key: KEY, body: Buffer.from(id) }], this.#now())
    return id
  }
}
