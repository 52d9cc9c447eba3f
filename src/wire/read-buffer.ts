/** Who reads through a `ReadBuffer`. */
export interface Reader {
  read(input: Buffer): void
  /** Body bytes that are still to come, as far as it is known. */
  readonly bodyBytesAhead: number
}

const BYTES = 65_536
/** From here on a read is worth a buffer of its own; below, copying is cheaper. */
const BULK_BYTES = 16_384

/** What all connections of the thread read into as long as little comes: it is parsed and copied before the next read. */
const shared = Buffer.allocUnsafeSlow(BYTES)

/**
 * The memory that a socket reads into (`onread` of node:net). Node would allocate 64 KiB for every read and pass it through a
 * readable stream; this costs neither.
 */
export class ReadBuffer {
  readonly onread: { buffer: () => Buffer; callback: (bytes: number, buffer: Uint8Array) => boolean }
  readonly #reader: Reader
  #buffer: Buffer
  #givenAway: boolean

  constructor(reader: Reader) {
    this.#reader = reader
    this.#buffer = shared
    this.#givenAway = false
    this.onread = { buffer: () => this.#next(), callback: (bytes) => this.#onRead(bytes) }
  }

  /** A chunk of what was just read that may be kept: itself when it lies in memory of its own, else a copy. */
  own(chunk: Buffer): Buffer {
    if (this.#buffer !== shared && chunk.length >= BULK_BYTES) {
      this.#givenAway = true
      return chunk
    }
    const copy = Buffer.allocUnsafe(chunk.length)
    chunk.copy(copy)
    return copy
  }

  #onRead(bytes: number): boolean {
    this.#reader.read(this.#buffer.subarray(0, bytes))
    return true
  }

  #next(): Buffer {
    if (this.#reader.bodyBytesAhead < BULK_BYTES) {
      this.#buffer = shared
    } else if (this.#buffer === shared || this.#givenAway) {
      this.#buffer = Buffer.allocUnsafeSlow(BYTES)
    }
    this.#givenAway = false
    return this.#buffer
  }
}
