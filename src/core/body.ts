/** Takes a body chunk by chunk, in the manner of undici's dispatch handlers. */
export interface BodySink {
  /**
   * The chunk is lent: its bytes are good until this returns, and who keeps them keeps a copy (`copyOf`).
   * Returns false to ask for a pause; the source goes on after `resume()`.
   */
  onData(chunk: Buffer): boolean
  /** The body is complete. `trailers` is flat: name, value, ... (null when there are none). */
  onEnd(trailers: readonly string[] | null): void
  /** The body broke off. Nothing follows. */
  onError(error: Error): void
}

/** A body that nobody has read yet. Nothing flows (and the peer is held back) until `start`. */
export interface BodySource {
  /** Declared length in bytes; -1 when only its end will tell. */
  readonly lengthBytes: number
  /** Begins delivery to `sink`. Called once at most. May call the sink before it returns. */
  start(sink: BodySink): void
  /** Goes on after a sink answered false. */
  resume(): void
  /** Nobody wants the rest. The sink is not called again. */
  cancel(): void
}

/** The bytes of a chunk that was only lent, to keep. */
export function copyOf(chunk: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(chunk.length)
  chunk.copy(copy)
  return copy
}
