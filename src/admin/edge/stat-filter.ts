import { AdminError } from '../errors.ts'

/** Says of a row whether it is wanted; the row is asked for its dimensions. */
export type StatFilter = (dimensionOf: (dimension: string) => string) => boolean

/** A filter, and the dimensions that it asks for. */
export interface ParsedFilter {
  readonly dimensions: readonly string[]
  readonly test: StatFilter
}

const FILTER_CHARACTERS_MAX = 2_000
const TOKEN = /\s*(\(|\)|,|'(?:[^'\\]|\\.)*'|[A-Za-z_][\w.]*|-?\d+(?:\.\d+)?)/y

/** Operators between a dimension and one value. Numbers are compared as such where both sides are. */
const OPERATORS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => order(a, b) > 0,
  ge: (a, b) => order(a, b) >= 0,
  lt: (a, b) => order(a, b) < 0,
  le: (a, b) => order(a, b) <= 0,
  like: (a, b) => a.includes(b.replace(/^%|%$/g, '')),
  notlike: (a, b) => !a.includes(b.replace(/^%|%$/g, '')),
}

function order(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)]
  if (a !== '' && b !== '' && !Number.isNaN(x) && !Number.isNaN(y)) return x - y
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Reads Edge's filter: `(apiproxy eq 'a' and (response_status_code ge '400' or request_verb in 'GET','PUT'))`. `known` says which
 * dimensions there are. Throws AdminError with the place of the fault.
 */
export function parseFilter(text: string, known: (dimension: string) => boolean): ParsedFilter {
  const dimensions = new Set<string>()
  const tokens: string[] = []
  const fail = (what: string): never => {
    throw new AdminError(400, 'datastore.InvalidFilter', `filter: ${what}; for example (apiproxy eq 'weather')`)
  }
  if (text.length > FILTER_CHARACTERS_MAX) fail(`more than ${FILTER_CHARACTERS_MAX} characters`)
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.trimEnd().length; ) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (match === null) return fail(`character ${at + 1} cannot be read`)
    tokens.push(match[1]!)
  }
  let at = 0
  const next = (): string => tokens[at++] ?? fail('it ends too early')
  const isWord = (word: string): boolean => tokens[at]?.toLowerCase() === word
  const value = (): string => {
    const token = next()
    if (token.startsWith("'")) return token.slice(1, -1).replace(/\\(.)/g, '$1')
    return /^-?\d/.test(token) ? token : fail(`${token} is no value: 'text' or a number`)
  }
  const list = (): string[] => {
    const values = [value()]
    for (; tokens[at] === ','; ) {
      at++
      values.push(value())
    }
    return values
  }
  const comparison = (): StatFilter => {
    const dimension = next()
    if (!known(dimension)) fail(`${dimension.slice(0, 100)} is no dimension here`)
    dimensions.add(dimension)
    const operator = next().toLowerCase()
    if (operator === 'in' || operator === 'notin') {
      const values = new Set(list())
      return (dimensionOf) => values.has(dimensionOf(dimension)) === (operator === 'in')
    }
    const compare = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator]! : null
    if (compare === null)
      return fail(`${operator.slice(0, 100)} is none of ${Object.keys(OPERATORS).join(', ')}, in, notin`)
    const wanted = value()
    return (dimensionOf) => compare(dimensionOf(dimension), wanted)
  }
  const term = (): StatFilter => {
    if (tokens[at] !== '(') return comparison()
    at++
    const inner = either()
    if (next() !== ')') fail('a ) is missing')
    return inner
  }
  const both = (): StatFilter => {
    const terms = [term()]
    for (; isWord('and'); ) {
      at++
      terms.push(term())
    }
    return (dimensionOf) => terms.every((one) => one(dimensionOf))
  }
  const either = (): StatFilter => {
    const terms = [both()]
    for (; isWord('or'); ) {
      at++
      terms.push(both())
    }
    return (dimensionOf) => terms.some((one) => one(dimensionOf))
  }
  const test = either()
  if (at < tokens.length) fail(`${tokens[at]} is not expected`)
  return { dimensions: [...dimensions], test }
}
