import type { BodySource } from '../core/body.ts'
import type { MaskedMessage, Masker } from '../engine/masking.ts'
import { PassedBody } from '../engine/passed-body.ts'

/** Of a body that goes by, so much is looked at: masks need it whole. */
const SEEN_BYTES_MAX = 64 * 1024
/** Of that, so much is kept. */
const KEPT_CHARACTERS_MAX = 4_096

/** The bodies of one call, as far as they are kept: only where `recentCalls: {bodies: true}` asks for it. */
export class KeptBodies {
  #request: PassedBody | null = null
  #response: PassedBody | null = null

  /** The same body, looked at while it goes by. */
  request(source: BodySource): BodySource {
    this.#request = new PassedBody(source, SEEN_BYTES_MAX)
    return this.#request
  }

  response(source: BodySource): BodySource {
    this.#response = new PassedBody(source, SEEN_BYTES_MAX)
    return this.#response
  }

  /** Null: there was none, or nobody read it. */
  requestText(masker: Masker): string | null {
    return this.#request === null ? null : shown(this.#request.kept, this.#request.bytes, 'request', masker)
  }

  /** `content`: what was sent without streaming. */
  responseText(masker: Masker, message: MaskedMessage, content: Buffer | string | null): string | null {
    const seen = this.#response
    if (seen !== null) return shown(seen.kept, seen.bytes, message, masker)
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
