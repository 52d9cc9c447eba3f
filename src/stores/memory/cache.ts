import {
  CACHE_ENTRY_BYTES_MAX,
  type Cache,
  type CacheValue,
  cacheEntryBytes,
  cacheValueBytes,
} from '../../core/cache.ts'

export interface MemoryCacheOptions {
  readonly bytesMax?: number
  readonly entriesMax?: number
  now(): number
}

interface Entry {
  readonly value: CacheValue
  readonly bytes: number
  readonly endsAtMs: number
}

const BYTES_MAX = 128 * 1024 * 1024
const ENTRIES_MAX = 200_000

/** The owner of all entries. Bounded in bytes and in number; what was used least recently goes first. */
export class MemoryCache implements Cache {
  readonly #bytesMax: number
  readonly #entriesMax: number
  readonly #now: () => number
  /** In order of use, the least recent first. */
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(options: MemoryCacheOptions) {
    this.#bytesMax = options.bytesMax ?? BYTES_MAX
    this.#entriesMax = options.entriesMax ?? ENTRIES_MAX
    this.#now = options.now
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): CacheValue | null {
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    if (entry.endsAtMs <= this.#now()) {
      this.#drop(key, entry)
      return null
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  put(key: string, value: CacheValue, ttlMs: number): boolean {
    this.invalidate(key)
    const bytes = cacheEntryBytes(key, value)
    if (!(ttlMs > 0) || cacheValueBytes(value) > CACHE_ENTRY_BYTES_MAX || bytes > this.#bytesMax) return false
    this.#entries.set(key, { value, bytes, endsAtMs: this.#now() + ttlMs })
    this.#bytes += bytes
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#bytesMax && this.#entries.size <= this.#entriesMax) break
      this.#drop(oldest, entry)
    }
    return true
  }

  invalidate(key: string): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.#drop(key, entry)
  }

  invalidatePrefix(prefix: string): void {
    for (const [key, entry] of this.#entries) if (key.startsWith(prefix)) this.#drop(key, entry)
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}
