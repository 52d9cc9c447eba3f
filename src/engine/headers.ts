/**
 * The headers of one message: a flat array (name, value, name, value, ...) as it came off the wire, untouched until
 * somebody writes. Names compare without case and keep their own. A linear scan: messages have ten headers, not hundreds.
 */
export class Headers {
  #raw: readonly string[]
  #own: boolean

  constructor(raw: readonly string[] = [], own = false) {
    this.#raw = raw
    this.#own = own
  }

  /** The flat array as it is now. Not to be written to. */
  get raw(): readonly string[] {
    return this.#raw
  }

  /** Value of the first header of that name, whole; undefined when there is none. `lower`: the name in lower case. */
  get(lower: string): string | undefined {
    const raw = this.#raw
    for (let i = 0; i < raw.length; i += 2) if (same(raw[i]!, lower)) return raw[i + 1]
    return undefined
  }

  /** All values of that name, whole, in order; an empty list when there is none. */
  all(lower: string): string[] {
    const raw = this.#raw
    const found: string[] = []
    for (let i = 0; i < raw.length; i += 2) if (same(raw[i]!, lower)) found.push(raw[i + 1]!)
    return found
  }

  /** The comma-separated pieces of all headers of that name, trimmed: Edge's view of a header with several values. */
  pieces(lower: string): string[] {
    const found: string[] = []
    for (const value of this.all(lower)) for (const piece of value.split(',')) found.push(piece.trim())
    return found
  }

  /** Each name once, as first written. */
  names(): string[] {
    const seen = new Set<string>()
    const names: string[] = []
    for (let i = 0; i < this.#raw.length; i += 2) {
      const lower = this.#raw[i]!.toLowerCase()
      if (seen.has(lower)) continue
      seen.add(lower)
      names.push(this.#raw[i]!)
    }
    return names
  }

  add(name: string, value: string): void {
    this.#owned().push(name, sendable(value))
  }

  /** Replaces the first header of that name and removes the others; adds it when there is none. */
  set(name: string, value: string): void {
    const lower = name.toLowerCase()
    const raw = this.#owned()
    for (let i = 0; i < raw.length; i += 2) {
      if (!same(raw[i]!, lower)) continue
      raw[i + 1] = sendable(value)
      for (let k = raw.length - 2; k > i; k -= 2) if (same(raw[k]!, lower)) raw.splice(k, 2)
      return
    }
    raw.push(name, sendable(value))
  }

  remove(lower: string): void {
    if (this.get(lower) === undefined) return
    const raw = this.#owned()
    for (let i = raw.length - 2; i >= 0; i -= 2) if (same(raw[i]!, lower)) raw.splice(i, 2)
  }

  /** Sets or (null) removes the n-th piece (from 1) of that name. Beyond the last piece a value is added at the end. */
  setPiece(name: string, index: number, value: string | null): void {
    const lower = name.toLowerCase()
    const pieces = this.pieces(lower)
    if (value === null) {
      if (index > pieces.length) return
      pieces.splice(index - 1, 1)
    } else if (index > pieces.length) pieces.push(value)
    else pieces[index - 1] = value
    if (pieces.length === 0) this.remove(lower)
    else this.set(name, pieces.join(', '))
  }

  clear(): void {
    this.#raw = []
    this.#own = true
  }

  /** A copy that can be written without touching this one. */
  copy(): Headers {
    return new Headers(this.#raw, false)
  }

  #owned(): string[] {
    if (!this.#own) {
      this.#raw = this.#raw.slice()
      this.#own = true
    }
    return this.#raw as string[]
  }
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Whether a header may be called that: a token of RFC 9110. */
export const isHeaderName = (name: string): boolean => TOKEN.test(name)

const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/

/**
 * A header value as it may go on the wire, where each character is a byte: other characters become their UTF-8 bytes, and
 * line ends (which would begin a header of somebody else's choosing) become blanks.
 */
export function sendable(value: string): string {
  if (!UNSENDABLE.test(value)) return value
  const bytes = /[^\x00-\xff]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value
  return bytes.replace(/[\x00-\x08\x0a-\x1f\x7f]+/g, ' ')
}

function same(name: string, lower: string): boolean {
  return name.length === lower.length && (name === lower || name.toLowerCase() === lower)
}
