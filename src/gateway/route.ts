import type { Served } from './served.ts'

/** Which endpoint a path belongs to, and where its base path ends in it. */
export interface Match {
  readonly served: Served
  /** The part of the path that the base path covers, as sent. */
  readonly basePath: string
  readonly pathSuffix: string
}

interface Pattern {
  readonly segments: readonly string[]
  readonly served: Served
}

/**
 * Finds the endpoint with the longest base path that fits, at segment boundaries only. `*` in a base path stands for one
 * segment, a trailing `/**` for any rest. Built at deploy and replaced whole.
 */
export class Router {
  readonly #fixed = new Map<string, Served>()
  readonly #patterns: Pattern[] = []
  /** Of the deepest fixed base path: a path need not be looked at beyond as many segments, however long it is. */
  #depth = 0

  constructor(served: Iterable<Served>) {
    for (const one of served) this.#add(one)
    this.#patterns.sort((a, b) => b.segments.length - a.segments.length)
  }

  #add(served: Served): void {
    const base = served.endpoint.basePath.replace(/\/\*\*$/, '').replace(/\/+$/, '')
    const segments = base.split('/').slice(1)
    if (segments.includes('*')) this.#patterns.push({ segments, served })
    else {
      // Equal base paths are on different hosts; for other hosts the first one counts.
      if (!this.#fixed.has(base)) this.#fixed.set(base, served)
      this.#depth = Math.max(this.#depth, segments.length)
    }
  }

  /** `path` without query. Null: no proxy has it. */
  find(path: string): Match | null {
    let base = path.slice(0, endOfSegments(path, this.#depth))
    let fixed: Served | undefined
    for (;;) {
      fixed = this.#fixed.get(base)
      if (fixed !== undefined || base === '') break
      base = base.slice(0, base.lastIndexOf('/'))
    }
    if (this.#patterns.length > 0) {
      const match = this.#findPattern(path, fixed === undefined ? -1 : countSlashes(base))
      if (match !== null) return match
    }
    return fixed === undefined ? null : { served: fixed, basePath: base, pathSuffix: path.slice(base.length) }
  }

  /** The longest pattern that fits and has more segments than the fixed base path that was found. */
  #findPattern(path: string, segmentsMin: number): Match | null {
    const deepest = this.#patterns[0]!.segments.length
    const segments = path
      .slice(0, endOfSegments(path, deepest + 1))
      .split('/', deepest + 1)
      .slice(1)
    for (const pattern of this.#patterns) {
      if (pattern.segments.length <= segmentsMin) return null
      if (pattern.segments.length > segments.length) continue
      if (!pattern.segments.every((want, i) => (want === '*' ? segments[i] !== '' : want === segments[i]))) continue
      const basePath = `/${segments.slice(0, pattern.segments.length).join('/')}`
      return { served: pattern.served, basePath, pathSuffix: path.slice(basePath.length) }
    }
    return null
  }
}

/**
 * Routes by host, then by path: a call for a host that endpoints are bound to is theirs alone; any other finds its way by path
 * among all endpoints, so that a gateway on a bare address works without set-up.
 */
export class HostRouter {
  readonly #all: Router
  readonly #byHost: ReadonlyMap<string, Router> | null
  /** Services that their rules find, by host; null: there are none. */
  readonly #claimed: ReadonlyMap<string, readonly Served[]> | null

  constructor(served: readonly Served[]) {
    this.#all = new Router(served.filter(({ strict }) => !strict))
    const hosts = new Set(served.flatMap((one) => one.hosts))
    this.#byHost =
      hosts.size === 0
        ? null
        : new Map([...hosts].map((host) => [host, new Router(served.filter((one) => one.hosts.includes(host)))]))
    const claiming = served.filter(({ claims }) => claims !== null)
    const claimedHosts = [...new Set(claiming.flatMap((one) => one.hosts))]
    this.#claimed =
      claiming.length === 0
        ? null
        : new Map(claimedHosts.map((host) => [host, claiming.filter((one) => one.hosts.includes(host))]))
  }

  /** `host`: the Host header as sent. */
  find(host: string, path: string, method: string = '', query: string = ''): Match | null {
    if (this.#byHost === null) return this.#all.find(path)
    const bare = bareHost(host)
    const claimed = this.#claimed?.get(bare)
    if (claimed !== undefined) {
      const served = claimed.find((one) => one.claims!.fits(method, path, query))
      if (served !== undefined) return { served, basePath: '', pathSuffix: path }
      if (claimed[0]!.claims!.only) return null
    }
    return (this.#byHost.get(bare) ?? this.#all).find(path)
  }
}

/** Lower case, without port. */
function bareHost(host: string): string {
  const colon = host.lastIndexOf(':')
  return (colon < 0 ? host : host.slice(0, colon)).toLowerCase()
}

/** Where the first `count` segments of a path end; a slash at the very end belongs to none. */
function endOfSegments(path: string, count: number): number {
  let end = 0
  for (let left = count; left > 0; left--) {
    end = path.indexOf('/', end + 1)
    if (end < 0) return path.length
  }
  return end
}

function countSlashes(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) === 0x2f) count++
  return count
}
