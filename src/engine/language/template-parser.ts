import { TEMPLATE_FUNCTIONS } from './template-functions.ts'
import type { TextProblem } from './value.ts'

/** `word`: unquoted; the name of a variable, or text where unresolved names count as text. */
export type Argument =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string; readonly fallback: string | null }

export type TemplatePart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly fallback: string | null }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Argument[] }

/** A parsed message template: plain data, so that it can be sent to other threads. */
export interface Template {
  readonly parts: readonly TemplatePart[]
  /** What makes it unfit to run: unknown functions, wrong numbers of arguments, bad literal patterns. */
  readonly problems: readonly TextProblem[]
}

export interface Delimiters {
  /** Default `{`. */
  readonly prefix?: string
  /** Default `}`. */
  readonly suffix?: string
  /** In URLs: `${name}` means `{name}`. */
  readonly dollar?: boolean
}

/**
 * Parses a message template (Apigee, message templates). Never fails: what opens no reference is text. A reference is
 * `{name}`, `{name:default}` or `{function(arguments)}` with no blank before the end of the name; `\{` and `\}` are braces.
 * An unknown function is a problem, since Edge refuses to deploy it (entities.UnknownStringFunction).
 */
export function parseTemplate(text: string, delimiters: Delimiters = {}): Template {
  return new Parser(text, delimiters).whole()
}

/** A name begins with a letter: `{12}` in a regular expression or `{0}` in a message is text. At most 512 characters. */
const NAME = /\$?[A-Za-z_][A-Za-z0-9_.$-]{0,511}/y
/** Scripts and style sheets in a payload hold braces and colons of their own; these give them away. */
const NO_DEFAULT = /["';\r\n]/
const NO_DEFAULT_TEXT = /^\s|,\s*[\w$]+\s*:/

class Parser {
  readonly #in: string
  readonly #prefix: string
  readonly #suffix: string
  readonly #dollar: boolean
  readonly #parts: TemplatePart[] = []
  readonly #problems: TextProblem[] = []
  /** The text since the last reference: pieces of the input, and where the next begins. */
  #literal = ''
  #from = 0

  constructor(text: string, { prefix, suffix, dollar = false }: Delimiters) {
    this.#in = text
    this.#prefix = prefix === undefined || prefix === '' ? '{' : prefix
    this.#suffix = suffix === undefined || suffix === '' ? '}' : suffix
    this.#dollar = dollar
  }

  whole(): Template {
    let at = 0
    while ((at = this.#nextSpecial(at)) >= 0) {
      if (this.#in[at] === '\\') at = this.#escape(at)
      else at = this.#reference(at) ?? at + this.#prefix.length
    }
    this.#flush(this.#in.length)
    return { parts: this.#parts, problems: this.#problems }
  }

  #nextSpecial(from: number): number {
    for (let at = from; at < this.#in.length; at++) {
      if (this.#in[at] === '\\' || this.#in.startsWith(this.#prefix, at)) return at
    }
    return -1
  }

  #escape(at: number): number {
    const escaped = [this.#prefix, this.#suffix].find((delimiter) => this.#in.startsWith(delimiter, at + 1))
    if (escaped === undefined) return at + 1
    this.#literal += this.#in.slice(this.#from, at)
    this.#from = at + 1
    return at + 1 + escaped.length
  }

  #flush(to: number): void {
    const text = this.#literal + this.#in.slice(this.#from, to)
    if (text !== '') this.#parts.push({ kind: 'literal', text })
    this.#literal = ''
  }

  /** Where the reference at `at` ends; null when there is none. */
  #reference(at: number): number | null {
    const start = at + this.#prefix.length
    NAME.lastIndex = start
    const run = NAME.exec(this.#in)?.[0]
    if (run === undefined) return null
    // A delimiter of one's own may be a character of names.
    const cut = run.indexOf(this.#suffix)
    const name = cut > 0 ? run.slice(0, cut) : run
    const end = start + name.length
    const part = this.#in.startsWith(this.#suffix, end)
      ? { part: { kind: 'variable', name, fallback: null } as const, end }
      : this.#in[end] === ':'
        ? this.#withDefault(name, end + 1)
        : this.#in[end] === '('
          ? this.#call(name, end + 1, start)
          : null
    if (part === null) return null
    this.#flush(this.#dollar && at > this.#from && this.#in[at - 1] === '$' ? at - 1 : at)
    this.#parts.push(part.part)
    this.#from = part.end + this.#suffix.length
    return this.#from
  }

  #withDefault(name: string, start: number): Found | null {
    for (let end = start; end < this.#in.length; end++) {
      if (this.#in.startsWith(this.#suffix, end)) {
        const fallback = this.#in.slice(start, end)
        return NO_DEFAULT_TEXT.test(fallback) ? null : { part: { kind: 'variable', name, fallback }, end }
      }
      if (NO_DEFAULT.test(this.#in[end]!) || this.#in.startsWith(this.#prefix, end)) return null
    }
    return null
  }

  /** The suffix must follow the closing parenthesis at once, and no delimiter stands outside quotes before it. */
  #call(name: string, start: number, at: number): Found | null {
    const args: string[] = []
    let depth = 0
    let quoted = false
    let from = start
    for (let end = start; end < this.#in.length; end++) {
      const c = this.#in[end]!
      if (c === "'") quoted = !quoted
      else if (quoted) continue
      // JavaScript and JSON in a payload; arguments of functions are words, numbers and 'texts'.
      else if (c === '"' || c === ';' || c === '\n') return null
      else if (c === '(' || c === '[') depth++
      else if (c === ',' && depth === 0) {
        args.push(this.#in.slice(from, end))
        from = end + 1
      } else if (c === ')' && depth === 0) {
        if (!this.#in.startsWith(this.#suffix, end + 1)) return null
        if (end > start) args.push(this.#in.slice(from, end))
        return this.#checked(name, args, at, end + 1)
      } else if (c === ')' || c === ']') depth = Math.max(0, depth - 1)
      else if (this.#in.startsWith(this.#prefix, end) || this.#in.startsWith(this.#suffix, end)) return null
    }
    return null
  }

  #checked(name: string, texts: readonly string[], at: number, end: number): Found {
    const args = texts.map(argumentOf)
    const message = problemOf(name, args)
    if (message !== null) this.#problems.push({ at, message })
    return { part: { kind: 'call', name, args }, end }
  }
}

interface Found {
  readonly part: TemplatePart
  /** Where the suffix stands. */
  readonly end: number
}

function argumentOf(raw: string): Argument {
  const text = raw.trim()
  if (text.length >= 2 && text.startsWith("'") && text.endsWith("'"))
    return { kind: 'literal', text: text.slice(1, -1) }
  if (text === '') return { kind: 'literal', text: '' }
  NAME.lastIndex = 0
  const name = NAME.exec(text)?.[0]
  if (name === undefined || text[name.length] !== ':') return { kind: 'word', text, fallback: null }
  return { kind: 'word', text: name, fallback: text.slice(name.length + 1) }
}

function problemOf(name: string, args: readonly Argument[]): string | null {
  const known = TEMPLATE_FUNCTIONS.get(name)
  if (known === undefined) {
    const near = [...TEMPLATE_FUNCTIONS.keys()].find((other) => other.toLowerCase() === name.toLowerCase())
    const hint = near === undefined ? 'a brace that is meant as text is written \\{' : `write ${near}`
    return `there is no template function ${name}; ${hint}`
  }
  if (args.length < known.argumentsMin || args.length > known.argumentsMax) {
    return `${name} takes ${counted(known.argumentsMin, known.argumentsMax)}, not ${args.length}: ${known.usage}`
  }
  return known.check?.(args.map((arg) => (arg.kind === 'literal' ? arg.text : null))) ?? null
}

function counted(min: number, max: number): string {
  const count = min === max ? `${min}` : `${min} to ${max}`
  return `${count} argument${max === 1 ? '' : 's'}`
}
