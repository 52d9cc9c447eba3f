import { isPromise, type MaybePromise } from '../core/async.ts'
import { type Period, periodEndMs, periodStartMs } from '../core/calendar.ts'
import { CHECKS_MAX, type Counters, Decision } from '../core/counters.ts'
import type { ApplicationView, LimitView } from './directory.ts'
import type { StoredUsage } from './ports.ts'
import type { Usage } from './usage.ts'

/** What was found for the limits of an application's plan. */
export class LimitReading {
  /** By place in the plan's limits: what is used in the period; after `take`, this call included. NaN: not asked for. */
  readonly values: Float64Array
  /** The same without this call. */
  readonly before: Float64Array
  /** This call fits under every limit that it touches. */
  fits = true

  constructor(limits: number) {
    this.values = new Float64Array(limits).fill(Number.NaN)
    this.before = new Float64Array(limits).fill(Number.NaN)
  }
}

type Operation = 'take' | 'add' | 'set' | 'peek'

const FREE_MAX = 256
const free: Decision[] = []

/**
 * The limits of plans: exact over all threads, since the counters are and each call is one decision. A counter that nobody has
 * used since the process began, or in this period, first continues what is kept.
 */
export class Limits {
  readonly #counters: Counters
  readonly #stored: StoredUsage

  constructor(counters: Counters, stored: StoredUsage) {
    this.#counters = counters
    this.#stored = stored
  }

  /**
   * Reads the counters of the limits (`only`: of those) and says whether a usage would fit; nothing is counted. Without a usage:
   * whether all are within their limits now.
   */
  read(app: ApplicationView, usage: Usage | null, only: LimitFilter | null, nowMs: number): MaybePromise<LimitReading> {
    const { limits } = app.plan
    const reading = new LimitReading(limits.length)
    const places = placesOf(limits, only)
    const judged = (): LimitReading => {
      reading.fits = limits.every(
        (limit, i) => Number.isNaN(reading.before[i]!) || fitsIn(limit, usage, reading.before[i]!),
      )
      return reading
    }
    const done = this.#each('peek', app, places, null, nowMs, (place, count) => {
      reading.values[place] = count
      reading.before[place] = count
    })
    return isPromise(done) ? done.then(judged) : judged()
  }

  /** Counts a usage when it fits under every limit that it touches (without a usage: under all), all of it or nothing. */
  take(app: ApplicationView, usage: Usage | null, nowMs: number): MaybePromise<LimitReading> {
    const { limits } = app.plan
    const touched = placesOf(limits, usage === null ? null : ({ place }) => usage.has(place))
    const reading = new LimitReading(limits.length)
    const sets = touched.filter((i) => usage?.sets(limits[i]!.place))
    const adds = touched.filter((i) => !usage?.sets(limits[i]!.place))
    reading.fits = sets.every((i) => usage!.values[limits[i]!.place]! <= limits[i]!.max)
    if (!reading.fits) return this.read(app, usage, null, nowMs)
    const note = (place: number, count: number): void => {
      reading.values[place] = count
      const metric = limits[place]!.place
      reading.before[place] = usage === null || usage.sets(metric) ? count : count - usage.values[metric]!
    }
    const taken = this.#takeAll(app, adds, usage, nowMs, note)
    const settle = (admitted: boolean): MaybePromise<LimitReading> => {
      if (!admitted) return this.#denied(app, usage, nowMs)
      if (sets.length === 0) return reading
      const set = this.#each('set', app, sets, usage, nowMs, note)
      return isPromise(set) ? set.then(() => reading) : reading
    }
    return isPromise(taken) ? taken.then(settle) : settle(taken)
  }

  /** Counts what was used already, whatever the limits say. `atMs`: when; what is of another period than now's is only kept. */
  count(app: ApplicationView, usage: Usage, atMs: number, nowMs: number): MaybePromise<void> {
    const { limits } = app.plan
    const now = placesOf(
      limits,
      ({ place, period }) => usage.has(place) && periodStartMs(period, atMs) === periodStartMs(period, nowMs),
    )
    const sets = now.filter((i) => usage.sets(limits[i]!.place))
    const adds = now.filter((i) => !usage.sets(limits[i]!.place))
    const added = this.#each('add', app, adds, usage, nowMs, nothing)
    const set = (): MaybePromise<void> => this.#each('set', app, sets, usage, nowMs, nothing)
    return isPromise(added) ? added.then(set) : set()
  }

  /** Others may have given back meanwhile; a call that was refused says so all the same. */
  #denied(app: ApplicationView, usage: Usage | null, nowMs: number): MaybePromise<LimitReading> {
    const refuse = (reading: LimitReading): LimitReading => {
      reading.fits = false
      return reading
    }
    const reading = this.read(app, usage, null, nowMs)
    return isPromise(reading) ? reading.then(refuse) : refuse(reading)
  }

  /** A decision holds so many checks; of a longer list the parts are taken one by one and given back when a later one does not fit. */
  #takeAll(
    app: ApplicationView,
    places: readonly number[],
    usage: Usage | null,
    nowMs: number,
    note: (place: number, count: number) => void,
    from: number = 0,
  ): MaybePromise<boolean> {
    if (from >= places.length) return true
    const part = places.slice(from, from + CHECKS_MAX)
    const after = (admitted: boolean): MaybePromise<boolean> => {
      if (!admitted) return false
      const rest = this.#takeAll(app, places, usage, nowMs, note, from + CHECKS_MAX)
      return isPromise(rest) ? rest.then((ok) => ok || back()) : rest || back()
    }
    const back = (): MaybePromise<boolean> => {
      const given = this.#decide('add', app, part, usage, nowMs, nothing, -1)
      return isPromise(given) ? given.then(() => false) : false
    }
    const taken = this.#decide('take', app, part, usage, nowMs, note)
    return isPromise(taken) ? taken.then(after) : after(taken)
  }

  #each(
    operation: Operation,
    app: ApplicationView,
    places: readonly number[],
    usage: Usage | null,
    nowMs: number,
    note: (place: number, count: number) => void,
  ): MaybePromise<void> {
    for (let from = 0; from < places.length; from += CHECKS_MAX) {
      const done = this.#decide(operation, app, places.slice(from, from + CHECKS_MAX), usage, nowMs, note)
      if (!isPromise(done)) continue
      return done.then(() => this.#each(operation, app, places.slice(from + CHECKS_MAX), usage, nowMs, note))
    }
    return undefined
  }

  #decide(
    operation: Operation,
    app: ApplicationView,
    places: readonly number[],
    usage: Usage | null,
    nowMs: number,
    note: (place: number, count: number) => void,
    sign: 1 | -1 = 1,
  ): MaybePromise<boolean> {
    if (places.length === 0) return true
    const decision = free.pop() ?? new Decision()
    fill(decision, app, places, usage, nowMs, sign)
    const noted = (admitted: boolean): boolean => {
      if (admitted) for (const [check, place] of places.entries()) note(place, decision.counts[check]!)
      if (free.length < FREE_MAX) free.push(decision)
      return admitted
    }
    const first = this.#counters[operation](decision, nowMs)
    const seeded = (answer: boolean | undefined): MaybePromise<boolean> =>
      decision.missing ? this.#again(operation, decision, app, places, nowMs) : (answer ?? true)
    const answer = isPromise(first) ? first.then((late) => seeded(late ?? true)) : seeded(first ?? true)
    return isPromise(answer) ? answer.then(noted) : noted(answer)
  }

  /** Seeds what is missing with what is kept, then asks once more. Without room for them the call goes on uncounted. */
  #again(
    operation: Operation,
    decision: Decision,
    app: ApplicationView,
    places: readonly number[],
    nowMs: number,
  ): MaybePromise<boolean> {
    const seed = free.pop() ?? new Decision()
    fill(seed, app, places, null, nowMs, 1)
    const values = places.map((place, check) => (decision.unseeded[check] === 1 ? this.#kept(app, place, nowMs) : 0))
    const put = (all: readonly number[]): MaybePromise<boolean> => {
      for (const [check, value] of all.entries()) seed.deltas[check] = value
      const done = this.#counters.seed(seed, nowMs)
      return isPromise(done) ? done.then(retry) : retry()
    }
    const retry = (): MaybePromise<boolean> => {
      if (free.length < FREE_MAX) free.push(seed)
      const answer = this.#counters[operation](decision, nowMs)
      const last = (admitted: boolean | undefined): boolean => (decision.missing ? true : (admitted ?? true))
      return isPromise(answer) ? answer.then((late) => last(late ?? true)) : last(answer ?? true)
    }
    return values.some(isPromise) ? Promise.all(values).then(put) : put(values as number[])
  }

  #kept(app: ApplicationView, place: number, nowMs: number): MaybePromise<number> {
    const { metric, period } = app.plan.limits[place]!
    const { id, serviceId } = app.application
    return this.#stored.value(id, serviceId, metric, period, periodStartMs(period, nowMs))
  }
}

export type LimitFilter = (limit: LimitView) => boolean

const nothing = (): void => {}

function placesOf(limits: readonly LimitView[], only: LimitFilter | null): number[] {
  const places: number[] = []
  for (let i = 0; i < limits.length; i++) if (only === null || only(limits[i]!)) places.push(i)
  return places
}

function fitsIn(limit: LimitView, usage: Usage | null, before: number): boolean {
  if (usage === null) return before <= limit.max
  if (!usage.has(limit.place)) return true
  const value = usage.values[limit.place]!
  return (usage.sets(limit.place) ? value : before + value) <= limit.max
}

function fill(
  decision: Decision,
  app: ApplicationView,
  places: readonly number[],
  usage: Usage | null,
  nowMs: number,
  sign: 1 | -1,
): void {
  decision.clear()
  for (const place of places) {
    const limit = app.plan.limits[place]!
    const endMs = periodEndMs(limit.period, nowMs)
    const delta = usage === null ? 0 : sign * usage.values[limit.place]!
    const check = decision.addDurable(endMs, lengthMs(limit.period, nowMs, endMs), limit.max, delta)
    decision.keys[check * 2] = app.counterKeys[place * 2]!
    decision.keys[check * 2 + 1] = app.counterKeys[place * 2 + 1]!
  }
}

const lengthMs = (period: Period, nowMs: number, endMs: number): number => endMs - periodStartMs(period, nowMs)
