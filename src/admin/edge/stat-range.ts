import { AdminError } from '../errors.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS
/** So far back the finest series are kept. */
const KEPT_DAYS = 90
const EDGES_MAX = 5_000

/** Where the unit of time that holds an instant begins, and where the next one does. In UTC. */
const UNITS: Readonly<Record<string, (ms: number) => readonly [startMs: number, nextMs: number]>> = {
  minute: even(MINUTE_MS),
  hour: even(60 * MINUTE_MS),
  day: even(DAY_MS),
  // Weeks begin on Sunday, as Edge's do; the epoch was a Thursday.
  week: (ms) => even(7 * DAY_MS, 4 * DAY_MS)(ms),
  month: (ms) => calendar(ms, 1),
  quarter: (ms) => calendar(ms, 3),
  year: (ms) => calendar(ms, 12),
}

function even(lengthMs: number, offsetMs = 0): (ms: number) => readonly [number, number] {
  return (ms) => {
    const startMs = Math.floor((ms + offsetMs) / lengthMs) * lengthMs - offsetMs
    return [startMs, startMs + lengthMs]
  }
}

function calendar(ms: number, months: number): readonly [number, number] {
  const date = new Date(ms)
  const first = Math.floor(date.getUTCMonth() / months) * months
  return [Date.UTC(date.getUTCFullYear(), first), Date.UTC(date.getUTCFullYear(), first + months)]
}

/** The range of a question, and its granules: one when no unit is given. */
export interface StatRange {
  /** Where granules begin, and where the last one ends. */
  readonly edgesMs: readonly number[]
  /** What a granule is called by: where its unit begins. Null: no unit was given. */
  readonly stampsMs: readonly number[] | null
}

/** Reads `timeRange=MM/DD/YYYY HH:MM~MM/DD/YYYY HH:MM` and `timeUnit`; `tzo` moves the units by so many minutes. Throws AdminError. */
export function readRange(
  timeRange: string | undefined,
  unit: string | undefined,
  tzo: string,
  nowMs: number,
): StatRange {
  const parts = (timeRange ?? '').split('~').map(instantOf)
  const [sinceMs, untilMs] = parts
  if (parts.length !== 2 || sinceMs == null || untilMs == null || sinceMs >= untilMs) {
    throw invalid('timeRange', 'timeRange must be MM/DD/YYYY HH:MM~MM/DD/YYYY HH:MM, the earlier instant first, in UTC')
  }
  if (sinceMs < nowMs - KEPT_DAYS * DAY_MS) {
    throw invalid(
      'timeRange',
      `timeRange begins more than ${KEPT_DAYS} days ago; by these dimensions calls are kept so long`,
    )
  }
  if (unit === undefined || unit === '') return { edgesMs: [sinceMs, untilMs], stampsMs: null }
  const unitOf = Object.hasOwn(UNITS, unit) ? UNITS[unit]! : null
  if (unitOf === null) throw invalid('timeUnit', `timeUnit must be one of ${Object.keys(UNITS).join(', ')}`)
  if (!/^[+-]?\d{1,4}$/.test(tzo)) throw invalid('tzo', 'tzo must be a number of minutes')
  const shiftMs = Number(tzo) * MINUTE_MS
  const edgesMs = [sinceMs]
  const stampsMs: number[] = []
  for (let at = sinceMs; at < untilMs; ) {
    const [startMs, nextMs] = unitOf(at + shiftMs)
    stampsMs.push(startMs - shiftMs)
    at = Math.min(nextMs - shiftMs, untilMs)
    edgesMs.push(at)
    if (edgesMs.length > EDGES_MAX)
      throw invalid('timeUnit', `more than ${EDGES_MAX} of them are in the range; take a longer timeUnit`)
  }
  return { edgesMs, stampsMs }
}

function instantOf(text: string): number | null {
  const match = /^(\d\d)\/(\d\d)\/(\d{4})[ +]+(\d\d):(\d\d)(?::\d\d)?$/.exec(text.trim())
  if (match === null) return null
  const [, month, day, year, hour, minute] = match.map(Number) as [number, number, number, number, number, number]
  const ms = Date.UTC(year, month - 1, day, hour, minute)
  return new Date(ms).getUTCMonth() === month - 1 && hour < 24 && minute < 60 ? ms : null
}

const invalid = (parameter: string, text: string): AdminError =>
  new AdminError(400, `datastore.Invalid.${parameter}`, text)
