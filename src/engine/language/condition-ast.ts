/** How two operands are compared; named after the words of Apigee's conditions reference. */
export type Operator =
  | 'Equals'
  | 'NotEquals'
  | 'EqualsCaseInsensitive'
  | 'GreaterThan'
  | 'GreaterThanOrEquals'
  | 'LesserThan'
  | 'LesserThanOrEquals'
  | 'Matches'
  | 'NotMatches'
  | 'JavaRegex'
  | 'MatchesPath'
  | 'StartsWith'

export type NumberType = 'integer' | 'long' | 'float' | 'double'

export type Literal =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number; readonly type: NumberType }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }

export type Operand = Literal | { readonly kind: 'variable'; readonly name: string }

/** A parsed condition: plain data, so that it can be sent to other threads. */
export type Condition =
  | { readonly kind: 'or' | 'and'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'compare'; readonly operator: Operator; readonly left: Operand; readonly right: Operand }
  /** A variable or `true`, `false`, `null` alone. */
  | { readonly kind: 'test'; readonly operand: Operand }

/** The variables a condition reads, each once, in order of appearance. */
export function variablesOf(condition: Condition): string[] {
  const names = new Set<string>()
  collect(condition, names)
  return [...names]
}

function collect(condition: Condition, names: Set<string>): void {
  switch (condition.kind) {
    case 'or':
    case 'and':
      for (const part of condition.of) collect(part, names)
      return
    case 'not':
      collect(condition.of, names)
      return
    case 'compare':
      note(condition.left, names)
      note(condition.right, names)
      return
    case 'test':
      note(condition.operand, names)
  }
}

function note(operand: Operand, names: Set<string>): void {
  if (operand.kind === 'variable') names.add(operand.name)
}
