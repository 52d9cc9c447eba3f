import type { BodySink, BodySource } from '../core/body.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ClientExchange } from './client-exchange.ts'
import { writeBoth } from './write-out.ts'

/** What goes to an upstream behind its 101: bytes as they are. */
export class ClientTunnel implements BodySink {
  /** All that will be sent is with the kernel. */
  sent: boolean
  /** The upstream has ended its side, and the handler was told. */
  received: boolean
  readonly #exchange: ClientExchange
  readonly #connection: ClientConnection
  readonly #source: BodySource
  #blocked: boolean

  constructor(exchange: ClientExchange, connection: ClientConnection, source: BodySource) {
    this.sent = false
    this.received = false
    this.#exchange = exchange
    this.#connection = connection
    this.#source = source
    this.#blocked = false
  }

  start(): void {
    this.#source.start(this)
  }

  cancel(): void {
    this.#source.cancel()
  }

  onDrain(): void {
    if (!this.#blocked) return
    this.#blocked = false
    this.#source.resume()
  }

  onData(chunk: Buffer): boolean {
    const goOn = writeBoth(this.#connection.socket, '', chunk)
    this.#connection.stirred(this.#exchange)
    this.#blocked = !goOn
    return goOn
  }

  onEnd(): void {
    this.#connection.socket.end(() => {
      this.sent = true
      this.#connection.tunnelSent(this.#exchange)
    })
  }

  onError(): void {
    this.#exchange.abort()
  }
}
