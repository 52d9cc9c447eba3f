import { RE2JS } from 're2js'
import { boundedCache } from './bounded-cache.ts'

/** A pattern that was compiled, or why it cannot be (`at`: offset in the pattern). */
export type JavaRegex =
  | { readonly ok: true; readonly regex: RE2JS }
  | { readonly ok: false; readonly at: number; readonly message: string }

const PATTERN_CHARS_MAX = 8192

/**
 * Compiles a `java.util.regex` pattern for matching in linear time. What RE2 spells differently is rewritten; what would
 * need backtracking, or would silently mean something else, is refused. Known differences: `.` stops at \n only, `(?i)`
 * folds beyond ASCII.
 */
export function compileJavaRegex(pattern: string): JavaRegex {
  if (pattern.length > PATTERN_CHARS_MAX) {
    return { ok: false, at: 0, message: `the pattern is longer than ${PATTERN_CHARS_MAX} characters` }
  }
  const translated = new Translator(pattern)
  const text = translated.run()
  if (translated.problem !== null) return { ok: false, ...translated.problem }
  try {
    return { ok: true, regex: RE2JS.compile(text) }
  } catch (error) {
    return { ok: false, at: 0, message: reason(error) }
  }
}

/** For patterns that are known only at run time. */
export const cachedJavaRegex: (pattern: string) => JavaRegex = boundedCache(256, compileJavaRegex)

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
  if (text.includes('repeat count')) return `${text} (at most 1000 repetitions)`
  if (text.includes('nested repetition')) return `${text} (a possessive quantifier ${NO_LINEAR})`
  return text
}

const NO_LINEAR = 'is not available: patterns are matched in linear time'

/** Beginnings of groups that RE2 lacks. */
const GROUPS: readonly (readonly [start: string, name: string])[] = [
  ['(?=', 'look-ahead'],
  ['(?!', 'negative look-ahead'],
  ['(?<=', 'look-behind'],
  ['(?<!', 'negative look-behind'],
  ['(?>', 'an atomic group'],
]

/** Java's classes beyond the Unicode categories and scripts, as the inside of a bracket. */
const CLASSES: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7F',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Punct: '!-/:-@\\[-`{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1F\\x7F',
  XDigit: '0-9A-Fa-f',
  Space: ' \\t\\n\\x0B\\f\\r',
  javaLowerCase: '\\p{Ll}',
  javaUpperCase: '\\p{Lu}',
  IsAlphabetic: '\\p{L}\\p{Nl}',
  IsLetter: '\\p{L}',
  IsDigit: '\\p{Nd}',
  IsLowercase: '\\p{Ll}',
  IsUppercase: '\\p{Lu}',
  IsPunctuation: '\\p{P}',
}

/** Escapes that are sets of characters and that RE2 lacks or reads differently, as the inside of a bracket. */
const SETS: Readonly<Record<string, string>> = {
  h: ' \\t\\x{A0}\\x{1680}\\x{180E}\\x{2000}-\\x{200A}\\x{202F}\\x{205F}\\x{3000}',
  v: '\\n\\x0B\\f\\r\\x{85}\\x{2028}\\x{2029}',
  s: ' \\t\\n\\x0B\\f\\r',
}

const ESCAPES: Readonly<Record<string, string>> = {
  e: '\\x1B',
  Z: '\\z',
  R: '(?:\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])',
}

/** Each part of a pattern gives the text for RE2; the first problem ends the run. */
class Translator {
  readonly #in: string
  #i = 0
  problem: { readonly at: number; readonly message: string } | null = null

  constructor(pattern: string) {
    this.#in = pattern
  }

  run(): string {
    let out = ''
    while (this.#i < this.#in.length && this.problem === null) out += this.#next()
    return out
  }

  #fail(at: number, message: string): string {
    this.problem ??= { at, message }
    return ''
  }

  #copy(chars = 1): string {
    this.#i += chars
    return this.#in.slice(this.#i - chars, this.#i)
  }

  #next(): string {
    const c = this.#in[this.#i]!
    if (c === '\\') return this.#escape(false)
    if (c === '[') return this.#bracket()
    return c === '(' ? this.#group() : this.#copy()
  }

  #group(): string {
    const row = GROUPS.find(([start]) => this.#in.startsWith(start, this.#i))
    if (row !== undefined) return this.#fail(this.#i, `${row[1]} ${row[0]} ${NO_LINEAR}; use several conditions`)
    const flags = /^\(\?([a-zA-Z]*)(-[a-zA-Z]+)?([:)])/.exec(this.#in.slice(this.#i, this.#i + 20))
    if (flags === null || flags[0].length === 3) return this.#copy()
    const [whole, on = '', off = '', end = ''] = flags
    const unknown = /[^imsdu-]/.exec(on + off)
    if (unknown !== null) return this.#fail(this.#i, `the flag ${unknown[0]} is not available; i, m, s, d and u are`)
    // Java's d and u only narrow or widen what counts as a line end or a letter; RE2 would refuse them.
    const dropped = off.replace(/[du]/g, '')
    const kept = on.replace(/[du]/g, '') + (dropped.length > 1 ? dropped : '')
    this.#i += whole.length
    return kept === '' && end === ')' ? '' : `(?${kept}${end}`
  }

  /** Both inside brackets and outside. Outside, what stands for several characters gets its own brackets. */
  #escape(inBracket: boolean): string {
    const at = this.#i
    const c = this.#in[at + 1]
    if (c === undefined) return this.#fail(at, 'a backslash at the end escapes nothing; write \\\\')
    if (c === 'Q') return this.#quoted()
    if (c === 'p' || c === 'P') return this.#property(c === 'P', inBracket)
    if (c === 'u') return this.#unicode()
    const lower = c.toLowerCase()
    if (Object.hasOwn(SETS, lower)) {
      this.#i += 2
      return this.#set(SETS[lower]!, c !== lower, inBracket, at)
    }
    if (/[1-9k]/.test(c) && !inBracket) return this.#fail(at, `a back reference ${NO_LINEAR}`)
    if (c === 'G' || c === 'X') return this.#fail(at, `\\${c} is not available`)
    if (!Object.hasOwn(ESCAPES, c)) return this.#copy(2)
    this.#i += 2
    return ESCAPES[c]!
  }

  #quoted(): string {
    const end = this.#in.indexOf('\\E', this.#i)
    const stop = end < 0 ? this.#in.length : end
    const text = this.#in.slice(this.#i + 2, stop)
    this.#i = end < 0 ? stop : stop + 2
    return RE2JS.quote(text)
  }

  #unicode(): string {
    const hex = /^[0-9A-Fa-f]{4}/.exec(this.#in.slice(this.#i + 2, this.#i + 6))
    if (hex === null) return this.#fail(this.#i, '\\u needs four hexadecimal digits')
    this.#i += 6
    return `\\x{${hex[0]}}`
  }

  #property(negated: boolean, inBracket: boolean): string {
    const at = this.#i
    const match = /^\\[pP](?:\{([^}]*)\}|(.))/s.exec(this.#in.slice(at, at + 64))
    if (match === null) return this.#fail(at, '\\p needs a name in braces, such as \\p{Alpha}')
    const name = match[1] ?? match[2]!
    this.#i += match[0].length
    if (Object.hasOwn(CLASSES, name)) return this.#set(CLASSES[name]!, negated, inBracket, at)
    return `\\${negated ? 'P' : 'p'}{${name.replace(/^(Is|script=|sc=)/, '')}}`
  }

  #set(inside: string, negated: boolean, inBracket: boolean, at: number): string {
    if (!inBracket) return `[${negated ? '^' : ''}${inside}]`
    return negated ? this.#fail(at, 'a negated class inside brackets is not available; write the characters') : inside
  }

  /** A bracket of Java may hold brackets (a union, which is flattened) and `&&` (which is refused). */
  #bracket(): string {
    const start = this.#i
    let out = this.#copy(this.#in[start + 1] === '^' ? 2 : 1)
    if (this.#in[this.#i] === ']') {
      this.#i++
      out += '\\]'
    }
    for (let depth = 1; depth > 0 && this.problem === null; ) {
      const c = this.#in[this.#i]
      if (c === undefined) return this.#fail(start, 'the bracket [ is never closed by ]')
      if (this.#in.startsWith('&&', this.#i)) {
        return this.#fail(this.#i, 'the intersection && of classes is not available; write the characters')
      }
      if (this.#in.startsWith('[^', this.#i)) {
        return this.#fail(this.#i, 'a negated bracket inside brackets is not available; write the characters')
      }
      if (c === '\\') out += this.#escape(true)
      else {
        depth += c === '[' ? 1 : c === ']' ? -1 : 0
        const text = this.#copy()
        if (depth === 0 || !/[[\]]/.test(text)) out += text
      }
    }
    return out
  }
}
