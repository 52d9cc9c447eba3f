import { randomBytes } from 'node:crypto'

// A slot is 24 bytes, seen through two views of one buffer:
//   Int32:    key low, key high, -, -, -, -
//   Float64:  -,                 end of the window (ms), count
// Key 0,0 marks a slot that was never used. A slot is never emptied, so that a search may stop at the first of those; one
// whose window has ended is used again. A shard is a run of slots with open addressing and one lock.
export const SLOT_INTS = 6
export const SLOT_FLOATS = 3
export const END = 1
export const COUNT = 2

/** One lock in a cache line, so that neighbours do not slow each other down. */
export const LOCK_STRIDE = 16

/** Places in the figures, which all threads add to. */
export const NO_ROOM = 0
export const LOCKED_OUT = 1
const FIGURES = 2

/** An ended window keeps its slot this long, for callers whose clock reading is a little old. */
export const GRACE_MS = 1_000

const SLOTS_DEFAULT = 1 << 20
const SHARDS_DEFAULT = 1 << 10
/** Fewer slots a shard find no room long before the table is full. */
const SHARD_SLOTS_MIN = 64

/** What a counter does when its shard has no room, or a lock is not given back in time. */
export type WhenFull = 'admit' | 'refuse'

export interface TableOptions {
  /** How many counters there can be at once, a power of two; 24 bytes each, resident once used. Default 1,048,576. */
  readonly slots?: number
  /** How many locks the slots are spread over, a power of two. Default 1,024, fewer for a small table. */
  readonly shards?: number
  /** Default `admit`: the call goes on, what had no room is not counted, and `fill().noRoom` says how often. */
  readonly whenFull?: WhenFull
}

/** The memory that all threads share: plain data, to be handed to a worker as it is. */
export interface CounterTable {
  readonly slots: SharedArrayBuffer
  readonly locks: SharedArrayBuffer
  readonly figures: SharedArrayBuffer
  readonly shards: number
  readonly seed: readonly [number, number]
  readonly whenFull: WhenFull
}

/** @throws RangeError when a number is not a power of two or there are fewer slots than shards */
export function allocateTable(options: TableOptions = {}): CounterTable {
  const slots = powerOfTwo('slots', options.slots ?? SLOTS_DEFAULT)
  const shards = powerOfTwo('shards', options.shards ?? Math.min(SHARDS_DEFAULT, Math.max(1, slots / SHARD_SLOTS_MIN)))
  if (shards > slots) throw new RangeError(`${shards} shards need at least as many slots, not ${slots}`)
  const seed = randomBytes(8)
  return {
    slots: new SharedArrayBuffer(slots * SLOT_INTS * 4),
    locks: new SharedArrayBuffer(shards * LOCK_STRIDE * 4),
    figures: new SharedArrayBuffer(FIGURES * 4),
    shards,
    seed: [seed.readInt32LE(0), seed.readInt32LE(4)],
    whenFull: options.whenFull ?? 'admit',
  }
}

/**
 * Frees the locks that a thread died with, and gives how many there were. To be called by the thread that sees the exit,
 * and only then: a thread number must not be used again before. Of the dead thread's last decision some checks may have
 * been counted and others not; nothing else is lost.
 */
export function recoverLocks(table: CounterTable, deadThread: number): number {
  const locks = new Int32Array(table.locks)
  let freed = 0
  for (let at = 0; at < locks.length; at += LOCK_STRIDE) {
    if (Atomics.compareExchange(locks, at, deadThread, 0) === deadThread) {
      freed++
      Atomics.notify(locks, at)
    }
  }
  return freed
}

export interface Fill {
  readonly slots: number
  /** Slots whose window has not ended; an estimate when not every shard was read. */
  readonly used: number
  /** used / slots. From about 0.75 on some keys may find no room. */
  readonly fraction: number
  /** Checks that found no room since the start, all threads together. */
  readonly noRoom: number
  /** Decisions that were given up because a lock was not given back in time. */
  readonly lockedOut: number
}

/**
 * How full the table is. Reads `shardsRead` shards, others on each call with another `first`: keys are spread evenly, so
 * 64 of 1,024 shards tell the fraction to within a percent, in a twentieth of the time.
 */
export function tableFill(table: CounterTable, nowMs: number, shardsRead: number, first: number): Fill {
  const floats = new Float64Array(table.slots)
  const figures = new Int32Array(table.figures)
  const slots = floats.length / SLOT_FLOATS
  const shardSlots = slots / table.shards
  const count = Math.min(shardsRead, table.shards)
  let used = 0
  for (let i = 0; i < count; i++) {
    const start = ((first + i) % table.shards) * shardSlots
    for (let slot = start; slot < start + shardSlots; slot++) {
      if (floats[slot * SLOT_FLOATS + END]! > nowMs) used++
    }
  }
  const fraction = used / (count * shardSlots)
  return {
    slots,
    used: Math.round(fraction * slots),
    fraction,
    noRoom: Atomics.load(figures, NO_ROOM),
    lockedOut: Atomics.load(figures, LOCKED_OUT),
  }
}

function powerOfTwo(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 1 << 28 || (value & (value - 1)) !== 0) {
    throw new RangeError(`${name} must be a power of two up to ${1 << 28}, not ${value}`)
  }
  return value
}
