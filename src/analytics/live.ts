import { latencyBucketEndMs, latencyBuckets } from './latency.ts'
import type { Analytics, RunningTotals } from './ports.ts'

/** What happened in one second. */
export interface Second {
  /** When it ended. */
  readonly timeMs: number
  readonly calls: number
  /** How long it was: a busy machine may be late. */
  readonly seconds: number
  readonly byStatus: ReadonlyMap<number, number>
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** Of the last minute, the most frequent first. */
  readonly topErrors: readonly LiveErrors[]
  readonly lostCalls: number
}

export interface LiveErrors {
  readonly proxy: string
  readonly errorCode: string
  readonly status: number
  readonly calls: number
}

interface Kept {
  readonly second: Second
  readonly errors: ReadonlyMap<string, LiveErrors>
}

type Listener = (second: Second) => void

const EVERY_MS = 1_000
const MINUTE_MS = 60_000
/** What who comes is told of. */
const SECONDS_KEPT = 120
const TOP_ERRORS = 5

export interface LiveServices {
  readonly analytics: Pick<Analytics, 'running' | 'health'>
  now(): number
  /** Runs a task every second until the function that it gives is called. */
  repeat(task: () => void): () => void
}

export const everySecond = (task: () => void): (() => void) => {
  const timer = setInterval(task, EVERY_MS).unref()
  return () => clearInterval(timer)
}

/**
 * The counts of each second. It counts whether somebody listens or not, since who comes wants to know of the last minute: one small
 * question to the store each second, made once for all listeners.
 */
export class LiveFeed {
  readonly #services: LiveServices
  readonly #listeners = new Set<Listener>()
  readonly #stop: () => void
  #before: { readonly atMs: number; readonly totals: RunningTotals } | null = null
  #asking = false
  #closed = false
  #kept: readonly Kept[] = []

  constructor(services: LiveServices) {
    this.#services = services
    this.#stop = services.repeat(() => void this.#tick())
    void this.#tick()
  }

  close(): void {
    this.#closed = true
    this.#listeners.clear()
    this.#stop()
  }

  /** Tells of the seconds before at once, only the newest with its errors. Gives a function that ends it. */
  listen(listener: Listener): () => void {
    for (const [at, { second }] of this.#kept.entries()) {
      const isNewest = at === this.#kept.length - 1
      listener(isNewest ? { ...second, topErrors: this.#topErrors(second.timeMs) } : second)
    }
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #tick(): Promise<void> {
    // A store that is late is not asked again meanwhile.
    if (this.#asking) return
    this.#asking = true
    try {
      const [totals, health] = await Promise.all([
        this.#services.analytics.running(),
        this.#services.analytics.health(),
      ])
      const before = this.#before
      const atMs = this.#services.now()
      if (this.#closed) return
      this.#before = { atMs, totals }
      if (before === null) return
      this.#tell(before.atMs, before.totals, atMs, totals, health.lostCalls)
    } catch {
      // The store is being opened again: its totals begin anew.
      this.#before = null
    } finally {
      this.#asking = false
    }
  }

  #tell(beforeMs: number, before: RunningTotals, timeMs: number, now: RunningTotals, lostCalls: number): void {
    const byStatus = new Map<number, number>()
    let calls = 0
    for (const { status, calls: count } of grown(now.calls, before.calls, callKey).values()) {
      calls += count
      byStatus.set(status, (byStatus.get(status) ?? 0) + count)
    }
    const latency = latencyOf(now, before)
    const second: Second = {
      timeMs,
      calls,
      seconds: Math.max(0.001, (timeMs - beforeMs) / 1_000),
      byStatus,
      p50Ms: latency(0.5),
      p99Ms: latency(0.99),
      topErrors: [],
      lostCalls,
    }
    const errors = grown(now.errors, before.errors, errorKey)
    this.#kept = [...this.#kept, { second, errors }].slice(-SECONDS_KEPT)
    const told = { ...second, topErrors: this.#topErrors(timeMs) }
    for (const listener of this.#listeners) listener(told)
  }

  /** Of the minute up to then. */
  #topErrors(timeMs: number): LiveErrors[] {
    const sums = new Map<string, LiveErrors>()
    for (const { second, errors } of this.#kept) {
      if (second.timeMs <= timeMs - MINUTE_MS) continue
      for (const [key, one] of errors) sums.set(key, { ...one, calls: one.calls + (sums.get(key)?.calls ?? 0) })
    }
    return [...sums.values()].sort((a, b) => b.calls - a.calls).slice(0, TOP_ERRORS)
  }
}

const callKey = (row: RunningTotals['calls'][number]): string => `${row.status} ${row.answeredBy} ${row.proxy}`
const errorKey = (row: LiveErrors): string => `${row.status} ${row.errorCode} ${row.proxy}`

/** What rows that only grow have more than before; rows that are gone began anew with their store. */
function grown<Row extends { readonly calls: number }>(
  now: readonly Row[],
  before: readonly Row[],
  keyOf: (row: Row) => string,
): Map<string, Row> {
  const known = new Map(before.map((row) => [keyOf(row), row.calls]))
  const rows = new Map<string, Row>()
  for (const row of now) {
    const calls = row.calls - (known.get(keyOf(row)) ?? 0)
    if (calls > 0) rows.set(keyOf(row), { ...row, calls })
  }
  return rows
}

/** Percentiles of what came since: upper bounds, one per doubling. */
function latencyOf(now: RunningTotals, before: RunningTotals): (share: number) => number | null {
  const known = new Map(before.durations.map((duration) => [duration.proxy, duration]))
  const upTo = new Map<number, number>()
  let calls = 0
  for (const duration of now.durations) {
    const earlier = known.get(duration.proxy)
    calls += duration.calls - (earlier?.calls ?? 0)
    for (const [i, bucket] of duration.buckets.entries()) {
      const count = bucket.calls - (earlier?.buckets[i]?.calls ?? 0)
      upTo.set(bucket.upToMs, (upTo.get(bucket.upToMs) ?? 0) + count)
    }
  }
  const bounds = [...upTo].sort(([a], [b]) => a - b)
  return (share) => {
    if (calls <= 0) return null
    const found = bounds.find(([, count]) => count >= calls * share)
    return found === undefined ? latencyBucketEndMs(latencyBuckets - 1) : found[0]
  }
}
