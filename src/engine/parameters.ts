/**
 * Query or form parameters over their text. The text is parsed when somebody asks and written again only where somebody
 * wrote: pieces that nobody touched go out as they came in.
 */
export class Parameters {
  #text: string
  #pieces: Piece[] | null = null
  #changed = false

  constructor(text = '') {
    this.#text = text
  }

  /** The encoded text, without a leading question mark. */
  get text(): string {
    if (this.#changed) {
      this.#text = this.#parsed()
        .map((piece) => piece.raw)
        .join('&')
      this.#changed = false
    }
    return this.#text
  }

  set text(text: string) {
    this.#text = text
    this.#pieces = null
    this.#changed = false
  }

  /** First decoded value of that name; undefined when there is none. Names are case-sensitive. */
  get(name: string): string | undefined {
    return this.#parsed().find((piece) => piece.name === name)?.value
  }

  all(name: string): string[] {
    return this.#parsed().flatMap((piece) => (piece.name === name ? [piece.value] : []))
  }

  names(): string[] {
    return [...new Set(this.#parsed().map((piece) => piece.name))]
  }

  get count(): number {
    return this.names().length
  }

  add(name: string, value: string): void {
    this.#parsed().push(pieceOf(name, value))
    this.#changed = true
  }

  /** Replaces the first parameter of that name and removes the others; adds it when there is none. */
  set(name: string, value: string): void {
    const pieces = this.#parsed()
    const first = pieces.findIndex((piece) => piece.name === name)
    if (first < 0) pieces.push(pieceOf(name, value))
    else {
      pieces[first] = pieceOf(name, value)
      this.#pieces = pieces.filter((piece, i) => i <= first || piece.name !== name)
    }
    this.#changed = true
  }

  remove(name: string): void {
    this.#pieces = this.#parsed().filter((piece) => piece.name !== name)
    this.#changed = true
  }

  /** Sets or (null) removes the n-th parameter (from 1) of that name. Beyond the last one a value is added. */
  setNth(name: string, index: number, value: string | null): void {
    const pieces = this.#parsed()
    let seen = 0
    const at = pieces.findIndex((piece) => piece.name === name && ++seen === index)
    if (value === null) {
      if (at >= 0) pieces.splice(at, 1)
    } else if (at >= 0) pieces[at] = pieceOf(name, value)
    else pieces.push(pieceOf(name, value))
    this.#changed = true
  }

  clear(): void {
    this.text = ''
  }

  #parsed(): Piece[] {
    this.#pieces ??= this.#text === '' ? [] : this.#text.split('&').map(parsePiece)
    return this.#pieces
  }
}

interface Piece {
  readonly name: string
  readonly value: string
  readonly raw: string
}

function pieceOf(name: string, value: string): Piece {
  return { name, value, raw: `${encode(name)}=${encode(value)}` }
}

function parsePiece(raw: string): Piece {
  const equals = raw.indexOf('=')
  if (equals < 0) return { name: decode(raw), value: '', raw }
  return { name: decode(raw.slice(0, equals)), value: decode(raw.slice(equals + 1)), raw }
}

/** As a form or a query writes it, and with `%20` for a blank, which every server reads. */
export function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Percent and plus decoding that keeps what is malformed as it is. */
export function decode(text: string): string {
  if (text.indexOf('%') < 0 && text.indexOf('+') < 0) return text
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
      try {
        return decodeURIComponent(run)
      } catch {
        return run
      }
    })
  }
}
