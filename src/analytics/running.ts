import { latencyBucketEndMs, latencyBuckets } from './latency.ts'
import type { RunningTotals } from './ports.ts'
import type { AnsweredBy } from './record.ts'
import type { Batch, BatchRow } from './rollup.ts'

interface Calls {
  readonly proxy: string
  readonly status: number
  readonly answeredBy: AnsweredBy
  calls: number
}

interface Errors {
  readonly proxy: string
  readonly errorCode: string
  readonly status: number
  calls: number
}

/** Codes come from tables, and RaiseFault may make more of them up. */
const ERRORS_MAX = 2_000

interface Duration {
  readonly proxy: string
  calls: number
  seconds: number
  readonly counts: number[]
}

/** Counts that only grow, from the start of the process on: what a scrape of `/metrics` wants. Bounded by proxies and statuses. */
export class Running {
  readonly #calls = new Map<string, Calls>()
  readonly #durations = new Map<string, Duration>()
  readonly #errors = new Map<string, Errors>()

  add(batch: Batch): void {
    for (const row of batch.rows) {
      this.#addCalls(row)
      this.#addDuration(row)
      if (row.errorCode !== '') this.#addError(row)
    }
  }

  #addCalls(row: BatchRow): void {
    const { proxy, status, answeredBy } = row
    const key = `${status} ${answeredBy} ${proxy}`
    const known = this.#calls.get(key)
    if (known === undefined) this.#calls.set(key, { proxy, status, answeredBy, calls: row.calls })
    else known.calls += row.calls
  }

  #addError({ proxy, errorCode, status, calls }: BatchRow): void {
    const key = `${status} ${errorCode} ${proxy}`
    const known = this.#errors.get(key)
    if (known !== undefined) known.calls += calls
    else if (this.#errors.size < ERRORS_MAX) this.#errors.set(key, { proxy, errorCode, status, calls })
  }

  #addDuration(row: BatchRow): void {
    let duration = this.#durations.get(row.proxy)
    if (duration === undefined) {
      duration = { proxy: row.proxy, calls: 0, seconds: 0, counts: new Array<number>(latencyBuckets).fill(0) }
      this.#durations.set(row.proxy, duration)
    }
    duration.calls += row.calls
    duration.seconds += row.totalMs / 1000
    for (let i = 0; i + 1 < row.latency.length; i += 2) duration.counts[row.latency[i]!]! += row.latency[i + 1]!
  }

  totals(): RunningTotals {
    return {
      calls: [...this.#calls.values()].map((calls) => ({ ...calls })),
      durations: [...this.#durations.values()].map(({ proxy, calls, seconds, counts }) => ({
        proxy,
        calls,
        seconds,
        buckets: cumulative(counts),
      })),
      errors: [...this.#errors.values()].map((errors) => ({ ...errors })),
    }
  }
}

// One bound per doubling from 1 ms to 65.5 s is as fine as a scrape needs.
function cumulative(counts: readonly number[]): { upToMs: number; calls: number }[] {
  const buckets: { upToMs: number; calls: number }[] = []
  let calls = 0
  for (let bucket = 0; bucket < latencyBuckets - 1; bucket++) {
    calls += counts[bucket] ?? 0
    const upToMs = latencyBucketEndMs(bucket)
    if (upToMs >= 1 && upToMs < 100_000 && Number.isInteger(Math.log2(upToMs))) buckets.push({ upToMs, calls })
  }
  return buckets
}
