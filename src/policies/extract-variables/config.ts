import type { Position, SourceText } from '../../model/source.ts'
import type { PatternKind } from './pattern.ts'

/** What the policy is told, as plain data. */
export interface Config {
  /** A message, or a variable that holds text. */
  readonly source: string
  readonly clearPayload: boolean
  /** '' for none. */
  readonly prefix: string
  readonly ignoreUnresolved: boolean
  /** In document order, in which they run: a later one overwrites. */
  readonly extractions: readonly Extraction[]
}

export type Extraction = TextExtraction | JsonExtraction | XmlExtraction

/** Where patterns look: the path suffix, a part of the source message, or any variable. */
export type Place = 'path' | 'query' | 'header' | 'form' | 'variable'

export interface TextExtraction {
  readonly from: Place
  /** Of the parameter, header or variable; '' for the path. */
  readonly name: string
  readonly patterns: readonly PatternConfig[]
}

export interface PatternConfig {
  readonly text: string
  readonly kind: PatternKind
  readonly ignoreCase: boolean
  readonly at: Position
}

export interface JsonExtraction {
  readonly from: 'json'
  readonly variables: readonly JsonVariable[]
}

export interface JsonVariable {
  readonly name: string
  readonly type: VariableType
  /** Message templates of JSONPaths; the first that finds something gives the value. */
  readonly paths: readonly SourceText[]
}

export interface XmlExtraction {
  readonly from: 'xml'
  /** No more variables after the first one that got a value. */
  readonly stopAfterFirst: boolean
  /** URI by prefix. */
  readonly namespaces: Readonly<Record<string, string>>
  readonly variables: readonly XmlVariable[]
}

export interface XmlVariable {
  readonly name: string
  readonly type: VariableType
  readonly xpaths: readonly string[]
}

export const VARIABLE_TYPES = ['string', 'boolean', 'integer', 'long', 'float', 'double', 'nodeset'] as const
export type VariableType = (typeof VARIABLE_TYPES)[number]
