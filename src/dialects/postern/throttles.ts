import type { Problems } from '../../model/problem.ts'
import { parseThrottle, type Throttle } from '../../model/throttle.ts'
import type { Places } from './shape.ts'

export interface RawThrottle {
  readonly name?: string
  readonly per?: { readonly interval?: number; readonly unit?: string }
  readonly api?: number
  readonly user?: number
  readonly app?: number
  readonly ip?: number
  readonly shared?: boolean
  readonly special?: readonly unknown[]
  readonly services?: readonly (string | undefined)[]
}

/** Our keys for the fields of the model, where they differ; a problem's path is put back by it. */
const fieldPaths: readonly (readonly [field: RegExp, key: string])[] = [
  [/^intervalCount$/, 'per.interval'],
  [/^unit$/, 'per.unit'],
  [/^limits\.?/, ''],
  [/^specials/, 'special'],
]

/** The throttles that are right, in order; what the model's own rules say of the others is in the problems. */
export function readThrottles(
  raws: readonly (RawThrottle | undefined)[],
  places: Places,
  problems: Problems,
): Throttle[] {
  const throttles = new Map<string, Throttle>()
  for (const [index, raw] of raws.entries()) {
    const path = `throttles.${index}`
    if (raw?.name === undefined || raw.per?.unit === undefined || places.isBroken(path)) continue
    const { throttle, problems: found } = parseThrottle(fieldsOf(raw, raw.per))
    for (const { path: field, message } of found) {
      const key = keyOf(field)
      problems.error(
        'BadThrottle',
        places.at(key === '' ? path : `${path}.${key}`),
        `${key || 'this throttle'} ${message}`,
      )
    }
    if (throttle === null) continue
    if (throttles.has(throttle.name)) {
      problems.error('DuplicateName', places.at(`${path}.name`), `a throttle called ${throttle.name} is there already`)
    } else throttles.set(throttle.name, throttle)
  }
  return [...throttles.values()]
}

function fieldsOf(raw: RawThrottle, per: NonNullable<RawThrottle['per']>): Record<string, unknown> {
  const limits: Record<string, number> = {}
  for (const dimension of ['api', 'user', 'app', 'ip'] as const) {
    const limit = raw[dimension]
    if (limit !== undefined) limits[dimension] = limit
  }
  return {
    name: raw.name,
    intervalCount: per.interval ?? 1,
    unit: per.unit,
    shared: raw.shared ?? false,
    limits,
    specials: raw.special ?? [],
  }
}

function keyOf(field: string): string {
  for (const [pattern, key] of fieldPaths) if (pattern.test(field)) return field.replace(pattern, key)
  return field
}

/** Which throttle acts on which service of an APIcast configuration, by the service's id. */
export function serviceThrottles(
  raws: readonly (RawThrottle | undefined)[],
  throttles: readonly Throttle[],
): Readonly<Record<string, Throttle>> {
  const bound: Record<string, Throttle> = Object.create(null)
  for (const raw of raws) {
    const throttle = throttles.find(({ name }) => name === raw?.name)
    if (throttle !== undefined) for (const id of raw?.services ?? []) if (id !== undefined) bound[id] = throttle
  }
  return { ...bound }
}
