import { FILE_NAME, placeOf, type ScriptPart } from './sandbox.ts'

/** What became of one run of a script. */
export interface Result {
  /** As Rhino words it, where it is known; null: it ran to its end. */
  readonly error: string | null
  readonly place: { readonly name: string; readonly line: number } | null
  /** Exchanges whose callbacks are still to run. */
  readonly pending: readonly number[]
  /** JSON of `context.session`; null: it has none. */
  readonly session: string | null
}

const LINE = new RegExp(`${FILE_NAME}:(\\d+)`)

export function resultOf(json: string, parts: readonly ScriptPart[]): Result {
  const given = JSON.parse(json) as { error?: string; stack?: string; pending?: number[]; session?: string | null }
  if (given.error === undefined) {
    return { error: null, place: null, pending: given.pending ?? [], session: given.session ?? null }
  }
  const line = LINE.exec(given.stack ?? '')?.[1]
  const place = line === undefined ? null : placeOf(parts, Number(line))
  return { error: inRhinosWords(given.error), place, pending: [], session: null }
}

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^ReferenceError: (\S+) is not defined$/, 'ReferenceError: "$1" is not defined'],
  [
    /^TypeError: Cannot read properties of (undefined|null) \(reading '([^']*)'\)$/,
    'TypeError: Cannot read property "$2" from $1',
  ],
  [
    /^TypeError: Cannot set properties of (undefined|null) \(setting '([^']*)'\)$/,
    'TypeError: Cannot set property "$2" of $1',
  ],
  [/^TypeError: (\S+) is not a function$/, 'TypeError: $1 is not a function, it is undefined'],
]

/** Clients and fault rules know the messages of Edge's engine. */
function inRhinosWords(error: string): string {
  for (const [pattern, words] of WORDS) if (pattern.test(error)) return error.replace(pattern, words)
  return error
}
