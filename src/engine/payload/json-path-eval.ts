import type { Filter, JsonPath, Operand, PathFunction, Selector } from './json-path-ast.ts'
import { compare, numberOf, sizeOf } from './json-path-compare.ts'
import { isJsonArray, isJsonObject, isRawNumber, type Json } from './json-text.ts'

/** Values that one evaluation may visit. A payload chooses how many there are, so somebody has to say stop. */
export const STEPS_MAX = 1_000_000

export type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly value: Json }
  /** Of a path that is not definite; may be empty. */
  | { readonly kind: 'many'; readonly values: readonly Json[] }
  /** Stopped: it would have visited more than `STEPS_MAX` values. */
  | { readonly kind: 'limit' }

const NONE: Found = { kind: 'none' }
const LIMIT: Found = { kind: 'limit' }

/** What a path finds in a document. Time is bounded by `STEPS_MAX`, recursion by the nesting of the path. */
export function selectJson(path: JsonPath, document: Json): Found {
  const run = new Evaluation(document)
  try {
    return run.path(path, document)
  } catch (error) {
    if (error === TOO_LONG) return LIMIT
    throw error
  }
}

const TOO_LONG = new Error('a JSONPath visited too many values')

class Evaluation {
  readonly #root: Json
  #left: number = STEPS_MAX

  constructor(root: Json) {
    this.#root = root
  }

  #spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw TOO_LONG
  }

  path(path: JsonPath, from: Json): Found {
    if (path.definite) {
      const value = this.#definite(path, from)
      if (value === undefined) return NONE
      return path.call === null ? { kind: 'one', value } : this.#call(path.call, value)
    }
    let values: Json[] = [from]
    for (const { deep, select } of path.segments) {
      const next: Json[] = []
      for (const value of values) {
        if (deep) this.#everywhere(value, select, next)
        else this.#select(value, select, next)
      }
      values = next
    }
    return path.call === null ? { kind: 'many', values } : this.#call(path.call, values)
  }

  #definite(path: JsonPath, from: Json): Json | undefined {
    let value: Json | undefined = from
    for (const { select } of path.segments) {
      this.#spend(1)
      if (select.kind === 'name') value = member(value, select.name)
      else if (select.kind === 'index') value = item(value, select.index)
      else if (select.kind === 'pick') value = value === undefined ? value : pick(value, select.names)
      if (value === undefined) return undefined
    }
    return value
  }

  /** The value and all below it, parents before children, in document order; no recursion, so depth costs no stack. */
  #everywhere(from: Json, select: Selector, found: Json[]): void {
    const stack: Json[] = [from]
    for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
      this.#select(value, select, found)
      const children = childrenOf(value)
      this.#spend(1 + children.length)
      for (let i = children.length - 1; i >= 0; i--) if (typeof children[i] === 'object') stack.push(children[i]!)
    }
  }

  #select(value: Json, select: Selector, found: Json[]): void {
    this.#spend(1)
    if (select.kind === 'name') push(found, member(value, select.name))
    else if (select.kind === 'index') push(found, item(value, select.index))
    else if (select.kind === 'filter') this.#filtered(value, select.filter, found)
    else for (const one of this.#several(value, select)) push(found, one)
  }

  #several(
    value: Json,
    select: Exclude<Selector, { kind: 'name' | 'index' | 'filter' }>,
  ): readonly (Json | undefined)[] {
    switch (select.kind) {
      case 'names':
        return select.names.map((name) => member(value, name))
      case 'pick':
        return [pick(value, select.names)]
      case 'indexes':
        return select.indexes.map((index) => item(value, index))
      case 'slice':
        return this.#slice(value, select)
      case 'all':
        this.#spend(childrenOf(value).length)
        return childrenOf(value)
    }
  }

  #slice(value: Json, slice: Extract<Selector, { kind: 'slice' }>): Json[] {
    const found: Json[] = []
    if (!isJsonArray(value)) return found
    const from = bound(slice.from ?? 0, value.length)
    const to = bound(slice.to ?? value.length, value.length)
    this.#spend(Math.max(0, to - from))
    for (let i = from; i < to; i += slice.step) found.push(value[i]!)
    return found
  }

  /** A filter looks at the members of a list; of an object at the object itself, as Jayway does. */
  #filtered(value: Json, filter: Filter, found: Json[]): void {
    const candidates = isJsonArray(value) ? value : isJsonObject(value) ? [value] : []
    for (const candidate of candidates) {
      this.#spend(1)
      if (this.#holds(filter, candidate)) found.push(candidate)
    }
  }

  #holds(filter: Filter, at: Json): boolean {
    switch (filter.kind) {
      case 'or':
        return filter.parts.some((part) => this.#holds(part, at))
      case 'and':
        return filter.parts.every((part) => this.#holds(part, at))
      case 'not':
        return !this.#holds(filter.part, at)
      case 'exists':
        return this.#operand(filter.path, at) !== undefined
      case 'compare': {
        const left = this.#operand(filter.left, at)
        if (filter.right.kind === 'regex') {
          if (typeof left !== 'string') return false
          this.#spend(left.length)
          return filter.right.regex.testExact(left)
        }
        const right = this.#operand(filter.right, at)
        this.#spend(sizeOf(left) * (1 + sizeOf(right)))
        return compare(filter.operator, left, right)
      }
    }
  }

  #operand(operand: Operand, at: Json): Json | undefined {
    if (operand.kind !== 'path') return operand.kind === 'value' ? operand.value : undefined
    const found = this.path(operand.path, operand.fromRoot ? this.#root : at)
    if (found.kind === 'one') return found.value
    return found.kind === 'many' && found.values.length > 0 ? found.values : undefined
  }

  #call(name: PathFunction, value: Json): Found {
    const result = callFunction(name, value, childrenOf(value))
    return result === undefined ? NONE : { kind: 'one', value: result }
  }
}

function callFunction(name: PathFunction, value: Json, children: readonly Json[]): Json | undefined {
  switch (name) {
    case 'length':
    case 'size':
      if (typeof value === 'string') return value.length
      return typeof value === 'object' && value !== null && !isRawNumber(value) ? children.length : undefined
    case 'keys':
      return isJsonObject(value) ? Object.keys(value) : undefined
    case 'first':
      return isJsonArray(value) ? value[0] : undefined
    case 'last':
      return isJsonArray(value) ? value.at(-1) : undefined
    default: {
      const numbers = isJsonArray(value) ? children.map(numberOf).filter((n) => n !== undefined) : []
      return numbers.length === 0 ? undefined : AGGREGATES[name](numbers)
    }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

const AGGREGATES: Readonly<Record<'min' | 'max' | 'sum' | 'avg', (numbers: readonly number[]) => number>> = {
  min: (numbers) => numbers.reduce((a, b) => Math.min(a, b)),
  max: (numbers) => numbers.reduce((a, b) => Math.max(a, b)),
  sum,
  avg: (numbers) => sum(numbers) / numbers.length,
}

function member(value: Json | undefined, name: string): Json | undefined {
  return value !== undefined && isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** The object of those members that there are. */
function pick(value: Json, names: readonly string[]): Json | undefined {
  if (!isJsonObject(value)) return undefined
  return Object.fromEntries(names.filter((name) => Object.hasOwn(value, name)).map((name) => [name, value[name]!]))
}

/** Negative indexes count from the end. */
function item(value: Json | undefined, index: number): Json | undefined {
  return value !== undefined && isJsonArray(value) ? value.at(index) : undefined
}

function childrenOf(value: Json): readonly Json[] {
  if (isJsonArray(value)) return value
  return isJsonObject(value) ? Object.values(value) : NO_CHILDREN
}

const NO_CHILDREN: readonly Json[] = []

function push(found: Json[], value: Json | undefined): void {
  if (value !== undefined) found.push(value)
}

function bound(index: number, length: number): number {
  return Math.min(Math.max(index < 0 ? index + length : index, 0), length)
}
