import { ADVICE, OPERATOR_OF, TOLERATED } from './condition-operators.ts'

/**
 * `symbol`: operators and parentheses. `word`: a bare name, keyword or number. `text`: in double quotes. `name`: in single
 * quotes. `end` closes the list.
 */
export interface Token {
  readonly kind: 'symbol' | 'word' | 'text' | 'name' | 'end'
  /** Without quotes. */
  readonly text: string
  readonly at: number
}

export class ConditionError {
  readonly at: number
  readonly message: string

  constructor(at: number, message: string) {
    this.at = at
    this.message = message
  }
}

const CLOSED = 'closed before the end of the condition'

/** Longest first, so that `>=` is never `>` and `=`. Wrong ones of the advice are here too, to be named as a whole. */
const SYMBOLS: readonly string[] = [
  ...['(', ')', '!', '&&', '||'],
  ...OPERATOR_OF.keys(),
  ...TOLERATED.keys(),
  ...ADVICE.keys(),
]
  .filter((spelling) => !/[a-z]/.test(spelling))
  .sort((a, b) => b.length - a.length)

const SPACE = /[\s\u00a0]+/y
const WORD = /[\p{L}\p{N}_$@#.[\]-]+/uy

/** Cuts a condition into tokens. */
export function tokensOf(text: string): Token[] | ConditionError {
  const tokens: Token[] = []
  for (let at = 0; at < text.length; ) {
    const space = matchAt(SPACE, text, at)
    if (space > 0) {
      at += space
      continue
    }
    const c = text[at]!
    if (c === '"' || c === "'") {
      const end = text.indexOf(c, at + 1)
      if (end < 0) return new ConditionError(at, `the ${c === '"' ? 'double' : 'single'} quote is not ${CLOSED}`)
      tokens.push({ kind: c === '"' ? 'text' : 'name', text: text.slice(at + 1, end), at })
      at = end + 1
      continue
    }
    const word = matchAt(WORD, text, at)
    const symbol = word > 0 ? undefined : SYMBOLS.find((spelling) => text.startsWith(spelling, at))
    if (word === 0 && symbol === undefined) {
      const right = '{}'.includes(c)
        ? 'variables stand without braces'
        : 'a name that holds it is written in single quotes'
      return new ConditionError(at, `unexpected ${JSON.stringify(c)}; ${right}`)
    }
    const length = symbol?.length ?? word
    tokens.push({ kind: symbol === undefined ? 'word' : 'symbol', text: text.slice(at, at + length), at })
    at += length
  }
  tokens.push({ kind: 'end', text: '', at: text.length })
  return tokens
}

function matchAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0].length ?? 0
}

/** Words that cannot name a variable without quotes. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  'true',
  'false',
  'null',
  'and',
  'or',
  'not',
  ...OPERATOR_OF.keys(),
])

/** Can this name be written without quotes? */
export function isBareName(name: string): boolean {
  return (
    name !== '' &&
    matchAt(WORD, name, 0) === name.length &&
    !/^[-.]?[0-9]/.test(name) &&
    !KEYWORDS.has(name.toLowerCase())
  )
}
