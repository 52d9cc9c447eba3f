// Keys of counters are 64 bits that nobody outside can foresee: with a known hash, a caller who chooses what is hashed
// (addresses, application ids) could put all its keys into one run of slots and lift every limit that lives there.
// The function is HalfSipHash-1-3 with 64 bits out (Aumasson and Bernstein), over UTF-16 units, two in a word.
const C2 = 0x6c796765
const C3 = 0x74656462

const scratch = new Int32Array(4)

/** Makes the keys of one store. Every thread (and later every node) that shares counters must use the same seed. */
export class CounterKeys {
  readonly #state: Int32Array

  /** seedLow, seedHigh: 64 random bits. */
  constructor(seedLow: number, seedHigh: number) {
    this.#state = Int32Array.of(seedLow, seedHigh ^ 0xee, C2 ^ seedLow, C3 ^ seedHigh)
  }

  /**
   * The part of a key that is known at compile. JSON, so that no two lists of parts give the same text, and none is the
   * beginning of another.
   */
  prefix(...parts: readonly (string | number)[]): KeyPrefix {
    const state = Int32Array.from(this.#state)
    absorb(state, JSON.stringify(parts))
    return new KeyPrefix(state)
  }
}

export class KeyPrefix {
  readonly #state: Int32Array
  readonly #low: number
  readonly #high: number

  constructor(state: Int32Array) {
    this.#state = state
    const key = new Int32Array(2)
    this.writeWith('', key, 0)
    this.#low = key[0]!
    this.#high = key[1]!
  }

  /** Writes the prefix alone as check number `check` of a decision's keys. */
  write(keys: Int32Array, check: number): void {
    keys[check * 2] = this.#low
    keys[check * 2 + 1] = this.#high
  }

  /** Writes the prefix followed by what this call adds: an address, an application, a user. */
  writeWith(text: string, keys: Int32Array, check: number): void {
    const state = this.#state
    scratch[0] = state[0]!
    scratch[1] = state[1]!
    scratch[2] = state[2]!
    scratch[3] = state[3]!
    absorb(scratch, text)
    finish(scratch, text.length, keys, check * 2)
  }
}

// One round a word. An odd last unit is padded with zero; `finish` adds the length, so "a" and "a\0" differ.
function absorb(state: Int32Array, text: string): void {
  let v0 = state[0]!
  let v1 = state[1]!
  let v2 = state[2]!
  let v3 = state[3]!
  const length = text.length
  for (let i = 0; i < length; i += 2) {
    const word = text.charCodeAt(i) | (i + 1 < length ? text.charCodeAt(i + 1) << 16 : 0)
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  state[0] = v0
  state[1] = v1
  state[2] = v2
  state[3] = v3
}

// The word of the length takes round 0; three rounds give the low half, three more the high half.
function finish(state: Int32Array, length: number, into: Int32Array, at: number): void {
  let v0 = state[0]!
  let v1 = state[1]!
  let v2 = state[2]!
  let v3 = state[3]! ^ length
  let low = 0
  for (let round = 0; round < 7; round++) {
    if (round === 1) {
      v0 ^= length
      v2 ^= 0xee
    }
    if (round === 4) {
      low = v1 ^ v3
      v1 ^= 0xdd
    }
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  const high = v1 ^ v3
  into[at] = low === 0 && high === 0 ? 1 : low // 0,0 is how a store marks "nothing here"
  into[at + 1] = high
}
