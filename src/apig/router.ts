import type { PublishedApi } from '../model/apig.ts'
import { ApigState } from './state.ts'

/** An API that a request is for. */
export interface ApiMatch<T> {
  readonly entry: T
  readonly state: ApigState
}

/** The path is that of an API which does not take the method. */
export const NO_METHOD = 'no-method'
/** The path is not well-formed, or holds `.` and `..` segments. */
export const BAD_PATH = 'bad-path'

export type Found<T> = ApiMatch<T> | typeof NO_METHOD | typeof BAD_PATH | null

interface Leaf<T> {
  readonly api: PublishedApi
  readonly entry: T
}

/** APIs of one path shape, by method. */
type Leaves<T> = Map<string, Leaf<T>>

/** A segment of the tree of paths. */
class Node<T> {
  readonly children = new Map<string, Node<T>>()
  parameter: Node<T> | null = null
  /** Paths that end here, without and with a slash at the end; `{name+}` that begins here; prefixes that end here. */
  exact: Leaves<T> | null = null
  exactSlash: Leaves<T> | null = null
  rest: Leaves<T> | null = null
  prefix: Leaves<T> | null = null
}

/**
 * Finds the API of a request among those of one environment: exact paths before prefixes, literal segments before
 * parameters, the longest prefix first, its own method before `ANY`. Built at deploy and replaced whole.
 */
class StageRouter<T> {
  readonly #root = new Node<T>()
  /** Exact paths without parameters, whole: nothing goes before them. */
  readonly #literal = new Map<string, Leaves<T>>()

  add(api: PublishedApi, entry: T): void {
    let node = this.#root
    if (!api.prefix && !api.path.includes('{')) put(leavesOf(this.#literal, api.path), api, entry)
    const segments = segmentsOf(api.path).map(plainSegment)
    const slash = segments.at(-1) === '' && segments.length > 0
    if (slash) segments.pop()
    for (const segment of segments) {
      if (REST_PARAMETER.test(segment)) {
        put((node.rest ??= new Map()), api, entry)
        return
      }
      node = PARAMETER.test(segment) ? (node.parameter ??= new Node()) : childOf(node, segment)
    }
    if (api.prefix) put((node.prefix ??= new Map()), api, entry)
    else if (slash) put((node.exactSlash ??= new Map()), api, entry)
    else put((node.exact ??= new Map()), api, entry)
  }

  /** Null: no exact path without parameters is written so; the tree may know more. */
  literal(method: string, path: string): ApiMatch<T> | null {
    const leaves = this.#literal.get(path)
    const leaf = leaves?.get(method) ?? leaves?.get('ANY')
    return leaf === undefined ? null : matchOf(leaf, NO_VALUES, '')
  }

  find(method: string, segments: readonly string[]): Found<T> {
    const search = new Search<T>(method, segments)
    search.visit(this.#root, 0, [])
    return search.result()
  }
}

class Search<T> {
  readonly #method: string
  readonly #segments: readonly string[]
  readonly #slash: boolean
  readonly #count: number
  #exact: ApiMatch<T> | null = null
  #looser: ApiMatch<T> | null = null
  #looserDepth = -1
  #pathKnown = false

  constructor(method: string, segments: readonly string[]) {
    this.#method = method
    this.#segments = segments
    this.#slash = segments.length > 0 && segments.at(-1) === ''
    this.#count = this.#slash ? segments.length - 1 : segments.length
  }

  result(): Found<T> {
    return this.#exact ?? this.#looser ?? (this.#pathKnown ? NO_METHOD : null)
  }

  /** Every node stands at one depth, so each is visited once at most. */
  visit(node: Node<T>, depth: number, values: readonly string[]): void {
    if (this.#exact !== null) return
    this.#loose(node, depth, values)
    if (depth === this.#count) {
      const leaf = this.#pick(this.#slash ? node.exactSlash : node.exact)
      if (leaf !== null) this.#exact = matchOf(leaf, values, '')
      return
    }
    const segment = this.#segments[depth]!
    const child = node.children.get(segment)
    if (child !== undefined) this.visit(child, depth + 1, values)
    if (node.parameter !== null && segment !== '') this.visit(node.parameter, depth + 1, [...values, segment])
  }

  /** Prefixes and `{name+}`: the deepest wins, and of equal ones the first. */
  #loose(node: Node<T>, depth: number, values: readonly string[]): void {
    if (depth <= this.#looserDepth) return
    const rest = (): string => this.#segments.slice(depth).join('/')
    const greedy = depth < this.#segments.length && rest() !== '' ? this.#pick(node.rest) : null
    if (greedy !== null) {
      this.#looser = matchOf(greedy, [...values, rest()], '')
      this.#looserDepth = depth
      return
    }
    const prefix = this.#pick(node.prefix)
    if (prefix === null) return
    this.#looser = matchOf(prefix, values, depth < this.#segments.length ? `/${rest()}` : '')
    this.#looserDepth = depth
  }

  #pick(leaves: Leaves<T> | null): Leaf<T> | null {
    if (leaves === null) return null
    const leaf = leaves.get(this.#method) ?? leaves.get('ANY')
    if (leaf === undefined) this.#pathKnown = true
    return leaf ?? null
  }
}

const matchOf = <T>(leaf: Leaf<T>, values: readonly string[], rest: string): ApiMatch<T> => ({
  entry: leaf.entry,
  state: new ApigState(leaf.api, values, rest),
})

function childOf<T>(node: Node<T>, segment: string): Node<T> {
  let child = node.children.get(segment)
  if (child === undefined) {
    child = new Node()
    node.children.set(segment, child)
  }
  return child
}

function put<T>(leaves: Leaves<T>, api: PublishedApi, entry: T): void {
  if (!leaves.has(api.method)) leaves.set(api.method, { api, entry })
}

function leavesOf<T>(paths: Map<string, Leaves<T>>, path: string): Leaves<T> {
  let leaves = paths.get(path)
  if (leaves === undefined) {
    leaves = new Map()
    paths.set(path, leaves)
  }
  return leaves
}

const NO_VALUES: readonly string[] = []

const PARAMETER = /^\{[^{}]+\}$/
const REST_PARAMETER = /^\{[^{}]+\+\}$/

/** Segments behind the first slash; a slash at the end gives an empty one. */
const segmentsOf = (path: string): string[] => (path === '/' ? [] : path.slice(1).split('/'))

/** As requests are compared: `%20` in the path of an API is a blank. */
function plainSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** The segments of a request's path, decoded; null when it is not well-formed or would climb. */
export function requestSegments(path: string): string[] | null {
  let plain = path
  if (path.includes('%')) {
    try {
      plain = decodeURIComponent(path)
    } catch {
      return null
    }
  }
  const segments = segmentsOf(plain.startsWith('/') ? plain : `/${plain}`)
  if (plain.includes('/.') && segments.some((segment) => segment === '.' || segment === '..')) return null
  return plain.includes('\u0000') ? null : segments
}

/** The APIs of all groups: by host, by environment, by path. */
export class ApiRouter<T> {
  readonly #any = new Map<string, StageRouter<T>>()
  readonly #hosts = new Map<string, Map<string, StageRouter<T>>>()

  readonly #strays = new Map<string, ApiMatch<T>>()

  /** `strays`: one of each group that words the errors of calls for which it has no API. */
  constructor(
    entries: readonly { readonly api: PublishedApi; readonly entry: T }[],
    strays: readonly { readonly api: PublishedApi; readonly entry: T }[] = [],
  ) {
    for (const stray of strays)
      for (const host of stray.api.hosts) this.#strays.set(host, matchOf(stray, NO_VALUES, ''))
    for (const { api, entry } of entries) {
      add(this.#any, api, entry)
      for (const host of api.hosts) {
        let stages = this.#hosts.get(host)
        if (stages === undefined) {
          stages = new Map()
          this.#hosts.set(host, stages)
        }
        add(stages, api, entry)
      }
    }
  }

  get isEmpty(): boolean {
    return this.#any.size === 0
  }

  /** A call for a host that a group has is for that group alone; any other finds its way among all of them. */
  find(host: string, stage: string, method: string, path: string): Found<T> {
    if (this.#any.size === 0) return null
    const router = (this.#stagesOf(host) ?? this.#any).get(stage)
    if (router === undefined) return null
    const literal = router.literal(method, path)
    if (literal !== null) return literal
    const segments = requestSegments(path)
    return segments === null ? BAD_PATH : router.find(method, segments)
  }

  /** Who answers for the group of a host when it has no API for a call; null: nobody does. */
  stray(host: string): ApiMatch<T> | null {
    if (this.#strays.size === 0) return null
    const match = ofHost(this.#strays, host)
    return match === undefined ? null : { entry: match.entry, state: new ApigState(match.state.api, NO_VALUES, '') }
  }

  /** Some group has that host. */
  has(host: string): boolean {
    return this.#hosts.size > 0 && this.#stagesOf(host) !== undefined
  }

  #stagesOf(host: string): Map<string, StageRouter<T>> | undefined {
    return this.#hosts.size === 0 ? undefined : ofHost(this.#hosts, host)
  }
}

/** By the name itself, else by that with `*` for its first label. */
function ofHost<V>(hosts: ReadonlyMap<string, V>, host: string): V | undefined {
  const bare = bareHost(host)
  const dot = bare.indexOf('.')
  return hosts.get(bare) ?? (dot < 0 ? undefined : hosts.get(`*${bare.slice(dot)}`))
}

function add<T>(stages: Map<string, StageRouter<T>>, api: PublishedApi, entry: T): void {
  let router = stages.get(api.stage)
  if (router === undefined) {
    router = new StageRouter()
    stages.set(api.stage, router)
  }
  router.add(api, entry)
}

/** Lower case, without port. */
function bareHost(host: string): string {
  const colon = host.lastIndexOf(':')
  return (colon < 0 ? host : host.slice(0, colon)).toLowerCase()
}
