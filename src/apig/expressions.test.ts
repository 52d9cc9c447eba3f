import { expect, test } from 'vitest'
import type { Exchange } from '../engine/exchange.ts'
import type { Expression } from '../model/apig.ts'
import { compileExpression } from './expressions.ts'

test('conditions of plug-ins', () => {
  const values: Record<string, string> = { a: '5', b: 'text', empty: '' }
  const holds = (expression: Expression): boolean =>
    compileExpression(expression, (name) => (name in values ? () => values[name]! : null))({} as Exchange)
  const one = (left: string, operator: string, right: string): Expression =>
    ({ kind: 'compare', left, operator, right }) as Expression
  const rows: [string, string, string, boolean][] = [
    ['a', '==', '5', true],
    ['a', '~=', '5', false],
    ['b', '~~', 'ex', true],
    ['b', '~~', '^x', false],
    ['a', 'in', '1, 5', true],
    ['a', '>', '4', true],
    ['a', '<=', '4', false],
    ['empty', '<', '4', false],
    ['none', '==', '', true],
  ]
  for (const [left, operator, right, wanted] of rows)
    expect(holds(one(left, operator, right)), `${left} ${operator} ${right}`).toBe(wanted)
  expect(holds({ kind: 'all', of: [one('a', '==', '5'), one('b', '==', 'x')] })).toBe(false)
  expect(holds({ kind: 'any', of: [one('a', '==', '5'), one('b', '==', 'x')] })).toBe(true)
})
