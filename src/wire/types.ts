import type { BodySource } from '../core/body.ts'
import type { LocalAddress } from '../core/local-address.ts'

/**
 * The two narrow interfaces between a transport and the gateway: raw header arrays (flat: name, value, ...), chunks,
 * back-pressure. The transport knows HTTP/1.1 framing and nothing of ours. One object per exchange, never per connection,
 * so that HTTP/2 can stand behind the same interface.
 */

// Listeners are objects, not functions: V8 puts a closure that is assigned to a property into old space at once, and all that
// it holds lives there with it until the next full collection.

export interface FinishListener {
  /**
   * Told once when the answer is out ("sent": the kernel has it all) or the client is gone before that, or the exchange was
   * aborted ("gone"). May be told before `send`, `end` or `abort` returns.
   */
  onFinish(how: 'sent' | 'gone'): void
}

export interface DrainListener {
  /** Told when `write` answered false and the client reads again. */
  onDrain(): void
}

/** One request that came in, and the way to answer it. Made by the server for each request. */
export interface Downstream {
  readonly method: string
  /** The request target as sent: origin form ("/path?query"), or absolute form as it came. */
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  /** As received, in order, names in their own case; framing headers (Content-Length, Transfer-Encoding, Connection) included. */
  readonly rawHeaders: readonly string[]
  /** Null when the request has no body. Paused until started; an unread rest is drained (64 KiB at most) or the connection closed. */
  readonly body: BodySource | null
  /** The client asks to go on as a WebSocket: GET, HTTP/1.1, no body, Connection and Upgrade say so. It may be answered like any other. */
  readonly webSocket: boolean
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly secure: boolean
  /** Milliseconds (performance.now()) when the head of the request was complete. */
  readonly receivedAtMs: number
  /** Set by the owner. */
  finishListener: FinishListener | null
  /** Set by the owner. */
  drainListener: DrainListener | null
  /** Bytes of the request's body read so far, without its framing. */
  readonly bytesIn: number
  /** No part of the answer was handed over: there may still be another one. */
  readonly unanswered: boolean
  /** Bytes of the answer written so far, head included. */
  readonly bytesOut: number
  /** Status that the transport itself answered with since the body was malformed (400) or stalled (408), told by `onFinish('gone')`; else 0. */
  readonly refusedStatus: number

  /** The whole answer in one write. Throws `UnsendableError` before a byte is out when a header or the reason cannot be sent. The transport adds Content-Length, Date and Connection; `headers` must have none of them. HEAD and 204/304 send no body, but keep the length. */
  send(status: number, reason: string, headers: readonly string[], body: Buffer | string | null): void
  /** The head of a streamed answer. `bodyBytes`: exact length, -1 when only the end will tell (chunked; close on HTTP/1.0), 0 for none. */
  head(status: number, reason: string, headers: readonly string[], bodyBytes: number): void
  /**
   * Answers 101 to a request with `webSocket`. What the client sends from here on is in the source that is returned; `write`
   * sends bytes as they are and `end` half-closes. Finished when both directions have ended. The transport adds Connection and Upgrade.
   */
  switchProtocols(reason: string, headers: readonly string[]): TunnelSource
  /** False: wait for the drain listener. */
  write(chunk: Buffer): boolean
  /** `trailers` is flat: name, value, ... */
  end(trailers?: readonly string[] | null): void
  /** Breaks the connection, so that the client sees that the answer is not whole. */
  abort(): void
}

/** What one side of a tunnel sends: bytes without framing, `onEnd` at its half-close. */
export interface TunnelSource extends BodySource {
  /** Delivered so far. */
  readonly bytes: number
}

export interface TlsClientOptions {
  readonly servername?: string
  readonly ca?: string | readonly string[]
  readonly cert?: string
  readonly key?: string
  readonly rejectUnauthorized?: boolean
  readonly ciphers?: string
  readonly minVersion?: string
  readonly maxVersion?: string
  /** The name that the certificate must bear instead of the host's; `wildcardMatch`: one of the form *.name counts too. */
  readonly commonName?: { readonly value: string; readonly wildcardMatch: boolean }
}

/** Where a request goes. Frozen at deploy; pools are kept per origin `key`. */
export interface Origin {
  /** Names the pool: scheme, host, port and TLS identity. */
  readonly key: string
  readonly secure: boolean
  /** Host name or address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  readonly tls?: TlsClientOptions
  /** A proxy of this gateway itself: never seen by the wire. */
  readonly local?: LocalAddress
}

export interface UpstreamRequest {
  readonly origin: Origin
  readonly method: string
  /** Origin form: "/path?query". */
  readonly target: string
  /** Host included; no framing headers (Content-Length, Transfer-Encoding, Connection): the transport writes those. */
  readonly headers: readonly string[]
  /** A Buffer or string goes out with the head in one write; a source is streamed (Content-Length when its length is known, else chunked). */
  readonly body: Buffer | string | BodySource | null
  readonly connectTimeoutMs: number
  /** No byte either way for this long. */
  readonly ioTimeoutMs: number
  /** Asks to go on as a WebSocket; only with GET and no body. The transport writes Connection and Upgrade. A 101 is an answer then. */
  readonly webSocket?: boolean
}

export type UpstreamFailure =
  | 'dns' // the name has no address
  | 'refused' // nothing listens there, or no route
  | 'connect-timeout'
  | 'tls' // handshake or certificate
  | 'io-timeout' // no byte for ioTimeoutMs
  | 'reset' // the peer closed or reset before the answer was whole
  | 'bad-response' // not HTTP/1.x, or ambiguous framing
  | 'bad-request' // a method, target or header that must not go out (CR, LF, NUL, above latin1, ...)
  | 'body' // the request body broke off: the client is gone
  | 'aborted' // by `abort()`

export class UpstreamError extends Error {
  readonly kind: UpstreamFailure
  /** The request may be sent again: no byte of it can have been acted on. */
  readonly retryable: boolean

  constructor(kind: UpstreamFailure, message: string, retryable: boolean, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UpstreamError'
    this.kind = kind
    this.retryable = retryable
  }
}

/**
 * Takes the answer. Interim answers (1xx) are not handed on. After `onEnd` or `onError` nothing follows. A 101 to a request with
 * `webSocket` is handed on as a head without length: `UpstreamCall.tunnel` from inside `onHead`, then `onData` gets bytes as they
 * are and `onEnd` tells the peer's half-close. What breaks after that is told by `cancel` to the source of the other direction.
 */
export interface UpstreamHandler {
  /** The head of the answer. `headers` has no hop-by-hop or framing header but Content-Length. `bodyBytes` -1: only the end will tell. */
  onHead(status: number, reason: string, headers: string[], bodyBytes: number): void
  /** False: stop reading until `resume()`. */
  onData(chunk: Buffer): boolean
  onEnd(trailers: readonly string[] | null): void
  onError(error: UpstreamError): void
}

export interface UpstreamCall {
  resume(): void
  /** After a 101: sends what `source` gives, as it is, and half-closes at its end. */
  tunnel(source: BodySource): void
  /** Ends the exchange; the handler's `onError` is not called. */
  abort(): void
}

export interface UpstreamClient {
  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall
  /** Closes idle connections, and the busy ones when their exchange ends. */
  close(): void
}

export interface ServerLimits {
  readonly requestLineBytesMax: number
  readonly headerBytesMax: number
  readonly headersBytesMax: number
  readonly headersCountMax: number
  readonly headerTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly idleTimeoutMs: number
  /** Connections at once; one more is closed as soon as it comes. */
  readonly connectionsMax: number
}

/** A malformed or over-long request is answered by the transport with these, and the connection is closed. The status may be another than the one that was found. */
export type ProtocolErrorReply = (
  status: number,
  reason: string,
  detail: string,
) => { status?: number; reason?: string; headers: string[]; body: string }

export interface ServerTls {
  /** One at least; the first one is for clients that name none of the others. */
  readonly identities: readonly TlsIdentity[]
  /** PEM. Clients must show a certificate that these have signed; without it none is asked for. */
  readonly clientCa?: string
  /** 48 random bytes, the same for all threads that share the port: a session that one began goes on in any of them. */
  readonly ticketKeys?: Uint8Array
}

/** A certificate in PEM, with those between it and the root behind it, and its key. */
export interface TlsIdentity {
  readonly cert: string
  readonly key: string
}

export interface ServerOptions {
  readonly host: string
  readonly port: number
  /** Several threads listen on the same port (Linux). */
  readonly reusePort: boolean
  readonly limits: ServerLimits
  readonly tls?: ServerTls
  readonly onRequest: (exchange: Downstream) => void
  readonly protocolError: ProtocolErrorReply
  /** A connection was closed since there are `connectionsMax`. */
  readonly onFull?: () => void
}

export interface WireServer {
  readonly port: number
  /** Connections open now. */
  readonly connections: number
  /** No new connections; idle ones close; busy ones close after their answer; what is left after `graceMs` is cut. */
  close(graceMs: number): Promise<void>
}
