import { RequestBody } from './request-body.ts'
import type { ServerConnection } from './server-connection.ts'
import type { TunnelSource } from './types.ts'

/** The client's side of a connection behind a 101: what it sends, and when both directions have ended. */
export class ServerTunnel extends RequestBody implements TunnelSource {
  bytes: number
  readonly #connection: ServerConnection
  #answerFlushed: boolean
  #over: boolean

  constructor(connection: ServerConnection) {
    super(connection, -1)
    this.bytes = 0
    this.#connection = connection
    this.#answerFlushed = false
    this.#over = false
  }

  override data(chunk: Buffer): void {
    this.bytes += chunk.length
    super.data(chunk)
  }

  /** Also the end of `complete` and `fail`. */
  override cancel(): void {
    super.cancel()
    this.#closeWhenOver()
  }

  /** Nothing more goes to the client: its side is half-closed behind what is still on its way. */
  endAnswer(): void {
    const { socket } = this.#connection
    if (socket.writableLength > 0) this.#connection.answerBlocked()
    socket.end(() => {
      this.#answerFlushed = true
      this.#connection.tunnelFlushed()
      this.#closeWhenOver()
    })
  }

  #closeWhenOver(): void {
    if (this.#over || !this.done || !this.#answerFlushed) return
    this.#over = true
    this.#connection.endTunnel()
  }
}
