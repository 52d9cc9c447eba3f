import type { JsonPath, Segment } from './json-path-ast.ts'
import { selectJson } from './json-path-eval.ts'
import { isJsonArray, isJsonObject, type Json } from './json-text.ts'

/** What stands for a value that is hidden. */
export const MASK = '*****'

type Container = Json[] | Record<string, Json>

/**
 * Hides, in place, every value that the path finds. True: there was one. A path that would visit too many values hides the whole
 * document: `limit`. `was` hears the texts and numbers that were hidden.
 */
export function maskJson(path: JsonPath, document: Json, was?: (text: string) => void): boolean | 'limit' {
  const last = path.segments.at(-1)
  if (last === undefined) return 'limit'
  const parents = containersOf(path, last, document)
  if (parents === null) return 'limit'
  let masked = false
  for (const parent of parents) {
    for (const key of keysOf(parent, last)) {
      const holder = parent as Record<string | number, Json>
      if (was !== undefined) leaves(holder[key]!, was, { left: LEAVES_MAX })
      holder[key] = MASK
      masked = true
    }
  }
  return masked
}

const LEAVES_MAX = 200

/** Texts and numbers in a value, `room.left` of them at most. */
function leaves(value: Json, was: (text: string) => void, room: { left: number }): void {
  if (room.left <= 0) return
  if (isContainer(value)) {
    for (const inner of isJsonArray(value) ? value : Object.values(value)) leaves(inner, was, room)
  } else if (value !== null && typeof value !== 'boolean') {
    room.left--
    was(String(value))
  }
}

/** All lists and objects in which the last step of the path looks; null: too many. */
function containersOf(path: JsonPath, last: Segment, document: Json): Container[] | null {
  const before = path.segments.slice(0, -1)
  const found = select(before, document)
  if (found === null) return null
  if (!last.deep) return found.filter(isContainer)
  const below = select([...before, { deep: true, select: { kind: 'all' } }], document)
  return below === null ? null : [...found, ...below].filter(isContainer)
}

function select(segments: readonly Segment[], document: Json): readonly Json[] | null {
  if (segments.length === 0) return [document]
  const found = selectJson({ text: '', segments, definite: false, call: null }, document)
  if (found.kind === 'limit') return null
  return found.kind === 'many' ? found.values : []
}

const isContainer = (value: Json): value is Container => isJsonArray(value) || isJsonObject(value)

function keysOf(parent: Container, { select: selector }: Segment): (string | number)[] {
  switch (selector.kind) {
    case 'name':
      return own(parent, [selector.name])
    case 'names':
    case 'pick':
      return own(parent, selector.names)
    case 'index':
      return at(parent, [selector.index])
    case 'indexes':
      return at(parent, selector.indexes)
    case 'all':
      return isJsonArray(parent) ? [...parent.keys()] : Object.keys(parent)
    default: {
      // A filter or a slice says which values it means, not where they are: equal ones beside them are hidden too.
      const values = select([{ deep: false, select: selector }], parent) ?? []
      if (isJsonObject(parent)) return values.includes(parent) ? Object.keys(parent) : []
      return [...(parent as Json[]).entries()].filter(([, value]) => values.includes(value)).map(([i]) => i)
    }
  }
}

const own = (parent: Container, names: readonly string[]): string[] =>
  isJsonObject(parent) ? names.filter((name) => Object.hasOwn(parent, name)) : []

const at = (parent: Container, indexes: readonly number[]): number[] =>
  isJsonArray(parent)
    ? indexes.map((i) => (i < 0 ? i + parent.length : i)).filter((i) => i >= 0 && i < parent.length)
    : []
