import { type BodySink, type BodySource, copyOf } from '../core/body.ts'
import type { UpstreamCall, UpstreamClient, UpstreamError, UpstreamHandler, UpstreamRequest } from '../wire/types.ts'

/** Hears of the target's answer: its head, or why there is none. Called once. */
export interface TargetListener {
  onAnswer(status: number, reason: string, headers: string[], body: BodySource | null): void
  onFailure(error: UpstreamError): void
}

/**
 * One exchange with a target. It is the answer's body as well: what arrives before somebody takes the body is held (the
 * first chunk at most, then the connection pauses).
 */
export class TargetCall implements UpstreamHandler, BodySource {
  lengthBytes: number
  readonly #listener: TargetListener
  #call: UpstreamCall | null
  #sink: BodySink | null
  #held: Buffer[]
  #headSeen: boolean
  #ended: boolean
  #trailers: readonly string[] | null
  #failed: UpstreamError | null
  #tunnels: boolean

  constructor(listener: TargetListener) {
    this.lengthBytes = -1
    this.#listener = listener
    this.#call = null
    this.#sink = null
    this.#held = []
    this.#headSeen = false
    this.#ended = false
    this.#trailers = null
    this.#failed = null
    this.#tunnels = false
  }

  send(client: UpstreamClient, request: UpstreamRequest): void {
    this.#call = client.dispatch(request, this)
  }

  /** After a 101: sends what the client gives. The exchange goes on when the target has ended its side. */
  tunnel(fromClient: BodySource): void {
    this.#tunnels = true
    this.#call!.tunnel(fromClient)
  }

  onHead(status: number, reason: string, headers: string[], bodyBytes: number): void {
    this.#headSeen = true
    this.lengthBytes = bodyBytes
    this.#listener.onAnswer(status, reason, headers, bodyBytes === 0 ? null : this)
  }

  onData(chunk: Buffer): boolean {
    if (this.#sink !== null) return this.#sink.onData(chunk)
    this.#held.push(copyOf(chunk))
    return false
  }

  onEnd(trailers: readonly string[] | null): void {
    this.#ended = true
    this.#trailers = trailers
    if (!this.#tunnels) this.#call = null
    if (this.#sink !== null && this.#held.length === 0) this.#sink.onEnd(trailers)
  }

  onError(error: UpstreamError): void {
    this.#call = null
    if (!this.#headSeen) this.#listener.onFailure(error)
    else if (this.#sink !== null) this.#sink.onError(error)
    else this.#failed = error
  }

  start(sink: BodySink): void {
    this.#sink = sink
    if (this.#deliverHeld()) this.#call?.resume()
  }

  resume(): void {
    if (this.#deliverHeld()) this.#call?.resume()
  }

  cancel(): void {
    this.#sink = null
    this.#held = []
    this.abort()
  }

  /** Ends the exchange, whatever it is at. */
  abort(): void {
    const call = this.#call
    this.#call = null
    call?.abort()
  }

  /** True when the sink wants more and more may come. */
  #deliverHeld(): boolean {
    const sink = this.#sink
    if (sink === null) return false
    let wants = true
    while (this.#held.length > 0 && wants) wants = sink.onData(this.#held.shift()!)
    if (this.#held.length > 0) return false
    if (this.#failed !== null) sink.onError(this.#failed)
    else if (this.#ended) sink.onEnd(this.#trailers)
    return wants
  }
}
