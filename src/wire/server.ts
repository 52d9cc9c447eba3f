import net, { type AddressInfo, type Server, type Socket } from 'node:net'
import tls from 'node:tls'
import { ServerCertificates } from './server-certificates.ts'
import { type ConnectionOwner, ServerConnection } from './server-connection.ts'
import type { ServerOptions, ServerTls, WireServer } from './types.ts'

const SOCKET_BUFFER_BYTES = 65_536
const BACKLOG = 4096

class HttpServer implements WireServer, ConnectionOwner {
  readonly options: ServerOptions
  port: number
  closing: boolean
  readonly #server: Server
  readonly #connections: Set<ServerConnection>
  readonly #sockets: Set<Socket>
  #onEmpty: (() => void) | null

  constructor(options: ServerOptions) {
    this.options = options
    this.port = options.port
    this.closing = false
    this.#connections = new Set()
    this.#sockets = new Set()
    this.#onEmpty = null
    const socketOptions = { allowHalfOpen: true, noDelay: true, highWaterMark: SOCKET_BUFFER_BYTES }
    if (options.tls === undefined) {
      this.#server = net.createServer({ ...socketOptions, pauseOnConnect: true }, (socket) => this.#add(socket, false))
    } else {
      const server = tls.createServer({
        ...socketOptions,
        ...tlsOptions(options.tls),
        ALPNProtocols: ['http/1.1'],
        handshakeTimeout: options.limits.headerTimeoutMs,
      })
      server.on('secureConnection', (socket) => this.#add(socket, true))
      server.on('tlsClientError', (_error, socket) => socket.destroy())
      server.on('connection', (socket: Socket) => this.#hasRoom(socket) && this.#track(socket))
      this.#server = server
    }
  }

  get connections(): number {
    return this.#connections.size
  }

  listen(): Promise<WireServer> {
    const { host, port, reusePort } = this.options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, reusePort, backlog: BACKLOG }, () => {
        this.#server.off('error', reject)
        this.port = (this.#server.address() as AddressInfo).port
        this.#server.on('error', () => {}) // out of descriptors: the accept is tried again
        resolve(this)
      })
    })
  }

  close(graceMs: number): Promise<void> {
    this.closing = true
    return new Promise((resolve) => {
      const cut = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy()
      }, graceMs)
      this.#onEmpty = () => {
        clearTimeout(cut)
        resolve()
      }
      this.#server.close()
      for (const connection of [...this.#connections]) connection.closeWhenIdle()
      this.#tellWhenEmpty()
    })
  }

  #tellWhenEmpty(): void {
    if (this.closing && this.#sockets.size === 0) this.#onEmpty?.()
  }

  removed(connection: ServerConnection): void {
    this.#connections.delete(connection)
  }

  #add(socket: Socket, secure: boolean): void {
    if (socket.destroyed || (!secure && !this.#hasRoom(socket))) return
    const connection = new ServerConnection(this, socket, secure)
    this.#connections.add(connection)
    if (!secure) this.#track(connection.socket)
    if (this.closing) connection.closeWhenIdle()
  }

  #hasRoom(socket: Socket): boolean {
    if (this.#sockets.size < this.options.limits.connectionsMax) return true
    socket.destroy()
    this.options.onFull?.()
    return false
  }

  /** Raw sockets, those in a TLS handshake too, so that closing ends them all. */
  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#tellWhenEmpty()
    })
  }
}

function tlsOptions(options: ServerTls): tls.TlsOptions {
  const [first] = options.identities
  const certificates = new ServerCertificates(options)
  const { clientCa, ticketKeys } = options
  return {
    ...first,
    SNICallback: (name, callback) => callback(null, certificates.choose(name)),
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
    ...(ticketKeys !== undefined && { ticketKeys: Buffer.from(ticketKeys) }),
  }
}

/**
 * Listens for HTTP/1.1 (and 1.0). Rejects when the port cannot be had or the certificate not be used. Malformed requests are answered by the transport; all
 * others reach `onRequest`, one at a time for each connection.
 */
export async function listen(options: ServerOptions): Promise<WireServer> {
  return new HttpServer(options).listen()
}
