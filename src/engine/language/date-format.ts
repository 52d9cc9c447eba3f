import { boundedCache } from './bounded-cache.ts'

/** Formats a moment (ms since the epoch). */
export type DateFormat = (ms: number) => string

export type CompiledDateFormat =
  | { readonly ok: true; readonly format: DateFormat }
  | { readonly ok: false; readonly at: number; readonly message: string }

/** A moment taken apart in its zone. */
interface Moment {
  readonly date: Date
  /** Month 0 to 11; day of week 0 = Sunday; day of year 1 to 366. */
  readonly year: number
  readonly month: number
  readonly day: number
  readonly weekday: number
  readonly yearDay: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
  /** East of UTC. */
  readonly offsetMinutes: number
  readonly utc: boolean
}

type Field = (moment: Moment, letters: number) => string

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]

const FORMAT_CHARS_MAX = 256
const LETTERS_MAX = 32
/** Largest moment of JavaScript's Date. */
export const MOMENT_MS_MAX: number = 8.64e15

const pad = (value: number, letters: number): string => String(value).padStart(letters, '0')
const named = (name: string, letters: number): string => (letters >= 4 ? name : name.slice(0, 3))

function year(value: number, letters: number): string {
  const ofEra = value > 0 ? value : 1 - value
  return letters === 2 ? pad(ofEra % 100, 2) : pad(ofEra, letters)
}

/** Weeks begin on Sunday, and the one with the first day of the month or year is number 1 (Java's US rules). */
function week(dayIndex: number, weekday: number): number {
  return Math.floor((dayIndex - weekday + 6) / 7) + 1
}

function daysIn(yearNumber: number): number {
  const leap = (yearNumber % 4 === 0 && yearNumber % 100 !== 0) || yearNumber % 400 === 0
  return leap ? 366 : 365
}

/** The week that holds 1 January belongs to the new year. */
function inFirstWeekOfNextYear(m: Moment): boolean {
  const daysLeft = daysIn(m.year) - m.yearDay
  return m.weekday + daysLeft < 6
}

function offset(minutes: number, colon: string, withMinutes = true): string {
  const size = Math.abs(minutes)
  const hours = `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}`
  return withMinutes ? `${hours}${colon}${pad(size % 60, 2)}` : hours
}

function zoneName(m: Moment, letters: number): string {
  if (m.utc) return letters >= 4 ? 'Coordinated Universal Time' : 'UTC'
  const style = letters >= 4 ? 'long' : 'short'
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: style }).formatToParts(m.date)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? offset(m.offsetMinutes, ':')
}

/** The pattern letters of `java.text.SimpleDateFormat`, English names. */
const FIELDS: Readonly<Record<string, Field>> = {
  G: (m) => (m.year > 0 ? 'AD' : 'BC'),
  y: (m, n) => year(m.year, n),
  Y: (m, n) => year(inFirstWeekOfNextYear(m) ? m.year + 1 : m.year, n),
  M: (m, n) => (n >= 3 ? named(MONTHS[m.month]!, n) : pad(m.month + 1, n)),
  L: (m, n) => (n >= 3 ? named(MONTHS[m.month]!, n) : pad(m.month + 1, n)),
  w: (m, n) => pad(inFirstWeekOfNextYear(m) ? 1 : week(m.yearDay, m.weekday), n),
  W: (m, n) => pad(week(m.day, m.weekday), n),
  D: (m, n) => pad(m.yearDay, n),
  d: (m, n) => pad(m.day, n),
  F: (m, n) => pad(Math.ceil(m.day / 7), n),
  E: (m, n) => named(DAYS[m.weekday]!, n),
  u: (m, n) => pad(m.weekday === 0 ? 7 : m.weekday, n),
  a: (m) => (m.hour < 12 ? 'AM' : 'PM'),
  H: (m, n) => pad(m.hour, n),
  k: (m, n) => pad(m.hour === 0 ? 24 : m.hour, n),
  K: (m, n) => pad(m.hour % 12, n),
  h: (m, n) => pad(m.hour % 12 === 0 ? 12 : m.hour % 12, n),
  m: (m, n) => pad(m.minute, n),
  s: (m, n) => pad(m.second, n),
  S: (m, n) => pad(m.millisecond, n),
  z: zoneName,
  Z: (m) => offset(m.offsetMinutes, ''),
  X: (m, n) => (m.offsetMinutes === 0 ? 'Z' : offset(m.offsetMinutes, n === 3 ? ':' : '', n > 1)),
}

/** Compiles a `SimpleDateFormat` pattern; `utc` false: the zone of the process. */
export function compileDateFormat(pattern: string, utc: boolean): CompiledDateFormat {
  if (pattern.length > FORMAT_CHARS_MAX) {
    return { ok: false, at: FORMAT_CHARS_MAX, message: `a time format has at most ${FORMAT_CHARS_MAX} characters` }
  }
  const parts: (string | { readonly field: Field; readonly letters: number })[] = []
  for (let i = 0; i < pattern.length; ) {
    const c = pattern[i]!
    if (c === "'") {
      const text = quoted(pattern, i)
      if (text === null) return { ok: false, at: i, message: "the quote ' in the time format is not closed" }
      parts.push(text.value)
      i = text.end
    } else if (/[a-zA-Z]/.test(c)) {
      const field = FIELDS[c]
      let letters = 1
      while (pattern[i + letters] === c) letters++
      if (field === undefined || letters > LETTERS_MAX || (c === 'X' && letters > 3)) {
        const message = `${c.repeat(Math.min(letters, 8))} means nothing in a time format; text in it is quoted: 'T'`
        return { ok: false, at: i, message }
      }
      parts.push({ field, letters })
      i += letters
    } else {
      parts.push(c)
      i++
    }
  }
  return {
    ok: true,
    format: (ms) => {
      const moment = utc ? momentUtc(ms) : momentLocal(ms)
      let out = ''
      for (const part of parts) out += typeof part === 'string' ? part : part.field(moment, part.letters)
      return out
    },
  }
}

const cachedUtc = boundedCache(64, (pattern) => compileDateFormat(pattern, true))
const cachedLocal = boundedCache(64, (pattern) => compileDateFormat(pattern, false))

/** Null when the pattern is not one or the moment is out of range. */
export function formatDate(pattern: string, ms: number, utc: boolean): string | null {
  if (!(Math.abs(ms) <= MOMENT_MS_MAX)) return null
  const compiled = utc ? cachedUtc(pattern) : cachedLocal(pattern)
  return compiled.ok ? compiled.format(ms) : null
}

/** Text in quotes; two quotes are one, inside and alone. */
function quoted(pattern: string, start: number): { readonly value: string; readonly end: number } | null {
  if (pattern[start + 1] === "'") return { value: "'", end: start + 2 }
  let value = ''
  for (let i = start + 1; i < pattern.length; i++) {
    if (pattern[i] !== "'") value += pattern[i]
    else if (pattern[i + 1] === "'") {
      value += "'"
      i++
    } else return { value, end: i + 1 }
  }
  return null
}

function yearDay(yearNumber: number, month: number, day: number): number {
  const at = new Date(0)
  at.setUTCFullYear(yearNumber, month, day)
  const first = new Date(0)
  first.setUTCFullYear(yearNumber, 0, 1)
  return Math.round((at.getTime() - first.getTime()) / 86_400_000) + 1
}

function momentUtc(ms: number): Moment {
  const date = new Date(ms)
  const [yearNumber, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  return {
    date,
    year: yearNumber,
    month,
    day,
    weekday: date.getUTCDay(),
    yearDay: yearDay(yearNumber, month, day),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
    offsetMinutes: 0,
    utc: true,
  }
}

function momentLocal(ms: number): Moment {
  const date = new Date(ms)
  const [yearNumber, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()]
  return {
    date,
    year: yearNumber,
    month,
    day,
    weekday: date.getDay(),
    yearDay: yearDay(yearNumber, month, day),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    millisecond: date.getMilliseconds(),
    offsetMinutes: -date.getTimezoneOffset(),
    utc: false,
  }
}
