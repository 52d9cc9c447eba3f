import { createHash } from 'node:crypto'
import type { Rotation, ServerState, ServerStates } from '../../core/server-states.ts'

/** Shared memory: a table of slots, each with the 64-bit hash of its name and what is known. */
export type ServerStateTable = SharedArrayBuffer

const SLOT_INTS = 8
/** Bit 0 and 1 of a slot: its name. */
const FAILURES = 2
/** Seconds since the epoch; 0: it is in the rotation. */
const DOWN_UNTIL = 3
const NEXT = 4
const CHECKED_AT = 5
const FOREVER = 0x7fff_ffff
const SLOTS = 16_384

/** Load balancer states in shared memory. Each thread makes its own over the same table. */
export class MemoryServerStates implements ServerStates {
  readonly #ints: Int32Array
  readonly #names: BigInt64Array

  constructor(table: ServerStateTable) {
    this.#ints = new Int32Array(table)
    this.#names = new BigInt64Array(table)
  }

  static allocate(slots: number = SLOTS): ServerStateTable {
    return new SharedArrayBuffer(slots * SLOT_INTS * 4)
  }

  server(name: string): ServerState {
    return this.#state(`server\0${name}`)
  }

  rotation(name: string): Rotation {
    return this.#state(`rotation\0${name}`)
  }

  /** The slot of a name, taken when nobody has it. A full table gives a state of this thread alone. */
  #state(name: string): State {
    const hash = createHash('sha256').update(name).digest().readBigInt64LE(0) | 1n
    const slots = this.#ints.length / SLOT_INTS
    let slot = Number(BigInt.asUintN(52, hash >> 1n) % BigInt(slots))
    for (let probes = 0; probes < slots; probes++) {
      const at = (slot * SLOT_INTS) / 2
      const there = Atomics.compareExchange(this.#names, at, 0n, hash)
      if (there === 0n || there === hash) return new State(this.#ints, slot * SLOT_INTS)
      slot = (slot + 1) % slots
    }
    return new State(new Int32Array(SLOT_INTS), 0)
  }
}

class State implements ServerState, Rotation {
  readonly #ints: Int32Array
  readonly #at: number

  constructor(ints: Int32Array, at: number) {
    this.#ints = ints
    this.#at = at
  }

  next(): number {
    return Atomics.add(this.#ints, this.#at + NEXT, 1) >>> 0
  }

  isDown(nowMs: number): boolean {
    const until = Atomics.load(this.#ints, this.#at + DOWN_UNTIL)
    if (until === 0) return false
    if (until === FOREVER || nowMs < until * 1000) return true
    this.succeeded()
    return false
  }

  failed(maxFailures: number, disableMs: number | null, nowMs: number): boolean {
    const failures = Atomics.add(this.#ints, this.#at + FAILURES, 1) + 1
    if (maxFailures === 0 || failures < maxFailures) return false
    const until = disableMs === null ? FOREVER : Math.ceil((nowMs + disableMs) / 1000)
    return Atomics.compareExchange(this.#ints, this.#at + DOWN_UNTIL, 0, until) === 0
  }

  succeeded(): void {
    // Reading is cheap; a write would take the line from every other thread for each call.
    if (Atomics.load(this.#ints, this.#at + FAILURES) !== 0) Atomics.store(this.#ints, this.#at + FAILURES, 0)
    if (Atomics.load(this.#ints, this.#at + DOWN_UNTIL) !== 0) Atomics.store(this.#ints, this.#at + DOWN_UNTIL, 0)
  }

  claimCheck(nowMs: number, intervalMs: number): boolean {
    const last = Atomics.load(this.#ints, this.#at + CHECKED_AT)
    const now = Math.floor(nowMs / 1000)
    // A clock that was set back must not end the checks.
    if (now >= last && (now - last) * 1000 < intervalMs) return false
    return Atomics.compareExchange(this.#ints, this.#at + CHECKED_AT, last, now) === last
  }
}
