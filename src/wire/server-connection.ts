import type { Socket } from 'node:net'
import { copyOf } from '../core/body.ts'
import { responseHead } from './head-writer.ts'
import type { Refusal } from './llhttp.ts'
import { type Reader, readThrough } from './read-buffer.ts'
import { RequestBody, RequestBodyError } from './request-body.ts'
import { RequestReader } from './request-reader.ts'
import { ServerExchange } from './server-exchange.ts'
import { BUG, REASONS, SLOW_BODY, SLOW_HEAD } from './server-refusals.ts'
import { ServerTunnel } from './server-tunnel.ts'
import { Timed, wheel } from './timers.ts'
import type { ServerOptions } from './types.ts'
import { beginRead, endRead, writeText } from './write-out.ts'

// What the next bytes are.
const HEAD = 0
/** A request is in work and its body is not complete. */
const BODY = 1
/** A request is in work and all of it is here. */
const WORK = 2
/** The answer is out, and the body that nobody read is thrown away. */
const DRAIN = 3
/** We have ended: what still comes is thrown away, so that the client can read the answer before it meets a reset. */
const LINGER = 4
const CLOSED = 5
/** The answer is 101: bytes as they are, both ways. */
const TUNNEL = 6

const DRAINED_BYTES_MAX = 65_536
const LINGER_MS = 2000
// What is thrown away while a client that sends on is told the answer: a reset now would take the answer with it.
const LINGERED_BYTES_MAX = 16 * 1024 * 1024
/** How long a client that half-closed is left alone before an interim answer finds out whether it is still there... */
const PROBE_MS = 250
/** ... and how often it is looked whether that met a reset. */
const PROBE_AGAIN_MS = 500

/** What a connection knows of the server it belongs to. */
export interface ConnectionOwner {
  readonly options: ServerOptions
  readonly closing: boolean
  removed(connection: ServerConnection): void
}

/**
 * One client connection, accepted with `pauseOnConnect` when it is plain: requests one after the other, the next one begun when
 * the answer to the last is out.
 */
export class ServerConnection extends Timed implements Reader {
  readonly socket: Socket
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly secure: boolean
  readonly #owner: ConnectionOwner
  readonly #sharesBuffer: boolean
  /** The bytes that are being taken lie where the next read goes. */
  #borrowed: boolean
  readonly #reader: RequestReader
  #state: number
  #exchange: ServerExchange | null
  #body: RequestBody | null
  #drainedBytes: number
  #keepAlive: boolean
  #owesContinue: boolean
  /** Bytes that cannot be taken yet: a body that was not asked for, or the next request. One read, or two when it was late. */
  #held: Buffer | null
  #paused: boolean
  #consuming: boolean
  #peerEnded: boolean
  #probed: boolean
  #blocked: boolean
  /** All is written, and the kernel has not taken it yet. */
  #flushing: boolean

  constructor(owner: ConnectionOwner, accepted: Socket, secure: boolean) {
    super()
    this.secure = secure
    this.#owner = owner
    this.#reader = new RequestReader(owner.options.limits)
    this.#state = HEAD
    this.#exchange = null
    this.#body = null
    this.#drainedBytes = 0
    this.#keepAlive = true
    this.#owesContinue = false
    this.#held = null
    this.#paused = false
    this.#consuming = false
    this.#peerEnded = false
    this.#probed = false
    this.#blocked = false
    this.#flushing = false
    this.#borrowed = false
    const reading = secure ? null : readThrough(accepted, this)
    const socket = reading ?? accepted
    this.#sharesBuffer = reading !== null
    this.socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
    this.remotePort = socket.remotePort ?? 0
    this.localPort = socket.localPort ?? 0
    wheel.set(this, owner.options.limits.idleTimeoutMs)
    if (reading === null) socket.on('data', (chunk: Buffer) => this.read(chunk, chunk.length))
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#onPeerEnd())
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => this.#onClose())
    socket.resume()
  }

  // --- called by the server -------------------------------------------------------------------------------------------

  /** The server closes: an idle connection ends now, a busy one after its answer. */
  closeWhenIdle(): void {
    this.#keepAlive = false
    if (this.#state === HEAD && !this.#reader.inHead) this.#linger()
  }

  // --- called by the exchange and its body ----------------------------------------------------------------------------

  /** What the answer's Connection header says; decides whether the connection is kept. */
  answerConnection(mayKeep: boolean): string {
    if (!mayKeep || this.#owner.closing || this.#owesContinue) this.#keepAlive = false
    else if (this.#peerEnded && this.#held === null) this.#keepAlive = false
    else if (this.#state === BODY && !this.#body!.started && this.#reader.bodyBytesLeft > DRAINED_BYTES_MAX)
      this.#keepAlive = false
    if (!this.#keepAlive) return 'close'
    return this.#reader.version === 10 ? 'keep-alive' : ''
  }

  /** The socket is full: the client has the body timeout to read on. */
  answerBlocked(): void {
    this.#blocked = true
    wheel.set(this, this.#owner.options.limits.bodyTimeoutMs)
  }

  /** The last byte of the answer was handed to the socket. */
  answerWritten(): void {
    if (this.socket.writableLength === 0) {
      if (this.socket.errored === null) this.#answerSent() // else the client was reset, and the end of the socket is under way
      return
    }
    this.#flushing = true
    this.answerBlocked()
    this.socket.write('', (error) => {
      if (error === null || error === undefined) this.#onFlushed()
    })
  }

  startBody(body: RequestBody): void {
    if (this.#owesContinue) {
      this.#owesContinue = false
      if (this.#held === null && this.#exchange!.unanswered)
        this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
    }
    this.flowBody(body)
  }

  flowBody(body: RequestBody): void {
    if (body !== this.#body || (this.#state !== BODY && this.#state !== TUNNEL)) return
    if (this.#state === BODY && !this.#blocked) wheel.set(this, this.#owner.options.limits.bodyTimeoutMs)
    this.#goOn()
  }

  /** The answer is 101. What the client sent behind its request is the beginning of what it sends through. */
  beginTunnel(): ServerTunnel {
    const tunnel = new ServerTunnel(this)
    this.#body = tunnel
    this.#state = TUNNEL
    this.#keepAlive = false
    wheel.clear(this) // the other side watches for silence
    return tunnel
  }

  tunnelFlushed(): void {
    this.#blocked = false
    if (this.#state === TUNNEL) wheel.clear(this)
  }

  /** Both directions have ended. */
  endTunnel(): void {
    if (this.#state === TUNNEL) this.#answerSent()
  }

  /** Breaks the connection. `reset`: only that tells the client that the answer is not whole. */
  cut(reset: boolean): void {
    if (reset && !this.secure) this.socket.resetAndDestroy()
    else this.socket.destroy()
    this.#onClose()
  }

  // --- the socket's events --------------------------------------------------------------------------------------------

  read(input: Buffer, end: number): void {
    this.#borrowed = this.#sharesBuffer
    if (this.#held !== null) {
      this.#hold(input, 0, end)
      this.#pause()
      return
    }
    beginRead()
    try {
      this.#consume(input, end)
    } catch (error) {
      this.#consuming = false
      this.cut(true)
      throw error // a bug in a sink is reported, with this connection in order
    } finally {
      endRead()
    }
  }

  #onDrain(): void {
    if (this.#flushing) return
    this.#blocked = false
    if (this.#state === BODY && this.#body!.flowing) wheel.set(this, this.#owner.options.limits.bodyTimeoutMs)
    else wheel.clear(this)
    this.#exchange?.drainListener?.onDrain()
  }

  #onFlushed(): void {
    if (!this.#flushing || this.#state === CLOSED) return
    this.#flushing = false
    this.#blocked = false
    this.#answerSent()
    this.#goOn()
  }

  /** The client will send nothing more. It may still read: a request that is whole is answered. */
  #onPeerEnd(): void {
    this.#peerEnded = true
    switch (this.#state) {
      case HEAD:
        this.#linger()
        break
      case BODY:
        if (this.#held === null) this.#clientLeft()
        break
      case WORK:
        if (this.#reader.version === 11 && !this.#blocked) wheel.set(this, PROBE_MS)
        break
      case TUNNEL:
        if (this.#held === null) this.#body!.complete(null)
        break
      default:
        this.socket.destroySoon()
    }
  }

  #onClose(): void {
    if (this.#state === CLOSED) return
    this.#state = CLOSED
    wheel.remove(this)
    this.#reader.free()
    this.#held = null
    this.#owner.removed(this)
    this.#endExchange(new RequestBodyError('the client left', 0))
  }

  override onDeadline(): void {
    if (this.#blocked) {
      this.cut(true) // the client does not read
      return
    }
    switch (this.#state) {
      case HEAD:
        if (this.#reader.inHead) this.#refuse(SLOW_HEAD)
        else this.#linger()
        break
      case BODY:
        if (this.#body!.flowing) this.#refuse(SLOW_BODY)
        break
      case WORK:
        this.#probe()
        break
      default:
        this.socket.destroy()
    }
  }

  // --- reading --------------------------------------------------------------------------------------------------------

  #consume(input: Buffer, end: number): void {
    this.#consuming = true
    let at = 0
    while (at < end) {
      if (this.#state === HEAD) {
        at = this.#takeHead(input, at, end)
      } else if ((this.#state === BODY && this.#body!.flowing) || this.#state === DRAIN) {
        at = this.#takeBody(input, at, end)
      } else if (this.#state === TUNNEL && this.#body!.flowing) {
        const piece = input.subarray(at, end)
        this.#body!.data(piece)
        break
      } else if (this.#state === BODY || this.#state === WORK || this.#state === TUNNEL) {
        this.#hold(input, at, end)
        break
      } else {
        this.#discard(end - at)
        break
      }
    }
    this.#consuming = false
  }

  /** Takes what was held, and reads on when nothing is held any more. */
  #goOn(): void {
    if (this.#consuming || this.#state === CLOSED) return
    const held = this.#held
    if (held !== null) {
      this.#held = null
      this.#borrowed = false
      this.#consume(held, held.length)
    }
    if (this.#held !== null || (this.#state as number) === CLOSED) return
    if (this.#peerEnded) {
      if (this.#state === BODY) this.#clientLeft()
      else if (this.#state === HEAD) this.#linger()
      else if (this.#state === TUNNEL) this.#body!.complete(null)
    } else if (this.#paused) {
      this.#paused = false
      this.socket.resume()
    }
  }

  #hold(input: Buffer, at: number, end: number): void {
    const piece = input.subarray(at, end)
    if (this.#held !== null) this.#held = Buffer.concat([this.#held, piece])
    else this.#held = this.#borrowed ? copyOf(piece) : piece
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  #takeHead(input: Buffer, at: number, inputEnd: number): number {
    const reader = this.#reader
    const wasInHead = reader.inHead
    const end = reader.takeHead(input, at, inputEnd)
    if (end < 0) {
      this.#refuse(reader.refusal!)
      return inputEnd
    }
    if (reader.headComplete) this.#beginRequest(end < inputEnd)
    else if (reader.inHead && !wasInHead) wheel.set(this, this.#owner.options.limits.headerTimeoutMs)
    return end
  }

  #beginRequest(bodyFollows: boolean): void {
    const reader = this.#reader
    wheel.clear(this)
    this.#keepAlive = reader.keepAlive
    this.#state = reader.bodyComplete ? WORK : BODY
    this.#owesContinue = reader.expectsContinue && !reader.bodyComplete && !bodyFollows
    this.#body = reader.bodyComplete ? null : new RequestBody(this, reader.bodyBytesLeft)
    this.#drainedBytes = 0
    const { method, target, version, headers } = reader
    const exchange = new ServerExchange(this, method, target, version, headers, this.#body, reader.webSocket)
    this.#exchange = exchange
    try {
      this.#owner.options.onRequest(exchange)
    } catch (error) {
      this.#refuse(BUG)
      queueMicrotask(() => {
        throw error // a bug is reported, with this connection in order
      })
    }
  }

  #takeBody(input: Buffer, at: number, inputEnd: number): number {
    const reader = this.#reader
    const body = this.#body!
    const end = reader.takeBody(input, at, inputEnd)
    if (end < 0) {
      this.#refuse(reader.refusal!)
      return inputEnd
    }
    let piece: Buffer | null = null
    if (!body.done) {
      piece = reader.bodyPiece(input)
      if (!reader.bodyComplete && !this.#blocked) wheel.set(this, this.#owner.options.limits.bodyTimeoutMs)
    } else {
      this.#drainedBytes += end - at
      if (this.#drainedBytes > DRAINED_BYTES_MAX) {
        this.#linger()
        return inputEnd
      }
    }
    const { bodyComplete, trailers } = reader
    // The state first: the sink may answer at once.
    if (bodyComplete) this.#bodyComplete()
    if (piece !== null) body.data(piece)
    if (bodyComplete) body.complete(trailers)
    return end
  }

  #bodyComplete(): void {
    if (this.#state === BODY) {
      this.#state = WORK
      if (!this.#blocked) wheel.clear(this)
    } else {
      this.#nextRequest()
    }
  }

  #discard(bytes: number): void {
    this.#drainedBytes += bytes
    if (this.#drainedBytes > LINGERED_BYTES_MAX) this.socket.destroy()
  }

  // --- the end of an exchange -----------------------------------------------------------------------------------------

  #answerSent(): void {
    const exchange = this.#exchange!
    this.#exchange = null
    if (!this.#keepAlive) {
      this.#body?.cancel()
      this.#linger()
    } else if (this.#state === BODY) {
      this.#body!.cancel()
      this.#state = DRAIN
      this.#drainedBytes = 0
      wheel.set(this, this.#owner.options.limits.bodyTimeoutMs)
    } else {
      this.#nextRequest()
    }
    exchange.finish('sent')
    if (this.#held !== null || this.#paused || this.#peerEnded) this.#goOn()
  }

  #nextRequest(): void {
    this.#state = HEAD
    this.#body = null
    wheel.set(this, this.#owner.options.limits.idleTimeoutMs)
    if (this.#owner.closing && this.#held === null) this.#linger()
  }

  /** Answers what cannot be understood, and closes. An exchange that was begun is told that its client is gone. */
  #refuse(refusal: Refusal): void {
    const exchange = this.#exchange
    if (exchange === null || exchange.unanswered) {
      const usual = REASONS[refusal.status] ?? 'Error'
      const reply = this.#owner.options.protocolError(refusal.status, usual, refusal.detail)
      const { status = refusal.status, reason = usual, headers, body } = reply
      const bytes = Buffer.byteLength(body)
      writeText(this.socket, responseHead(status, reason, headers, bytes, 'close'), body, bytes)
      if (exchange !== null) exchange.refusedStatus = status
      this.#linger()
    } else {
      this.cut(true)
    }
    this.#endExchange(new RequestBodyError(refusal.detail, refusal.status))
  }

  #clientLeft(): void {
    this.cut(false)
  }

  #endExchange(error: RequestBodyError): void {
    const exchange = this.#exchange
    const body = this.#body
    this.#exchange = null
    this.#body = null
    if (exchange === null) return
    // In this order: who hears that the body broke off must not answer any more.
    exchange.finish('gone')
    if (body !== null && !body.done) body.fail(error)
  }

  /** Ends our side and waits a little for the client to end its own. */
  #linger(): void {
    this.#state = LINGER
    this.#held = null
    this.#drainedBytes = 0
    this.socket.end()
    if (this.#peerEnded) {
      this.socket.destroySoon()
      return
    }
    wheel.set(this, LINGER_MS)
    if (this.#paused) {
      this.#paused = false
      this.socket.resume()
    }
  }

  /**
   * The client half-closed or left, which look the same until something is sent. One interim answer costs the former nothing;
   * the reset that it meets from the latter shows in the next write, be it empty.
   */
  #probe(): void {
    if (!this.#peerEnded || !this.#exchange?.unanswered) return
    this.socket.write(this.#probed ? '' : 'HTTP/1.1 102 Processing\r\n\r\n', 'latin1')
    this.#probed = true
    wheel.set(this, PROBE_AGAIN_MS)
  }
}
