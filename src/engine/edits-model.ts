import type { Position, SourceText } from '../model/source.ts'

/** Parts of a message that hold several named values. */
export const LISTS = ['Headers', 'QueryParams', 'FormParams'] as const
export type List = (typeof LISTS)[number]

/** Parts of a message that are one text. */
export const FIELDS = ['Verb', 'Path', 'Version', 'StatusCode', 'ReasonPhrase'] as const
export type Field = (typeof FIELDS)[number]

/** `name.2` names the second value. */
export interface IndexedName {
  readonly name: string
  readonly index: number | null
}

/** What Copy and Remove pick; `names` null: all of that list. */
export type Selection =
  | { readonly list: List; readonly names: readonly IndexedName[] | null }
  | { readonly field: Field | 'Payload' }

export interface NamedValue extends IndexedName {
  readonly value: SourceText
}

export interface PayloadValue {
  readonly value: SourceText
  readonly contentType: SourceText | null
  readonly prefix: string | null
  readonly suffix: string | null
}

/** What Add and Set write. */
export type Write =
  | { readonly list: List; readonly values: readonly NamedValue[] }
  | { readonly field: Field; readonly value: SourceText }
  | { readonly payload: PayloadValue }

/** AssignVariable: the first of ref, template, resource, value that gives something wins. */
export interface VariableEdit {
  readonly name: SourceText
  readonly ref: string | null
  readonly template: SourceText | null
  /** A variable that holds the template. */
  readonly templateRef: string | null
  readonly resourceUrl: string | null
  readonly value: string | null
  readonly at: Position
}

/** One block of a policy that changes messages or variables, as plain data. They act in document order. */
export type Edit =
  | { readonly edit: 'copy'; readonly source: string | null; readonly selections: readonly Selection[] }
  | { readonly edit: 'remove'; readonly selections: readonly Selection[] }
  | { readonly edit: 'add' | 'set'; readonly writes: readonly Write[] }
  | { readonly edit: 'variable'; readonly variable: VariableEdit }

/** A status as HTTP has them; null when the text is none. */
export function statusOf(text: string): number | null {
  return /^[1-9]\d\d$/.test(text) ? Number(text) : null
}
