import { INTERVAL_MAX, isTimeUnit, TIME_UNITS, type TimeUnit } from '../core/windows.ts'

/** Limits by dimension, calls in one period; 0: not limited. */
export interface ThrottleLimits {
  /** All calls to the API. */
  readonly api: number
  /** Calls of one user: the account that owns the credential. */
  readonly user: number
  /** Calls of one application (credential). */
  readonly app: number
  /** Calls from one client address. */
  readonly ip: number
}

/** Replaces the app (user) limit for one application (user); the other limits still act. */
export interface ThrottleSpecial {
  readonly type: 'app' | 'user'
  readonly id: string
  readonly limit: number
}

/** A request throttling policy as APIG has it. One period serves all limits. Plain data. */
export interface Throttle {
  readonly name: string
  readonly intervalCount: number
  readonly unit: TimeUnit
  /** True: one count over all APIs it is bound to (API-shared). False: each API is counted alone (API-based). */
  readonly shared: boolean
  readonly limits: ThrottleLimits
  readonly specials: readonly ThrottleSpecial[]
}

export interface ThrottleProblem {
  /** Keys of our own form joined by dots, as in `limits.user` or `specials.2.limit`; empty: the throttle as a whole. */
  readonly path: string
  /** What is wrong and what would be right. */
  readonly message: string
}

/** `throttle` is null exactly when there are problems. */
export interface ParsedThrottle {
  readonly throttle: Throttle | null
  readonly problems: readonly ThrottleProblem[]
}

/** The most a limit may be. */
export const LIMIT_MAX = 2_147_483_647

/** The most that the gateway's own limit may be, calls a second to an API over all environments (`ratelimit_api_limits`). */
export const GATEWAY_LIMIT_MAX = 1_000_000

/** How many special rules of each type a throttle may have. */
export const SPECIALS_MAX = 30

const ID_LENGTH_MAX = 128
const NAME = /^[\p{Script=Han}A-Za-z][\p{Script=Han}A-Za-z0-9_]{2,63}$/u
const FIELDS = ['name', 'intervalCount', 'unit', 'shared', 'limits', 'specials']
const DIMENSIONS = ['api', 'user', 'app', 'ip'] as const
const SPECIAL_FIELDS = ['type', 'id', 'limit']

// [lesser, greater]: both must be set for the rule to mean anything. An app limit without a user limit is bounded by api.
const ORDER: readonly (readonly [keyof ThrottleLimits, keyof ThrottleLimits])[] = [
  ['user', 'api'],
  ['app', 'user'],
  ['app', 'api'],
  ['ip', 'api'],
]

/**
 * Makes a throttle from untrusted fields in our own form (a reader renames its dialect's keys first) and reports all
 * problems at once. `shared`, `limits.*` and `specials` may be left out. Rules: API reference of APIG, creating a request
 * throttling policy; the special ones: creating an excluded request throttling configuration.
 */
export function parseThrottle(fields: unknown): ParsedThrottle {
  const reader = new Reader()
  const throttle = reader.throttle(fields)
  return { throttle: reader.problems.length === 0 ? throttle : null, problems: reader.problems }
}

class Reader {
  readonly problems: ThrottleProblem[] = []

  throttle(value: unknown): Throttle | null {
    const fields = this.#record('', value, FIELDS)
    if (fields === null) return null
    const limits = this.#limits(fields['limits'])
    const specials = this.#specials(fields['specials'], limits.api)
    const nothing = specials.length === 0 && DIMENSIONS.every((dimension) => limits[dimension] === 0)
    if (nothing && this.problems.length === 0) {
      this.#problem('limits', 'limits nothing: set at least one of api, user, app and ip to 1 or more')
    }
    return Object.freeze({
      name: this.#name(fields['name']),
      intervalCount: this.#whole('intervalCount', fields['intervalCount'], 1, INTERVAL_MAX),
      unit: this.#unit(fields['unit']),
      shared: this.#flag('shared', fields['shared']),
      limits,
      specials,
    })
  }

  #problem(path: string, message: string): void {
    this.problems.push({ path, message })
  }

  #record(path: string, value: unknown, known: readonly string[]): Record<string, unknown> | null {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#problem(path, `must be a set of keys (${known.join(', ')}), not ${shown(value)}`)
      return null
    }
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue
      this.#problem(path === '' ? key : `${path}.${key}`, `is not known here; known are ${known.join(', ')}`)
    }
    return value as Record<string, unknown>
  }

  #name(value: unknown): string {
    if (typeof value === 'string' && NAME.test(value)) return value
    const rule = '3 to 64 letters, digits and underscores, the first a letter'
    this.#problem('name', value === undefined ? `is missing: ${rule}` : `must be ${rule}, not ${shown(value)}`)
    return ''
  }

  #whole(path: string, value: unknown, min: number, max: number): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    const rule = `a whole number from ${min} to ${max}`
    this.#problem(path, value === undefined ? `is missing: ${rule}` : `must be ${rule}, not ${shown(value)}`)
    return min
  }

  #unit(value: unknown): TimeUnit {
    if (isTimeUnit(value)) return value
    const rule = `one of ${TIME_UNITS.join(', ')}`
    this.#problem('unit', value === undefined ? `is missing: ${rule}` : `must be ${rule}, not ${shown(value)}`)
    return 'second'
  }

  #flag(path: string, value: unknown): boolean {
    if (value === undefined) return false
    if (typeof value === 'boolean') return value
    this.#problem(path, `must be true or false, not ${shown(value)}`)
    return false
  }

  #limits(value: unknown): ThrottleLimits {
    const limits = { api: 0, user: 0, app: 0, ip: 0 }
    const fields = value === undefined ? null : this.#record('limits', value, DIMENSIONS)
    if (fields === null) return Object.freeze(limits)
    for (const dimension of DIMENSIONS) {
      const limit = fields[dimension]
      if (limit !== undefined) limits[dimension] = this.#whole(`limits.${dimension}`, limit, 0, LIMIT_MAX)
    }
    for (const [lesser, greater] of ORDER) {
      if (lesser === 'app' && greater === 'api' && limits.user > 0) continue
      if (limits[greater] === 0 || limits[lesser] <= limits[greater]) continue
      const message = `is ${limits[lesser]}, more than the ${greater} limit of ${limits[greater]}; it may be at most that`
      this.#problem(`limits.${lesser}`, message)
    }
    return Object.freeze(limits)
  }

  #specials(value: unknown, apiLimit: number): readonly ThrottleSpecial[] {
    if (value === undefined) return Object.freeze([])
    if (!Array.isArray(value)) {
      this.#problem('specials', `must be a list, not ${shown(value)}`)
      return Object.freeze([])
    }
    const specials: ThrottleSpecial[] = []
    const places = new Map<string, number>()
    // One more than there can be is enough to find a problem in any longer list.
    for (const [index, item] of value.slice(0, SPECIALS_MAX * 2 + 1).entries()) {
      const special = this.#special(`specials.${index}`, item, apiLimit)
      if (special === null) continue
      const key = `${special.type} ${special.id}`
      const first = places.get(key)
      if (first !== undefined) this.#problem(`specials.${index}`, `${key} has a special rule already, number ${first}`)
      else places.set(key, index)
      specials.push(special)
    }
    for (const type of ['app', 'user']) {
      const count = value.filter((item) => (item as Partial<ThrottleSpecial> | null)?.type === type).length
      if (count > SPECIALS_MAX) this.#problem('specials', `at most ${SPECIALS_MAX} of type ${type}, not ${count}`)
    }
    return Object.freeze(specials)
  }

  #special(path: string, value: unknown, apiLimit: number): ThrottleSpecial | null {
    const before = this.problems.length
    const fields = this.#record(path, value, SPECIAL_FIELDS)
    if (fields === null) return null
    const { type, id } = fields as Record<'type' | 'id', unknown>
    if (type !== 'app' && type !== 'user') this.#problem(`${path}.type`, `must be app or user, not ${shown(type)}`)
    if (typeof id !== 'string' || id === '' || id.length > ID_LENGTH_MAX) {
      this.#problem(`${path}.id`, `must be 1 to ${ID_LENGTH_MAX} characters of text, not ${shown(id)}`)
    }
    const limit = this.#whole(`${path}.limit`, fields['limit'], 1, LIMIT_MAX)
    if (apiLimit > 0 && limit > apiLimit) {
      this.#problem(`${path}.limit`, `is ${limit}, more than the api limit of ${apiLimit}; it may be at most that`)
    }
    if (this.problems.length > before) return null
    return Object.freeze({ type: type as 'app' | 'user', id: id as string, limit })
  }
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a set of keys'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
