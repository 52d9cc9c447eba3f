import { ClientExchange } from './client-exchange.ts'
import { ClientPool, type ClientSettings } from './client-pool.ts'
import { AddressCache } from './resolve.ts'
import {
  type UpstreamCall,
  type UpstreamClient,
  UpstreamError,
  type UpstreamHandler,
  type UpstreamRequest,
} from './types.ts'

const DEFAULTS: Omit<ClientSettings, 'resolve'> = {
  connectionsPerOriginMax: 256,
  waitingPerOriginMax: 4096,
  idleTimeoutMs: 55_000,
  limits: {
    requestLineBytesMax: 32_768,
    headerBytesMax: 32_768,
    headersBytesMax: 131_072,
    headersCountMax: 1000,
  },
}

/** From here on, a new origin clears out those that nobody uses. */
const POOLS_KEPT = 1024

const DEAD_CALL: UpstreamCall = { resume(): void {}, tunnel(): void {}, abort(): void {} }

class HttpClient implements UpstreamClient {
  readonly #settings: ClientSettings
  readonly #pools: Map<string, ClientPool>
  #closing: boolean

  constructor(settings: ClientSettings) {
    this.#settings = settings
    this.#pools = new Map()
    this.#closing = false
  }

  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    if (this.#closing) return refuse(handler, new UpstreamError('refused', 'the client is closed', true))
    let pool = this.#pools.get(request.origin.key)
    if (pool === undefined) {
      if (this.#pools.size >= POOLS_KEPT) this.#dropEmptyPools()
      pool = new ClientPool(request.origin, this.#settings)
      this.#pools.set(request.origin.key, pool)
    }
    let exchange: ClientExchange
    try {
      exchange = new ClientExchange(pool, request, handler)
    } catch (error) {
      return refuse(handler, new UpstreamError('bad-request', (error as Error).message, false, { cause: error }))
    }
    pool.acquire(exchange, false)
    exchange.dispatched = true
    return exchange
  }

  #dropEmptyPools(): void {
    for (const [key, pool] of this.#pools) if (pool.isEmpty) this.#pools.delete(key)
  }

  close(): void {
    this.#closing = true
    for (const pool of [...this.#pools.values()]) pool.close()
  }
}

/** Tells an error when the caller has the call in its hand. */
function refuse(handler: UpstreamHandler, error: UpstreamError): UpstreamCall {
  process.nextTick(() => handler.onError(error))
  return DEAD_CALL
}

/** Makes a client with its own pools. `options` overrides single defaults. */
export function createUpstreamClient(options: Partial<ClientSettings> = {}): UpstreamClient {
  const addresses = new AddressCache()
  return new HttpClient({ ...DEFAULTS, resolve: (host, callback) => addresses.resolve(host, callback), ...options })
}
