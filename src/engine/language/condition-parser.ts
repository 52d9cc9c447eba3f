import type { Condition, NumberType, Operand, Operator } from './condition-ast.ts'
import { ADVICE, OPERATOR_OF, TOLERATED } from './condition-operators.ts'
import { ConditionError, KEYWORDS, type Token, tokensOf } from './condition-tokens.ts'
import { compileJavaRegex } from './java-regex.ts'
import type { TextProblem } from './value.ts'

export type ParsedCondition =
  | { readonly ok: true; readonly condition: Condition; readonly warnings: readonly TextProblem[] }
  | { readonly ok: false; readonly at: number; readonly message: string }

export const CONDITION_CHARS_MAX: number = 64 * 1024
export const CONDITION_NESTING_MAX: number = 200

/**
 * Parses a condition (Apigee, conditions reference). Blank text is always true, as Edge has it. Errors carry the offset
 * and what would be right; `warnings` are about texts that are legal and probably not what was meant.
 */
export function parseCondition(text: string): ParsedCondition {
  if (text.length > CONDITION_CHARS_MAX) {
    return { ok: false, at: CONDITION_CHARS_MAX, message: `a condition has at most ${CONDITION_CHARS_MAX} characters` }
  }
  const tokens = tokensOf(text)
  if (tokens instanceof ConditionError) return { ok: false, at: tokens.at, message: tokens.message }
  if (tokens.length === 1) {
    return { ok: true, condition: { kind: 'test', operand: { kind: 'boolean', value: true } }, warnings: [] }
  }
  const parser = new Parser(tokens)
  try {
    return { ok: true, condition: parser.whole(), warnings: parser.warnings }
  } catch (error) {
    if (error instanceof ConditionError) return { ok: false, at: error.at, message: error.message }
    throw error
  }
}

const JOINS: ReadonlyMap<string, 'and' | 'or'> = new Map([
  ['and', 'and'],
  ['&&', 'and'],
  ['or', 'or'],
  ['||', 'or'],
])

const LITERALS: ReadonlyMap<string, Operand> = new Map<string, Operand>([
  ['true', { kind: 'boolean', value: true }],
  ['false', { kind: 'boolean', value: false }],
  ['null', { kind: 'null' }],
])

const NUMBER = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?([fFdDlL]?)$/
const NUMBER_TYPES: Readonly<Record<string, NumberType>> = { f: 'float', d: 'double', l: 'long' }

class Parser {
  readonly warnings: TextProblem[] = []
  readonly #tokens: readonly Token[]
  #i = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Condition {
    const condition = this.#joined('or')
    const rest = this.#peek()
    if (rest.kind === 'end') return condition
    if (rest.text === ')' && rest.kind === 'symbol') throw new ConditionError(rest.at, 'this ) closes nothing')
    throw new ConditionError(rest.at, `${show(rest)} is left over: and, or or the end was expected${advice(rest)}`)
  }

  #peek(): Token {
    return this.#tokens[this.#i]!
  }

  /** The keyword or symbol in lower case; '' for quoted text, which is never either. */
  #spelling(ahead = 0): string {
    const token = this.#tokens[this.#i + ahead]
    return token === undefined || token.kind === 'text' || token.kind === 'name' ? '' : token.text.toLowerCase()
  }

  #joined(kind: 'or' | 'and'): Condition {
    const first = kind === 'or' ? this.#joined('and') : this.#unary()
    if (JOINS.get(this.#spelling()) !== kind) return first
    const of = [first]
    while (JOINS.get(this.#spelling()) === kind) {
      this.#i++
      of.push(kind === 'or' ? this.#joined('and') : this.#unary())
    }
    return { kind, of }
  }

  #nested<T>(at: number, parse: () => T): T {
    if (++this.#depth > CONDITION_NESTING_MAX) {
      throw new ConditionError(at, `parentheses and negations nest at most ${CONDITION_NESTING_MAX} deep`)
    }
    const parsed = parse()
    this.#depth--
    return parsed
  }

  #negates(ahead = 0): boolean {
    const spelling = this.#spelling(ahead)
    return spelling === 'not' || spelling === '!'
  }

  /** A negation covers the whole comparison behind it. */
  #unary(): Condition {
    const token = this.#peek()
    if (this.#negates()) {
      this.#i++
      return { kind: 'not', of: this.#nested(token.at, () => this.#unary()) }
    }
    if (this.#spelling() !== '(') return this.#comparison()
    this.#i++
    const inside = this.#nested(token.at, () => this.#joined('or'))
    if (this.#spelling() !== ')') {
      const found = this.#peek()
      if (found.kind === 'end') throw new ConditionError(token.at, 'this ( is never closed by )')
      throw new ConditionError(found.at, `${show(found)} is out of place: and, or or ) was expected${advice(found)}`)
    }
    this.#i++
    return inside
  }

  #comparison(): Condition {
    const first = this.#peek()
    const left = this.#operand('a variable or a value')
    const negated = this.#negates() && this.#operatorAt(1) !== null
    if (negated) this.#i++
    const operator = this.#operator()
    if (operator === null) return this.#alone(first, left)
    const at = this.#peek().at
    const quoted = this.#peek().kind === 'name'
    const right = this.#operand(`a value to compare with`)
    if (quoted && right.kind === 'variable') this.#warnOfQuotes(at, right.name)
    if (operator === 'JavaRegex' && right.kind === 'text') {
      const regex = compileJavaRegex(right.value)
      if (!regex.ok) throw new ConditionError(at + 1 + regex.at, `bad regular expression: ${regex.message}`)
    }
    const compare: Condition = { kind: 'compare', operator, left, right }
    return negated ? { kind: 'not', of: compare } : compare
  }

  #alone(token: Token, operand: Operand): Condition {
    if (operand.kind === 'text' || operand.kind === 'number') {
      throw new ConditionError(
        token.at,
        `${show(token)} alone is no condition: compare it, as in name = ${show(token)}`,
      )
    }
    const next = this.#peek()
    if ((next.kind === 'word' || next.kind === 'symbol') && ADVICE.has(next.text.toLowerCase())) {
      throw new ConditionError(next.at, `${show(next)} is no operator${advice(next)}`)
    }
    if (next.kind === 'word' && !JOINS.has(next.text.toLowerCase())) {
      throw new ConditionError(
        next.at,
        `${show(next)} is no operator; =, !=, ~, ~~, ~/, >, < or their words were expected`,
      )
    }
    return { kind: 'test', operand }
  }

  #operatorAt(ahead: number): Operator | null {
    const spelling = this.#spelling(ahead)
    return OPERATOR_OF.get(TOLERATED.get(spelling) ?? spelling) ?? null
  }

  #operator(): Operator | null {
    const operator = this.#operatorAt(0)
    if (operator === null) return null
    const token = this.#peek()
    const right = TOLERATED.get(token.text)
    if (right !== undefined)
      this.warnings.push({ at: token.at, message: `${token.text} is taken as ${right}: write that` })
    this.#i++
    if (operator !== 'Equals' || token.text.toLowerCase() !== 'is' || !this.#negates()) return operator
    this.#i++
    return 'NotEquals'
  }

  #operand(expected: string): Operand {
    const token = this.#peek()
    if (token.kind === 'end') throw new ConditionError(token.at, `the condition ends where ${expected} was expected`)
    if (token.kind === 'symbol')
      throw new ConditionError(token.at, `${show(token)} stands where ${expected} was expected`)
    this.#i++
    if (token.kind === 'text') return { kind: 'text', value: token.text }
    if (token.kind === 'name') return { kind: 'variable', name: token.text }
    const lower = token.text.toLowerCase()
    const literal = LITERALS.get(lower)
    if (literal !== undefined) return literal
    if (KEYWORDS.has(lower)) {
      throw new ConditionError(token.at, `the operator ${token.text} stands where ${expected} was expected`)
    }
    return /^[-.]?[0-9]/.test(token.text) ? numberOf(token) : { kind: 'variable', name: token.text }
  }

  #warnOfQuotes(at: number, name: string): void {
    if (/[=!<>~:|&()]/.test(name) || (/\s/.test(name) && name.includes('.'))) return
    const message = `'${name}' in single quotes is the variable of that name: a text is written "${name}"`
    this.warnings.push({ at, message })
  }
}

function numberOf(token: Token): Operand {
  const match = NUMBER.exec(token.text)
  if (match === null) {
    const message = `${token.text} is no number; a name that begins with a digit is written in single quotes`
    throw new ConditionError(token.at, message)
  }
  const suffix = match[1]!.toLowerCase()
  const digits = suffix === '' ? token.text : token.text.slice(0, -1)
  const value = Number(digits)
  const whole = Number.isInteger(value) && !/[.eE]/.test(digits)
  const type = NUMBER_TYPES[suffix] ?? (whole ? 'integer' : 'double')
  if (type === 'long' && !whole) throw new ConditionError(token.at, `${token.text}: a long has no fraction`)
  return { kind: 'number', value, type }
}

function show(token: Token): string {
  if (token.kind === 'end') return 'the end'
  return token.kind === 'text' ? `"${token.text}"` : token.kind === 'name' ? `'${token.text}'` : token.text
}

function advice(token: Token): string {
  const right = token.kind === 'text' || token.kind === 'name' ? undefined : ADVICE.get(token.text.toLowerCase())
  return right === undefined ? '' : `; write ${right}`
}
