import { PERIODS, periodEndMs } from '../core/calendar.ts'
import type { ApplicationView } from './directory.ts'
import type { LimitReading } from './limits.ts'
import type { Usage } from './usage.ts'

/** What is left, and when that ends: calls like this one under the tightest limit. -1: without end. `max` null: no limit. */
export interface LimitState {
  readonly remaining: number
  readonly resetSeconds: number
  readonly max: number | null
}

const UNLIMITED: LimitState = { remaining: -1, resetSeconds: -1, max: null }

/**
 * The limit that comes into force first (3scale, extension `limit_headers`): of all limits, or where a usage is given of those that
 * it touches. On a tie the longer period wins, as the vendor has it.
 */
export function limitState(
  app: ApplicationView,
  usage: Usage | null,
  reading: LimitReading,
  nowMs: number,
): LimitState {
  let best: { remaining: number; limit: number } | null = null
  const { limits } = app.plan
  for (const [i, limit] of limits.entries()) {
    const value = reading.values[i]!
    if (Number.isNaN(value) || (usage !== null && !usage.has(limit.place))) continue
    const left = Math.max(0, limit.max - value)
    const used = usage === null ? 0 : usage.values[limit.place]!
    const remaining = left <= 0 ? 0 : used === 0 ? -1 : Math.floor(left / used)
    if (best === null || isTighter(remaining, best.remaining, limit.period, limits[best.limit]!.period)) {
      best = { remaining, limit: i }
    }
  }
  if (best === null || best.remaining === -1) return UNLIMITED
  const { period, max } = limits[best.limit]!
  const endMs = periodEndMs(period, nowMs)
  return {
    remaining: best.remaining,
    resetSeconds: endMs === Number.POSITIVE_INFINITY ? -1 : Math.ceil((endMs - nowMs) / 1000),
    max,
  }
}

function isTighter(
  remaining: number,
  than: number,
  period: (typeof PERIODS)[number],
  thanPeriod: (typeof PERIODS)[number],
): boolean {
  const a = remaining === -1 ? Number.POSITIVE_INFINITY : remaining
  const b = than === -1 ? Number.POSITIVE_INFINITY : than
  return a === b ? PERIODS.indexOf(period) > PERIODS.indexOf(thanPeriod) : a < b
}
