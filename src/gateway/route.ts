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

  constructor(served: Iterable<Served>) {
    for (const one of served) this.#add(one)
    this.#patterns.sort((a, b) => b.segments.length - a.segments.length)
  }

  #add(served: Served): void {
    const base = served.endpoint.basePath.replace(/\/\*\*$/, '').replace(/\/+$/, '')
    const segments = base.split('/').slice(1)
    if (segments.includes('*')) this.#patterns.push({ segments, served })
    else this.#fixed.set(base, served)
  }

  /** `path` without query. Null: no proxy has it. */
  find(path: string): Match | null {
    let base = path.endsWith('/') ? path.slice(0, -1) : path
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
    const segments = path.split('/').slice(1)
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

function countSlashes(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) === 0x2f) count++
  return count
}
