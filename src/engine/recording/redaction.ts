import type { MaskedMessage, Masker } from '../masking.ts'
import { MASK } from '../payload/json-mask.ts'

/** Shorter ones are in too many other texts to be told from them... */
const CHARS_MIN = 6
/** ... but not when they are the whole of one. */
const WHOLE_CHARS_MIN = 3
const WORDS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'undefined'])
const SECRETS_MAX = 200

/**
 * Secrets that were found under a name which a mask hides, so that they are hidden under every other name too: a header that was made
 * from a private variable, a query in an address. Forms that a secret takes on its way are found as well: percent-encoded, inside JSON,
 * in the credentials of Basic.
 */
export class Redaction {
  readonly #secrets = new Set<string>()
  readonly #wholes = new Set<string>()
  #forms: readonly string[] | null = null

  add(secret: string): void {
    if (secret.length >= WHOLE_CHARS_MIN && !WORDS.has(secret) && this.#wholes.size < SECRETS_MAX)
      this.#wholes.add(secret)
    if (secret.length < CHARS_MIN || this.#secrets.size >= SECRETS_MAX) return
    this.#secrets.add(secret)
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
    if (this.#secrets.size === 0) return text
    this.#forms ??= formsOf(this.#secrets)
    let clean = text
    for (const form of this.#forms) if (clean.includes(form)) clean = clean.replaceAll(form, MASK)
    return clean.replace(/\b(Basic\s+)([A-Za-z0-9+/_=-]{4,})/gi, (whole, word: string, credentials: string) =>
      this.#holds(Buffer.from(credentials, 'base64').toString('utf8')) ? word + MASK : whole,
    )
  }

  #holds(text: string): boolean {
    for (const secret of this.#secrets) if (text.includes(secret)) return true
    return false
  }
}

/** Longest first: one may be a part of another. */
function formsOf(secrets: ReadonlySet<string>): string[] {
  const forms = new Set<string>()
  for (const secret of secrets) {
    forms.add(secret)
    forms.add(encodeURIComponent(secret.toWellFormed()))
    forms.add(new URLSearchParams([['', secret]]).toString().slice(1))
    forms.add(JSON.stringify(secret).slice(1, -1))
    forms.add(Buffer.from(secret).toString('base64'))
  }
  return [...forms].filter((form) => form.length >= CHARS_MIN).sort((a, b) => b.length - a.length)
}
