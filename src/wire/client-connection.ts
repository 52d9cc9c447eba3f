import net, { isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import { bearsName } from './certificate-name.ts'
import type { ClientExchange } from './client-exchange.ts'
import type { ClientPool } from './client-pool.ts'
import { facts, namesWebSocket, scanResponseHead } from './head-rules.ts'
import { Parser, RESPONSE } from './llhttp.ts'
import { type Reader, readInto } from './read-buffer.ts'
import { Timed, wheel } from './timers.ts'
import { UpstreamError, type UpstreamFailure } from './types.ts'
import { beginRead, endRead } from './write-out.ts'

// What the next bytes are.
const HEAD = 0
const COUNTED_BODY = 1
const CHUNKED_BODY = 2
const BODY_UNTIL_CLOSE = 3
/** Behind a 101: bytes as they are. */
const TUNNEL = 4

/** 1xx in front of one answer. Each counts as a sign of life, so somebody must count them. */
const INTERIM_ANSWERS_MAX = 64

const SOCKET_OPTIONS: { noDelay: boolean; highWaterMark: number; autoSelectFamily: boolean } = {
  noDelay: true,
  highWaterMark: 65_536,
  autoSelectFamily: false,
}

/** One connection to an upstream, and the exchange that it carries now. */
export class ClientConnection extends Timed implements Reader {
  /** Set by `connect`, once the address is known. */
  socket!: Socket
  connected: boolean
  /** Answers that came over it before the current one. */
  answers: number
  readonly #pool: ClientPool
  readonly #parser: Parser
  #exchange: ClientExchange | null
  #state: number
  #bodyBytesLeft: number
  #inHead: boolean
  #interimAnswers: number
  #keepAlive: boolean
  #keepAliveTimeoutSeconds: number
  #paused: boolean
  #closed: boolean
  #error: Error | null

  constructor(pool: ClientPool) {
    super()
    this.connected = false
    this.answers = 0
    this.#pool = pool
    this.#parser = new Parser(RESPONSE, pool.settings.limits)
    this.#exchange = null
    this.#state = HEAD
    this.#bodyBytesLeft = 0
    this.#inHead = false
    this.#interimAnswers = 0
    this.#keepAlive = true
    this.#keepAliveTimeoutSeconds = -1
    this.#paused = false
    this.#closed = false
    this.#error = null
  }

  // --- connecting -----------------------------------------------------------------------------------------------------

  connect(exchange: ClientExchange): void {
    this.#exchange = exchange
    exchange.connection = this
    wheel.set(this, exchange.request.connectTimeoutMs)
    const host = this.#pool.origin.host
    this.#pool.settings.resolve(host, (error, addresses) => {
      if (this.#closed) return
      if (error !== null || addresses.length === 0) {
        // A turn later: the next one in the queue would be told from inside this call, and so on.
        process.nextTick(() => {
          if (this.#closed) return
          this.#fail(new UpstreamError('dns', error?.message ?? `${host} has no address`, true, { cause: error }))
        })
      } else {
        this.#connectTo(addresses, this.#pool.firstAddress(addresses.length), addresses.length)
      }
    })
  }

  /** Tries the address at `index`, and when it refuses the `triesLeft - 1` behind it. */
  #connectTo(addresses: readonly string[], index: number, triesLeft: number): void {
    const { secure, port } = this.#pool.origin
    const host = addresses[index % addresses.length]!
    const socket = net.connect({ ...SOCKET_OPTIONS, host, port, ...(!secure && { onread: readInto(this) }) })
    const onRefused = (error: Error): void => {
      if (this.#closed) return
      if (triesLeft > 1) this.#connectTo(addresses, index + 1, triesLeft - 1)
      else this.#fail(connectError(this.#pool.origin.key, error))
    }
    this.socket = socket
    socket.once('error', onRefused)
    socket.once('connect', () => {
      socket.off('error', onRefused)
      if (this.#closed) socket.destroy()
      else if (secure) this.#startTls(socket)
      else this.#begin(socket)
    })
  }

  #startTls(raw: Socket): void {
    const { host, tls: options } = this.#pool.origin
    const name = options?.servername ?? (isIP(host) === 0 ? host : '')
    let socket: tls.TLSSocket
    try {
      socket = tls.connect({
        socket: raw,
        host,
        servername: name,
        secureContext: this.#pool.secureContext(),
        rejectUnauthorized: options?.rejectUnauthorized ?? true,
        ALPNProtocols: ['http/1.1'],
        ...(options?.commonName !== undefined && { checkServerIdentity: bearsName(options.commonName) }),
        ...(this.#pool.tlsSession !== null && { session: this.#pool.tlsSession }),
      })
    } catch (error) {
      raw.destroy()
      this.#fail(
        new UpstreamError('tls', `the TLS options of ${this.#pool.origin.key} cannot be used`, true, { cause: error }),
      )
      return
    }
    this.socket = socket
    const onFailed = (error: Error | null): void => {
      const code = (error as NodeJS.ErrnoException | null)?.code ?? 'the peer closed the connection'
      const text = `no TLS with ${this.#pool.origin.key}: ${code}`
      this.#fail(new UpstreamError('tls', text, true, { cause: error }))
    }
    const onClosed = (): void => onFailed(null)
    socket.once('error', onFailed)
    socket.once('close', onClosed)
    socket.on('session', (session) => {
      this.#pool.tlsSession = session
    })
    socket.once('secureConnect', () => {
      socket.off('error', onFailed)
      socket.off('close', onClosed)
      if (this.#closed) socket.destroy()
      else this.#begin(socket)
    })
  }

  #begin(socket: Socket): void {
    this.connected = true
    if (this.#pool.origin.secure) socket.on('data', (chunk: Buffer) => this.read(chunk, chunk.length))
    socket.on('drain', () => this.#onDrain())
    socket.on('error', (error) => {
      this.#error = error // 'close' follows
    })
    socket.on('end', () => this.#onPeerEnd())
    socket.on('close', () => this.#onClose())
    const exchange = this.#exchange
    if (exchange === null) {
      this.destroy()
      return
    }
    wheel.set(this, exchange.request.ioTimeoutMs)
    exchange.send(this)
  }

  // --- the exchange's side --------------------------------------------------------------------------------------------

  /** Takes an exchange while idle. */
  begin(exchange: ClientExchange): void {
    this.#exchange = exchange
    exchange.connection = this
    wheel.set(this, exchange.request.ioTimeoutMs)
    exchange.send(this)
  }

  /** Reads on after the handler answered false. */
  resume(exchange: ClientExchange): void {
    if (exchange !== this.#exchange || !this.#paused) return
    this.#paused = false
    wheel.set(this, exchange.request.ioTimeoutMs)
    this.socket.resume()
  }

  /** A byte went out through the tunnel. */
  stirred(exchange: ClientExchange): void {
    if (exchange === this.#exchange && !this.#paused) wheel.set(this, exchange.request.ioTimeoutMs)
  }

  /** All that goes through the tunnel to the upstream is with the kernel. */
  tunnelSent(exchange: ClientExchange): void {
    if (exchange !== this.#exchange || !exchange.sending!.received) return
    this.#exchange = null
    this.#close()
    exchange.tunnelOver()
  }

  /** Ends the connection; nobody is told. */
  destroy(): void {
    this.#exchange = null
    this.#close()
  }

  // --- the socket's events --------------------------------------------------------------------------------------------

  read(input: Buffer, end: number): void {
    beginRead()
    try {
      this.#take(input, end)
    } catch (error) {
      this.#fail(new UpstreamError('aborted', 'the handler of the answer threw', false, { cause: error }))
      throw error // a bug is reported, with this connection in order
    } finally {
      endRead()
    }
  }

  #take(input: Buffer, end: number): void {
    let at = 0
    while (at < end) {
      const exchange = this.#exchange
      if (exchange === null) {
        this.#close() // bytes that nobody asked for, or more than was announced
        return
      }
      if (this.#state === HEAD) at = this.#takeHead(input, at, end, exchange)
      else if (this.#state === CHUNKED_BODY) at = this.#takeChunks(input, at, end, exchange)
      else at = this.#takeBody(input, at, end, exchange)
      if (at < 0) return
    }
    const exchange = this.#exchange
    if (exchange !== null && !this.#paused) wheel.set(this, exchange.request.ioTimeoutMs)
  }

  #onDrain(): void {
    const exchange = this.#exchange
    if (exchange === null) return
    if (!this.#paused) wheel.set(this, exchange.request.ioTimeoutMs)
    exchange.onDrain()
  }

  #onPeerEnd(): void {
    const exchange = this.#exchange
    if (exchange !== null && this.#state === BODY_UNTIL_CLOSE) this.#finish(exchange, null)
    else if (exchange !== null && this.#state === TUNNEL) this.#endReceived(exchange)
    else this.#onClose()
  }

  #onClose(): void {
    if (this.#closed) return
    const exchange = this.#exchange
    if (exchange === null) {
      this.#close()
      return
    }
    this.#exchange = null
    this.#close()
    const cause = this.#error
    const how = cause === null ? 'closed the connection' : `broke the connection (${cause.message})`
    exchange.lost(`${this.#pool.origin.key} ${how} before its answer was whole`, cause, this.answers > 0)
  }

  override onDeadline(): void {
    const exchange = this.#exchange
    if (exchange === null) {
      this.#close() // idle for long enough
    } else if (!this.connected) {
      const text = `no connection to ${this.#pool.origin.key} within ${exchange.request.connectTimeoutMs} ms`
      this.#fail(new UpstreamError('connect-timeout', text, true))
    } else if (exchange.waitsForBody && this.socket.writableLength === 0) {
      wheel.set(this, exchange.request.ioTimeoutMs) // it is the sender of the body that is slow
    } else if (!this.#paused) {
      const text = `no byte to or from ${this.#pool.origin.key} for ${exchange.request.ioTimeoutMs} ms`
      this.#fail(new UpstreamError('io-timeout', text, false))
    }
  }

  // --- reading --------------------------------------------------------------------------------------------------------

  #takeHead(input: Buffer, at: number, inputEnd: number, exchange: ClientExchange): number {
    const parser = this.#parser
    if (!this.#inHead) {
      if (input[at]! !== 0x48) return this.#bad('the answer does not begin with HTTP')
      this.#inHead = true
      exchange.answered = true
      parser.reset()
    }
    const end = parser.readHead(input, at, inputEnd)
    if (end < 0) return this.#bad(parser.refusal!.detail)
    if (!parser.headComplete) return end
    this.#inHead = false
    const { status, headers } = parser
    const switches = status === 101 && parser.upgrade && namesWebSocket(headers)
    const refusal = scanResponseHead(headers, parser.version, status, parser.reason)
    if (refusal !== null) return this.#bad(refusal.detail)
    if (status < 200) {
      if (status !== 101) {
        if (++this.#interimAnswers <= INTERIM_ANSWERS_MAX) return end
        return this.#bad(`more than ${INTERIM_ANSWERS_MAX} interim answers and no other`)
      }
      if (exchange.request.webSocket !== true) return this.#bad('it switched protocols unasked')
      if (!switches) return this.#bad('it switched to something else than WebSocket')
      return this.#beginTunnel(exchange, headers) ? end : -1
    }
    return this.#beginAnswer(exchange, status, headers) ? end : -1
  }

  /** False: the exchange is over. */
  #beginTunnel(exchange: ClientExchange, headers: string[]): boolean {
    this.#state = TUNNEL
    this.#keepAlive = false
    this.socket.allowHalfOpen = true
    this.#pool.detach()
    exchange.handler.onHead(101, this.#parser.reason, headers, -1)
    return this.#exchange === exchange
  }

  #endReceived(exchange: ClientExchange): void {
    if (exchange.sending === null || exchange.sending.sent) {
      this.#finish(exchange, null)
      return
    }
    wheel.set(this, exchange.request.ioTimeoutMs)
    exchange.halfClosed()
  }

  /** Frames the body and hands the head on. False: the exchange is over. */
  #beginAnswer(exchange: ClientExchange, status: number, headers: string[]): boolean {
    const lengthBytes = facts.contentLengthBytes
    const bodiless = exchange.request.method === 'HEAD' || status === 204 || status === 304
    this.#interimAnswers = 0
    this.#keepAlive = facts.keepAlive
    this.#keepAliveTimeoutSeconds = facts.keepAliveTimeoutSeconds
    let bodyBytes = lengthBytes
    if (bodiless || lengthBytes === 0) {
      // A 204 that announces a body may send it too.
      if (status === 204 && (facts.chunked || lengthBytes > 0)) this.#keepAlive = false
      bodyBytes = 0
    } else if (facts.chunked) {
      this.#state = CHUNKED_BODY
      this.#parser.expectChunks()
    } else if (lengthBytes > 0) {
      this.#state = COUNTED_BODY
      this.#bodyBytesLeft = lengthBytes
    } else {
      this.#state = BODY_UNTIL_CLOSE
      this.#keepAlive = false
    }
    exchange.handler.onHead(status, this.#parser.reason, headers, bodyBytes)
    if (this.#exchange !== exchange) return false
    if (bodyBytes === 0) this.#finish(exchange, null)
    return true
  }

  #takeBody(input: Buffer, at: number, inputEnd: number, exchange: ClientExchange): number {
    let end = inputEnd
    if (this.#state === COUNTED_BODY) {
      end = Math.min(end, at + this.#bodyBytesLeft)
      this.#bodyBytesLeft -= end - at
    }
    const complete = this.#state === COUNTED_BODY && this.#bodyBytesLeft === 0
    const chunk = at === 0 && end === input.length ? input : input.subarray(at, end)
    return this.#pass(chunk, exchange, complete) ? end : -1
  }

  #takeChunks(input: Buffer, at: number, inputEnd: number, exchange: ClientExchange): number {
    const parser = this.#parser
    const end = parser.readChunks(input, at, inputEnd)
    if (end < 0) return this.#bad(parser.refusal!.detail)
    return this.#pass(parser.body(input), exchange, parser.messageComplete) ? end : -1
  }

  /** False: the exchange is over, and was not finished by this. */
  #pass(chunk: Buffer | null, exchange: ClientExchange, complete: boolean): boolean {
    if (chunk !== null && !exchange.handler.onData(chunk) && !complete) this.#pause(exchange)
    if (this.#exchange !== exchange) return false
    if (complete) this.#finish(exchange, this.#state === CHUNKED_BODY ? this.#parser.trailers : null)
    return true
  }

  #pause(exchange: ClientExchange): void {
    if (this.#exchange !== exchange || this.#paused) return
    this.#paused = true
    wheel.clear(this)
    this.socket.pause()
  }

  // --- the end --------------------------------------------------------------------------------------------------------

  #finish(exchange: ClientExchange, trailers: readonly string[] | null): void {
    this.#exchange = null
    this.answers++
    if (this.#keepAlive && exchange.allSent && !this.#paused) {
      this.#state = HEAD
      wheel.set(this, this.#idleMs())
      this.#pool.release(this)
    } else {
      this.#close()
    }
    exchange.finish(trailers)
  }

  /** Shorter than the peer said it keeps idle connections, so that it is not the one who closes. */
  #idleMs(): number {
    const idleMs = this.#pool.settings.idleTimeoutMs
    const seconds = this.#keepAliveTimeoutSeconds
    return seconds < 0 ? idleMs : Math.min(idleMs, Math.max(seconds * 1000 - 1000, seconds * 500))
  }

  #bad(detail: string): -1 {
    this.#fail(new UpstreamError('bad-response', `${this.#pool.origin.key} sent a bad answer: ${detail}`, false))
    return -1
  }

  #fail(error: UpstreamError): void {
    const exchange = this.#exchange
    this.#exchange = null
    this.#close()
    exchange?.fail(error)
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    wheel.remove(this)
    this.#parser.free()
    this.socket?.on('error', () => {})
    this.socket?.destroy()
    if (this.#state !== TUNNEL) this.#pool.remove(this)
  }
}

function connectError(key: string, error: Error): UpstreamError {
  const kind: UpstreamFailure = (error as NodeJS.ErrnoException).code === 'ETIMEDOUT' ? 'connect-timeout' : 'refused'
  return new UpstreamError(kind, `no connection to ${key}: ${error.message}`, true, { cause: error })
}
