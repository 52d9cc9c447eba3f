import type { MaskedMessage, Masker } from '../masking.ts'
import { MASK } from '../payload/json-mask.ts'

/** Shorter ones are in too many other texts to be told from them... */
const CHARS_MIN = 6
/** ... but not when they are the whole of one. */
const WHOLE_CHARS_MIN = 3
const WORDS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'undefined'])

/** Looked for all at once, in every form; longer ones one by one, as they are. */
const SHORT_CHARS_MAX = 1_024
const SHORT_MAX = 100
const LONG_MAX = 10
const WHOLES_MAX = 1_000

/**
 * Secrets that were found under a name which a mask hides, so that they are hidden under every other name too: a header that was made
 * from a private variable, a query in an address. Forms that a secret takes on its way are found as well: percent-encoded, inside JSON,
 * in the credentials of Basic.
 */
export class Redaction {
  readonly #short = new Set<string>()
  readonly #long = new Set<string>()
  readonly #wholes = new Set<string>()
  #forms: RegExp | null = null

  add(secret: string): void {
    if (secret.length >= WHOLE_CHARS_MIN && !WORDS.has(secret) && this.#wholes.size < WHOLES_MAX) {
      this.#wholes.add(secret)
    }
    if (secret.length < CHARS_MIN) return
    const [list, max] = secret.length <= SHORT_CHARS_MAX ? [this.#short, SHORT_MAX] : [this.#long, LONG_MAX]
    if (list.size < max) list.add(secret)
    this.#forms = null
  }

  /** A content as it may be stored; what is hidden in it is remembered, all of it where it is hidden whole. */
  content(masker: Masker, kind: MaskedMessage, text: string): string {
    const masked = masker.content(kind, text, (value) => this.add(value))
    if (masked === MASK && text !== MASK) this.add(text)
    return masked
  }

  /** The text without them. */
  of(text: string): string {
    if (this.#wholes.has(text)) return MASK
    let clean = text
    for (const secret of this.#long) if (clean.includes(secret)) clean = clean.replaceAll(secret, MASK)
    if (this.#short.size === 0) return clean
    this.#forms ??= formsOf(this.#short)
    return clean
      .replace(this.#forms, MASK)
      .replace(/\b(Basic\s+)([A-Za-z0-9+/_=-]{4,})/gi, (whole, word: string, credentials: string) =>
        this.#holds(Buffer.from(credentials, 'base64').toString('utf8')) ? word + MASK : whole,
      )
  }

  #holds(text: string): boolean {
    for (const secret of this.#short) if (text.includes(secret)) return true
    return false
  }
}

/** Longest first: one may be a part of another. One pattern for all: each text is read once. */
function formsOf(secrets: ReadonlySet<string>): RegExp {
  const forms = new Set<string>()
  for (const secret of secrets) {
    forms.add(secret)
    forms.add(encodeURIComponent(secret.toWellFormed()))
    forms.add(new URLSearchParams([['', secret]]).toString().slice(1))
    forms.add(JSON.stringify(secret).slice(1, -1))
    forms.add(Buffer.from(secret).toString('base64'))
  }
  const texts = [...forms].filter((form) => form.length >= CHARS_MIN).sort((a, b) => b.length - a.length)
  return new RegExp(texts.map(escaped).join('|'), 'g')
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
