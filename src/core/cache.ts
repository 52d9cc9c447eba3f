import type { MaybePromise } from './async.ts'

/** A whole response, as it is kept and sent between threads. */
export interface CachedResponse {
  readonly status: number
  readonly reason: string
  /** Flat: name, value, ... */
  readonly headers: readonly string[]
  readonly body: Uint8Array
}

export type CacheValue = string | CachedResponse

/** Edge's limit of one entry's value. */
export const CACHE_ENTRY_BYTES_MAX: number = 512 * 1024

/**
 * The entries of all caches, one store for all gateway threads: what one thread has put or dropped every other sees as soon
 * as the call has answered. Losing an entry early is no error; giving one after its time is.
 */
export interface Cache {
  /** Null: there is none, or its time is over. */
  get(key: string): MaybePromise<CacheValue | null>
  /** False: it cannot be kept (larger than CACHE_ENTRY_BYTES_MAX, or no time to live). An entry before it is gone then. */
  put(key: string, value: CacheValue, ttlMs: number): MaybePromise<boolean>
  /** Drops the entry of that key. */
  invalidate(key: string): MaybePromise<void>
  /** Drops all entries whose key begins so. */
  invalidatePrefix(prefix: string): MaybePromise<void>
}

/** What an entry counts for: text as UTF-16, headers, body, and its place in the table. */
export function cacheEntryBytes(key: string, value: CacheValue): number {
  if (typeof value === 'string') return 2 * (key.length + value.length) + ENTRY_OVERHEAD_BYTES
  let headers = 0
  for (const text of value.headers) headers += text.length
  return 2 * key.length + headers + value.body.byteLength + ENTRY_OVERHEAD_BYTES
}

/** Bytes of the value alone, as the limit of an entry counts them. */
export function cacheValueBytes(value: CacheValue): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.body.byteLength
}

const ENTRY_OVERHEAD_BYTES = 128
