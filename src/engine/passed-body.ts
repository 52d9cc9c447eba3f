import { type BodySink, type BodySource, copyOf } from '../core/body.ts'

/** A body that streams through as it is, and of which the beginning is kept. */
export class PassedBody implements BodySource, BodySink {
  readonly #source: BodySource
  readonly #keptMax: number
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #sink: BodySink | null = null
  /** Bytes that went by. */
  bytes = 0

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
    this.#source.start(this)
  }

  resume(): void {
    this.#source.resume()
  }

  cancel(): void {
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
    this.#sink!.onEnd(trailers)
  }

  onError(error: Error): void {
    this.#sink!.onError(error)
  }
}
