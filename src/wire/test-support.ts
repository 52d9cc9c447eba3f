import net, { type AddressInfo, type Server, type Socket } from 'node:net'
import v8 from 'node:v8'
import vm from 'node:vm'
import type { BodySink, BodySource } from '../core/body.ts'
import { listen } from './server.ts'
import type {
  Downstream,
  Origin,
  ServerLimits,
  ServerOptions,
  UpstreamError,
  UpstreamHandler,
  WireServer,
} from './types.ts'

/** What the tests of this folder share: real sockets on 127.0.0.1, and things that collect what came. */

export const LIMITS: ServerLimits = {
  requestLineBytesMax: 1000,
  headerBytesMax: 1000,
  headersBytesMax: 4000,
  headersCountMax: 50,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  connectionsMax: 10_000,
}

const cleanups: (() => unknown)[] = []

/** Runs when the test is over: call `cleanUp` in `afterEach`. */
export function later(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

/** A server whose protocol errors are `status detail` in text. Closed by `cleanUp`. */
export async function serve(
  onRequest: (exchange: Downstream) => void,
  options: Partial<ServerOptions> = {},
): Promise<WireServer> {
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    reusePort: false,
    limits: LIMITS,
    onRequest,
    protocolError: (status, _reason, detail) => ({
      headers: ['Content-Type', 'text/plain'],
      body: `${status} ${detail}`,
    }),
    ...options,
  })
  later(() => server.close(0))
  return server
}

/** A raw client connection that keeps what it read, latin1. */
export class RawClient {
  readonly socket: Socket
  text = ''
  ended = false
  closed = false
  #waiting: (() => void)[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1')
      this.#wake()
    })
    socket.on('end', () => {
      this.ended = true
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  static async connect(port: number, options: { allowHalfOpen?: boolean } = {}): Promise<RawClient> {
    const socket = net.connect({ port, host: '127.0.0.1', ...options })
    later(() => socket.destroy())
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RawClient(socket)
  }

  write(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Resolves when the condition holds; it is looked at whenever something happened here. */
  async until(condition: (client: RawClient) => boolean): Promise<string> {
    while (!condition(this)) {
      if (this.closed) throw new Error(`the connection closed too early; read: ${JSON.stringify(this.text)}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return this.text
  }

  untilClosed(): Promise<string> {
    return this.until((client) => client.closed)
  }

  untilText(text: string): Promise<string> {
    return this.until((client) => client.text.includes(text))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** Sends bytes and reads until the server closes. */
export async function exchangeRaw(port: number, bytes: string): Promise<string> {
  const client = await RawClient.connect(port)
  client.write(bytes)
  return client.untilClosed()
}

/** Sends bytes and our end to a port of this machine or a Unix socket; resolves when the other side closed, with what it sent. */
export function sendAll(to: { port: number } | { path: string }, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const options = 'port' in to ? { port: to.port, host: '127.0.0.1' } : { path: to.path }
    const socket = net.connect({ ...options, allowHalfOpen: true }, () => socket.end(bytes, 'latin1'))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('end', () => socket.end())
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

/** A raw upstream: `onConnection` does what it likes with each socket. Closed by `cleanUp`. */
export async function rawUpstream(onConnection: (socket: Socket) => void): Promise<{ server: Server; origin: Origin }> {
  const sockets = new Set<Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  later(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return { server, origin: originOf((server.address() as AddressInfo).port) }
}

export function originOf(port: number): Origin {
  return { key: `http://127.0.0.1:${port}`, secure: false, host: '127.0.0.1', port }
}

/** An upstream that answers every head it reads with the same bytes; `seen` are the requests. */
export async function cannedUpstream(
  answer: string | ((request: string, count: number, socket: Socket) => string),
): Promise<{ origin: Origin; seen: string[]; connections: () => number }> {
  const seen: string[] = []
  let connections = 0
  const { origin } = await rawUpstream((socket) => {
    connections++
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!text.includes('\r\n\r\n')) return
      seen.push(text)
      const request = text
      text = ''
      const bytes = typeof answer === 'string' ? answer : answer(request, seen.length, socket)
      if (bytes !== '') socket.write(bytes, 'latin1')
    })
    socket.on('end', () => socket.end())
  })
  return { origin, seen, connections: () => connections }
}

/** Collects an answer. `done` resolves at its end, well or not. */
export class Answer implements UpstreamHandler {
  status = 0
  reason = ''
  headers: string[] = []
  bodyBytes = 0
  chunks: Buffer[] = []
  trailers: readonly string[] | null = null
  error: UpstreamError | null = null
  ends = 0
  readonly done: Promise<this>
  #resolve!: (value: this) => void

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  onHead(status: number, reason: string, headers: string[], bodyBytes: number): void {
    this.status = status
    this.reason = reason
    this.headers = headers
    this.bodyBytes = bodyBytes
  }

  onData(chunk: Buffer): boolean {
    this.chunks.push(Buffer.from(chunk))
    return true
  }

  onEnd(trailers: readonly string[] | null): void {
    this.ends++
    this.trailers = trailers
    this.#resolve(this)
  }

  onError(error: UpstreamError): void {
    this.ends++
    this.error = error
    this.#resolve(this)
  }
}

/** Collects a body; `done` resolves at its end, well or not. */
export class Collector implements BodySink {
  chunks: Buffer[] = []
  trailers: readonly string[] | null = null
  error: Error | null = null
  ends = 0
  readonly done: Promise<this>
  #resolve!: (value: this) => void

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  onData(chunk: Buffer): boolean {
    this.chunks.push(Buffer.from(chunk))
    return true
  }

  onEnd(trailers: readonly string[] | null): void {
    this.ends++
    this.trailers = trailers
    this.#resolve(this)
  }

  onError(error: Error): void {
    this.ends++
    this.error = error
    this.#resolve(this)
  }
}

/** A body that a test pushes by hand. */
export class PushedBody implements BodySource {
  readonly lengthBytes: number
  sink: BodySink | null = null
  cancelled = false
  resumes = 0
  onStart: (() => void) | null = null

  constructor(lengthBytes: number) {
    this.lengthBytes = lengthBytes
  }

  start(sink: BodySink): void {
    this.sink = sink
    this.onStart?.()
  }

  resume(): void {
    this.resumes++
  }

  cancel(): void {
    this.cancelled = true
  }
}

/** Resolves when the condition holds. Looked at after each turn of the loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

v8.setFlagsFromString('--expose-gc')
const collectGarbage = vm.runInNewContext('gc') as () => void

/** What this process holds, without garbage: heap, buffers, WASM memory. */
export function heldMb(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}
