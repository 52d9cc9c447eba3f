import { type BodySink, type BodySource, copyOf } from '../../core/body.ts'

/** Lets a body stream through as it is, and keeps its beginning. */
export class BodyTap implements BodySource, BodySink {
  readonly #source: BodySource
  readonly #keptMax: number
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #sink: BodySink | null = null
  /** Bytes that went by. */
  bytes = 0
  /** How it stands: `waits` when nobody has read it. */
  state: 'waits' | 'flows' | 'ended' | 'broken' | 'cancelled' = 'waits'

  constructor(source: BodySource, keptMax: number) {
    this.#source = source
    this.#keptMax = keptMax
  }

  /** The beginning of what went by. */
  get kept(): Buffer {
    return Buffer.concat(this.#kept)
  }

  get lengthBytes(): number {
    return this.#source.lengthBytes
  }

  start(sink: BodySink): void {
    this.#sink = sink
    this.state = 'flows'
    this.#source.start(this)
  }

  resume(): void {
    this.#source.resume()
  }

  cancel(): void {
    this.state = 'cancelled'
    this.#source.cancel()
  }

  onData(chunk: Buffer): boolean {
    this.bytes += chunk.length
    const room = this.#keptMax - this.#keptBytes
    if (room > 0) {
      const part = copyOf(chunk.subarray(0, room))
      this.#kept.push(part)
      this.#keptBytes += part.length
    }
    return this.#sink!.onData(chunk)
  }

  onEnd(trailers: readonly string[] | null): void {
    this.state = 'ended'
    this.#sink!.onEnd(trailers)
  }

  onError(error: Error): void {
    this.state = 'broken'
    this.#sink!.onError(error)
  }
}
