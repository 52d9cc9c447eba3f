import { MASK } from '../payload/json-mask.ts'

/** Shorter ones are in too many other texts to be told from them. */
const CHARS_MIN = 6
const SECRETS_MAX = 200

/**
 * Secrets that were found under a name which a mask hides, so that they are hidden under every other name too: a header that was made
 * from a private variable, a query in an address. Forms that a secret takes on its way are found as well: percent-encoded, inside JSON,
 * in the credentials of Basic.
 */
export class Redaction {
  readonly #secrets = new Set<string>()
  #forms: readonly string[] | null = null

  add(secret: string): void {
    if (secret.length < CHARS_MIN || this.#secrets.size >= SECRETS_MAX) return
    this.#secrets.add(secret)
    this.#forms = null
  }

  /** The text without them. */
  of(text: string): string {
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
