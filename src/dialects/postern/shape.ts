import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import type { Position } from '../../model/source.ts'
import type { YamlMap, YamlNode, YamlScalar } from './yaml-tree.ts'

/** What a value may be. Plain data: the reading and docs/reference/config.md are both made from it. */
export type Shape =
  | { readonly type: 'text'; readonly charactersMax?: number }
  | { readonly type: 'whole'; readonly min: number; readonly max: number }
  | { readonly type: 'flag' }
  | { readonly type: 'choice'; readonly of: readonly string[] }
  | { readonly type: 'list'; readonly of: Shape }
  | { readonly type: 'keys'; readonly keys: readonly ConfigKey[] }
  | { readonly type: 'pairs' }
  /** Any tree: its own reader checks it. `what` says in words what it holds. */
  | { readonly type: 'open'; readonly what: string }
  | { readonly type: 'later' }

/** One key of `postern.yaml`. */
export interface ConfigKey {
  readonly name: string
  readonly shape: Shape
  readonly required?: true
  /** What holds without the key, as it would be written. */
  readonly otherwise?: string
  /** One sentence for the reference. */
  readonly doc: string
}

const TEXT_CHARACTERS_MAX = 4_096

/** Where the values stand, by path: `apis.0.bundle`. */
export class Places {
  readonly #places = new Map<string, Position>()
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** Something at or below that path did not fit: further rules would only echo it. */
  readonly broken: string[] = []

  isBroken(path: string): boolean {
    return this.broken.some((broken) => broken === path || broken.startsWith(`${path}.`))
  }

  set(path: string, at: Position): void {
    this.#places.set(path, at)
  }

  /** The place of the path or of the nearest thing above it. */
  at(path: string): Position {
    for (let key = path; key !== ''; key = key.slice(0, Math.max(0, key.lastIndexOf('.')))) {
      const place = this.#places.get(key)
      if (place !== undefined) return place
    }
    return this.#places.get('') ?? { file: this.#file, line: 1, column: 1 }
  }
}

/** Checks a tree against its shape: plain values come out, and what does not fit is an error and left out (undefined). */
export class ShapeReading {
  readonly places: Places
  readonly #problems: Problems

  constructor(file: string, problems: Problems) {
    this.places = new Places(file)
    this.#problems = problems
  }

  read(node: YamlNode, shape: Shape, path: string): unknown {
    this.places.set(path, node.at)
    switch (shape.type) {
      case 'keys':
        return node.kind === 'map' ? this.#keys(node, shape.keys, path) : this.#wrong(node, path, namesOf(shape.keys))
      case 'list':
        if (node.kind !== 'list') return this.#wrong(node, path, 'a list (lines that begin with -)')
        return node.items.map((item, i) => this.read(item, shape.of, join(path, String(i))))
      case 'pairs':
        return node.kind === 'map' ? this.#pairs(node, path) : this.#wrong(node, path, 'pairs FROM: TO')
      case 'open':
        return this.#open(node, path)
      case 'later':
        return this.#later(path)
      default:
        return node.kind === 'scalar' ? this.#scalar(node, shape, path) : this.#wrong(node, path, expected(shape))
    }
  }

  /** As plain data; the place of everything in it is kept. */
  #open(node: YamlNode, path: string): unknown {
    this.places.set(path, node.at)
    if (node.kind === 'list') return node.items.map((item, i) => this.#open(item, join(path, String(i))))
    if (node.kind === 'map') {
      const values: Record<string, unknown> = Object.create(null)
      for (const [name, { value }] of node.entries) values[name] = this.#open(value, join(path, name))
      return values
    }
    if (node.broken) this.places.broken.push(path)
    return node.value
  }

  #later(path: string): undefined {
    this.#problems.error(
      'NotSupportedYet',
      this.places.at(path),
      `${path} is not supported yet in this version; remove it`,
    )
    return undefined
  }

  #keys(map: YamlMap, keys: readonly ConfigKey[], path: string): Record<string, unknown> {
    const values: Record<string, unknown> = {}
    for (const [name, { keyAt, value }] of map.entries) {
      const key = keys.find((candidate) => candidate.name === name)
      const inner = join(path, name)
      if (key === undefined) {
        const nearest = didYouMean(
          name,
          keys.map((candidate) => candidate.name),
        )
        const hint = nearest === '' ? `; this is ${namesOf(keys)}` : nearest
        this.#problems.error('UnknownKey', keyAt, `${inner.slice(0, 100)} is not known${hint}`)
      } else if (key.shape.type === 'later') {
        this.places.set(inner, keyAt)
        this.#later(inner)
      } else if (value.kind === 'scalar' && value.value === null) {
        // A key without a value is most often one whose lines were all commented out; it counts as left out.
        if (key.required) this.#missing(inner, 'has no value', key, keyAt)
      } else values[name] = this.read(value, key.shape, inner)
    }
    for (const key of keys) {
      if (!key.required || map.entries.has(key.name)) continue
      this.#missing(join(path, key.name), 'is missing', key, map.at)
    }
    return values
  }

  #missing(path: string, how: string, key: ConfigKey, at: Position): void {
    this.places.broken.push(path)
    this.#problems.error('MissingKey', at, `${path} ${how}: ${expected(key.shape)}`)
  }

  #pairs(map: YamlMap, path: string): Record<string, string> {
    const pairs: Record<string, string> = Object.create(null)
    for (const [from, { keyAt, value }] of map.entries) {
      const inner = join(path, from)
      this.places.set(inner, keyAt)
      if (value.kind === 'scalar' && value.value !== null) pairs[from] = value.text
      else this.#wrong(value, inner, 'one text')
    }
    return pairs
  }

  #scalar(scalar: YamlScalar, shape: Shape, path: string): unknown {
    const { value, text } = scalar
    if (scalar.broken) {
      this.places.broken.push(path)
      return undefined
    }
    switch (shape.type) {
      case 'text':
        if (value === null || value === '' || text.length > (shape.charactersMax ?? TEXT_CHARACTERS_MAX)) break
        return text
      case 'whole':
        if (typeof value !== 'number' || !Number.isInteger(value) || value < shape.min || value > shape.max) break
        return value
      case 'flag':
        if (value === 1 || value === 0) return value === 1
        if (typeof value !== 'boolean') break
        return value
      case 'choice':
        if (value === null || !shape.of.includes(text)) break
        return text
    }
    return this.#wrong(scalar, path, expected(shape))
  }

  #wrong(node: YamlNode, path: string, rule: string): undefined {
    const name = path === '' ? 'the file' : path
    this.places.broken.push(path)
    this.#problems.error('BadValue', node.at, `${name} must be ${rule}, not ${shown(node)}`)
    return undefined
  }
}

/** What a value must be, for messages and for the reference. */
export function expected(shape: Shape): string {
  switch (shape.type) {
    case 'text':
      return `text of 1 to ${shape.charactersMax ?? TEXT_CHARACTERS_MAX} characters`
    case 'whole':
      return shape.min === shape.max ? String(shape.min) : `a whole number from ${shape.min} to ${shape.max}`
    case 'flag':
      return 'true or false'
    case 'choice':
      return shape.of.length === 1 ? (shape.of[0] ?? '') : `one of ${shape.of.join(', ')}`
    case 'list':
      return `a list, each ${expected(shape.of)}`
    case 'keys':
      return namesOf(shape.keys)
    case 'pairs':
      return 'pairs FROM: TO'
    case 'open':
      return shape.what
    case 'later':
      return 'left out: it is not supported yet in this version'
  }
}

function namesOf(keys: readonly ConfigKey[]): string {
  const usable = keys.filter((key) => key.shape.type !== 'later')
  return `a set of keys (${usable.map((key) => key.name).join(', ')})`
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function shown(node: YamlNode): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a set of keys'
  if (node.fromEnvironment) return 'what the environment holds'
  if (node.value === null) return 'nothing'
  const text = typeof node.value === 'string' ? JSON.stringify(node.value) : String(node.value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
