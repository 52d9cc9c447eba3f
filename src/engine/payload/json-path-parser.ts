import { compileJavaRegex } from '../language/java-regex.ts'
import {
  type Filter,
  type JsonPath,
  OPERATORS,
  type Operand,
  type Operator,
  PATH_FUNCTIONS,
  type PathFunction,
  type Segment,
  type Selector,
} from './json-path-ast.ts'
import { parseJson } from './json-text.ts'

/** Why a text is no path: where (offset) and what would be right. */
export interface JsonPathProblem {
  readonly at: number
  readonly message: string
}

const PATH_CHARS_MAX = 8192
/** Parentheses and filters inside filters. */
const NESTING_MAX = 32

/**
 * Reads a JSONPath in Jayway's dialect, which Edge uses: `$.a.b[0]`, `$.[0].name`, `$..x`, `[*]`, `['a','b']`, `[1:3]`,
 * `[-1]`, `[?(@.a == 'b' && @.c > 2)]`, `.length()` at the end; a path without `$` begins at the root.
 */
export function parseJsonPath(text: string): JsonPath | JsonPathProblem {
  try {
    if (text.length > PATH_CHARS_MAX) throw new Refused(0, `the path is longer than ${PATH_CHARS_MAX} characters`)
    return new PathParser(text).whole()
  } catch (error) {
    if (error instanceof Refused) return { at: error.at, message: error.message }
    throw error
  }
}

export function isProblem(parsed: JsonPath | JsonPathProblem): parsed is JsonPathProblem {
  return 'message' in parsed
}

class Refused extends Error {
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/** What ends a name after a dot; inside a filter operators do so too. */
const NAME = /[^.[\]()\s'"]+/y
const NAME_IN_FILTER = /[^.[\]()\s'"=!<>&|,~]+/y
const INTEGER = /-?\d{1,9}/y
const BLANK = /\s*/y
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /[a-z]+/y
const REGEX = /\/((?:[^/\\]|\\.)*)\/([a-zA-Z]*)/y

const DEFINITE: ReadonlySet<Selector['kind']> = new Set<Selector['kind']>(['name', 'index', 'pick'])

class PathParser {
  readonly #text: string
  #i = 0
  #nesting = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): JsonPath {
    this.#blank()
    if (this.#i === this.#text.length) throw new Refused(0, 'the path is empty; write $ for the whole document')
    const first: Segment[] = []
    if (!this.#take('$') && this.#peek() !== '[') first.push({ deep: false, select: this.#named(NAME) })
    const path = this.#path(first, NAME)
    this.#blank()
    if (this.#i < this.#text.length) {
      throw new Refused(this.#i, `${this.#shown()} cannot follow here; a step begins with . or [`)
    }
    return path
  }

  #path(segments: Segment[], name: RegExp): JsonPath {
    const start = this.#i
    let call: PathFunction | null = null
    while (call === null && (this.#peek() === '.' || this.#peek() === '[')) {
      const deep = this.#text.startsWith('..', this.#i)
      const dotted = this.#peek() === '.'
      this.#i += deep ? 2 : dotted ? 1 : 0
      if (this.#peek() === '[') segments.push({ deep, select: this.#bracket() })
      else if (this.#take('*')) segments.push({ deep, select: { kind: 'all' } })
      else {
        call = deep ? null : this.#call()
        if (call === null) segments.push({ deep, select: this.#named(name) })
      }
    }
    const last = segments.at(-1)
    if (last?.select.kind === 'names') {
      segments[segments.length - 1] = { deep: last.deep, select: { kind: 'pick', names: last.select.names } }
    }
    const definite = segments.every(({ deep, select }) => !deep && DEFINITE.has(select.kind))
    return { text: this.#text.slice(start, this.#i), segments, definite, call }
  }

  #call(): PathFunction | null {
    WORD.lastIndex = this.#i
    const word = WORD.exec(this.#text)?.[0]
    if (word === undefined || this.#text[this.#i + word.length] !== '(') return null
    const known = PATH_FUNCTIONS.find((one) => one === word)
    if (known === undefined) {
      throw new Refused(this.#i, `there is no function ${word}(); there are ${PATH_FUNCTIONS.join(', ')}`)
    }
    this.#i += word.length + 1
    this.#blank()
    this.#expect(')', `${word} takes no argument`)
    return known
  }

  #named(pattern: RegExp): Selector {
    const name = this.#match(pattern)
    if (name === null)
      throw new Refused(this.#i, `a name is missing here; write ['a name'] for one with special characters`)
    return { kind: 'name', name: name[0] }
  }

  #bracket(): Selector {
    this.#i++
    this.#blank()
    const c = this.#peek()
    let select: Selector
    if (this.#take('*')) select = { kind: 'all' }
    else if (this.#take('?')) select = { kind: 'filter', filter: this.#nested(() => this.#or()) }
    else if (c === "'" || c === '"') select = this.#names()
    else if (c !== undefined && /[\d:-]/.test(c)) select = this.#numbers()
    else throw new Refused(this.#i, "in [ ] write a 'name' in quotes, a number, a slice 1:3, * or a filter ?( )")
    this.#blank()
    this.#expect(']', 'the bracket [ is not closed')
    return select
  }

  #names(): Selector {
    const names = [this.#quoted()]
    while (this.#comma()) {
      if (this.#peek() !== "'" && this.#peek() !== '"')
        throw new Refused(this.#i, 'after the comma a quoted name is missing')
      names.push(this.#quoted())
    }
    return names.length === 1 ? { kind: 'name', name: names[0]! } : { kind: 'names', names }
  }

  #numbers(): Selector {
    const first = this.#integer()
    this.#blank()
    if (this.#take(':')) return this.#slice(first)
    if (first === null) throw new Refused(this.#i, 'a number is missing')
    const indexes = [first]
    while (this.#comma()) {
      const next = this.#integer()
      if (next === null) throw new Refused(this.#i, 'after the comma a number is missing')
      indexes.push(next)
    }
    return indexes.length === 1 ? { kind: 'index', index: first } : { kind: 'indexes', indexes }
  }

  #slice(from: number | null): Selector {
    this.#blank()
    const to = this.#integer()
    this.#blank()
    const at = this.#i
    const step = this.#take(':') ? this.#integer() : 1
    if (step !== null && step < 1) throw new Refused(at, 'the step of a slice is at least 1')
    return { kind: 'slice', from, to, step: step ?? 1 }
  }

  #or(): Filter {
    const parts = [this.#and()]
    while (this.#operator('||')) parts.push(this.#and())
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts }
  }

  #and(): Filter {
    const parts = [this.#unary()]
    while (this.#operator('&&')) parts.push(this.#unary())
    return parts.length === 1 ? parts[0]! : { kind: 'and', parts }
  }

  #unary(): Filter {
    this.#blank()
    if (this.#take('!')) return { kind: 'not', part: this.#nested(() => this.#unary()) }
    if (!this.#take('(')) return this.#comparison()
    const inner = this.#nested(() => this.#or())
    this.#blank()
    this.#expect(')', 'the parenthesis ( is not closed')
    return inner
  }

  #comparison(): Filter {
    const left = this.#operand()
    this.#blank()
    const operator = OPERATORS.find((one) => this.#startsWith(one))
    if (operator === undefined) {
      if (left.kind !== 'path') throw new Refused(this.#i, `a comparison is missing; there are ${OPERATORS.join(' ')}`)
      return { kind: 'exists', path: left }
    }
    this.#i += operator.length
    this.#blank()
    const at = this.#i
    const right = this.#operand()
    if ((operator === '=~') !== (right.kind === 'regex'))
      throw new Refused(at, '=~ and a /regular expression/ go together')
    return { kind: 'compare', operator, left, right }
  }

  /** A word such as `in` must end where it ends, so that `@.a inside` is no operator. */
  #startsWith(operator: Operator): boolean {
    if (!this.#text.startsWith(operator, this.#i)) return false
    return !/^[a-z]/.test(operator) || !/\w/.test(this.#text[this.#i + operator.length] ?? ' ')
  }

  #operand(): Operand {
    const at = this.#i
    const c = this.#peek()
    if (c === '@' || c === '$') {
      this.#i++
      return { kind: 'path', fromRoot: c === '$', path: this.#path([], NAME_IN_FILTER) }
    }
    if (c === "'" || c === '"') return { kind: 'value', value: this.#quoted() }
    if (c === '/') return this.#regex(at)
    if (c === '[') return { kind: 'value', value: this.#nested(() => this.#list()) }
    const literal = this.#match(NUMBER) ?? this.#match(WORD)
    const value = literal === null ? undefined : parseJson(literal[0])
    if (value === undefined) {
      throw new Refused(at, "here belongs @.a, $.a, a 'text', a number, true, false, null, [a list] or /a pattern/")
    }
    return { kind: 'value', value }
  }

  #list(): (string | number | boolean | null)[] {
    this.#i++
    this.#blank()
    const values: (string | number | boolean | null)[] = []
    if (this.#take(']')) return values
    do {
      const at = this.#i
      const operand = this.#operand()
      if (operand.kind !== 'value') throw new Refused(at, 'a list holds texts, numbers, true, false and null')
      values.push(operand.value as string | number | boolean | null)
    } while (this.#comma())
    this.#blank()
    this.#expect(']', 'the list [ is not closed')
    return values
  }

  #regex(at: number): Operand {
    const match = this.#match(REGEX)
    if (match === null) throw new Refused(at, 'the pattern is not closed by /')
    const flags = match[2]!
    if (/[^imsxu]/.test(flags)) throw new Refused(at, 'the flags of a pattern are i, m, s and u')
    const compiled = compileJavaRegex(flags === '' ? match[1]! : `(?${flags})${match[1]}`)
    if (!compiled.ok) throw new Refused(at + 1, compiled.message)
    return { kind: 'regex', regex: compiled.regex }
  }

  /** A text in quotes of either kind; a backslash takes the next character as it is, `\uXXXX` and `\n` as in JSON. */
  #quoted(): string {
    const start = this.#i
    const quote = this.#text[start]
    let out = ''
    for (this.#i++; this.#i < this.#text.length; this.#i++) {
      const c = this.#text[this.#i]!
      if (c === quote) {
        this.#i++
        return out
      }
      out += c === '\\' ? this.#escape() : c
    }
    throw new Refused(start, 'the quote is not closed')
  }

  #escape(): string {
    const c = this.#text[++this.#i] ?? '\\'
    if (c !== 'u') return ESCAPES[c] ?? c
    const hex = this.#text.slice(this.#i + 1, this.#i + 5)
    if (!/^[\da-fA-F]{4}$/.test(hex)) throw new Refused(this.#i, '\\u needs four hexadecimal digits')
    this.#i += 4
    return String.fromCharCode(Number.parseInt(hex, 16))
  }

  #nested<T>(inner: () => T): T {
    if (++this.#nesting > NESTING_MAX) throw new Refused(this.#i, `nested more than ${NESTING_MAX} deep`)
    const result = inner()
    this.#nesting--
    return result
  }

  #operator(text: string): boolean {
    this.#blank()
    if (!this.#text.startsWith(text, this.#i)) return false
    this.#i += text.length
    return true
  }

  #comma(): boolean {
    this.#blank()
    if (!this.#take(',')) return false
    this.#blank()
    return true
  }

  #integer(): number | null {
    const match = this.#match(INTEGER)
    return match === null ? null : Number(match[0])
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#i
    const match = pattern.exec(this.#text)
    if (match !== null) this.#i += match[0].length
    return match
  }

  #blank(): void {
    this.#match(BLANK)
  }

  #peek(): string | undefined {
    return this.#text[this.#i]
  }

  #take(c: string): boolean {
    if (this.#text[this.#i] !== c) return false
    this.#i++
    return true
  }

  #expect(c: string, message: string): void {
    if (!this.#take(c)) throw new Refused(this.#i, `${message}: expected ${c} instead of ${this.#shown()}`)
  }

  #shown(): string {
    return this.#i < this.#text.length ? `'${this.#text.slice(this.#i, this.#i + 12)}'` : 'the end'
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }
