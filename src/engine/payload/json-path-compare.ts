import type { Operator } from './json-path-ast.ts'
import { isJsonArray, isRawNumber, type Json } from './json-text.ts'

/** What a comparison may cost: the members of a list, the characters of a text by the hundred. */
export function sizeOf(value: Json | undefined): number {
  if (typeof value === 'string') return 1 + value.length / 100
  return value !== undefined && isJsonArray(value) ? 1 + value.length : 1
}

/** The number that a value is; undefined when it is none. */
export function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value
  return value !== undefined && isRawNumber(value) ? Number(value.rawJSON) : undefined
}

/** Jayway's comparisons; undefined is a path that led nowhere. */
export function compare(operator: Operator, left: Json | undefined, right: Json | undefined): boolean {
  switch (operator) {
    case '==':
      return equal(left, right)
    case '!=':
      return !equal(left, right)
    case '<':
      return ordered(left, right, (a, b) => a < b)
    case '<=':
      return ordered(left, right, (a, b) => a <= b)
    case '>':
      return ordered(left, right, (a, b) => a > b)
    case '>=':
      return ordered(left, right, (a, b) => a >= b)
    case 'in':
      return holds(right, left)
    case 'nin':
      return !holds(right, left)
    case 'contains':
      return typeof left === 'string' ? typeof right === 'string' && left.includes(right) : holds(left, right)
    case 'size':
      return lengthOf(left) !== undefined && lengthOf(left) === (lengthOf(right) ?? numberOf(right))
    case 'empty':
      return lengthOf(left) !== undefined && (lengthOf(left) === 0) === right
    case 'subsetof':
      return listOf(left).every((one) => holds(right, one))
    case 'anyof':
      return listOf(left).some((one) => holds(right, one))
    case 'noneof':
      return !listOf(left).some((one) => holds(right, one))
    case '=~':
      return false
  }
}

/** A number equals a text that writes it, as in Jayway; lists and objects equal nothing but their own text. */
function equal(left: Json | undefined, right: Json | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  const a = numberOf(left) ?? left
  const b = numberOf(right) ?? right
  if (a === b) return true
  if (typeof a === 'number' && typeof b === 'string') return b !== '' && Number(b) === a
  if (typeof a === 'string' && typeof b === 'number') return a !== '' && Number(a) === b
  return isJsonArray(a) && isJsonArray(b) && a.length === b.length && a.every((one, i) => equalScalars(one, b[i]!))
}

function equalScalars(a: Json, b: Json): boolean {
  return a === b || (numberOf(a) !== undefined && numberOf(a) === numberOf(b))
}

function ordered(
  left: Json | undefined,
  right: Json | undefined,
  test: (a: number | string, b: number | string) => boolean,
): boolean {
  const a = numberOf(left)
  const b = numberOf(right)
  if (a !== undefined && b !== undefined) return test(a, b)
  return typeof left === 'string' && typeof right === 'string' && test(left, right)
}

function holds(list: Json | undefined, value: Json | undefined): boolean {
  return value !== undefined && listOf(list).some((one) => equal(one, value))
}

function listOf(value: Json | undefined): readonly Json[] {
  return value !== undefined && isJsonArray(value) ? value : NOTHING
}

function lengthOf(value: Json | undefined): number | undefined {
  return typeof value === 'string' || (value !== undefined && isJsonArray(value)) ? value.length : undefined
}

const NOTHING: readonly Json[] = []
