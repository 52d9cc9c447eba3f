import type { MessagePort } from 'node:worker_threads'
import type { Cache, CacheValue } from '../../core/cache.ts'
import { AskingPort, answeringPort } from './ask-port.ts'
import type { MemoryCache } from './cache.ts'

type Ask =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly value: CacheValue; readonly ttlMs: number }
  | { readonly kind: 'invalidate'; readonly key: string }
  | { readonly kind: 'invalidatePrefix'; readonly key: string }

type Answer = CacheValue | boolean | null

/** A port over which one more thread reaches the entries. */
export function cachePort(cache: MemoryCache): MessagePort {
  return answeringPort<Ask, Answer>((ask) => answered(cache, ask))
}

function answered(cache: MemoryCache, ask: Ask): Answer {
  switch (ask.kind) {
    case 'get':
      return cache.get(ask.key)
    case 'put':
      return cache.put(ask.key, ask.value, ask.ttlMs)
    case 'invalidate':
      cache.invalidate(ask.key)
      return null
    case 'invalidatePrefix':
      cache.invalidatePrefix(ask.key)
      return null
  }
}

/**
 * The cache as a gateway thread sees it: asks the thread that owns the entries. An owner that does not answer in time makes
 * a miss, never a call that hangs.
 */
export class RemoteCache implements Cache {
  readonly #owner: AskingPort<Ask, Answer>

  constructor(port: MessagePort, answerMsMax?: number) {
    this.#owner = new AskingPort(port, answerMsMax)
  }

  get(key: string): Promise<CacheValue | null> {
    return this.#owner.ask({ kind: 'get', key }, null) as Promise<CacheValue | null>
  }

  put(key: string, value: CacheValue, ttlMs: number): Promise<boolean> {
    // When nobody answers, nobody can say that the entry was refused.
    return this.#owner.ask({ kind: 'put', key, value, ttlMs }, true) as Promise<boolean>
  }

  async invalidate(key: string): Promise<void> {
    await this.#owner.ask({ kind: 'invalidate', key }, null, true)
  }

  async invalidatePrefix(prefix: string): Promise<void> {
    await this.#owner.ask({ kind: 'invalidatePrefix', key: prefix }, null, true)
  }
}
