import type { BodySink, BodySource } from '../core/body.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ClientPool } from './client-pool.ts'
import { ClientTunnel } from './client-tunnel.ts'
import { CHUNKED, lastChunk, NO_FRAMING, requestHead, WEB_SOCKET } from './head-writer.ts'
import { type UpstreamCall, UpstreamError, type UpstreamHandler, type UpstreamRequest } from './types.ts'
import { writeBoth, writeChunk, writeText } from './write-out.ts'

/** RFC 9110 section 9.2.2: sending these twice does what sending them once does. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])

/** One request to an upstream, and the sink for its streamed body. */
export class ClientExchange implements UpstreamCall, BodySink {
  readonly request: UpstreamRequest
  readonly handler: UpstreamHandler
  connection: ClientConnection | null
  /** A byte of the answer came. */
  answered: boolean
  allSent: boolean
  /** The caller has the call in its hand: only then is it told of an end. */
  dispatched: boolean
  /** Once the upstream has answered 101. */
  sending: ClientTunnel | null
  readonly #pool: ClientPool
  readonly #head: string
  readonly #source: BodySource | null
  /** Written together with the first chunk of a streamed body. */
  #pendingHead: string
  #bytesLeft: number
  #blocked: boolean
  #retried: boolean
  #over: boolean

  /** @throws UnsendableError */
  constructor(pool: ClientPool, request: UpstreamRequest, handler: UpstreamHandler) {
    const { body } = request
    this.request = request
    this.handler = handler
    this.connection = null
    this.answered = false
    this.allSent = false
    this.dispatched = false
    this.sending = null
    this.#pool = pool
    this.#source = body !== null && typeof body === 'object' && !Buffer.isBuffer(body) ? body : null
    this.#bytesLeft = request.webSocket === true ? WEB_SOCKET : bodyLength(request.method, body)
    this.#head = requestHead(request.method, request.target, request.headers, this.#bytesLeft)
    this.#pendingHead = ''
    this.#blocked = false
    this.#retried = false
    this.#over = false
  }

  /** The body is still being sent, and the socket takes more. */
  get waitsForBody(): boolean {
    return !this.allSent && !this.#blocked
  }

  // --- called by the connection ---------------------------------------------------------------------------------------

  send(connection: ClientConnection): void {
    const { body } = this.request
    const head = this.#head
    if (this.#source !== null) {
      this.#pendingHead = head
      this.#source.start(this)
      return
    }
    this.allSent = true
    if (this.#bytesLeft <= 0) connection.socket.write(head, 'latin1')
    else if (typeof body === 'string') writeText(connection.socket, head, body, this.#bytesLeft)
    else writeBoth(connection.socket, head, body as Buffer)
  }

  onDrain(): void {
    this.sending?.onDrain()
    if (!this.#blocked) return
    this.#blocked = false
    this.#source?.resume()
  }

  finish(trailers: readonly string[] | null): void {
    if (this.#over) return
    this.#over = true
    if (!this.allSent) this.#source?.cancel()
    this.handler.onEnd(trailers)
  }

  /** The connection broke. One that was kept may have been closed before the request came: then it is sent again, once. */
  lost(message: string, cause: Error | null, keptConnection: boolean): void {
    const mayRepeat = this.#source === null && IDEMPOTENT.has(this.request.method)
    if (keptConnection && mayRepeat && !this.answered && !this.#retried && !this.#over) {
      this.#retried = true
      this.connection = null
      this.#pool.acquire(this, true)
      return
    }
    this.fail(new UpstreamError('reset', message, false, { cause }))
  }

  fail(error: UpstreamError): void {
    if (this.#over) return
    this.#over = true
    this.connection = null
    if (!this.allSent) this.#source?.cancel()
    this.sending?.cancel()
    if (this.sending?.received) return // the handler was told of an end
    if (this.dispatched) this.handler.onError(error)
    else process.nextTick(() => this.handler.onError(error))
  }

  // --- called by the handler's owner ----------------------------------------------------------------------------------

  resume(): void {
    this.connection?.resume(this)
  }

  tunnel(source: BodySource): void {
    if (this.#over || this.connection === null) return source.cancel()
    this.sending = new ClientTunnel(this, this.connection, source)
    this.sending.start()
  }

  /** The upstream half-closed a tunnel that still goes the other way. */
  halfClosed(): void {
    this.sending!.received = true
    this.handler.onEnd(null)
  }

  /** Both directions of a tunnel have ended, and the handler was told. */
  tunnelOver(): void {
    this.#over = true
    this.connection = null
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    if (!this.allSent) this.#source?.cancel()
    this.sending?.cancel()
    const connection = this.connection
    this.connection = null
    if (connection === null) this.#pool.stopWaiting(this)
    else connection.destroy()
  }

  // --- called by the source of the body -------------------------------------------------------------------------------

  onData(chunk: Buffer): boolean {
    if (this.#over || chunk.length === 0) return true
    const socket = this.connection!.socket
    const head = this.#pendingHead
    this.#pendingHead = ''
    let goOn: boolean
    if (this.request.body !== null && (this.request.body as BodySource).lengthBytes < 0) {
      goOn = writeChunk(socket, head, chunk)
    } else {
      this.#bytesLeft -= chunk.length
      if (this.#bytesLeft < 0) {
        this.#breakOff('the body of the request is longer than announced', null)
        return true
      }
      if (this.#bytesLeft === 0) this.#sentAll()
      goOn = writeBoth(socket, head, chunk)
    }
    this.#blocked = !goOn
    return goOn
  }

  /** From here on it is the upstream that is waited for: its time begins anew. */
  #sentAll(): void {
    this.allSent = true
    this.connection!.stirred(this)
  }

  onEnd(trailers: readonly string[] | null): void {
    if (this.#over) return
    const socket = this.connection!.socket
    if (this.#source!.lengthBytes < 0) {
      socket.write(this.#pendingHead + lastChunk(trailers), 'latin1')
      this.#sentAll()
    } else if (this.#bytesLeft > 0) {
      this.#breakOff('the body of the request is shorter than announced', null)
      return
    } else if (this.#pendingHead !== '') {
      socket.write(this.#pendingHead, 'latin1')
      this.#sentAll()
    }
    this.#pendingHead = ''
  }

  onError(error: Error): void {
    this.#breakOff(`the body of the request broke off: ${error.message}`, error)
  }

  #breakOff(message: string, cause: Error | null): void {
    if (this.#over) return
    const connection = this.connection
    this.allSent = true // the source needs no cancel
    this.fail(new UpstreamError('body', message, false, { cause }))
    connection?.destroy()
  }
}

/** Content-Length of a request, CHUNKED, or NO_FRAMING. A POST, PUT or PATCH without content says so (RFC 9110 section 8.6). */
function bodyLength(method: string, body: Buffer | string | BodySource | null): number {
  if (body === null) return method === 'POST' || method === 'PUT' || method === 'PATCH' ? 0 : NO_FRAMING
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (Buffer.isBuffer(body)) return body.length
  return body.lengthBytes < 0 ? CHUNKED : body.lengthBytes
}
