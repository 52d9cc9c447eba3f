import type { Condition, NumberType, Operand, Operator } from './condition-ast.ts'
import { OPERATORS } from './condition-operators.ts'
import { isBareName } from './condition-tokens.ts'

const SUFFIXES: Readonly<Record<NumberType, string>> = { integer: '', long: 'l', float: 'f', double: 'd' }

/** The condition as text that parses to the same condition. Texts hold no double quote and names no single one. */
export function printCondition(condition: Condition): string {
  return print(condition, 0, ({ symbols }) => symbols[0]!)
}

/** The same with words for operators where there are any, as Edge's traces have it. */
export function printEdgeCondition(condition: Condition): string {
  return print(condition, 0, ({ words, symbols }) => words[0] ?? symbols[0]!)
}

type Spell = (operator: (typeof OPERATORS)[Operator]) => string

/** `tightness`: 0 anything goes, 1 inside and, 2 behind not. */
function print(condition: Condition, tightness: number, spell: Spell): string {
  switch (condition.kind) {
    case 'or':
    case 'and': {
      const inner = condition.kind === 'or' ? 1 : 2
      const text = condition.of.map((part) => print(part, inner, spell)).join(` ${condition.kind} `)
      return tightness >= inner ? `(${text})` : text
    }
    case 'not':
      return `not ${print(condition.of, 2, spell)}`
    case 'compare': {
      const operator = spell(OPERATORS[condition.operator])
      return `${printOperand(condition.left)} ${operator} ${printOperand(condition.right)}`
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
