import { type BodySink, type BodySource, copyOf } from '../core/body.ts'
import type { LocalAddress } from '../core/local-address.ts'
import {
  type Downstream,
  type Origin,
  type TunnelSource,
  type UpstreamCall,
  type UpstreamClient,
  UpstreamError,
  type UpstreamHandler,
  type UpstreamRequest,
} from '../wire/types.ts'
import type { Match } from './route.ts'
import type { Snapshot } from './snapshot.ts'

/** What a hop needs of the gateway: where endpoints are now, and the way in. */
export interface LocalDoor {
  readonly snapshot: Snapshot
  acceptLocal(down: Downstream, match: Match): void
}

/** An origin that is this gateway itself. */
export function localOrigin(local: LocalAddress): Origin {
  return { key: 'local', secure: false, host: '', port: 0, local }
}

/** Calls to other servers go over the wire, those to proxies of this gateway stay in the thread. */
export class GatewayClient implements UpstreamClient {
  readonly #wire: UpstreamClient
  readonly #door: () => LocalDoor

  constructor(wire: UpstreamClient, door: () => LocalDoor) {
    this.#wire = wire
    this.#door = door
  }

  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const { local } = request.origin
    if (local === undefined) return this.#wire.dispatch(request, handler)
    const hop = new LocalHop(request, handler)
    // The handler learns of its call when this has returned: nothing may happen before.
    queueMicrotask(() => hop.begin(this.#door(), local))
    return hop
  }

  close(): void {
    this.#wire.close()
  }
}

/**
 * One call from proxy to proxy: what one sends the other gets as if it had come over a connection, with the pace of whoever reads.
 * The whole life of a request is run for it, the loop guard and the record included.
 */
class LocalHop implements UpstreamCall {
  readonly #request: UpstreamRequest
  readonly #handler: UpstreamHandler
  readonly #body: HopBody | null
  #down: HopDownstream | null = null
  #timer: NodeJS.Timeout | null = null
  #queue: Buffer[] = []
  #trailers: readonly string[] | null = null
  #paused = false
  #ended = false
  #over = false

  constructor(request: UpstreamRequest, handler: UpstreamHandler) {
    this.#request = request
    this.#handler = handler
    this.#body = request.body === null ? null : new HopBody(request.body, () => this.#timer?.refresh())
  }

  begin(door: LocalDoor, address: LocalAddress): void {
    if (this.#over) return
    const match = matchOf(door.snapshot, address, this.#request)
    if (match === null) {
      const name = address === 'path' ? this.#request.target : `${address.proxy}, ${address.endpoint}`
      return this.#fail(new UpstreamError('refused', `no proxy of this gateway is there: ${name}`, true))
    }
    this.#timer = setTimeout(
      () => this.#fail(new UpstreamError('io-timeout', `no byte for ${this.#request.ioTimeoutMs} ms`, false)),
      this.#request.ioTimeoutMs,
    )
    const path = match.basePath + match.pathSuffix
    const { target } = this.#request
    const query = target.indexOf('?')
    this.#down = new HopDownstream(this, this.#request, query < 0 ? path : path + target.slice(query), this.#body)
    door.acceptLocal(this.#down, match)
  }

  // What the called proxy does.

  head(status: number, reason: string, headers: string[], bodyBytes: number): void {
    if (this.#over) return
    this.#timer?.refresh()
    this.#handler.onHead(status, reason, headers, bodyBytes)
  }

  write(chunk: Buffer): boolean {
    if (this.#over) return true
    this.#timer?.refresh()
    if (this.#paused) this.#queue.push(copyOf(chunk))
    else this.#paused = !this.#handler.onData(chunk)
    return !this.#paused
  }

  end(trailers: readonly string[] | null): void {
    this.#ended = true
    this.#trailers = trailers
    this.#flush()
  }

  breakOff(): void {
    this.#fail(new UpstreamError('reset', 'the answer broke off', false))
  }

  // What the calling proxy does.

  resume(): void {
    if (!this.#paused || this.#over) return
    this.#paused = false
    this.#flush()
    if (!this.#paused && !this.#over) this.#down?.drainListener?.onDrain()
  }

  tunnel(): void {
    throw new Error('a local call never goes on as a WebSocket')
  }

  abort(): void {
    if (this.#over) return
    this.#finish('gone')
  }

  #flush(): void {
    while (!this.#paused && !this.#over && this.#queue.length > 0) {
      this.#paused = !this.#handler.onData(this.#queue.shift()!)
    }
    if (!this.#ended || this.#over || this.#queue.length > 0) return
    // The end of the answer follows its last byte, whether or not more of them were wanted.
    const trailers = this.#trailers
    this.#finish('sent')
    this.#handler.onEnd(trailers)
  }

  #fail(error: UpstreamError): void {
    if (this.#over) return
    this.#finish('gone')
    this.#handler.onError(error)
  }

  #finish(how: 'sent' | 'gone'): void {
    this.#over = true
    this.#queue = []
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#body?.drop()
    this.#down?.finishListener?.onFinish(how)
  }
}

function matchOf(snapshot: Snapshot, address: LocalAddress, request: UpstreamRequest): Match | null {
  const query = request.target.indexOf('?')
  const path = query < 0 ? request.target : request.target.slice(0, query)
  // The first header is Host.
  if (address === 'path') return snapshot.router.find(request.headers[1] ?? '', path)
  const served = snapshot.endpoints.get(endpointKey(address.environment, address.proxy, address.endpoint))
  if (served === undefined) return null
  const basePath = served.endpoint.basePath.replace(/\/\*\*$/, '').replace(/\/+$/, '')
  return { served, basePath, pathSuffix: path }
}

/** How a snapshot names its endpoints. */
export const endpointKey = (environment: string, proxy: string, endpoint: string): string =>
  `${environment}\0${proxy}\0${endpoint}`

/** The called proxy's side: it answers here. */
class HopDownstream implements Downstream {
  readonly method: string
  readonly target: string
  readonly httpVersion = '1.1'
  readonly rawHeaders: readonly string[]
  readonly webSocket = false
  readonly remoteAddress: string
  readonly remotePort = 0
  readonly localPort = 0
  readonly secure = false
  readonly receivedAtMs: number = performance.now()
  readonly refusedStatus = 0
  finishListener: Downstream['finishListener'] = null
  drainListener: Downstream['drainListener'] = null
  bytesOut = 0
  unanswered = true
  readonly #hop: LocalHop
  readonly #body: HopBody | null

  constructor(hop: LocalHop, request: UpstreamRequest, target: string, body: HopBody | null) {
    this.#hop = hop
    this.#body = body
    this.method = request.method
    this.target = target === '' || target.startsWith('?') ? `/${target}` : target
    const length = body?.lengthBytes ?? -1
    this.rawHeaders = length < 0 ? request.headers : [...request.headers, 'Content-Length', String(length)]
    this.remoteAddress = addressOf(request.headers)
  }

  get body(): BodySource | null {
    return this.#body
  }

  get bytesIn(): number {
    return this.#body?.bytes ?? 0
  }

  send(status: number, reason: string, headers: readonly string[], body: Buffer | string | null): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    this.head(status, reason, headers, bytes?.length ?? 0)
    if (bytes !== null && bytes.length > 0 && this.method !== 'HEAD') this.write(bytes)
    this.end()
  }

  head(status: number, reason: string, headers: readonly string[], bodyBytes: number): void {
    const bodiless = this.method === 'HEAD' || status === 204 || status === 304
    this.unanswered = false
    const all = bodyBytes < 0 ? headers.slice() : [...headers, 'Content-Length', String(bodyBytes)]
    this.#hop.head(status, reason, all, bodiless ? 0 : bodyBytes)
  }

  switchProtocols(): TunnelSource {
    throw new Error('a local call never goes on as a WebSocket')
  }

  write(chunk: Buffer): boolean {
    this.bytesOut += chunk.length
    return this.#hop.write(chunk)
  }

  end(trailers: readonly string[] | null = null): void {
    this.#hop.end(trailers)
  }

  abort(): void {
    this.#hop.breakOff()
  }
}

/** The client's address, which the calling proxy has appended to X-Forwarded-For; a callout tells none. */
function addressOf(headers: readonly string[]): string {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (headers[i]!.toLowerCase() !== 'x-forwarded-for') continue
    const list = headers[i + 1]!
    return list.slice(list.lastIndexOf(',') + 1).trim()
  }
  return '127.0.0.1'
}

/** The body of the call, whatever it was: counts what goes by. */
class HopBody implements BodySource, BodySink {
  readonly lengthBytes: number
  bytes = 0
  readonly #source: BodySource | null
  readonly #onByte: () => void
  #content: Buffer | null
  #sink: BodySink | null = null
  #done = false

  constructor(body: Buffer | string | BodySource, onByte: () => void) {
    this.#onByte = onByte
    const content = typeof body === 'string' ? Buffer.from(body) : Buffer.isBuffer(body) ? body : null
    this.#content = content
    this.#source = content === null ? (body as BodySource) : null
    this.lengthBytes = content?.length ?? (body as BodySource).lengthBytes
  }

  start(sink: BodySink): void {
    this.#sink = sink
    if (this.#source !== null) return this.#source.start(this)
    const content = this.#content!
    this.#content = null
    if (this.onData(content)) this.onEnd(null)
  }

  resume(): void {
    if (this.#source !== null) this.#source.resume()
    else this.onEnd(null)
  }

  cancel(): void {
    this.drop()
  }

  /** Nobody wants the rest. */
  drop(): void {
    if (this.#done) return
    this.#done = true
    this.#sink = null
    this.#source?.cancel()
  }

  onData(chunk: Buffer): boolean {
    this.bytes += chunk.length
    this.#onByte()
    return this.#sink?.onData(chunk) ?? false
  }

  onEnd(trailers: readonly string[] | null): void {
    if (this.#done) return
    this.#done = true
    this.#sink?.onEnd(trailers)
  }

  onError(error: Error): void {
    if (this.#done) return
    this.#done = true
    this.#sink?.onError(error)
  }
}
