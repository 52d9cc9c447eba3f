import type { UsageBatch } from '../model/usage.ts'
import { latencyBucket, latencyBuckets } from './latency.ts'
import type { AnsweredBy, CallRecord } from './record.ts'

/** All calls of one minute that agree in everything that is not a number. */
export interface BatchRow {
  /** Start of the minute, ms since the epoch. */
  readonly minuteMs: number
  readonly environment: string
  readonly proxy: string
  readonly revision: number
  readonly serviceId: string
  readonly application: string
  readonly account: string
  readonly method: string
  readonly pathTemplate: string
  readonly status: number
  readonly targetStatus: number
  readonly answeredBy: AnsweredBy
  readonly errorCode: string
  readonly authorized: boolean
  readonly calls: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly totalMs: number
  readonly targetMs: number
  readonly policyMs: number
  /** Sparse: bucket, calls, bucket, calls, ... by total time; see latency.ts. */
  readonly latency: readonly number[]
}

/** What one thread hands over: plain data, for a message or for JSON. */
export interface Batch {
  readonly rows: readonly BatchRow[]
  /** Calls that are in no row, because the thread held as many rows as it may. */
  readonly droppedCalls: number
  /** What 3scale's applications used meanwhile: kept together with the rows, or not at all. */
  readonly usage?: UsageBatch
}

/** How many different rows a thread holds between two flushes; calls that would need one more are dropped and counted. */
export const rowsMaxDefault = 5_000

const MINUTE_MS = 60_000

class Row {
  readonly minuteMs: number
  readonly environment: string
  readonly proxy: string
  readonly revision: number
  readonly serviceId: string
  readonly application: string
  readonly account: string
  readonly method: string
  readonly pathTemplate: string
  readonly status: number
  readonly targetStatus: number
  readonly answeredBy: AnsweredBy
  readonly errorCode: string
  readonly authorized: boolean
  calls = 0
  bytesIn = 0
  bytesOut = 0
  totalMs = 0
  targetMs = 0
  policyMs = 0
  readonly counts: number[] = new Array<number>(latencyBuckets).fill(0)

  constructor(minuteMs: number, record: CallRecord) {
    this.minuteMs = minuteMs
    this.environment = record.environment
    this.proxy = record.proxy
    this.revision = record.revision
    this.serviceId = record.serviceId
    this.application = record.application
    this.account = record.account
    this.method = record.method
    this.pathTemplate = record.pathTemplate
    this.status = record.status
    this.targetStatus = record.targetStatus
    this.answeredBy = record.answeredBy
    this.errorCode = record.errorCode
    this.authorized = record.authorized
  }

  // Most calls are like the one before; comparing interned texts is far cheaper than building and hashing a key.
  holds(minuteMs: number, record: CallRecord): boolean {
    return (
      this.status === record.status &&
      this.minuteMs === minuteMs &&
      this.pathTemplate === record.pathTemplate &&
      this.proxy === record.proxy &&
      this.application === record.application &&
      this.method === record.method &&
      this.targetStatus === record.targetStatus &&
      this.answeredBy === record.answeredBy &&
      this.errorCode === record.errorCode &&
      this.authorized === record.authorized &&
      this.revision === record.revision &&
      this.serviceId === record.serviceId &&
      this.account === record.account &&
      this.environment === record.environment
    )
  }

  add(record: CallRecord): void {
    this.calls++
    this.bytesIn += record.bytesIn
    this.bytesOut += record.bytesOut
    this.totalMs += record.totalMs
    this.targetMs += record.targetMs
    this.policyMs += record.policyMs
    this.counts[latencyBucket(record.totalMs)]!++
  }
}

/** Counts the calls of one thread until the next flush. Keeps no record, costs well under a microsecond a call. */
export class Recorder {
  readonly #rowsMax: number
  // By path template, then application: looking up two texts whose hashes are kept beats building and hashing one long key.
  #rows = new Map<string, Map<string, Row[]>>()
  #size = 0
  #last: Row | null = null
  #dropped = 0
  #droppedEver = 0

  constructor(rowsMax: number = rowsMaxDefault) {
    this.#rowsMax = rowsMax
  }

  /** Calls dropped since the thread began. */
  get droppedCalls(): number {
    return this.#droppedEver
  }

  /** True when a flush would have nothing to hand over. */
  get empty(): boolean {
    return this.#size === 0 && this.#dropped === 0
  }

  add(record: CallRecord): void {
    const minuteMs = record.timeMs - (record.timeMs % MINUTE_MS)
    const last = this.#last
    if (last?.holds(minuteMs, record) === true) {
      last.add(record)
      return
    }
    const row = this.#row(minuteMs, record)
    if (row === null) {
      this.#dropped++
      this.#droppedEver++
      return
    }
    this.#last = row
    row.add(record)
  }

  #row(minuteMs: number, record: CallRecord): Row | null {
    const rows = this.#rowsLike(record)
    for (let i = 0; i < rows.length; i++) if (rows[i]!.holds(minuteMs, record)) return rows[i]!
    if (this.#size >= this.#rowsMax) return null
    const row = new Row(minuteMs, record)
    rows.push(row)
    this.#size++
    return row
  }

  #rowsLike(record: CallRecord): Row[] {
    let byApplication = this.#rows.get(record.pathTemplate)
    if (byApplication === undefined) {
      if (this.#size >= this.#rowsMax) return []
      byApplication = new Map()
      this.#rows.set(record.pathTemplate, byApplication)
    }
    let rows = byApplication.get(record.application)
    if (rows === undefined) {
      rows = []
      if (this.#size < this.#rowsMax) byApplication.set(record.application, rows)
    }
    return rows
  }

  /** Everything since the last time; null when there was nothing. */
  take(): Batch | null {
    if (this.empty) return null
    const rows: BatchRow[] = []
    for (const byApplication of this.#rows.values()) {
      for (const like of byApplication.values()) for (const row of like) rows.push(plain(row))
    }
    const batch = { rows, droppedCalls: this.#dropped }
    this.#rows = new Map()
    this.#size = 0
    this.#last = null
    this.#dropped = 0
    return batch
  }
}

function plain(row: Row): BatchRow {
  const { counts, ...rest } = row
  const latency: number[] = []
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) latency.push(i, counts[i]!)
  return { ...rest, latency }
}

/** Calls that a batch holds in its rows, without the dropped ones. */
export function callsIn(batch: Batch): number {
  let calls = 0
  for (const row of batch.rows) calls += row.calls
  return calls
}
