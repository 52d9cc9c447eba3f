import { UNIT_MS } from '../../core/windows.ts'
import type { QuotaUnit } from '../../model/consumers.ts'

/** How the windows of a quota lie in time. */
export type QuotaType = 'default' | 'calendar' | 'flexi' | 'rollingwindow'

export interface Window {
  readonly endMs: number
  readonly lengthMs: number
}

const WEEK_MS = 7 * UNIT_MS.day
/** 1970-01-05, the first Monday. */
const MONDAY_MS = 4 * UNIT_MS.day
/** Where months cannot be counted on a calendar. */
const MONTH_MS = 30 * UNIT_MS.day

/** Length of a window in ms; of months, thirty days each. */
export function lengthOf(interval: number, unit: QuotaUnit): number {
  if (unit === 'month') return interval * MONTH_MS
  return interval * (unit === 'week' ? WEEK_MS : UNIT_MS[unit])
}

/**
 * The window that holds `nowMs`. Fixed ones begin at whole units (UTC; weeks on Monday, months on the first), or every interval
 * from `startMs` on. Before `startMs` they go on backwards.
 */
export function fixedWindowAt(nowMs: number, interval: number, unit: QuotaUnit, startMs: number | null): Window {
  if (unit === 'month') return monthsAt(nowMs, interval, startMs ?? 0)
  const lengthMs = lengthOf(interval, unit)
  const origin = startMs ?? (unit === 'week' ? MONDAY_MS : 0)
  return { endMs: origin + (Math.floor((nowMs - origin) / lengthMs) + 1) * lengthMs, lengthMs }
}

/** Begins with the first call. */
export function openWindow(nowMs: number, interval: number, unit: QuotaUnit): Window {
  if (unit !== 'month') return { endMs: nowMs + lengthOf(interval, unit), lengthMs: lengthOf(interval, unit) }
  const endMs = plusMonths(nowMs, interval)
  return { endMs, lengthMs: endMs - nowMs }
}

function monthsAt(nowMs: number, interval: number, startMs: number): Window {
  const start = new Date(startMs)
  const now = new Date(nowMs)
  const between = (now.getUTCFullYear() - start.getUTCFullYear()) * 12 + now.getUTCMonth() - start.getUTCMonth()
  let index = Math.floor(between / interval)
  if (plusMonths(startMs, index * interval) > nowMs) index--
  const beginMs = plusMonths(startMs, index * interval)
  const endMs = plusMonths(startMs, (index + 1) * interval)
  return { endMs, lengthMs: endMs - beginMs }
}

/** The same day and time some months later; the last day of a month that is too short. */
function plusMonths(fromMs: number, months: number): number {
  const date = new Date(fromMs)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, lastDay))
  return date.getTime()
}

/** `2026-1-31 12:00:00` (UTC), as Edge has it; null: it is no time. */
export function startTimeOf(text: string): number | null {
  const match = /^(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})$/.exec(text)
  if (match === null) return null
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const timeMs = Date.UTC(year, month - 1, day, hour, minute, second)
  const date = new Date(timeMs)
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  return isReal ? timeMs : null
}
