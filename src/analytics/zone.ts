import { railsZones } from './zone-names.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** A length of calendar time, as a wall clock and a calendar count it. */
export type CalendarUnit = 'day' | 'week' | 'month' | 'year'

/** One time zone: what its clocks show, and when they show it. "Local" numbers are wall-clock time read as if it were UTC. */
export class Zone {
  /** As the tz database has it. */
  readonly name: string
  readonly #format: Intl.DateTimeFormat

  private constructor(name: string, format: Intl.DateTimeFormat) {
    this.name = name
    this.#format = format
  }

  /** Takes Rails' names ('Madrid') and those of the tz database ('Europe/Madrid'); null when there is no such zone. */
  static named(name: string): Zone | null {
    const tzName = railsZones.get(name) ?? name
    if (!/^[A-Za-z]/.test(tzName)) return null
    try {
      const format = new Intl.DateTimeFormat('en-US', {
        timeZone: tzName,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      })
      return new Zone(tzName, format)
    } catch {
      return null
    }
  }

  /** Minutes east of UTC, in ms. Before 1970, when nothing was counted, what held in 1970. */
  offsetMs(utcMs: number): number {
    const at = Math.floor(Math.max(0, utcMs) / 1000) * 1000
    const fields: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(at)) fields[type] = Number(value)
    const { year, month, day, hour, minute, second } = fields as Record<
      'year' | 'month' | 'day' | 'hour' | 'minute' | 'second',
      number
    >
    return Date.UTC(year, month - 1, day, hour, minute, second) - at
  }

  toLocal(utcMs: number): number {
    return utcMs + this.offsetMs(utcMs)
  }

  /** A time that the clocks show twice is the first of the two; one that they skip is as much later as they skip. */
  toUtc(localMs: number): number {
    const before = this.offsetMs(localMs - DAY_MS)
    const after = this.offsetMs(localMs + DAY_MS)
    if (this.offsetMs(localMs - before) === before) return localMs - before
    if (this.offsetMs(localMs - after) === after) return localMs - after
    return localMs - before
  }

  /** '2009-12-10T20:00:00+01:00'; with 'Z' in UTC itself. */
  format(utcMs: number): string {
    const offsetMs = this.offsetMs(utcMs)
    const text = new Date(utcMs + offsetMs).toISOString().slice(0, 19)
    if (offsetMs === 0 && (this.name === 'Etc/UTC' || this.name === 'UTC')) return `${text}Z`
    const minutes = Math.round(Math.abs(offsetMs) / MINUTE_MS)
    const hours = String(Math.floor(minutes / 60)).padStart(2, '0')
    return `${text}${offsetMs < 0 ? '-' : '+'}${hours}:${String(minutes % 60).padStart(2, '0')}`
  }

  /** The same wall-clock time `count` units later; the last day of a month when the month is too short. */
  plus(utcMs: number, count: number, unit: CalendarUnit): number {
    return this.toUtc(plusLocal(this.toLocal(utcMs), count, unit))
  }
}

export function plusLocal(localMs: number, count: number, unit: CalendarUnit): number {
  if (unit === 'day') return localMs + count * DAY_MS
  if (unit === 'week') return localMs + count * 7 * DAY_MS
  const date = new Date(localMs)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + count * (unit === 'year' ? 12 : 1))
  const lastDay = new Date(date)
  lastDay.setUTCMonth(lastDay.getUTCMonth() + 1, 0)
  date.setUTCDate(Math.min(day, lastDay.getUTCDate()))
  return date.getTime()
}

const DATE = /^(\d{4})(?:[-/](\d{1,2})[-/](\d{1,2})|(\d{2})(\d{2}))/
const TIME = /^(?:[T ] *(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?)?/
const OFFSET = /^ *(?:(Z|UTC|GMT)|([+-])(\d{2}):?(\d{2}))?$/

/**
 * Reads '2012-02-22', '2012-02-22 23:49[:00]', with 'T' for the blank, with an offset ('Z', '+01:00') or as the zone's own time.
 * Null when it is no such time.
 */
export function parseTime(text: string, zone: Zone): number | null {
  const date = DATE.exec(text)
  if (date === null) return null
  const time = TIME.exec(text.slice(date[0].length))!
  const offset = OFFSET.exec(text.slice(date[0].length + time[0].length))
  if (offset === null) return null
  const [year, month, day] = [date[1], date[2] ?? date[4], date[3] ?? date[5]].map(Number) as [number, number, number]
  const [hour, minute, second] = [time[1] ?? 0, time[2] ?? 0, time[3] ?? 0].map(Number) as [number, number, number]
  if (hour > 23 || minute > 59 || second > 59) return null
  const local = new Date(0)
  local.setUTCFullYear(year, month - 1, day)
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return null
  local.setUTCHours(hour, minute, second)
  if (offset[1] !== undefined) return local.getTime()
  if (offset[2] === undefined) return zone.toUtc(local.getTime())
  const offsetMs = (Number(offset[3]) * 60 + Number(offset[4])) * MINUTE_MS
  return local.getTime() - (offset[2] === '-' ? -offsetMs : offsetMs)
}
