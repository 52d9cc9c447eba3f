import { latencyBuckets } from './latency.ts'
import { answerers } from './record.ts'
import type { BatchRow } from './rollup.ts'

/** One kind of outcome, with the calls that ended so. */
export interface Outcome {
  readonly status: number
  readonly targetStatus: number
  /** Index into `answerers`. */
  readonly answerer: number
  readonly authorized: boolean
}

const FORMAT = 1
const STATUS_MAX = 999

/** What one series counted in one minute, quarter, hour or day: all its outcomes, its sums, its latencies. One stored row. */
export class Totals {
  /** Calls by outcome key. */
  readonly outcomes: Map<number, number> = new Map()
  readonly latency: number[] = new Array<number>(latencyBuckets).fill(0)
  bytesIn = 0
  bytesOut = 0
  totalUs = 0
  targetUs = 0
  policyUs = 0

  get calls(): number {
    let calls = 0
    for (const count of this.outcomes.values()) calls += count
    return calls
  }

  addRow(row: BatchRow): void {
    const key = outcomeKey(row.status, row.targetStatus, answerers.indexOf(row.answeredBy), row.authorized)
    this.#count(key, whole(row.calls))
    this.bytesIn += whole(row.bytesIn)
    this.bytesOut += whole(row.bytesOut)
    this.totalUs += whole(row.totalMs * 1000)
    this.targetUs += whole(row.targetMs * 1000)
    this.policyUs += whole(row.policyMs * 1000)
    for (let i = 0; i + 1 < row.latency.length; i += 2) {
      const bucket = Math.min(latencyBuckets - 1, whole(row.latency[i]!))
      this.latency[bucket]! += whole(row.latency[i + 1]!)
    }
  }

  add(other: Totals): void {
    for (const [key, count] of other.outcomes) this.#count(key, count)
    for (let i = 0; i < latencyBuckets; i++) this.latency[i]! += other.latency[i]!
    this.bytesIn += other.bytesIn
    this.bytesOut += other.bytesOut
    this.totalUs += other.totalUs
    this.targetUs += other.targetUs
    this.policyUs += other.policyUs
  }

  /** Takes out what is in these totals, and was added before. */
  subtract(other: Totals): void {
    for (const [key, count] of other.outcomes) {
      const left = (this.outcomes.get(key) ?? 0) - count
      if (left > 0) this.outcomes.set(key, left)
      else this.outcomes.delete(key)
    }
    for (let i = 0; i < latencyBuckets; i++) this.latency[i] = Math.max(0, this.latency[i]! - other.latency[i]!)
    this.bytesIn = Math.max(0, this.bytesIn - other.bytesIn)
    this.bytesOut = Math.max(0, this.bytesOut - other.bytesOut)
    this.totalUs = Math.max(0, this.totalUs - other.totalUs)
    this.targetUs = Math.max(0, this.targetUs - other.targetUs)
    this.policyUs = Math.max(0, this.policyUs - other.policyUs)
  }

  #count(key: number, calls: number): void {
    this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + calls)
  }

  /** The stored form: about 50 bytes for an hour with five outcomes. */
  pack(): Uint8Array {
    const out = new Writer()
    out.number(FORMAT)
    out.number(this.outcomes.size)
    for (const [key, count] of this.outcomes) writeOutcome(out, outcomeOf(key), count)
    for (const sum of [this.bytesIn, this.bytesOut, this.totalUs, this.targetUs, this.policyUs]) out.number(sum)
    out.number(this.latency.reduce((used, count) => used + (count > 0 ? 1 : 0), 0))
    for (const [bucket, count] of this.latency.entries()) {
      if (count === 0) continue
      out.number(bucket)
      out.number(count)
    }
    return out.done()
  }

  /** Adds a stored row to this one. Throws a RangeError when the bytes are no such row. */
  addPacked(bytes: Uint8Array): void {
    const reader = new Reader(bytes)
    const format = reader.number()
    if (format !== FORMAT) throw new RangeError(`stored totals have format ${format}, known is ${FORMAT}`)
    for (let n = reader.number(); n > 0; n--) readOutcome(reader, (key, count) => this.#count(key, count))
    this.bytesIn += reader.number()
    this.bytesOut += reader.number()
    this.totalUs += reader.number()
    this.targetUs += reader.number()
    this.policyUs += reader.number()
    for (let n = reader.number(); n > 0; n--) {
      const bucket = reader.number()
      if (bucket >= latencyBuckets) throw new RangeError(`stored totals name latency bucket ${bucket}`)
      this.latency[bucket]! += reader.number()
    }
  }
}

export function outcomeKey(status: number, targetStatus: number, answerer: number, authorized: boolean): number {
  const client = Math.min(STATUS_MAX, whole(status))
  const target = Math.min(STATUS_MAX, whole(targetStatus))
  return ((client * 1000 + target) * 8 + Math.max(0, answerer)) * 2 + (authorized ? 1 : 0)
}

export function outcomeOf(key: number): Outcome {
  const answerer = (key >> 1) & 7
  const statuses = key >> 4
  return {
    status: Math.floor(statuses / 1000),
    targetStatus: statuses % 1000,
    answerer,
    authorized: (key & 1) === 1,
  }
}

function whole(value: number): number {
  return value > 0 ? Math.min(Math.round(value), Number.MAX_SAFE_INTEGER) : 0
}

// One byte of flags: who answered (3 bits), authorized, and whether the target's status is none, the client's, or follows.
const TARGET_SAME = 16
const TARGET_FOLLOWS = 32

function writeOutcome(out: Writer, outcome: Outcome, count: number): void {
  const { status, targetStatus } = outcome
  const target = targetStatus === 0 ? 0 : targetStatus === status ? TARGET_SAME : TARGET_FOLLOWS
  out.number(status)
  out.number(outcome.answerer | (outcome.authorized ? 8 : 0) | target)
  if (target === TARGET_FOLLOWS) out.number(targetStatus)
  out.number(count)
}

function readOutcome(reader: Reader, visit: (key: number, count: number) => void): void {
  const status = reader.number()
  const flags = reader.number()
  const target = flags & TARGET_SAME ? status : flags & TARGET_FOLLOWS ? reader.number() : 0
  visit(outcomeKey(status, target, flags & 7, (flags & 8) !== 0), reader.number())
}

/** Whole numbers up to 2^53 - 1, seven bits a byte, the lowest first. */
class Writer {
  readonly #bytes: number[] = []

  number(value: number): void {
    let rest = Math.min(value, Number.MAX_SAFE_INTEGER)
    while (rest >= 128) {
      this.#bytes.push((rest % 128) | 128)
      rest = Math.floor(rest / 128)
    }
    this.#bytes.push(rest)
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  number(): number {
    let value = 0
    let scale = 1
    while (this.#at < this.#bytes.length) {
      const byte = this.#bytes[this.#at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
      if (scale > Number.MAX_SAFE_INTEGER) break
    }
    throw new RangeError('stored totals are cut off or damaged')
  }
}
