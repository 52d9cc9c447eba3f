import type { Condition, NumberType, Operand } from './condition-ast.ts'
import { OPERATORS } from './condition-operators.ts'
import { isBareName } from './condition-tokens.ts'

const SUFFIXES: Readonly<Record<NumberType, string>> = { integer: '', long: 'l', float: 'f', double: 'd' }

/** The condition as text that parses to the same condition. Texts hold no double quote and names no single one. */
export function printCondition(condition: Condition): string {
  return print(condition, 0)
}

/** `tightness`: 0 anything goes, 1 inside and, 2 behind not. */
function print(condition: Condition, tightness: number): string {
  switch (condition.kind) {
    case 'or':
    case 'and': {
      const inner = condition.kind === 'or' ? 1 : 2
      const text = condition.of.map((part) => print(part, inner)).join(` ${condition.kind} `)
      return tightness >= inner ? `(${text})` : text
    }
    case 'not':
      return `not ${print(condition.of, 2)}`
    case 'compare': {
      const { symbols } = OPERATORS[condition.operator]
      return `${printOperand(condition.left)} ${symbols[0]} ${printOperand(condition.right)}`
    }
    case 'test':
      return printOperand(condition.operand)
  }
}

function printOperand(operand: Operand): string {
  switch (operand.kind) {
    case 'text':
      return `"${operand.value}"`
    case 'number':
      return `${operand.value}${SUFFIXES[operand.type]}`
    case 'boolean':
      return String(operand.value)
    case 'null':
      return 'null'
    case 'variable':
      return isBareName(operand.name) ? operand.name : `'${operand.name}'`
  }
}
