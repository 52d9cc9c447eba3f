import type { BodySink, BodySource } from '../core/body.ts'
import { copyOf } from '../core/body.ts'
import { QUERY_BYTES_MAX, QueryError, type QueryReader, SYNTAX } from './rack-query.ts'

export type BodyRead = Buffer | 'too-big' | 'broken'

/** Reads a body whole, up to the most that may be sent; a longer one is not kept. */
export function readBody(source: BodySource | null): Promise<BodyRead> {
  if (source === null) return Promise.resolve(Buffer.alloc(0))
  return new Promise((resolve) => source.start(new Collector(source, resolve)))
}

class Collector implements BodySink {
  readonly #source: BodySource
  readonly #resolve: (body: BodyRead) => void
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(source: BodySource, resolve: (body: BodyRead) => void) {
    this.#source = source
    this.#resolve = resolve
  }

  onData(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (this.#bytes > QUERY_BYTES_MAX) {
      this.#source.cancel()
      this.#resolve('too-big')
      return false
    }
    this.#chunks.push(copyOf(chunk))
    return true
  }

  onEnd(): void {
    this.#resolve(this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks))
  }

  onError(): void {
    this.#resolve('broken')
  }
}

/** How the body of a report may be written. Null: not like that. */
export function readForm(body: Buffer, contentType: string | undefined, reader: QueryReader): boolean {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === '' || type === 'application/x-www-form-urlencoded') {
    reader.read(body.toString('latin1').trim())
    return true
  }
  if (type !== 'multipart/form-data') return false
  const boundary = /boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(contentType!)
  if (boundary === null) throw new QueryError(SYNTAX)
  readMultipart(body.toString('latin1'), boundary[1] ?? boundary[2]!, reader)
  return true
}

const PARTS_MAX = 4096

/** RFC 7578; files count as their text. */
function readMultipart(body: string, boundary: string, reader: QueryReader): void {
  const parts = body.split(`--${boundary}`, PARTS_MAX + 2).slice(1)
  let partsLeft = PARTS_MAX
  for (const part of parts) {
    if (part.startsWith('--')) return
    if (--partsLeft < 0) {
      throw new QueryError(`total number of query parameters (more than ${PARTS_MAX}) exceeds limit (${PARTS_MAX})`)
    }
    const end = part.indexOf('\r\n\r\n')
    if (end < 0) continue
    const name = /^content-disposition:[^\r\n]*?\bname="([^"\r\n]*)"/im.exec(part.slice(0, end))
    if (name === null) continue
    reader.add(reader.text(name[1]!), reader.text(part.slice(end + 4).replace(/\r\n$/, '')))
  }
  // Nothing said that this is the end.
  throw new QueryError(SYNTAX)
}
