/** One token of an XPath; `at` is its offset. Names keep their prefix (`p:a`, `p:*`). */
export interface Token {
  readonly kind: 'name' | 'axis' | 'function' | 'operator' | 'literal' | 'number' | 'variable' | 'end'
  readonly text: string
  readonly at: number
}

/** A character that begins nothing. */
export class TokenError {
  readonly at: number
  readonly message: string

  constructor(at: number, message: string) {
    this.at = at
    this.message = message
  }
}

const NAME = '[\\p{L}_][\\p{L}\\p{N}\\p{M}_.\\-·]*'
const PATTERNS = {
  blank: /\s*/y,
  literal: /"[^"]*"|'[^']*'/y,
  number: /\d+(?:\.\d*)?|\.\d+/y,
  variable: new RegExp(`\\$${NAME}(?::${NAME})?`, 'uy'),
  name: new RegExp(`${NAME}(?::(?:${NAME}|\\*)(?!:))?`, 'uy'),
  symbol: /::|\/\/|\.\.|!=|<=|>=|[/.@()[\],|=<>+\-*]/y,
}
const OPERATOR_NAMES: ReadonlySet<string> = new Set(['and', 'or', 'div', 'mod'])
/** After these a star is a name test and `and` is a name (XPath 1.0, section 3.7). */
const BEFORE_OPERAND: ReadonlySet<string> = new Set(['@', '::', '(', '[', ','])

/** Splits an XPath 1.0 expression; the list ends with a token of kind `end`. */
export function tokenize(text: string): Token[] | TokenError {
  const tokens: Token[] = []
  let i = 0
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = i
    return pattern.exec(text)?.[0] ?? null
  }
  const add = (kind: Token['kind'], value: string): void => {
    tokens.push({ kind, text: value, at: i })
    i += value.length
  }
  for (;;) {
    i += match(PATTERNS.blank)!.length
    if (i >= text.length) break
    const last = tokens.at(-1)
    const operand = last === undefined || last.kind === 'operator' || BEFORE_OPERAND.has(last.text)
    const literal = match(PATTERNS.literal)
    const number = match(PATTERNS.number)
    const name = match(PATTERNS.name)
    if (literal !== null) add('literal', literal)
    else if (number !== null) add('number', number)
    else if (name !== null && !operand && OPERATOR_NAMES.has(name)) add('operator', name)
    else if (name !== null) add(nameKind(text, i + name.length), name)
    else {
      const other = match(PATTERNS.variable) ?? match(PATTERNS.symbol)
      if (other === null) return new TokenError(i, `${text.slice(i, i + 8)} cannot stand here`)
      if (other.startsWith('$')) add('variable', other)
      else add(other === '*' && operand ? 'name' : 'operator', other)
    }
  }
  tokens.push({ kind: 'end', text: '', at: text.length })
  return tokens
}

function nameKind(text: string, end: number): 'name' | 'axis' | 'function' {
  const rest = /^\s*(\(|::)/.exec(text.slice(end, end + 100))?.[1]
  return rest === '(' ? 'function' : rest === '::' ? 'axis' : 'name'
}
