import type { IntegrationError, UsageAmount, UsageBatch } from '../model/usage.ts'
import type { Usage } from './usage.ts'

const MINUTE_MS = 60_000
/** Between two flushes; what would need one more is counted as dropped. */
const AMOUNTS_MAX = 20_000
const ERRORS_MAX = 1_000

interface Amount extends UsageAmount {
  value: number
}

/** Gathers what a thread has to hand over until the next flush: usage by the minute, response codes, errors of reports. */
export class UsageRecorder {
  #amounts: Amount[] = []
  // Since the last `set`: what comes after one must stay after it.
  #sums = new Map<string, Amount>()
  // Most calls add to what the one before added to.
  #last: Amount | null = null
  #errors: IntegrationError[] = []
  #dropped = 0

  /** Amounts that found no room, since the thread began. */
  get dropped(): number {
    return this.#dropped
  }

  get empty(): boolean {
    return this.#amounts.length === 0 && this.#errors.length === 0
  }

  /** What a call used, for an application or ('') the service alone. */
  addUsage(service: string, application: string, usage: Usage, atMs: number): void {
    const { values, tree } = usage
    for (let place = 0; place < values.length; place++) {
      const set = usage.sets(place)
      if (set || values[place] !== 0)
        this.add(service, application, 'metric', tree.name(place), atMs, values[place]!, set)
    }
  }

  add(
    service: string,
    application: string,
    kind: UsageAmount['kind'],
    name: string,
    atMs: number,
    value: number,
    set: boolean = false,
  ): void {
    const minuteMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS
    const last = this.#last
    if (
      last !== null &&
      !set &&
      last.atMs === minuteMs &&
      last.name === name &&
      last.service === service &&
      last.application === application &&
      last.kind === kind
    ) {
      last.value += value
      return
    }
    const key = `${service}\0${application}\0${kind}\0${name}\0${minuteMs}`
    const sum = this.#sums.get(key)
    if (sum !== undefined && !set) {
      sum.value += value
      this.#last = sum
      return
    }
    if (this.#amounts.length >= AMOUNTS_MAX) {
      this.#dropped++
      return
    }
    const amount = { service, application, kind, name, atMs: minuteMs, value, set }
    this.#amounts.push(amount)
    // Nothing is added to what was set: it goes on as it was told.
    this.#last = set ? null : amount
    if (set) this.#sums.clear()
    else this.#sums.set(key, amount)
  }

  addError(service: string, code: string, message: string, atMs: number): void {
    if (this.#errors.length < ERRORS_MAX) this.#errors.push({ service, code, message, atMs })
  }

  /** Everything since the last time; null when there was nothing. */
  take(): UsageBatch | null {
    if (this.empty) return null
    const batch = { amounts: this.#amounts, errors: this.#errors }
    this.#amounts = []
    this.#sums = new Map()
    this.#last = null
    this.#errors = []
    return batch
  }
}
