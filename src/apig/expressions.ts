import type { Exchange } from '../engine/exchange.ts'
import { compileJavaRegex } from '../engine/language/java-regex.ts'
import type { CompareOperator, Expression } from '../model/apig.ts'
import type { Read } from './context.ts'

export type Test = (x: Exchange) => boolean

const NOT_THERE: Read = () => ''

/** Compiles the condition of a plug-in; `named` gives the reader of a name on its left side. */
export function compileExpression(expression: Expression, named: (name: string) => Read | null): Test {
  if (expression.kind === 'compare') {
    const read = named(expression.left) ?? NOT_THERE
    const test = OPERATORS[expression.operator](expression.right)
    return (x) => test(read(x))
  }
  const tests = expression.of.map((one) => compileExpression(one, named))
  return expression.kind === 'all' ? (x) => tests.every((test) => test(x)) : (x) => tests.some((test) => test(x))
}

type TextTest = (value: string) => boolean

const numeric =
  (compare: (a: number, b: number) => boolean) =>
  (right: string): TextTest => {
    const bound = Number(right)
    return (value) => value !== '' && compare(Number(value), bound)
  }

const OPERATORS: Readonly<Record<CompareOperator, (right: string) => TextTest>> = {
  '==': (right) => (value) => value === right,
  '~=': (right) => (value) => value !== right,
  '~~': (right) => {
    const compiled = compileJavaRegex(right)
    return compiled.ok ? (value) => compiled.regex.matcher(value).find() : () => false
  },
  in: (right) => {
    const values = new Set(right.split(',').map((one) => one.trim()))
    return (value) => values.has(value)
  },
  '>': numeric((a, b) => a > b),
  '<': numeric((a, b) => a < b),
  '>=': numeric((a, b) => a >= b),
  '<=': numeric((a, b) => a <= b),
}
