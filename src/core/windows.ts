/** The units of a fixed window, each with its length in ms. The singular lower-case word is what headers and messages print. */
export const UNIT_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

export type TimeUnit = keyof typeof UNIT_MS

export const TIME_UNITS: readonly TimeUnit[] = ['second', 'minute', 'hour', 'day']

/** The longest interval that APIG takes (`time_interval`), in units. */
export const INTERVAL_MAX = 2_147_483_647

/** A window that starts again at every multiple of its length since the epoch (UTC), compiled once. */
export interface FixedWindow {
  readonly lengthMs: number
  /** `10 second`: the unit is never in the plural. */
  readonly text: string
}

export function isTimeUnit(value: unknown): value is TimeUnit {
  return typeof value === 'string' && Object.hasOwn(UNIT_MS, value)
}

/** @throws RangeError when `interval` is not a whole number from 1 to `INTERVAL_MAX` */
export function fixedWindow(interval: number, unit: TimeUnit): FixedWindow {
  if (!Number.isInteger(interval) || interval < 1 || interval > INTERVAL_MAX) {
    throw new RangeError(`a window's interval is a whole number from 1 to ${INTERVAL_MAX}, not ${interval}`)
  }
  return Object.freeze({ lengthMs: interval * UNIT_MS[unit], text: `${interval} ${unit}` })
}

/** The first moment (ms since the epoch) after the window that holds `nowMs`; `Infinity` for a window without an end. */
export function windowEndMs(nowMs: number, lengthMs: number): number {
  return lengthMs === Infinity ? Infinity : (Math.floor(nowMs / lengthMs) + 1) * lengthMs
}
