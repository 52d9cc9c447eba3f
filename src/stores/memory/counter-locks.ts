import { CHECKS_MAX, type Decision } from '../../core/counters.ts'
import { LOCK_STRIDE } from './counter-table.ts'

// A lock is held for less than a microsecond unless its thread was suspended or killed. Waiting ends after about 250 ms:
// the main thread could otherwise wait for a dead worker whose locks it alone can free.
const SPINS_MAX = 100
const SHORT_WAITS_MAX = 50
const SHORT_WAIT_MS = 0.1
const LONG_WAIT_MS = 5
const WAITS_MAX = 100

/** One thread's hand on the locks of a table. A lock holds the number of the thread that has it; 0: free. */
export class CounterLocks {
  readonly #locks: Int32Array
  readonly #shardMask: number
  readonly #thread: number
  readonly #held: Int32Array = new Int32Array(CHECKS_MAX)
  #count = 0

  constructor(locks: SharedArrayBuffer, shards: number, thread: number) {
    this.#locks = new Int32Array(locks)
    this.#shardMask = shards - 1
    this.#thread = thread
  }

  /**
   * Locks the shards of all checks, or none when one is not given back in time. They are taken in ascending order and once
   * each, so that two decisions can never wait for each other.
   */
  lock(decision: Decision): boolean {
    const held = this.#held
    let shards = 0
    for (let check = 0; check < decision.size; check++) {
      const shard = decision.keys[check * 2 + 1]! & this.#shardMask
      let at = shards
      while (at > 0 && held[at - 1]! > shard) at--
      if (at > 0 && held[at - 1] === shard) continue
      for (let k = shards; k > at; k--) held[k] = held[k - 1]!
      held[at] = shard
      shards++
    }
    for (this.#count = 0; this.#count < shards; this.#count++) {
      if (this.#acquire(held[this.#count]! * LOCK_STRIDE)) continue
      this.unlock()
      return false
    }
    return true
  }

  unlock(): void {
    for (let i = 0; i < this.#count; i++) Atomics.store(this.#locks, this.#held[i]! * LOCK_STRIDE, 0)
    this.#count = 0
  }

  #acquire(at: number): boolean {
    for (let spin = 0; spin < SPINS_MAX; spin++) {
      if (Atomics.compareExchange(this.#locks, at, 0, this.#thread) === 0) return true
    }
    for (let waits = 0; waits < WAITS_MAX; ) {
      const owner = Atomics.compareExchange(this.#locks, at, 0, this.#thread)
      if (owner === 0) return true
      const waitMs = waits < SHORT_WAITS_MAX ? SHORT_WAIT_MS : LONG_WAIT_MS
      if (Atomics.wait(this.#locks, at, owner, waitMs) === 'timed-out') waits++
    }
    return false
  }
}
