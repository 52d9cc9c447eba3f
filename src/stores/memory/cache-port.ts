import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Cache, CacheValue } from '../../core/cache.ts'
import type { MemoryCache } from './cache.ts'

type Ask =
  | { readonly id: number; readonly kind: 'get'; readonly key: string }
  | {
      readonly id: number
      readonly kind: 'put'
      readonly key: string
      readonly value: CacheValue
      readonly ttlMs: number
    }
  | { readonly id: number; readonly kind: 'invalidate'; readonly key: string }
  | { readonly id: number; readonly kind: 'invalidatePrefix'; readonly key: string }

interface Told {
  readonly id: number
  readonly value: CacheValue | boolean | null
}

/** A port over which one more thread reaches the entries. */
export function cachePort(cache: MemoryCache): MessagePort {
  const { port1, port2 } = new MessageChannel()
  serveCache(cache, port1)
  return port2
}

/** Answers one thread's questions out of the entries, in the order in which they were asked. */
function serveCache(cache: MemoryCache, port: MessagePort): void {
  port.on('message', (ask: Ask) => port.postMessage({ id: ask.id, value: answered(cache, ask) } satisfies Told))
  port.unref()
}

function answered(cache: MemoryCache, ask: Ask): Told['value'] {
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

const ANSWER_MS_MAX = 2_000
/** More questions than this wait for nobody: the owner is far behind. */
const PENDING_MAX = 10_000

interface Pending {
  readonly askedAtMs: number
  readonly otherwise: Told['value']
  readonly resolve: (value: Told['value']) => void
}

/**
 * The cache as a gateway thread sees it: asks the thread that owns the entries. An owner that does not answer in time makes
 * a miss, never a call that hangs.
 */
export class RemoteCache implements Cache {
  readonly #port: MessagePort
  readonly #answerMsMax: number
  /** In the order in which they were asked. */
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #sweep: NodeJS.Timeout | null = null

  constructor(port: MessagePort, answerMsMax: number = ANSWER_MS_MAX) {
    this.#port = port
    this.#answerMsMax = answerMsMax
    port.on('message', (told: Told) => this.#told(told.id, told.value))
    port.unref()
  }

  get(key: string): Promise<CacheValue | null> {
    return this.#ask({ id: ++this.#lastId, kind: 'get', key }, null) as Promise<CacheValue | null>
  }

  put(key: string, value: CacheValue, ttlMs: number): Promise<boolean> {
    // When nobody answers, nobody can say that the entry was refused.
    return this.#ask({ id: ++this.#lastId, kind: 'put', key, value, ttlMs }, true) as Promise<boolean>
  }

  async invalidate(key: string): Promise<void> {
    await this.#ask({ id: ++this.#lastId, kind: 'invalidate', key }, null)
  }

  async invalidatePrefix(prefix: string): Promise<void> {
    await this.#ask({ id: ++this.#lastId, kind: 'invalidatePrefix', key: prefix }, null)
  }

  #ask(ask: Ask, otherwise: Told['value']): Promise<Told['value']> {
    const drops = ask.kind === 'invalidate' || ask.kind === 'invalidatePrefix'
    if (this.#pending.size >= PENDING_MAX && !drops) return Promise.resolve(otherwise)
    return new Promise((resolve) => {
      this.#pending.set(ask.id, { askedAtMs: performance.now(), otherwise, resolve })
      this.#port.postMessage(ask)
      this.#sweep ??= setTimeout(() => this.#giveUpLate(), this.#answerMsMax)
    })
  }

  #told(id: number, value: Told['value']): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    pending.resolve(value)
  }

  #giveUpLate(): void {
    const now = performance.now()
    this.#sweep = null
    for (const [id, { askedAtMs, otherwise }] of this.#pending) {
      const leftMs = askedAtMs + this.#answerMsMax - now
      if (leftMs > 0) {
        this.#sweep = setTimeout(() => this.#giveUpLate(), leftMs)
        return
      }
      this.#told(id, otherwise)
    }
  }
}
