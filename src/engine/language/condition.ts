import type { Condition, Operand } from './condition-ast.ts'
import { COMPARISONS, type PresentLiteral } from './condition-compare.ts'
import { OPERATORS } from './condition-operators.ts'
import { isTrue, type Resolve } from './value.ts'

export { type Condition, variablesOf } from './condition-ast.ts'
export { type ParsedCondition, parseCondition } from './condition-parser.ts'

/** A condition over the running exchange. Never throws, never waits. */
export type Test<X> = (x: X) => boolean

/** Compiles a parsed condition. Patterns that are literals are compiled here, once. */
export function compileCondition<X>(condition: Condition, resolve: Resolve<X>): Test<X> {
  switch (condition.kind) {
    case 'or':
      return anyOf(condition.of.map((part) => compileCondition(part, resolve)))
    case 'and':
      return allOf(condition.of.map((part) => compileCondition(part, resolve)))
    case 'not': {
      const test = compileCondition(condition.of, resolve)
      return (x) => !test(x)
    }
    case 'test':
      return compileTest(condition.operand, resolve)
    case 'compare':
      return compileComparison(condition, resolve)
  }
}

function anyOf<X>(tests: readonly Test<X>[]): Test<X> {
  const [a, b] = tests as [Test<X>, Test<X>]
  if (tests.length === 2) return (x) => a(x) || b(x)
  return (x) => {
    for (let i = 0; i < tests.length; i++) if (tests[i]!(x)) return true
    return false
  }
}

function allOf<X>(tests: readonly Test<X>[]): Test<X> {
  const [a, b] = tests as [Test<X>, Test<X>]
  if (tests.length === 2) return (x) => a(x) && b(x)
  return (x) => {
    for (let i = 0; i < tests.length; i++) if (!tests[i]!(x)) return false
    return true
  }
}

/** Alone, a variable counts as true iff it holds boolean true or the text `true`. */
function compileTest<X>(operand: Operand, resolve: Resolve<X>): Test<X> {
  if (operand.kind === 'variable') {
    const read = resolve(operand.name)
    return (x) => isTrue(read(x))
  }
  const constant = operand.kind === 'boolean' && operand.value
  return () => constant
}

function compileComparison<X>(condition: Condition & { kind: 'compare' }, resolve: Resolve<X>): Test<X> {
  const { left, right, operator } = condition
  if (right.kind === 'variable') return compileAgainstVariable(condition, right.name, resolve)
  const { nulls } = OPERATORS[operator]
  if (left.kind !== 'variable') {
    const constant = constantOf(condition, right)
    return () => constant
  }
  const read = resolve(left.name)
  if (right.kind === 'null') {
    const { both, right: rightNull } = nulls
    return both === rightNull ? () => both : (x) => (read(x) === null) === both
  }
  const ofNull = nulls.left
  // The commonest conditions get the shortest closures.
  if (right.kind === 'text' && operator === 'Equals') {
    const text = right.value
    const against = COMPARISONS.Equals.against(right)
    return (x) => {
      const value = read(x)
      return typeof value === 'string' ? value === text : value !== null && against(value)
    }
  }
  const against = COMPARISONS[operator].against(right)
  return (x) => {
    const value = read(x)
    return value === null ? ofNull : against(value)
  }
}

function compileAgainstVariable<X>(
  { operator, left }: Condition & { kind: 'compare' },
  name: string,
  resolve: Resolve<X>,
): Test<X> {
  const { test } = COMPARISONS[operator]
  const { nulls } = OPERATORS[operator]
  const readRight = resolve(name)
  if (left.kind === 'variable') {
    const readLeft = resolve(left.name)
    return (x) => {
      const a = readLeft(x)
      const b = readRight(x)
      if (a === null) return b === null ? nulls.both : nulls.left
      return b === null ? nulls.right : test(a, b)
    }
  }
  if (left.kind === 'null') return (x) => (readRight(x) === null ? nulls.both : nulls.left)
  const a = left.value
  return (x) => {
    const b = readRight(x)
    return b === null ? nulls.right : test(a, b)
  }
}

function constantOf({ operator, left }: Condition & { kind: 'compare' }, right: Operand): boolean {
  const { nulls } = OPERATORS[operator]
  if (left.kind === 'null') return right.kind === 'null' ? nulls.both : nulls.left
  if (right.kind === 'null') return nulls.right
  return COMPARISONS[operator].against(right as PresentLiteral)((left as PresentLiteral).value)
}
