import type { MaybePromise } from '../core/async.ts'
import { type BodySource, copyOf } from '../core/body.ts'

/** Why a body could not be read: over the limit, its sender broke off, or it is not in the coding that it claims. */
export type BodyFailure = 'too-big' | 'broken' | 'undecodable'

/**
 * The body of a message: content that is there, or a source that still streams. Steps that need the content have it
 * loaded before they run; everything else leaves the source alone and it streams through.
 */
export class Body {
  #content: Buffer | string | null
  #source: BodySource | null
  #loading: Promise<BodyFailure | undefined> | null = null

  constructor(content: Buffer | string | null = null, source: BodySource | null = null) {
    this.#content = content
    this.#source = source
  }

  /** The source, while nobody has read or replaced it. */
  get source(): BodySource | null {
    return this.#source
  }

  /** What is there: bytes as received, or text as written by a step. Null: empty, or still streaming. */
  get content(): Buffer | string | null {
    return this.#content
  }

  get isLoading(): boolean {
    return this.#loading !== null
  }

  get isEmpty(): boolean {
    return this.#source === null && (this.#content === null || this.#content.length === 0)
  }

  /** Replaces the body; what still streamed is told to stop. */
  set(content: Buffer | string | null): void {
    this.#content = content
    if (this.#source !== null) {
      const source = this.#source
      this.#source = null
      source.cancel()
    }
  }

  /** Hands the source over to who streams it on; the body is empty afterwards. */
  takeSource(): BodySource | null {
    const source = this.#source
    this.#source = null
    return source
  }

  /** Reads the source whole, `bytesMax` at most. Synchronous when there is nothing to wait for. */
  load(bytesMax: number): MaybePromise<BodyFailure | undefined> {
    if (this.#source === null) return this.#loading ?? undefined
    const source = this.#source
    if (source.lengthBytes > bytesMax) {
      this.#source = null
      source.cancel()
      return 'too-big'
    }
    this.#source = null
    this.#loading = new Promise((resolve) => {
      const chunks: Buffer[] = []
      let bytes = 0
      source.start({
        onData: (chunk) => {
          bytes += chunk.length
          if (bytes > bytesMax) {
            source.cancel()
            this.#loading = null
            resolve('too-big')
            return false
          }
          chunks.push(copyOf(chunk))
          return true
        },
        onEnd: () => {
          this.#content = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
          this.#loading = null
          resolve(undefined)
        },
        onError: () => {
          this.#loading = null
          resolve('broken')
        },
      })
    })
    return this.#loading
  }

  /** The content as text; '' when there is none. Bytes are read in `charset` (utf-8 unless it names latin1). */
  text(charset: string): string {
    const content = this.#content
    if (content === null) return ''
    if (typeof content === 'string') return content
    return content.toString(isLatin1(charset) ? 'latin1' : 'utf8')
  }

  /** The content as bytes that may be sent. */
  bytes(charset: string): Buffer {
    const content = this.#content
    if (content === null) return EMPTY
    return typeof content === 'string' ? Buffer.from(content, isLatin1(charset) ? 'latin1' : 'utf8') : content
  }
}

const EMPTY = Buffer.alloc(0)

function isLatin1(charset: string): boolean {
  return charset === 'iso-8859-1' || charset === 'latin1' || charset === 'us-ascii' || charset === 'windows-1252'
}

/** The charset parameter of a Content-Type in lower case, 'utf-8' when it has none. */
export function charsetOf(contentType: string | undefined): string {
  if (contentType === undefined) return 'utf-8'
  const match = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)
  return match === null ? 'utf-8' : match[1]!.toLowerCase()
}
