import type { MetricTree } from './metric-tree.ts'

/** Larger numbers cannot be told apart any more. */
const VALUE_MAX = Number.MAX_SAFE_INTEGER
const VALUE = /^\s*(#?)(\d+)\s*$/

/** Why a usage cannot be counted: the codes and texts of 3scale. */
export class UsageProblem {
  readonly code: 'metric_invalid' | 'usage_value_invalid'
  readonly message: string

  constructor(code: UsageProblem['code'], message: string) {
    this.code = code
    this.message = message
  }
}

/**
 * What one call uses, for each metric of a service: a number to be added, or (`#5`) the number that its counters become. What a
 * metric uses counts for those above it: sums are added; of what is set the last one decides.
 */
export class Usage {
  readonly tree: MetricTree
  /** By place in the tree. */
  readonly values: Float64Array
  readonly #named: Uint8Array
  readonly #set: Uint8Array

  constructor(tree: MetricTree) {
    this.tree = tree
    this.values = new Float64Array(tree.metrics.length)
    this.#named = new Uint8Array(tree.metrics.length)
    this.#set = new Uint8Array(tree.metrics.length)
  }

  /** True when the call uses the metric or one below it, even with 0. */
  has(place: number): boolean {
    return this.#named[place] === 1
  }

  sets(place: number): boolean {
    return this.#set[place] === 1
  }

  /** Nothing to count: no metric, or every value is a 0 that is added. */
  get isZero(): boolean {
    for (let place = 0; place < this.values.length; place++) {
      if (this.values[place] !== 0 || this.#set[place] === 1) return false
    }
    return true
  }

  /** Adds the usage of one metric, with those above it unless `flat`. */
  use(place: number, value: number, set: boolean, flat: boolean = false): void {
    for (let at = place; at >= 0; at = flat ? -1 : this.tree.parents[at]!) {
      this.#named[at] = 1
      if (set) {
        this.values[at] = value
        this.#set[at] = 1
      } else this.values[at] = Math.min(this.values[at]! + value, VALUE_MAX)
    }
  }
}

const hashAsObject = (_name: string, value: unknown): unknown =>
  value instanceof Map ? Object.fromEntries(value) : value

/** Reads `usage[METRIC]=VALUE`: values are as they came, anything. */
export function readUsage(
  raw: Iterable<readonly [string, unknown]>,
  tree: MetricTree,
  flat: boolean,
): Usage | UsageProblem {
  const usage = new Usage(tree)
  for (const [name, value] of raw) {
    const place = tree.place(name)
    if (place < 0) return new UsageProblem('metric_invalid', `metric "${name}" is invalid`)
    if (value === '' || value === null || value === undefined) {
      return new UsageProblem('usage_value_invalid', `usage value for metric "${name}" can not be empty`)
    }
    const match = typeof value === 'string' ? VALUE.exec(value) : null
    if (match === null) {
      const shown = typeof value === 'string' ? value : JSON.stringify(value, hashAsObject)
      return new UsageProblem('usage_value_invalid', `usage value "${shown}" for metric "${name}" is invalid`)
    }
    usage.use(place, Math.min(Number(match[2]), VALUE_MAX), match[1] === '#', flat)
  }
  return usage
}
