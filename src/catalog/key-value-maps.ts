import type { MaybePromise } from '../core/async.ts'
import {
  type KeyValueMaps,
  MAP_KEY_BYTES_MAX,
  MAP_VALUE_BYTES_MAX,
  type MapAnswer,
  type MapOperation,
} from '../core/key-value-maps.ts'
import type { DocumentChange, Documents } from './ports.ts'

/** What is kept of a map. */
export interface KeptMap {
  readonly encrypted: boolean
  /** Values by key. */
  readonly entries: ReadonlyMap<string, readonly string[]>
}

interface OwnMap extends KeptMap {
  readonly entries: Map<string, readonly string[]>
}

const MAP = 'key-value-map'
const ENTRY = 'key-value-entry'
/** Of all maps together: they are held in memory. */
const BYTES_MAX = 128 * 1024 * 1024
const MAPS_MAX = 10_000
const ENTRY_OVERHEAD_BYTES = 128

export interface KeyValueStoreOptions {
  readonly documents: Documents
  now(): number
  readonly bytesMax?: number
}

/**
 * The owner of all key value maps: in memory for reading, in the catalogue's documents to be kept. Writes that come together
 * are written together; each is answered when it is on the disk, and undone when it cannot be.
 */
export class KeyValueStore implements KeyValueMaps {
  readonly #documents: Documents
  readonly #now: () => number
  readonly #bytesMax: number
  readonly #maps = new Map<string, OwnMap>()
  #bytes = 0
  /** Not yet written; by kind and key, so that the last change of a key counts. */
  #changes = new Map<string, DocumentChange>()
  #flush: Promise<string | null> | null = null

  constructor({ documents, now, bytesMax = BYTES_MAX }: KeyValueStoreOptions) {
    this.#documents = documents
    this.#now = now
    this.#bytesMax = bytesMax
    for (const { key } of documents.list(MAP)) this.#loadMap(key)
    for (const { key } of documents.list(ENTRY)) this.#loadEntry(key)
  }

  run(map: string, operations: readonly MapOperation[]): MaybePromise<MapAnswer> {
    const why = this.#refusal(map, operations)
    if (why !== null) return { done: false, why }
    const values: (readonly string[] | null)[] = []
    let written = false
    for (const operation of operations) {
      const entries = this.#maps.get(map)?.entries
      switch (operation.do) {
        case 'get':
          values.push(entries?.get(operation.key) ?? null)
          break
        case 'put':
          if (!operation.override && entries?.has(operation.key)) break
          this.#make(map, false)
          this.#set(map, operation.key, operation.values)
          written = true
          break
        case 'delete':
          if (!entries?.has(operation.key)) break
          this.#set(map, operation.key, null)
          written = true
          break
      }
    }
    const answer: MapAnswer = { done: true, encrypted: this.#maps.get(map)?.encrypted ?? false, values }
    if (!written) return answer
    return this.#written().then((failed) => (failed === null ? answer : { done: false, why: failed }))
  }

  /** Null: there is no such map. */
  find(map: string): KeptMap | null {
    return this.#maps.get(map) ?? null
  }

  /** Names of the maps in a place, sorted. */
  names(place: string): string[] {
    const keys = [...this.#maps.keys()].filter((key) => key.startsWith(place))
    return keys.map((key) => key.slice(place.length)).sort()
  }

  /** Makes an empty map; resolves to why it could not be. One that is there stays, with the entries that it has. */
  create(map: string, encrypted: boolean): Promise<string | null> {
    if (!this.#maps.has(map) && this.#maps.size >= MAPS_MAX)
      return Promise.resolve(`there are ${MAPS_MAX} maps already`)
    this.#make(map, encrypted)
    return this.#written()
  }

  /** Drops a map with all its entries; resolves to why it could not be. */
  remove(map: string): Promise<string | null> {
    const kept = this.#maps.get(map)
    if (kept === undefined) return Promise.resolve(null)
    for (const key of [...kept.entries.keys()]) this.#set(map, key, null)
    this.#maps.delete(map)
    this.#change(MAP, map, null)
    return this.#written()
  }

  /** Why these operations cannot be done; judged before the first is. */
  #refusal(map: string, operations: readonly MapOperation[]): string | null {
    let bytes = 0
    for (const operation of operations) {
      if (operation.do !== 'put') continue
      if (Buffer.byteLength(operation.key) > MAP_KEY_BYTES_MAX) return `a key is larger than ${MAP_KEY_BYTES_MAX} bytes`
      const size = operation.values.reduce((sum, value) => sum + Buffer.byteLength(value), 0)
      if (size > MAP_VALUE_BYTES_MAX) return `the value of a key is larger than ${MAP_VALUE_BYTES_MAX} bytes`
      bytes += entryBytes(map, operation.key, operation.values)
      if (this.#bytes + bytes > this.#bytesMax) return `all maps together would be larger than ${this.#bytesMax} bytes`
      if (!this.#maps.has(map) && this.#maps.size >= MAPS_MAX) return `there are ${MAPS_MAX} maps already`
    }
    return null
  }

  #make(map: string, encrypted: boolean): void {
    if (this.#maps.has(map)) return
    this.#maps.set(map, { encrypted, entries: new Map() })
    this.#change(MAP, map, { encrypted })
  }

  #set(map: string, key: string, values: readonly string[] | null): void {
    this.#hold(map, key, values)
    this.#change(ENTRY, entryKey(map, key), values)
  }

  #hold(map: string, key: string, values: readonly string[] | null): void {
    const { entries } = this.#maps.get(map)!
    const before = entries.get(key)
    if (before !== undefined) this.#bytes -= entryBytes(map, key, before)
    if (values === null) entries.delete(key)
    else {
      entries.set(key, values)
      this.#bytes += entryBytes(map, key, values)
    }
  }

  #change(kind: string, key: string, value: unknown): void {
    const body = value === null ? null : Buffer.from(JSON.stringify(value))
    this.#changes.set(`${kind} ${key}`, { kind, key, body })
  }

  /** Resolves when everything up to now is kept; to the reason when it is not. */
  #written(): Promise<string | null> {
    this.#flush ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#flush = null
        const changes = [...this.#changes.values()]
        this.#changes = new Map()
        try {
          this.#documents.write(changes, this.#now())
          resolve(null)
        } catch (error) {
          this.#undo(changes)
          resolve(`the key value maps cannot be written: ${error instanceof Error ? error.message : String(error)}`)
        }
      })
    })
    return this.#flush
  }

  /** Takes the maps of changes that are not kept back to what is. */
  #undo(changes: readonly DocumentChange[]): void {
    const maps = new Set(changes.map(({ kind, key }) => (kind === MAP ? key : key.slice(0, key.indexOf('\n')))))
    for (const map of maps) {
      for (const key of [...(this.#maps.get(map)?.entries.keys() ?? [])]) this.#hold(map, key, null)
      this.#maps.delete(map)
      this.#loadMap(map)
    }
    for (const { key } of this.#documents.list(ENTRY)) {
      if (maps.has(key.slice(0, key.indexOf('\n')))) this.#loadEntry(key)
    }
  }

  #loadMap(map: string): void {
    const body = this.#documents.read(MAP, map)
    if (body === null) return
    const { encrypted } = JSON.parse(Buffer.from(body).toString('utf8')) as { encrypted: boolean }
    this.#maps.set(map, { encrypted, entries: new Map() })
  }

  #loadEntry(document: string): void {
    const at = document.indexOf('\n')
    const map = document.slice(0, at)
    const body = this.#documents.read(ENTRY, document)
    if (body === null || !this.#maps.has(map)) return
    this.#hold(map, document.slice(at + 1), JSON.parse(Buffer.from(body).toString('utf8')) as string[])
  }
}

/** Names of maps have no line break. */
const entryKey = (map: string, key: string): string => `${map}\n${key}`

/** What an entry counts for: text as UTF-16, and its place in the tables. */
function entryBytes(map: string, key: string, values: readonly string[]): number {
  return values.reduce((sum, value) => sum + 2 * value.length, 2 * (map.length + key.length) + ENTRY_OVERHEAD_BYTES)
}
