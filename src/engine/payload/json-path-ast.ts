import type { RE2JS } from 're2js'
import type { Json } from './json-text.ts'

/** A path after parsing. `definite`: it names at most one place, so it gives a value; others give a list. */
export interface JsonPath {
  readonly text: string
  readonly segments: readonly Segment[]
  readonly definite: boolean
  /** `.length()` at the end. */
  readonly call: PathFunction | null
}

/** One step of a path. `deep`: written after two dots, so it is tried on every value below as well. */
export interface Segment {
  readonly deep: boolean
  readonly select: Selector
}

export type Selector =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** Several names at the end of a path: an object of those members. */
  | { readonly kind: 'pick'; readonly names: readonly string[] }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'indexes'; readonly indexes: readonly number[] }
  | { readonly kind: 'slice'; readonly from: number | null; readonly to: number | null; readonly step: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly filter: Filter }

export const PATH_FUNCTIONS = ['length', 'size', 'keys', 'first', 'last', 'min', 'max', 'sum', 'avg'] as const
export type PathFunction = (typeof PATH_FUNCTIONS)[number]

export type Filter =
  | { readonly kind: 'or' | 'and'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter }
  | { readonly kind: 'exists'; readonly path: Operand }
  | { readonly kind: 'compare'; readonly operator: Operator; readonly left: Operand; readonly right: Operand }

export const OPERATORS = [
  '==',
  '!=',
  '<=',
  '>=',
  '=~',
  '<',
  '>',
  'in',
  'nin',
  'contains',
  'size',
  'empty',
  'subsetof',
  'anyof',
  'noneof',
] as const
export type Operator = (typeof OPERATORS)[number]

export type Operand =
  | { readonly kind: 'value'; readonly value: Json }
  | { readonly kind: 'path'; readonly fromRoot: boolean; readonly path: JsonPath }
  | { readonly kind: 'regex'; readonly regex: RE2JS }
