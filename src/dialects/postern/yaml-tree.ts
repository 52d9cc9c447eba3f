import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Scalar, type YAMLMap } from 'yaml'
import type { Problems } from '../../model/problem.ts'
import type { Position } from '../../model/source.ts'
import { type Environment, substitute } from './environment.ts'

/** A YAML file as data with positions: aliases followed, the environment put in. */
export type YamlNode = YamlMap | YamlList | YamlScalar

export interface YamlMap {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, YamlEntry>
  readonly at: Position
}

export interface YamlEntry {
  readonly keyAt: Position
  readonly value: YamlNode
}

export interface YamlList {
  readonly kind: 'list'
  readonly items: readonly YamlNode[]
  readonly at: Position
}

export interface YamlScalar {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** As it was written, for keys that take text where people write a number. */
  readonly text: string
  readonly fromEnvironment: boolean
  /** What the environment should hold is wrong or missing; it has been reported. */
  readonly broken: boolean
  readonly at: Position
}

export interface YamlLimits {
  readonly charactersMax: number
  /** Counts every use of an alias anew: the limit of what aliases may grow to. */
  readonly nodesMax: number
  readonly depthMax: number
}

export const yamlLimits: YamlLimits = { charactersMax: 1024 * 1024, nodesMax: 100_000, depthMax: 40 }

/** Ends a reading that grew beyond its limits. */
class YamlStop extends Error {}

/** Null when there is nothing to go on with; then the errors say why. Other errors may be there as well. */
export function readYaml(text: string, file: string, env: Environment | null, problems: Problems): YamlNode | null {
  const whole = { file, line: 1, column: 1 }
  if (text.length > yamlLimits.charactersMax) {
    problems.error('FileTooLarge', whole, `${text.length} characters; the limit is ${yamlLimits.charactersMax}`)
    return null
  }
  const lines = new LineCounter()
  // Keys are compared by our own set: the library's check takes a second for some thousand keys.
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
  })
  const reading = new TreeReading(file, lines, env, problems)
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const line =
      code === 'MULTIPLE_DOCS' ? 'a second document; the file holds one, without ---' : message.split('\n', 1)[0]
    problems.error('BadYaml', reading.at(pos[0]), line ?? 'not YAML')
  }
  if (document.errors.length > 0) return null
  if (document.contents === null) {
    problems.error('EmptyFile', whole, 'nothing is in the file; it begins with version: 1')
    return null
  }
  return reading.run(document.contents)
}

const NUMBER = /^[-+]?(?:\d{1,15}|\d{1,15}\.\d{1,15})$/

class TreeReading {
  readonly #file: string
  readonly #lines: LineCounter
  /** Null: `${NAME}` is text like any other. */
  readonly #env: Environment | null
  readonly #problems: Problems
  #nodes = 0
  /** By name, as the document is walked in order: the library looks through all of it for each alias. */
  readonly #anchors = new Map<string, unknown>()
  #aliasDepth = 0

  constructor(file: string, lines: LineCounter, env: Environment | null, problems: Problems) {
    this.#file = file
    this.#lines = lines
    this.#env = env
    this.#problems = problems
  }

  run(contents: unknown): YamlNode | null {
    try {
      return this.#node(contents, 0, { file: this.#file, line: 1, column: 1 })
    } catch (error) {
      if (error instanceof YamlStop) return null
      throw error
    }
  }

  at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset)
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col) }
  }

  /** `fallback` is the place of what has none, like the missing value of a key. */
  #node(node: unknown, depth: number, fallback: Position): YamlNode {
    const range = (node as { range?: readonly number[] | null } | null)?.range
    const at = range?.[0] === undefined ? fallback : this.at(range[0])
    if (depth > yamlLimits.depthMax) this.#stop('TooDeep', at, `nested more than ${yamlLimits.depthMax} deep`)
    if (++this.#nodes > yamlLimits.nodesMax) {
      this.#stop('FileTooLarge', at, `more than ${yamlLimits.nodesMax} values, counting each use of an alias`)
    }
    if (isAlias(node)) return this.#alias(node.source, depth, at)
    this.#anchor(node)
    if (isMap(node)) return this.#map(node, depth, at)
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.#node(item, depth + 1, at)), at }
    if (isScalar(node)) return this.#scalar(node, at)
    return { kind: 'scalar', value: null, text: '', fromEnvironment: false, broken: false, at }
  }

  /** What an alias repeats has set its anchors already; a later anchor of the same name must not be undone. */
  #anchor(node: unknown): void {
    const name = (node as { anchor?: string } | null)?.anchor
    if (name !== undefined && this.#aliasDepth === 0) this.#anchors.set(name, node)
  }

  #alias(name: string, depth: number, at: Position): YamlNode {
    if (!this.#anchors.has(name)) this.#stop('UnknownAlias', at, `no anchor &${name} stands before *${name}`)
    this.#aliasDepth++
    const node = this.#node(this.#anchors.get(name), depth + 1, at)
    this.#aliasDepth--
    return node
  }

  #map(map: YAMLMap, depth: number, at: Position): YamlMap {
    const entries = new Map<string, YamlEntry>()
    for (const pair of map.items) {
      const key: unknown = pair.key
      this.#anchor(key)
      const keyAt = isScalar(key) && key.range ? this.at(key.range[0]) : at
      if (!isScalar(key) || typeof key.value === 'object') {
        this.#problems.error('BadKey', keyAt, 'a key is a plain name')
        continue
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
      const first = entries.get(name)
      if (first === undefined) entries.set(name, { keyAt, value: this.#node(pair.value, depth + 1, keyAt) })
      else this.#problems.error('DuplicateKey', keyAt, `${name} is there already, in line ${first.keyAt.line}`)
    }
    return { kind: 'map', entries, at }
  }

  #scalar(scalar: Scalar, at: Position): YamlScalar {
    const { value } = scalar
    const source = scalar.source ?? String(value ?? '')
    if (typeof value !== 'string') {
      const plain = typeof value === 'number' || typeof value === 'boolean' ? value : null
      return { kind: 'scalar', value: plain, text: source, fromEnvironment: false, broken: false, at }
    }
    const { text, changed, faults } =
      this.#env === null ? { text: value, changed: false, faults: [] } : substitute(value, this.#env)
    for (const fault of faults) this.#problems.error('Environment', at, fault)
    const broken = faults.length > 0
    return { kind: 'scalar', value: changed ? typed(text) : text, text, fromEnvironment: changed, broken, at }
  }

  #stop(code: string, at: Position, message: string): never {
    this.#problems.error(code, at, message)
    throw new YamlStop()
  }
}

/** What a value from the environment would be if it stood in the file itself. */
function typed(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return NUMBER.test(text) ? Number(text) : text
}
