import tls, { type SecureContext } from 'node:tls'
import { ClientConnection } from './client-connection.ts'
import type { ClientExchange } from './client-exchange.ts'
import type { HeadLimits } from './llhttp.ts'
import type { Resolve } from './resolve.ts'
import { Timed, wheel } from './timers.ts'
import { type Origin, UpstreamError } from './types.ts'

export interface ClientSettings {
  readonly connectionsPerOriginMax: number
  /** Requests of one origin that may wait for a connection. */
  readonly waitingPerOriginMax: number
  readonly idleTimeoutMs: number
  readonly limits: HeadLimits
  readonly resolve: Resolve
}

/** A request that waits for a connection, for as long as connecting may take. */
class Waiter extends Timed {
  readonly exchange: ClientExchange
  readonly #pool: ClientPool

  constructor(pool: ClientPool, exchange: ClientExchange) {
    super()
    this.exchange = exchange
    this.#pool = pool
  }

  override onDeadline(): void {
    this.#pool.waitedTooLong(this)
  }
}

/** Connections to one origin: last used, first out, since the warmest one is the least likely to have been closed. */
export class ClientPool {
  readonly origin: Origin
  readonly settings: ClientSettings
  /** The last session of this origin, for a short handshake. */
  tlsSession: Buffer | null
  closing: boolean
  readonly #idle: ClientConnection[]
  readonly #waiting: Map<ClientExchange, Waiter>
  #connectionCount: number
  #secureContext: SecureContext | null
  /** Which of several addresses the next connection begins with. */
  #nextAddress: number

  constructor(origin: Origin, settings: ClientSettings) {
    this.origin = origin
    this.settings = settings
    this.tlsSession = null
    this.closing = false
    this.#idle = []
    this.#waiting = new Map()
    this.#connectionCount = 0
    this.#secureContext = null
    this.#nextAddress = 0
  }

  get isEmpty(): boolean {
    return this.#connectionCount === 0 && this.#waiting.size === 0
  }

  /** Hands the exchange to a connection, now or later. `fresh`: one that was not used before. */
  acquire(exchange: ClientExchange, fresh: boolean): void {
    const idle = fresh ? undefined : this.#idle.pop()
    if (idle !== undefined) {
      idle.begin(exchange)
    } else if (this.#connectionCount < this.settings.connectionsPerOriginMax) {
      this.#open(exchange)
    } else if (this.#waiting.size < this.settings.waitingPerOriginMax) {
      const waiter = new Waiter(this, exchange)
      this.#waiting.set(exchange, waiter)
      wheel.set(waiter, exchange.request.connectTimeoutMs)
    } else {
      const text = `all connections to ${this.origin.key} are in use and ${this.#waiting.size} requests wait`
      exchange.fail(new UpstreamError('refused', text, true))
    }
  }

  /** A connection is free. */
  release(connection: ClientConnection): void {
    if (this.closing && this.#waiting.size === 0) {
      connection.destroy()
      return
    }
    const next = this.#takeWaiting()
    if (next !== null) connection.begin(next)
    else this.#idle.push(connection)
  }

  /** A connection is gone. */
  remove(connection: ClientConnection): void {
    this.#connectionCount--
    const index = this.#idle.lastIndexOf(connection)
    if (index >= 0) this.#idle.splice(index, 1)
    const next = this.#takeWaiting()
    if (next !== null) this.#open(next)
  }

  /** A connection has become a tunnel: it lives as long as its client likes, so it takes nobody's place here. */
  detach(): void {
    this.#connectionCount--
    const next = this.#takeWaiting()
    if (next !== null) this.#open(next)
  }

  stopWaiting(exchange: ClientExchange): void {
    const waiter = this.#waiting.get(exchange)
    if (waiter === undefined) return
    this.#waiting.delete(exchange)
    wheel.remove(waiter)
  }

  waitedTooLong(waiter: Waiter): void {
    this.#waiting.delete(waiter.exchange)
    const text = `no connection to ${this.origin.key} became free within ${waiter.exchange.request.connectTimeoutMs} ms`
    waiter.exchange.fail(new UpstreamError('connect-timeout', text, true))
  }

  close(): void {
    this.closing = true
    for (const connection of [...this.#idle]) connection.destroy()
  }

  secureContext(): SecureContext {
    if (this.#secureContext === null) {
      const { ca, cert, key, ciphers, minVersion, maxVersion } = this.origin.tls ?? {}
      this.#secureContext = tls.createSecureContext({
        ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        ...(ciphers !== undefined && { ciphers }),
        ...(minVersion !== undefined && { minVersion: minVersion as tls.SecureVersion }),
        ...(maxVersion !== undefined && { maxVersion: maxVersion as tls.SecureVersion }),
      })
    }
    return this.#secureContext
  }

  /** Spreads new connections over the addresses of the host. */
  firstAddress(count: number): number {
    return count === 1 ? 0 : this.#nextAddress++ % count
  }

  #open(exchange: ClientExchange): void {
    this.#connectionCount++
    new ClientConnection(this).connect(exchange)
  }

  #takeWaiting(): ClientExchange | null {
    if (this.#waiting.size === 0) return null
    for (const [exchange, waiter] of this.#waiting) {
      this.#waiting.delete(exchange)
      wheel.remove(waiter)
      return exchange
    }
    return null
  }
}
