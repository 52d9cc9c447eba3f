import { AS_GIVEN, CHUNKED, lastChunk, NO_FRAMING, responseHead } from './head-writer.ts'
import type { RequestBody } from './request-body.ts'
import type { ServerConnection } from './server-connection.ts'
import type { ServerTunnel } from './server-tunnel.ts'
import type { Downstream, DrainListener, FinishListener, TunnelSource } from './types.ts'
import { type Flushable, flushSoon, writeBoth, writeChunk, writeText } from './write-out.ts'

// How far the answer is.
const OPEN = 0
const STREAMING = 1
const WRITTEN = 2
const FINISHED = 3

/** One request and its answer. */
export class ServerExchange implements Downstream, Flushable {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  readonly rawHeaders: readonly string[]
  readonly body: RequestBody | null
  readonly webSocket: boolean
  readonly receivedAtMs: number
  finishListener: FinishListener | null
  drainListener: DrainListener | null
  bytesOut: number
  /** Status that the transport itself answered with since the request body was malformed or stalled; 0: it did not. */
  refusedStatus: number

  readonly #connection: ServerConnection
  #phase: number
  /** Not written yet: it leaves together with the first bytes of the body. */
  #head: string
  #lengthBytes: number
  #bytesLeft: number
  #corked: boolean
  #tunnel: ServerTunnel | null

  constructor(
    connection: ServerConnection,
    method: string,
    target: string,
    version: number,
    rawHeaders: readonly string[],
    body: RequestBody | null,
    webSocket: boolean,
  ) {
    this.method = method
    this.target = target
    this.httpVersion = version === 11 ? '1.1' : '1.0'
    this.rawHeaders = rawHeaders
    this.body = body
    this.webSocket = webSocket
    this.receivedAtMs = performance.now()
    this.finishListener = null
    this.drainListener = null
    this.bytesOut = 0
    this.refusedStatus = 0
    this.#connection = connection
    this.#phase = OPEN
    this.#head = ''
    this.#lengthBytes = 0
    this.#bytesLeft = 0
    this.#corked = false
    this.#tunnel = null
  }

  get bytesIn(): number {
    return this.body === null ? 0 : this.body.receivedBytes
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress
  }

  get remotePort(): number {
    return this.#connection.remotePort
  }

  get localPort(): number {
    return this.#connection.localPort
  }

  get secure(): boolean {
    return this.#connection.secure
  }

  /** No byte of the answer was handed over. */
  get unanswered(): boolean {
    return this.#phase === OPEN
  }

  send(status: number, reason: string, headers: readonly string[], body: Buffer | string | null): void {
    if (!this.#mayAnswer(status)) return
    const bytes = body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length
    const bodiless = this.#isBodiless(status)
    const lengthBytes = status === 204 ? NO_FRAMING : bodiless && body === null ? AS_GIVEN : bytes
    const head = responseHead(status, reason, headers, lengthBytes, this.#connection.answerConnection(true))
    const socket = this.#connection.socket
    this.#phase = WRITTEN
    if (bodiless || bytes === 0) {
      this.bytesOut = head.length
      socket.write(head, 'latin1')
    } else {
      this.bytesOut = head.length + bytes
      if (typeof body === 'string') writeText(socket, head, body, bytes)
      else writeBoth(socket, head, body!)
    }
    this.#connection.answerWritten()
  }

  head(status: number, reason: string, headers: readonly string[], bodyBytes: number): void {
    if (!this.#mayAnswer(status)) return
    let lengthBytes = bodyBytes
    let untilClose = false
    if (status === 204) {
      lengthBytes = NO_FRAMING
    } else if (this.#isBodiless(status)) {
      lengthBytes = bodyBytes > 0 ? bodyBytes : AS_GIVEN
    } else if (bodyBytes < 0) {
      untilClose = this.httpVersion === '1.0'
      lengthBytes = untilClose ? NO_FRAMING : CHUNKED
    }
    this.#head = responseHead(status, reason, headers, lengthBytes, this.#connection.answerConnection(!untilClose))
    this.#phase = STREAMING
    // Bodiless answers take whatever is written and send none of it.
    this.#lengthBytes = this.#isBodiless(status) ? AS_GIVEN : lengthBytes
    this.#bytesLeft = lengthBytes
    flushSoon(this)
  }

  switchProtocols(reason: string, headers: readonly string[]): TunnelSource {
    if (!this.webSocket || this.#phase !== OPEN) throw new Error('the client did not ask for this, or was answered')
    this.#head = responseHead(101, reason, [...headers, 'Upgrade', 'websocket'], NO_FRAMING, 'Upgrade')
    this.#phase = STREAMING
    this.#lengthBytes = NO_FRAMING
    this.#bytesLeft = NO_FRAMING
    this.#tunnel = this.#connection.beginTunnel()
    flushSoon(this)
    return this.#tunnel
  }

  write(chunk: Buffer): boolean {
    if (this.#phase !== STREAMING) {
      if (this.#phase === FINISHED) return true
      throw new Error('write comes after head and before end')
    }
    if (this.#lengthBytes === AS_GIVEN || chunk.length === 0) return true
    const socket = this.#connection.socket
    const head = this.#head
    this.#head = ''
    this.bytesOut += head.length + chunk.length
    let goOn: boolean
    if (this.#lengthBytes === CHUNKED) {
      if (!this.#corked) {
        this.#corked = true
        socket.cork()
        if (head === '') flushSoon(this)
      }
      goOn = writeChunk(socket, head, chunk)
    } else {
      if (this.#lengthBytes >= 0) {
        this.#bytesLeft -= chunk.length
        if (this.#bytesLeft < 0) {
          this.abort() // more than was announced: the client would take it for the next answer
          return true
        }
      }
      goOn = writeBoth(socket, head, chunk)
    }
    if (!goOn) this.#connection.answerBlocked()
    return goOn
  }

  end(trailers?: readonly string[] | null): void {
    if (this.#phase !== STREAMING) {
      if (this.#phase === FINISHED) return
      throw new Error('end comes after head, once')
    }
    if (this.#lengthBytes >= 0 && this.#bytesLeft > 0) {
      this.abort() // less than was announced: the client must not wait for the rest
      return
    }
    const socket = this.#connection.socket
    let rest = this.#head
    this.#head = ''
    this.bytesOut += rest.length
    if (this.#lengthBytes === CHUNKED) rest += lastChunk(trailers)
    if (rest !== '') socket.write(rest, 'latin1')
    if (this.#corked) {
      this.#corked = false
      socket.uncork()
    }
    this.#phase = WRITTEN
    if (this.#tunnel === null) this.#connection.answerWritten()
    else this.#tunnel.endAnswer()
  }

  abort(): void {
    if (this.#phase === FINISHED) return
    this.#connection.cut(this.#lengthBytes === NO_FRAMING)
  }

  flush(): void {
    if (this.#phase !== STREAMING) return
    const socket = this.#connection.socket
    if (this.#head !== '') {
      this.bytesOut += this.#head.length
      socket.write(this.#head, 'latin1')
      this.#head = ''
    }
    if (this.#corked) {
      this.#corked = false
      socket.uncork()
    }
  }

  /** Called by the connection, once. */
  finish(how: 'sent' | 'gone'): void {
    if (this.#phase === FINISHED) return
    this.#phase = FINISHED
    const listener = this.finishListener
    this.finishListener = null
    this.drainListener = null
    listener?.onFinish(how)
  }

  #isBodiless(status: number): boolean {
    return this.method === 'HEAD' || status === 204 || status === 304
  }

  #mayAnswer(status: number): boolean {
    if (this.#phase === FINISHED) return false
    if (this.#phase !== OPEN) throw new Error('the request was answered before')
    if (status < 200) throw new Error(`${status} is not the status of an answer`)
    return true
  }
}
