import { granuleStart, granulesBefore, nextGranule } from '../../analytics/granules.ts'
import { Zone } from '../../analytics/zone.ts'
import { AdminError } from '../errors.ts'
import type { RangeAnswer } from './answers.ts'

/** How long one value of a chart stands for, from fine to coarse. `quarter`: of an hour. */
export const granularities = ['minute', 'quarter', 'hour', 'day', 'month'] as const

export type Granularity = (typeof granularities)[number]

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** The shortest that one granule can be: a day may have 23 hours. */
const shortestMs: Readonly<Record<Granularity, number>> = {
  minute: minuteMs,
  quarter: 15 * minuteMs,
  hour: hourMs,
  day: 23 * hourMs,
  month: 28 * dayMs - hourMs,
}

interface Period {
  readonly unit: Exclude<Granularity, 'quarter'>
  readonly units: number
}

/** The time bar's "last ...": how far back, and the unit that it is counted in, which is also the granularity unless told. */
export const periods: Readonly<Record<string, Period>> = {
  '1h': { unit: 'minute', units: 60 },
  '24h': { unit: 'hour', units: 24 },
  '7d': { unit: 'day', units: 7 },
  '30d': { unit: 'day', units: 30 },
  '12m': { unit: 'month', units: 12 },
}

/** More values than this are neither read nor drawn. */
export const valuesMax = 3_000

/** Of the granularities that fit, a range of two dates gets the finest with at most this many values. */
const valuesWanted = 200

/** What is finer than an hour: the same on all clocks, since no two zones differ by a part of a quarter, and not kept for ever. */
const fine: Readonly<Partial<Record<Granularity, { readonly keptMs: number; readonly words: string }>>> = {
  minute: { keptMs: 48 * hourMs, words: 'minutes are kept for 48 hours' },
  quarter: { keptMs: 90 * dayMs, words: 'quarters of an hour are kept for 90 days' },
}

/** Only who asks for it gets it. */
const notByItself: ReadonlySet<Granularity> = new Set(['quarter'])

export interface RangeQuery {
  readonly last?: string
  readonly since?: string
  readonly until?: string
  readonly granularity?: Granularity
  /** A name of the tz database; days and months are those of its calendar. Default UTC. */
  readonly timezone?: string
}

/** A range in whole granules. */
export interface Range {
  readonly nowMs: number
  readonly sinceMs: number
  readonly untilMs: number
  readonly timezone: string
  readonly granularity: Granularity
  /** All that this range could be asked in. */
  readonly granularities: readonly Granularity[]
  /** One instant more than there are values. */
  readonly edgesMs: readonly number[]
}

/**
 * The range that a query asks for: `last` (default 24h) counts back from now; `since` and `until` are ISO 8601 instants, or
 * dates, and then both days belong to it. `among`: the granularities that there are. Throws a 400 that says what would be right.
 */
export function rangeOf(query: RangeQuery, nowMs: number, among: readonly Granularity[] = granularities): Range {
  const zone = Zone.named(query.timezone ?? 'UTC')
  if (zone === null) throw bad(`timezone ${query.timezone} is unknown; take a name as Europe/Madrid or UTC.`)
  if (query.since === undefined && query.until === undefined) return lastRange(query, zone, nowMs, among)
  if (query.last !== undefined) throw bad('Give either last, or since and until.')
  if (query.since === undefined) throw bad('until needs since: the instant or the date where the range begins.')
  const sinceMs = instantOf('since', query.since, zone, false)
  const untilMs = query.until === undefined ? nowMs : instantOf('until', query.until, zone, true)
  if (sinceMs >= nowMs) throw bad(`since lies in the future; now it is ${new Date(nowMs).toISOString()}.`)
  if (sinceMs >= untilMs) throw bad('since must come before until.')
  const span = { sinceMs, untilMs: Math.min(untilMs, nowMs + 1), nowMs }
  const fitting = fittingIn(span).filter((each) => among.includes(each))
  const fits = (each: Granularity): boolean => !notByItself.has(each) && atMost(valuesWanted, span, each)
  const granularity = query.granularity ?? fitting.find(fits) ?? fitting.at(-1)
  return rangeIn(span, granularity, fitting, zone)
}

interface Span {
  readonly sinceMs: number
  readonly untilMs: number
  readonly nowMs: number
}

function lastRange(query: RangeQuery, zone: Zone, nowMs: number, among: readonly Granularity[]): Range {
  const last = query.last ?? '24h'
  const period = Object.hasOwn(periods, last) ? periods[last] : undefined
  if (period === undefined) throw bad(`last must be one of ${Object.keys(periods).join(', ')}, not ${last}.`)
  const granularity = query.granularity ?? period.unit
  const spanIn = (each: Granularity): Span => ({
    sinceMs: periodStart(period, each, zone, nowMs),
    untilMs: nowMs + 1,
    nowMs,
  })
  const fitting = among.filter((each) => fittingIn(spanIn(each)).includes(each))
  return rangeIn(spanIn(granularity), granularity, fitting, zone)
}

/** Counted from the end of the finer granule, so that the last 24 hours are 24 values per hour and 1,440 per minute. */
function periodStart({ unit, units }: Period, granularity: Granularity, zone: Zone, nowMs: number): number {
  const finer = granularities.indexOf(granularity) < granularities.indexOf(unit) ? granularity : unit
  const endMs = nextEdge(finer, nowMs, zone)
  return unit === 'minute' ? endMs - units * minuteMs : granulesBefore(unit, endMs, units, zone)
}

function rangeIn(span: Span, granularity: Granularity | undefined, fitting: readonly Granularity[], zone: Zone): Range {
  if (granularity === undefined) throw bad('The range is too long, even per month.')
  if (!fitting.includes(granularity)) {
    const why = isKept(granularity, span) ? `more than ${valuesMax} values` : fine[granularity]!.words
    throw bad(`granularity cannot be ${granularity} for this range (${why}); it can be ${fitting.join(' or ')}.`)
  }
  const edgesMs = [edgeBefore(granularity, span.sinceMs, zone)]
  while (edgesMs.at(-1)! < span.untilMs) edgesMs.push(nextEdge(granularity, edgesMs.at(-1)!, zone))
  return {
    nowMs: span.nowMs,
    sinceMs: edgesMs[0]!,
    untilMs: edgesMs.at(-1)!,
    timezone: zone.name,
    granularity,
    granularities: fitting,
    edgesMs,
  }
}

function fittingIn(span: Span): Granularity[] {
  return granularities.filter((each) => atMost(valuesMax, span, each) && isKept(each, span))
}

const isKept = (granularity: Granularity, { sinceMs, nowMs }: Span): boolean =>
  nowMs - sinceMs <= (fine[granularity]?.keptMs ?? Number.POSITIVE_INFINITY)

function atMost(values: number, { sinceMs, untilMs }: Span, granularity: Granularity): boolean {
  return (untilMs - sinceMs) / shortestMs[granularity] <= values
}

function edgeBefore(granularity: Granularity, timeMs: number, zone: Zone): number {
  if (granularity !== 'minute' && granularity !== 'quarter') return granuleStart(granularity, timeMs, zone)
  const lengthMs = shortestMs[granularity]
  return Math.floor(timeMs / lengthMs) * lengthMs
}

function nextEdge(granularity: Granularity, timeMs: number, zone: Zone): number {
  if (granularity !== 'minute' && granularity !== 'quarter') return nextGranule(granularity, timeMs, zone)
  return edgeBefore(granularity, timeMs, zone) + shortestMs[granularity]
}

const isoInstant = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/** A date is the start of that day in the zone, or its end where it ends a range. */
function instantOf(name: string, text: string, zone: Zone, end: boolean): number {
  const match = isoInstant.exec(text)
  const timeMs = match === null ? Number.NaN : Date.parse(text)
  // Date.parse takes 2026-02-31 for the third of March.
  const exists = match !== null && new Date(`${match[1]}T00:00:00Z`).toJSON()?.startsWith(match[1]!) === true
  if (!exists || Number.isNaN(timeMs)) {
    throw bad(`${name} must be a date or an instant as in 2026-11-22 or 2026-11-22T10:30:00Z.`)
  }
  if (timeMs < 0 || timeMs > maxMs) throw bad(`${name} must lie between the years 1970 and 3000.`)
  if (match?.[2] !== undefined) return timeMs
  const startMs = zone.toUtc(timeMs)
  return end ? nextGranule('day', startMs, zone) : startMs
}

const maxMs = Date.UTC(3000, 0, 1)

function bad(message: string): AdminError {
  return new AdminError(400, 'bad_parameter', message)
}

/** As every answer over time repeats it. */
export function rangeAnswer({ edgesMs: _edges, ...range }: Range): RangeAnswer {
  return range
}
