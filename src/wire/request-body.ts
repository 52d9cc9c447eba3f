import type { BodySink, BodySource } from '../core/body.ts'
import type { ServerConnection } from './server-connection.ts'

/** The client broke a request body off: it left (`status` 0), stalled (408) or sent bad chunks (400). */
export class RequestBodyError extends Error {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.name = 'RequestBodyError'
    this.status = status
  }
}

/** The body of a request that came in. The connection reads it; this is what the gateway holds of it. */
export class RequestBody implements BodySource {
  readonly lengthBytes: number
  /** A sink wants bytes now. */
  flowing: boolean
  started: boolean
  /** Nothing goes to the sink any more: it had all, or an error, or cancelled. */
  done: boolean
  receivedBytes: number
  readonly #connection: ServerConnection
  #sink: BodySink | null

  constructor(connection: ServerConnection, lengthBytes: number) {
    this.lengthBytes = lengthBytes
    this.flowing = false
    this.started = false
    this.done = false
    this.receivedBytes = 0
    this.#connection = connection
    this.#sink = null
  }

  start(sink: BodySink): void {
    if (this.started) throw new Error('the body was started before')
    this.started = true
    if (this.done) {
      sink.onError(new RequestBodyError('the client left', 0))
      return
    }
    this.#sink = sink
    this.flowing = true
    this.#connection.startBody(this)
  }

  resume(): void {
    if (this.done || this.flowing || !this.started) return
    this.flowing = true
    this.#connection.flowBody(this)
  }

  cancel(): void {
    this.done = true
    this.flowing = false
    this.#sink = null
  }

  // Called by the connection.

  data(chunk: Buffer): void {
    this.receivedBytes += chunk.length
    if (this.#sink !== null && !this.#sink.onData(chunk)) this.flowing = false
  }

  complete(trailers: readonly string[] | null): void {
    const sink = this.#sink
    this.cancel()
    sink?.onEnd(trailers)
  }

  fail(error: RequestBodyError): void {
    const sink = this.#sink
    this.cancel()
    sink?.onError(error)
  }
}
