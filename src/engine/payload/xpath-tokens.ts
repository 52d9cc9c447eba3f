/** One token of an XPath; `at` is its offset. Names keep their prefix (`p:a`, `p:*`). */
export interface Token {
  readonly kind: 'name' | 'axis' | 'function' | 'operator' | 'symbol' | 'literal' | 'number' | 'variable' | 'end'
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
  operator: /\/\/|!=|<=|>=|[/|=<>+\-*]/y,
  symbol: /::|\.\.|[.@()[\],]/y,
}
type Pattern = Exclude<keyof typeof PATTERNS, 'blank'>
const OPERAND_KINDS: readonly Pattern[] = ['literal', 'number', 'name', 'variable', 'operator', 'symbol']
const OPERATOR_KINDS: readonly Pattern[] = ['operator', 'symbol', 'name', 'literal', 'number', 'variable']
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
    const kinds = operand ? OPERAND_KINDS : OPERATOR_KINDS
    const kind = kinds.find((one) => match(PATTERNS[one]) !== null)
    if (kind === undefined) return new TokenError(i, unknown(text.slice(i, i + 12)))
    const value = match(PATTERNS[kind])!
    if (kind === 'name') add(nameKind(value, text, i + value.length, operand), value)
    else add(kind === 'operator' && value === '*' && operand ? 'name' : kind, value)
  }
  tokens.push({ kind: 'end', text: '', at: text.length })
  return tokens
}

function nameKind(name: string, text: string, end: number, operand: boolean): Token['kind'] {
  if (!operand) return OPERATOR_NAMES.has(name) ? 'operator' : 'name'
  const rest = /^\s*(\(|::)/.exec(text.slice(end, end + 100))?.[1]
  return rest === '(' ? 'function' : rest === '::' ? 'axis' : 'name'
}

function unknown(text: string): string {
  return /^['"]/.test(text) ? 'the quote is not closed' : `${text} cannot stand here`
}
