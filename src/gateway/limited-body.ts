import type { BodySink, BodySource } from '../core/body.ts'

/** Ends a body that is larger than it may be. */
export class TooLargeError extends Error {}

/** A body whose length only its end would tell, up to a limit. */
export class LimitedBody implements BodySource, BodySink {
  readonly lengthBytes: number
  readonly #source: BodySource
  #bytesLeft: number
  #sink: BodySink | null = null

  constructor(source: BodySource, bytesMax: number) {
    this.lengthBytes = source.lengthBytes
    this.#source = source
    this.#bytesLeft = bytesMax
  }

  start(sink: BodySink): void {
    this.#sink = sink
    this.#source.start(this)
  }

  resume(): void {
    this.#source.resume()
  }

  cancel(): void {
    this.#sink = null
    this.#source.cancel()
  }

  onData(chunk: Buffer): boolean {
    const sink = this.#sink
    if (sink === null) return false
    this.#bytesLeft -= chunk.length
    if (this.#bytesLeft >= 0) return sink.onData(chunk)
    this.cancel()
    sink.onError(new TooLargeError('the body is larger than it may be'))
    return false
  }

  onEnd(trailers: readonly string[] | null): void {
    this.#sink?.onEnd(trailers)
  }

  onError(error: Error): void {
    this.#sink?.onError(error)
  }
}
