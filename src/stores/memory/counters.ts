import { CounterKeys } from '../../core/counter-keys.ts'
import { CHECKS_MAX, type Counters, type Decision } from '../../core/counters.ts'
import { CounterLocks } from './counter-locks.ts'
import {
  allocateTable,
  COUNT,
  type CounterTable,
  END,
  type Fill,
  GRACE_MS,
  LOCKED_OUT,
  NO_ROOM,
  recoverLocks,
  SLOT_FLOATS,
  SLOT_INTS,
  type TableOptions,
  tableFill,
} from './counter-table.ts'

const PROBES_MAX = 64
const NONE = -1

// A stored window that begins later than this after the caller's clock was not opened by a faster thread but by a wrong
// clock. It is given up, else a clock set back by an hour would leave one window for all of that hour.
const AHEAD_MS_MAX = 60_000

const FILL_SHARDS_DEFAULT = 64

/** Window counters in shared memory, exact over all threads of a process. Each thread makes its own over the same table. */
export class MemoryCounters implements Counters {
  readonly keys: CounterKeys
  readonly #table: CounterTable
  readonly #ints: Int32Array
  readonly #floats: Float64Array
  readonly #locks: CounterLocks
  readonly #figures: Int32Array
  readonly #shardMask: number
  readonly #slotMask: number
  // Scratch of one decision: for each check its slot, and a slot that it could take.
  readonly #found: Int32Array = new Int32Array(CHECKS_MAX)
  readonly #free: Int32Array = new Int32Array(CHECKS_MAX)
  #fillFirst = 0

  /**
   * @param thread this thread's number, from 1, in no other thread's use; `threadId + 1` of worker_threads is never reused
   */
  constructor(table: CounterTable, thread: number) {
    if (!Number.isInteger(thread) || thread < 1 || thread > 0x7fff_ffff) {
      throw new RangeError(`a thread's number is a whole number from 1, not ${thread}`)
    }
    this.keys = new CounterKeys(table.seed[0], table.seed[1])
    this.#table = table
    this.#ints = new Int32Array(table.slots)
    this.#floats = new Float64Array(table.slots)
    this.#locks = new CounterLocks(table.locks, table.shards, thread)
    this.#figures = new Int32Array(table.figures)
    this.#shardMask = table.shards - 1
    this.#slotMask = this.#ints.length / SLOT_INTS / table.shards - 1
  }

  static allocate(options?: TableOptions): CounterTable {
    return allocateTable(options)
  }

  /** Frees the locks of a thread that has exited; gives how many. Before that its number must not be used again. */
  static recover(table: CounterTable, deadThread: number): number {
    return recoverLocks(table, deadThread)
  }

  /** How full the table is, from `shards` of its shards; over 0.75 is worth a log line. */
  fill(nowMs: number, shards: number = FILL_SHARDS_DEFAULT): Fill {
    const fill = tableFill(this.#table, nowMs, shards, this.#fillFirst)
    this.#fillFirst = (this.#fillFirst + shards) & this.#shardMask
    return fill
  }

  take(decision: Decision, nowMs: number): boolean {
    if (!this.#locks.lock(decision)) return this.#lockedOut(decision)
    try {
      this.#look(decision, nowMs)
      if (decision.missing) return false
      for (let check = 0; check < decision.size; check++) {
        const after = decision.counts[check]! + this.#earlier(decision, check) + decision.deltas[check]!
        if (after > decision.limits[check]!) {
          decision.breached = check
          return false
        }
      }
      return this.#count(decision, nowMs)
    } finally {
      this.#locks.unlock()
    }
  }

  add(decision: Decision, nowMs: number): void {
    this.#apply(decision, nowMs, this.#count)
  }

  set(decision: Decision, nowMs: number): void {
    this.#apply(decision, nowMs, this.#write)
  }

  seed(decision: Decision, nowMs: number): void {
    if (!this.#locks.lock(decision)) {
      this.#lockedOut(decision)
      return
    }
    try {
      this.#look(decision, nowMs)
      this.#openUnseeded(decision, nowMs)
    } finally {
      this.#locks.unlock()
    }
  }

  peek(decision: Decision, nowMs: number): void {
    this.#apply(decision, nowMs, null)
  }

  reset(decision: Decision, nowMs: number): void {
    this.#apply(decision, nowMs, this.#forget)
  }

  #apply(decision: Decision, nowMs: number, change: ((decision: Decision, nowMs: number) => unknown) | null): void {
    if (!this.#locks.lock(decision)) {
      this.#lockedOut(decision)
      return
    }
    try {
      this.#look(decision, nowMs)
      if (change !== null && !decision.missing) change.call(this, decision, nowMs)
    } finally {
      this.#locks.unlock()
    }
  }

  // True unless there was no room for a check and the setting is to refuse.
  #count(decision: Decision, nowMs: number): boolean {
    if (!this.#claimAll(decision, nowMs)) return false
    for (let check = 0; check < decision.size; check++) {
      const slot = this.#found[check]!
      const before = slot === NONE ? 0 : this.#floats[slot * SLOT_FLOATS + COUNT]!
      const after = before + decision.deltas[check]!
      const count = after > 0 ? after : 0
      if (slot !== NONE) this.#floats[slot * SLOT_FLOATS + COUNT] = count
      decision.counts[check] = count
    }
    return true
  }

  #write(decision: Decision, nowMs: number): void {
    if (!this.#claimAll(decision, nowMs)) return
    for (let check = 0; check < decision.size; check++) {
      const slot = this.#found[check]!
      decision.counts[check] = decision.deltas[check]!
      if (slot !== NONE) this.#floats[slot * SLOT_FLOATS + COUNT] = decision.deltas[check]!
    }
  }

  #openUnseeded(decision: Decision, nowMs: number): void {
    if (!this.#claimAll(decision, nowMs)) return
    for (let check = 0; check < decision.size; check++) {
      const slot = this.#found[check]!
      if (decision.unseeded[check] === 0) continue
      decision.counts[check] = decision.deltas[check]!
      if (slot !== NONE) this.#floats[slot * SLOT_FLOATS + COUNT] = decision.deltas[check]!
    }
    decision.missing = false
  }

  // The key stays where it is, in a window that has ended: the slot can be used again, and searches still pass it.
  #forget(decision: Decision): void {
    for (let check = 0; check < decision.size; check++) {
      const slot = this.#found[check]!
      decision.counts[check] = 0
      if (slot === NONE) continue
      this.#floats[slot * SLOT_FLOATS + END] = 0
      this.#floats[slot * SLOT_FLOATS + COUNT] = 0
    }
  }

  // Finds every check's slot and reads its count, changing nothing: a refused decision must not open a window or use a slot.
  #look(decision: Decision, nowMs: number): void {
    decision.breached = NONE
    decision.uncounted = false
    decision.missing = false
    for (let check = 0; check < decision.size; check++) {
      const slot = this.#search(decision.keys[check * 2]!, decision.keys[check * 2 + 1]!, nowMs, check)
      this.#found[check] = slot
      let count = 0
      let seeded = false
      if (slot !== NONE) {
        const end = this.#floats[slot * SLOT_FLOATS + END]!
        const ahead = end - decision.lengthsMs[check]! > nowMs + AHEAD_MS_MAX
        const open = decision.anchored[check] === 1 && end > nowMs
        if ((open || end >= decision.endsMs[check]!) && !ahead) {
          decision.endsMs[check] = end
          seeded = true
          count = this.#floats[slot * SLOT_FLOATS + COUNT]!
        }
      }
      decision.counts[check] = count
      decision.unseeded[check] = seeded || decision.durable[check] === 0 ? 0 : 1
      if (decision.unseeded[check] === 1) decision.missing = true
    }
  }

  // Gives the slot of a key, or NONE; then `#free[check]` is a slot that it may have, or NONE.
  #search(low: number, high: number, nowMs: number, check: number): number {
    const ints = this.#ints
    const mask = this.#slotMask
    const base = (high & this.#shardMask) * (mask + 1)
    const probes = mask < PROBES_MAX ? mask + 1 : PROBES_MAX
    let free = NONE
    for (let probe = 0; probe < probes; probe++) {
      const slot = base + ((low + probe) & mask)
      const slotLow = ints[slot * SLOT_INTS]!
      const slotHigh = ints[slot * SLOT_INTS + 1]!
      if (slotLow === low && slotHigh === high) return slot
      if (slotLow === 0 && slotHigh === 0) {
        if (free === NONE) free = slot
        break
      }
      if (free === NONE && this.#floats[slot * SLOT_FLOATS + END]! + GRACE_MS <= nowMs) free = slot
    }
    this.#free[check] = free
    return NONE
  }

  // Gives every check a slot in its window. False when there is no room and the setting is to refuse. Known keys come
  // first: in a new window their slots are no longer free for the others.
  #claimAll(decision: Decision, nowMs: number): boolean {
    let missing = 0
    for (let check = 0; check < decision.size; check++) {
      const slot = this.#found[check]!
      if (slot === NONE) missing++
      else this.#open(slot, decision.endsMs[check]!)
    }
    for (let check = 0; missing > 0 && check < decision.size; check++) {
      if (this.#found[check] !== NONE) continue
      missing--
      const slot = this.#claim(decision, check, nowMs)
      this.#found[check] = slot
      if (slot !== NONE) this.#open(slot, decision.endsMs[check]!)
      else if (!this.#noRoom(decision, check)) return false
    }
    return true
  }

  // The count first: a thread killed between the two lines must not carry an old count into a new window.
  #open(slot: number, endMs: number): void {
    if (this.#floats[slot * SLOT_FLOATS + END] === endMs) return
    this.#floats[slot * SLOT_FLOATS + COUNT] = 0
    this.#floats[slot * SLOT_FLOATS + END] = endMs
  }

  // Another check of this decision may have taken the same free slot, or have the same key: then look again.
  #claim(decision: Decision, check: number, nowMs: number): number {
    const low = decision.keys[check * 2]!
    const high = decision.keys[check * 2 + 1]!
    if (decision.size > 1) {
      const again = this.#search(low, high, nowMs, check)
      if (again !== NONE) return again
    }
    const free = this.#free[check]!
    if (free === NONE) return NONE
    // The end first: killed in between, a thread leaves a window that has ended, not a count under another key.
    this.#floats[free * SLOT_FLOATS + END] = 0
    this.#ints[free * SLOT_INTS] = low
    this.#ints[free * SLOT_INTS + 1] = high
    return free
  }

  // What earlier checks of this decision add to the same counter.
  #earlier(decision: Decision, check: number): number {
    const keys = decision.keys
    let sum = 0
    for (let other = 0; other < check; other++) {
      if (keys[other * 2] === keys[check * 2] && keys[other * 2 + 1] === keys[check * 2 + 1]) {
        sum += decision.deltas[other]!
      }
    }
    return sum
  }

  #noRoom(decision: Decision, check: number): boolean {
    Atomics.add(this.#figures, NO_ROOM, 1)
    decision.uncounted = true
    if (this.#table.whenFull === 'admit') return true
    decision.breached = check
    return false
  }

  #lockedOut(decision: Decision): boolean {
    Atomics.add(this.#figures, LOCKED_OUT, 1)
    decision.counts.fill(0, 0, decision.size)
    decision.uncounted = true
    const admitted = this.#table.whenFull === 'admit'
    decision.breached = admitted ? NONE : 0
    return admitted
  }
}
