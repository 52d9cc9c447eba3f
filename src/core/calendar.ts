/** The periods of 3scale's limits and counters: calendar periods in UTC, weeks from Monday. From short to long. */
export const PERIODS = ['minute', 'hour', 'day', 'week', 'month', 'year', 'eternity'] as const

export type Period = (typeof PERIODS)[number]

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** 1970-01-01 was a Thursday: the Monday of its week. */
const FIRST_MONDAY_MS = -3 * DAY_MS

export function isPeriod(value: unknown): value is Period {
  return typeof value === 'string' && (PERIODS as readonly string[]).includes(value)
}

/** Where the period that holds this moment begins, ms since the epoch; 0 for eternity. */
export function periodStartMs(period: Period, atMs: number): number {
  switch (period) {
    case 'minute':
      return Math.floor(atMs / MINUTE_MS) * MINUTE_MS
    case 'hour':
      return Math.floor(atMs / HOUR_MS) * HOUR_MS
    case 'day':
      return Math.floor(atMs / DAY_MS) * DAY_MS
    case 'week':
      return Math.floor((atMs - FIRST_MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + FIRST_MONDAY_MS
    case 'month': {
      const date = new Date(atMs)
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
    }
    case 'year':
      return Date.UTC(new Date(atMs).getUTCFullYear(), 0, 1)
    case 'eternity':
      return 0
  }
}

/** Where the next one begins; Infinity for eternity. */
export function periodEndMs(period: Period, atMs: number): number {
  const start = periodStartMs(period, atMs)
  switch (period) {
    case 'minute':
      return start + MINUTE_MS
    case 'hour':
      return start + HOUR_MS
    case 'day':
      return start + DAY_MS
    case 'week':
      return start + 7 * DAY_MS
    case 'month': {
      const date = new Date(start)
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
    }
    case 'year':
      return Date.UTC(new Date(start).getUTCFullYear() + 1, 0, 1)
    case 'eternity':
      return Number.POSITIVE_INFINITY
  }
}
