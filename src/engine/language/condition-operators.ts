import type { Operator } from './condition-ast.ts'

/** What a comparison gives when an operand is null. */
export interface NullRule {
  readonly left: boolean
  readonly right: boolean
  readonly both: boolean
}

interface OperatorRow {
  /** The first is the one we print. */
  readonly symbols: readonly string[]
  /** In any case. */
  readonly words: readonly string[]
  readonly nulls: NullRule
  readonly doc: string
}

const nulls = (left: boolean, right: boolean, both: boolean): NullRule => ({ left, right, both })

/** The operators of Apigee's conditions reference, with its table of null operands (the odd rows are as documented). */
export const OPERATORS: Readonly<Record<Operator, OperatorRow>> = {
  Equals: {
    symbols: ['=', '=='],
    words: ['equals', 'is'],
    nulls: nulls(false, false, true),
    doc: 'Equal, case-sensitive.',
  },
  NotEquals: { symbols: ['!='], words: ['notequals', 'isnot'], nulls: nulls(true, true, false), doc: 'Not equal.' },
  EqualsCaseInsensitive: {
    symbols: [':='],
    words: ['equalscaseinsensitive'],
    nulls: nulls(false, false, true),
    doc: 'Equal as text, whatever the case.',
  },
  GreaterThan: { symbols: ['>'], words: ['greaterthan'], nulls: nulls(true, false, false), doc: 'Greater.' },
  GreaterThanOrEquals: {
    symbols: ['>='],
    words: ['greaterthanorequals'],
    nulls: nulls(false, true, true),
    doc: 'Greater or equal.',
  },
  LesserThan: { symbols: ['<'], words: ['lesserthan'], nulls: nulls(true, false, false), doc: 'Less.' },
  LesserThanOrEquals: {
    symbols: ['<='],
    words: ['lesserthanorequals'],
    nulls: nulls(true, false, true),
    doc: 'Less or equal.',
  },
  Matches: {
    symbols: ['~'],
    words: ['matches', 'like'],
    nulls: nulls(false, false, false),
    doc: 'Glob over the whole text: * is any run of characters, % escapes.',
  },
  NotMatches: { symbols: ['!~'], words: [], nulls: nulls(true, false, false), doc: 'The glob does not match.' },
  JavaRegex: {
    symbols: ['~~'],
    words: ['javaregex'],
    nulls: nulls(false, false, false),
    doc: 'Regular expression of Java over the whole text.',
  },
  MatchesPath: {
    symbols: ['~/'],
    words: ['matchespath', 'likepath'],
    nulls: nulls(false, false, false),
    doc: 'Path: * or {name} is one segment, ** any number; % escapes.',
  },
  StartsWith: {
    symbols: ['=|'],
    words: ['startswith'],
    nulls: nulls(false, false, false),
    doc: 'Begins with, case-sensitive.',
  },
}

const rows = Object.entries(OPERATORS) as [Operator, OperatorRow][]

/** By symbol and by word in lower case. */
export const OPERATOR_OF: ReadonlyMap<string, Operator> = new Map(
  rows.flatMap(([name, row]) => [...row.symbols, ...row.words].map((spelling) => [spelling, name] as const)),
)

/** Spelling seen in deployed bundles and understood, with what the reference has. */
export const TOLERATED: ReadonlyMap<string, string> = new Map([['/~', '~/']])

/** What people write, and what the language has instead. */
export const ADVICE: ReadonlyMap<string, string> = new Map([
  ['===', '='],
  ['!==', '!='],
  ['<>', '!='],
  ['=~', '~~'],
  ['&', '&& (or and)'],
  ['|', '|| (or or)'],
  ['contains', '~ "*text*"'],
  ['endswith', '~ "*text"'],
  ['beginswith', 'StartsWith'],
  ['regex', '~~ or JavaRegex'],
  ['matchpath', 'MatchesPath'],
  ['eq', '= or Equals'],
  ['ne', '!= or NotEquals'],
  ['lessthan', '< or LesserThan'],
  ['lessthanorequals', '<= or LesserThanOrEquals'],
  ['lt', '< or LesserThan'],
  ['gt', '> or GreaterThan'],
])
