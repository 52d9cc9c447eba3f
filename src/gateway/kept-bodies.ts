import type { BodySink, BodySource } from '../core/body.ts'
import { copyOf } from '../core/body.ts'
import type { MaskedMessage, Masker } from '../engine/masking.ts'

/** Of a body that goes by, so much is looked at: masks need it whole. */
const SEEN_BYTES_MAX = 64 * 1024
/** Of that, so much is kept. */
const KEPT_CHARACTERS_MAX = 4_096

/** The bodies of one call, as far as they are kept: only where `recentCalls: {bodies: true}` asks for it. */
export class KeptBodies {
  #request: SeenBody | null = null
  #response: SeenBody | null = null

  /** The same body, looked at while it goes by. */
  request(source: BodySource): BodySource {
    this.#request = new SeenBody(source)
    return this.#request
  }

  response(source: BodySource): BodySource {
    this.#response = new SeenBody(source)
    return this.#response
  }

  /** Null: there was none, or nobody read it. */
  requestText(masker: Masker): string | null {
    return this.#request === null ? null : shown(this.#request.bytes, this.#request.total, 'request', masker)
  }

  /** `content`: what was sent without streaming. */
  responseText(masker: Masker, message: MaskedMessage, content: Buffer | string | null): string | null {
    const seen = this.#response
    if (seen !== null) return shown(seen.bytes, seen.total, message, masker)
    if (content === null || content.length === 0) return null
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    return shown(bytes.subarray(0, SEEN_BYTES_MAX), bytes.length, message, masker)
  }
}

function shown(bytes: Buffer, total: number, message: MaskedMessage, masker: Masker): string | null {
  if (total === 0) return null
  const text = bytes.toString('utf8')
  // The last character may have been cut in two.
  if (text.slice(0, -1).includes('\ufffd') || text.includes('\0')) return `(${total} bytes that are no text)`
  const masked = masker.content(message, text)
  const cut = masked.length > KEPT_CHARACTERS_MAX || total > bytes.length
  return cut ? `${masked.slice(0, KEPT_CHARACTERS_MAX)}... (${total} bytes)` : masked
}

class SeenBody implements BodySource, BodySink {
  readonly lengthBytes: number
  total = 0
  readonly #source: BodySource
  readonly #chunks: Buffer[] = []
  #kept = 0
  #sink: BodySink | null = null

  constructor(source: BodySource) {
    this.lengthBytes = source.lengthBytes
    this.#source = source
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
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
    this.total += chunk.length
    const room = SEEN_BYTES_MAX - this.#kept
    if (room > 0) {
      const part = copyOf(chunk.length > room ? chunk.subarray(0, room) : chunk)
      this.#chunks.push(part)
      this.#kept += part.length
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
