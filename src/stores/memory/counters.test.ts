import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Decision } from '../../core/counters.ts'
import { answer, check, countersSuite, fill } from '../conformance/counters.suite.ts'
import { CounterModel } from '../conformance/counters-model.ts'
import { delayed } from '../conformance/delayed.ts'
import { LOCK_STRIDE } from './counter-table.ts'
import { MemoryCounters } from './counters.ts'

const T0 = 1_790_000_000_000
const small = { slots: 4096, shards: 8 }

countersSuite('memory', () => new MemoryCounters(MemoryCounters.allocate(small), 1))
countersSuite('memory, answering later', () => delayed(new MemoryCounters(MemoryCounters.allocate(small), 1)))

describe('a small table', () => {
  it('uses the slots of ended windows again, once late callers have had their time', () => {
    const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 4, shards: 1 }), 1)
    const decision = new Decision()
    for (let second = 0; second < 1000; second += 2) {
      const nowMs = T0 + second * 1000
      for (const key of ['a', 'b']) {
        expect(counters.take(fill(decision, counters, [check({ key: `${key}${second}` }, nowMs)]), nowMs)).toBe(true)
        expect(decision.counts[0]).toBe(1)
        expect(decision.uncounted).toBe(false)
      }
    }
    expect(counters.fill(T0 + 998_000)).toEqual({ slots: 4, used: 2, fraction: 0.5, noRoom: 0, lockedOut: 0 })
  })

  it('keeps a window that has just ended for callers who are late', () => {
    const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 1, shards: 1 }), 1)
    const decision = new Decision()
    const take = (key: string, nowMs: number): boolean =>
      counters.take(fill(decision, counters, [check({ key, limit: 1 }, nowMs)]), nowMs)
    expect(take('a', T0)).toBe(true)
    expect(take('b', T0 + 1999)).toBe(true)
    expect(decision.uncounted).toBe(true)
    expect(take('a', T0 + 999)).toBe(false)
    expect(take('b', T0 + 2000)).toBe(true)
    expect(decision.uncounted).toBe(false)
  })

  it('admits what has no room, counts the rest, and says how often', () => {
    const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 2, shards: 1 }), 1)
    const decision = new Decision()
    counters.take(fill(decision, counters, [check({ key: 'a' }, T0), check({ key: 'b' }, T0)]), T0)
    for (let i = 0; i < 5; i++) {
      const checks = [check({ key: 'c', limit: 1 }, T0), check({ key: 'a', limit: 4 }, T0)]
      expect(counters.take(fill(decision, counters, checks), T0)).toBe(i < 3)
    }
    expect(decision.breached).toBe(1)
    expect(counters.fill(T0)).toEqual({ slots: 2, used: 2, fraction: 1, noRoom: 3, lockedOut: 0 })
  })

  it('refuses what has no room when told to, and counts nothing of it', () => {
    const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 2, shards: 1, whenFull: 'refuse' }), 1)
    const decision = new Decision()
    counters.take(fill(decision, counters, [check({ key: 'a' }, T0), check({ key: 'b' }, T0)]), T0)
    expect(counters.take(fill(decision, counters, [check({ key: 'a' }, T0), check({ key: 'c' }, T0)]), T0)).toBe(false)
    expect(decision).toMatchObject({ breached: 1, uncounted: true })
    counters.peek(fill(decision, counters, [check({ key: 'a' }, T0)]), T0)
    expect(decision.counts[0]).toBe(1)
  })

  it('does not use a slot for a refused decision', () => {
    const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 16, shards: 1 }), 1)
    const decision = new Decision()
    for (let i = 0; i < 100; i++) {
      const checks = [check({ key: `new${i}` }, T0), check({ key: 'shut', limit: 0 }, T0)]
      expect(counters.take(fill(decision, counters, checks), T0)).toBe(false)
    }
    expect(counters.fill(T0).used).toBe(0)
  })

  it('never mixes keys up where every slot is fought for', () => {
    const command = fc.record({
      stepMs: fc.constantFrom(0, 100, 1500, 4000),
      keys: fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 8, shards: 2 }), 1)
        const model = new CounterModel()
        const decision = new Decision()
        let nowMs = T0
        for (const { stepMs, keys } of commands) {
          nowMs += stepMs
          const checks = keys.map((key) => check({ key: `k${key}`, limit: 2 }, nowMs))
          const admitted = counters.take(fill(decision, counters, checks), nowMs)
          if (decision.uncounted) return // from here on the model knows more than the table
          expect(answer(decision, admitted)).toEqual(model.take(checks, nowMs))
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('locks', () => {
  it('gives up on a lock that is never given back, by the setting, and leaves no other lock held', () => {
    const table = MemoryCounters.allocate({ slots: 64, shards: 16 })
    const locks = new Int32Array(table.locks)
    const counters = new MemoryCounters(table, 1)
    const decision = fill(new Decision(), counters, [])
    for (let i = 0; i < 12; i++) counters.keys.prefix(i).write(decision.keys, decision.add(T0 + 1000, 1000, 3, 1))
    const shards = [...new Set(Array.from({ length: 12 }, (_, i) => decision.keys[i * 2 + 1]! & 15))].sort(
      (a, b) => a - b,
    )
    const last = shards.at(-1)! * LOCK_STRIDE
    Atomics.store(locks, last, 7)
    expect(counters.take(decision, T0)).toBe(true)
    expect(decision.uncounted).toBe(true)
    expect(counters.fill(T0)).toMatchObject({ used: 0, lockedOut: 1 })
    expect(locks.filter((owner) => owner !== 0)).toHaveLength(1)
    expect(MemoryCounters.recover(table, 6)).toBe(0)
    expect(MemoryCounters.recover(table, 7)).toBe(1)
    expect(counters.take(decision, T0)).toBe(true)
    expect(decision.uncounted).toBe(false)
  })

  it('may refuse instead', () => {
    const table = MemoryCounters.allocate({ slots: 4, shards: 1, whenFull: 'refuse' })
    const counters = new MemoryCounters(table, 1)
    Atomics.store(new Int32Array(table.locks), 0, 7)
    const decision = fill(new Decision(), counters, [check({ key: 'a' }, T0)])
    expect(counters.take(decision, T0)).toBe(false)
    expect(decision).toMatchObject({ breached: 0, uncounted: true })
  })
})

describe('a table', () => {
  it('refuses sizes that it cannot have', () => {
    for (const options of [{ slots: 3 }, { slots: 0 }, { slots: 8, shards: 16 }, { shards: 1.5 }, { slots: 2 ** 30 }]) {
      expect(() => MemoryCounters.allocate(options)).toThrow(RangeError)
    }
    for (const thread of [0, -1, 1.5, 2 ** 31]) {
      expect(() => new MemoryCounters(MemoryCounters.allocate(small), thread)).toThrow(RangeError)
    }
  })

  it('hashes with another seed each time', () => {
    const keys = [1, 2, 3].map(() => {
      const decision = new Decision()
      new MemoryCounters(MemoryCounters.allocate(small), 1).keys.prefix('a').write(decision.keys, 0)
      return decision.keys.subarray(0, 2).join()
    })
    expect(new Set(keys).size).toBe(3)
  })

  it('tells from a part of its shards how full it is', () => {
    const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 65_536, shards: 256 }), 1)
    const decision = new Decision()
    const prefix = counters.keys.prefix('ip')
    for (let i = 0; i < 50_000; i++) {
      decision.clear()
      prefix.writeWith(`10.0.${i >> 8}.${i & 255}`, decision.keys, decision.add(T0 + 1000, 1000, 9, 1))
      counters.take(decision, T0)
    }
    const exact = counters.fill(T0, 256)
    expect(exact.used + exact.noRoom).toBe(50_000)
    expect(exact.fraction).toBeGreaterThan(0.75)
    for (let i = 0; i < 4; i++) expect(Math.abs(counters.fill(T0, 64).fraction - exact.fraction)).toBeLessThan(0.02)
    expect(counters.fill(T0 + 1000).used).toBe(0)
  })
})
