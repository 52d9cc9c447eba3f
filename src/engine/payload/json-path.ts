import { boundedCache } from '../language/bounded-cache.ts'
import type { JsonPath } from './json-path-ast.ts'
import { type Found, selectJson } from './json-path-eval.ts'
import { isProblem, type JsonPathProblem, parseJsonPath } from './json-path-parser.ts'
import { bareText, jsonArrayText, parseJson } from './json-text.ts'

/** Paths that are known only at run time: templates put values of the call into them. */
export const cachedJsonPath: (text: string) => JsonPath | JsonPathProblem = boundedCache(512, parseJsonPath)

/**
 * The text of what a path found: of a definite path the bare scalar or the JSON text, of others the text of a JSON
 * array. Null: nothing there (or the value null). Undefined: too much was found or visited.
 */
export function foundText(found: Found): string | null | undefined {
  switch (found.kind) {
    case 'none':
      return null
    case 'one':
      return bareText(found.value)
    case 'many':
      return jsonArrayText(found.values)
    case 'limit':
      return undefined
  }
}

/**
 * The template function `jsonPath(path,json,want-array)`: the first value found, or with `wantArray` all of them as a
 * JSON array. Null when nothing is found, when the path or the text is malformed, and when it would be too much.
 */
export function jsonPathText(path: string, json: string, wantArray: boolean): string | null {
  const parsed = cachedJsonPath(path)
  if (isProblem(parsed)) return null
  const document = parseJson(json)
  if (document === undefined) return null
  const found = selectJson(parsed, document)
  if (wantArray) {
    const values = found.kind === 'many' ? found.values : found.kind === 'one' ? [found.value] : []
    return values.length === 0 ? null : (jsonArrayText(values) ?? null)
  }
  if (found.kind !== 'many') return foundText(found) ?? null
  return found.values.length === 0 ? null : (bareText(found.values[0]!) ?? null)
}
