import type { Clock } from '../core/clock.ts'
import { type Granularity, granuleEdges, granuleStart, granulesBefore, nextGranule } from './granules.ts'
import { parseTime, plusLocal, Zone } from './zone.ts'

// Which range of time a question to 3scale's statistics means. Source: porta's statistics views and its tests; where it is
// inexact (six-hour granules over a change of clocks) ours is exact.

/** Parameters as they came, decoded. */
export type UsageParameters = Readonly<Record<string, string | undefined>>

export interface UsagePeriod {
  readonly name: string | null
  readonly since: string
  readonly until: string
  /** As the tz database has it. */
  readonly timezone: string
  /** 21600 is a number, the others are words. */
  readonly granularity: string | number
}

/** A question that cannot be answered: status 400. `message` is the vendor's text, `hint` says what would be right. */
export class UsageError extends Error {
  readonly hint: string | null
  /** The vendor answers this one as plain text whatever format was asked for. */
  readonly plain: boolean

  constructor(message: string, hint: string | null = null, plain = false) {
    super(message)
    this.name = 'UsageError'
    this.hint = hint
    this.plain = plain
  }
}

const periods = {
  eternity: null,
  year: 'month',
  month: 'day',
  week: '21600',
  day: 'hour',
} as const satisfies Record<string, Granularity | null>
type Period = keyof typeof periods

interface RangeLimit {
  readonly granularity: Granularity
  readonly seconds: number
  readonly text: string
}

// Lengths as ActiveSupport has them: a year of 365.2425 days, a month of a twelfth of it. From coarse to fine.
const rangeLimits: readonly RangeLimit[] = [
  { granularity: 'month', seconds: 315_569_520, text: '10 years' },
  { granularity: 'day', seconds: 31_556_952, text: '1 year' },
  { granularity: '21600', seconds: 15_778_476, text: '6 months' },
  { granularity: 'hour', seconds: 7_776_000, text: '90 days' },
]

export interface UsageRange {
  readonly period: UsagePeriod
  readonly edgesMs: readonly number[]
  /** The range of the same number of granules just before; null when it is not to be compared. */
  readonly previousMs: readonly [number, number] | null
}

export interface RangeOptions {
  readonly clock: Clock
  /** Used when the call names no `timezone`: the account's. */
  readonly timezone?: string
}

/** Which granules a question asks for. Throws UsageError. */
export function usageRange(parameters: UsageParameters, options: RangeOptions): UsageRange {
  const zone = zoneOf(parameters, options)
  const nowMs = options.clock.now()
  const period = periodOf(parameters)
  if (period === 'eternity') return eternity(zone, nowMs)
  const granularity = granularityOf(parameters, period)
  const asked = period === null ? explicitRange(parameters, zone) : periodRange(parameters, period, zone, nowMs)
  if (asked.untilMs < asked.sinceMs && period === null) {
    throw new UsageError('Date parameters should have until after since.', 'exchange since and until')
  }
  const sinceMs = granuleStart(granularity, asked.sinceMs, zone)
  const untilMs = rangeEnd(granularity, sinceMs, asked.untilMs, zone)
  checkLength(granularity, untilMs - sinceMs)
  const edgesMs = granuleEdges(granularity, sinceMs, untilMs, zone)
  const compared = parameters['skip_change'] === 'false'
  return {
    period: {
      name: period,
      since: zone.format(sinceMs),
      until: zone.format(untilMs - 1000),
      timezone: zone.name,
      granularity: granularity === '21600' ? 21_600 : granularity,
    },
    edgesMs,
    previousMs: compared ? [granulesBefore(granularity, sinceMs, edgesMs.length - 1, zone), sinceMs] : null,
  }
}

function zoneOf(parameters: UsageParameters, options: RangeOptions): Zone {
  const name = given(parameters, 'timezone') ?? options.timezone ?? 'UTC'
  const zone = Zone.named(name)
  if (zone !== null) return zone
  throw new UsageError(`Unknown timezone ${name}`, "a Rails name such as 'Madrid' or a tz name such as 'Europe/Madrid'")
}

const topPeriods = ['year', 'month', 'week', 'day'] as const

export interface TopRange {
  readonly period: { readonly name: string; readonly since: string; readonly until: string }
  readonly sinceMs: number
  readonly untilMs: number
}

/** The calendar period, by the clocks of the zone, that holds `since`: what `top_applications` is about. Throws UsageError. */
export function topRange(parameters: UsageParameters, options: RangeOptions): TopRange {
  const zone = zoneOf(parameters, options)
  for (const name of ['metric_name', 'period', 'since']) if (given(parameters, name) === null) throw missing(name)
  const period = given(parameters, 'period')!
  const name = topPeriods.find((one) => one === period)
  if (name === undefined) {
    const names = JSON.stringify(topPeriods).replaceAll(',', ', ')
    throw new UsageError(`Period must be one of ${names} not ${JSON.stringify(period)}`)
  }
  const localMs = zone.toLocal(timeOf('since', given(parameters, 'since')!, zone))
  const startMs = startOfLocal(name, localMs)
  const sinceMs = zone.toUtc(startMs)
  const untilMs = zone.toUtc(plusLocal(startMs, 1, name))
  return { period: { name, since: zone.format(sinceMs), until: zone.format(untilMs - 1000) }, sinceMs, untilMs }
}

const DAY_MS = 86_400_000

function startOfLocal(period: (typeof topPeriods)[number], localMs: number): number {
  const date = new Date(localMs)
  const dayMs = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
  switch (period) {
    case 'day':
      return dayMs
    case 'week':
      return dayMs - ((date.getUTCDay() + 6) % 7) * DAY_MS
    case 'month':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
    case 'year':
      return Date.UTC(date.getUTCFullYear(), 0, 1)
  }
}

function eternity(zone: Zone, nowMs: number): UsageRange {
  const utc = Zone.named('UTC')!
  const untilMs = nextGranule('day', nowMs, utc)
  return {
    period: {
      name: 'eternity',
      since: utc.format(0),
      until: utc.format(untilMs - 1000),
      timezone: zone.name,
      granularity: 'eternity',
    },
    edgesMs: [0, untilMs],
    previousMs: null,
  }
}

function periodOf(parameters: UsageParameters): Period | null {
  const granularity = given(parameters, 'granularity')
  const period = given(parameters, 'period')
  if (period !== null && !Object.hasOwn(periods, period)) {
    throw new UsageError(
      `Period must be one of ${JSON.stringify(Object.keys(periods)).replaceAll(',', ', ')} not ${JSON.stringify(period)}`,
    )
  }
  if (granularity === 'eternity' && period !== 'eternity') {
    throw new UsageError("Granularity 'eternity' is only supported for period 'eternity'")
  }
  if (period === 'eternity' && granularity !== null && granularity !== 'eternity') {
    throw new UsageError("Only 'eternity' granularity is supported for period 'eternity'")
  }
  return period as Period | null
}

function granularityOf(parameters: UsageParameters, period: Exclude<Period, 'eternity'> | null): Granularity {
  const granularity = given(parameters, 'granularity')
  if (granularity === null) {
    if (period === null) throw missing('granularity')
    return periods[period]
  }
  const limit = rangeLimits.find((rule) => rule.granularity === granularity)
  if (limit === undefined) {
    throw new UsageError(`Granularity must be one of month, day, 21600, hour, not ${granularity}`, '21600 is six hours')
  }
  return limit.granularity
}

interface Range {
  readonly sinceMs: number
  readonly untilMs: number
}

function explicitRange(parameters: UsageParameters, zone: Zone): Range {
  const since = given(parameters, 'since')
  const until = given(parameters, 'until')
  if (since === null) throw missing('since')
  if (until === null) throw new UsageError("You need to specify either 'range' or 'since' and 'until'", 'or a period')
  return { sinceMs: timeOf('since', since, zone), untilMs: timeOf('until', until, zone) }
}

function periodRange(
  parameters: UsageParameters,
  period: Exclude<Period, 'eternity'>,
  zone: Zone,
  nowMs: number,
): Range {
  const since = given(parameters, 'since')
  const sinceMs = since === null ? zone.plus(nowMs, -1, period) : timeOf('since', since, zone)
  // A second less, so that a whole period from the start of a granule does not reach into the one after it.
  const lastMs = zone.plus(sinceMs, 1, period) - 1000
  return { sinceMs, untilMs: Math.floor(lastMs / 60_000) * 60_000 + 59_999 }
}

// The vendor's six-hour granules end at a time that is itself a border; the other granules go on to their own end. A range
// that would end where it begins is one granule.
function rangeEnd(granularity: Granularity, sinceMs: number, untilMs: number, zone: Zone): number {
  if (granularity === '21600' && untilMs > sinceMs && granuleStart(granularity, untilMs, zone) === untilMs)
    return untilMs
  return nextGranule(granularity, untilMs, zone)
}

function checkLength(granularity: Granularity, lengthMs: number): void {
  const seconds = lengthMs / 1000 - 1
  const index = rangeLimits.findIndex((rule) => rule.granularity === granularity)
  const limit = rangeLimits[index]!
  if (seconds <= limit.seconds) return
  const fitting = rangeLimits.slice(0, index).findLast((rule) => seconds <= rule.seconds)
  const hint =
    fitting === undefined ? 'ask for a shorter range' : `granularity ${fitting.granularity} allows ${fitting.text}`
  throw new UsageError(`Time range for the granularity must be less than ${limit.text}`, hint)
}

function timeOf(name: string, text: string, zone: Zone): number {
  const timeMs = parseTime(text, zone)
  if (timeMs !== null) return timeMs
  throw new UsageError(
    'Date parameters should have valid date/time format.',
    `${name}: '2012-02-22' or '2012-02-22 23:49:00', not '${text}'`,
  )
}

function given(parameters: UsageParameters, name: string): string | null {
  const value = parameters[name]
  return value === undefined || value === '' ? null : value
}

/** The vendor's answer to a parameter that must be there. */
export function missing(name: string): UsageError {
  return new UsageError(`Required parameter missing: ${name}`, null, true)
}
