import { boundedCache } from './bounded-cache.ts'
import type { Literal, Operator } from './condition-ast.ts'
import { compileGlob, compilePath, type Fits } from './glob.ts'
import { cachedJavaRegex, compileJavaRegex } from './java-regex.ts'
import { doubleText, toText, type Value } from './value.ts'

/** A value that is set. */
export type Present = Exclude<Value, null>
/** A comparison whose right side is known: no null comes here. */
export type Against = (left: Present) => boolean

interface Comparison {
  /** Both sides known at run time only. */
  readonly test: (left: Present, right: Present) => boolean
  /** The right side is a literal: everything costly is done here, once. */
  readonly against: (right: PresentLiteral) => Against
}

export type PresentLiteral = Exclude<Literal, { readonly kind: 'null' }>

const RUNTIME_PATTERNS_MAX = 256
const RUNTIME_PATTERN_CHARS_MAX = 8192

/** How the literal reads where text is compared: `12l` is 12, `3d` is 3.0. */
function literalText(literal: PresentLiteral): string {
  if (literal.kind === 'number' && (literal.type === 'double' || literal.type === 'float')) {
    return doubleText(literal.value)
  }
  return toText(literal.value)
}

/**
 * Operands are adapted to the wider of their types: boolean < number < text. Collections and objects compare with
 * nothing: whatever the operator, the result is false.
 */
function equal(left: Present, right: Present): boolean {
  if (typeof left === 'object' || typeof right === 'object') return false
  if (typeof left === 'string' || typeof right === 'string') return toText(left) === toText(right)
  return Number(left) === Number(right)
}

function comparable(left: Present): boolean {
  return typeof left !== 'object'
}

function equalAgainst(literal: PresentLiteral): Against {
  const text = literalText(literal)
  if (literal.kind === 'text') {
    // A number in a variable equals this text when it prints like it; found out once.
    const number = toText(Number(text)) === text ? Number(text) : Number.NaN
    return (left) =>
      left === text || (typeof left === 'number' ? left === number : typeof left === 'boolean' && String(left) === text)
  }
  const number = Number(literal.value)
  return (left) => (typeof left === 'string' ? left === text : typeof left !== 'object' && Number(left) === number)
}

/** Negative, zero or positive; NaN when the two do not compare. */
function order(left: Present, right: Present, rightText: string | null): number {
  if (typeof left === 'object' || typeof right === 'object') return Number.NaN
  if (typeof left !== 'string' && typeof right !== 'string') return Number(left) - Number(right)
  const a = toText(left)
  const b = rightText ?? toText(right)
  return a < b ? -1 : a === b ? 0 : 1
}

function ordered(holds: (sign: number) => boolean): Comparison {
  return {
    test: (left, right) => holds(order(left, right, null)),
    against: (literal) => {
      const text = literalText(literal)
      const { value } = literal
      return (left) => holds(order(left, value, text))
    },
  }
}

/** Comparisons of text with something made from the right side. */
function patterned(make: (right: string) => Fits, makeAtRunTime: (right: string) => Fits, wanted = true): Comparison {
  return {
    test: (left, right) =>
      comparable(left) && comparable(right) && makeAtRunTime(toText(right))(toText(left)) === wanted,
    against: (literal) => {
      const fits = make(literalText(literal))
      return (left) =>
        typeof left === 'string' ? fits(left) === wanted : comparable(left) && fits(toText(left)) === wanted
    },
  }
}

const never: Fits = () => false

/** For patterns out of variables: a client may choose them, so few are kept and none is long. */
function atRunTime(make: (pattern: string) => Fits): (pattern: string) => Fits {
  const cached = boundedCache(RUNTIME_PATTERNS_MAX, make)
  return (pattern) => (pattern.length > RUNTIME_PATTERN_CHARS_MAX ? never : cached(pattern))
}

function globbed(make: (pattern: string) => Fits, wanted = true): Comparison {
  return patterned(make, atRunTime(make), wanted)
}

/** A pattern that does not compile fits nothing. Literal ones were refused when the condition was parsed. */
function regexFits(pattern: string, compile: typeof compileJavaRegex): Fits {
  const compiled = compile(pattern)
  if (!compiled.ok) return never
  const { regex } = compiled
  return (text) => regex.testExact(text)
}

const startsWith = (prefix: string): Fits => {
  return (text) => text.startsWith(prefix)
}

const caseless = (right: string): Fits => {
  const lower = right.toLowerCase()
  return (text) => text === right || (text.length === right.length && text.toLowerCase() === lower)
}

export const COMPARISONS: Readonly<Record<Operator, Comparison>> = {
  Equals: { test: equal, against: equalAgainst },
  NotEquals: {
    test: (left, right) => comparable(left) && comparable(right) && !equal(left, right),
    against: (literal) => {
      const equals = equalAgainst(literal)
      return (left) => comparable(left) && !equals(left)
    },
  },
  EqualsCaseInsensitive: patterned(caseless, caseless),
  GreaterThan: ordered((sign) => sign > 0),
  GreaterThanOrEquals: ordered((sign) => sign >= 0),
  LesserThan: ordered((sign) => sign < 0),
  LesserThanOrEquals: ordered((sign) => sign <= 0),
  Matches: globbed(compileGlob),
  NotMatches: globbed(compileGlob, false),
  JavaRegex: patterned(
    (pattern) => regexFits(pattern, compileJavaRegex),
    atRunTime((pattern) => regexFits(pattern, cachedJavaRegex)),
  ),
  MatchesPath: globbed(compilePath),
  StartsWith: patterned(startsWith, startsWith),
}
