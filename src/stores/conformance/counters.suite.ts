import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MaybePromise } from '../../core/async.ts'
import { type Counters, Decision } from '../../core/counters.ts'
import { windowEndMs } from '../../core/windows.ts'
import { CounterModel, type ModelAnswer, type ModelCheck } from './counters-model.ts'

const T0 = 1_790_000_000_000
const SECOND = 1_000
const DAY = 86_400_000
const OPERATIONS = ['take', 'take', 'take', 'add', 'set', 'peek', 'reset'] as const

export type CheckFields = Partial<Omit<ModelCheck, 'key'>> & { readonly key: string }

/** A check with defaults: one call in a second's window at `nowMs`, limit 3. */
export function check(fields: CheckFields, nowMs: number): ModelCheck {
  const lengthMs = fields.lengthMs ?? SECOND
  return { lengthMs, endMs: windowEndMs(nowMs, lengthMs), limit: 3, delta: 1, ...fields }
}

export function fill(decision: Decision, counters: Counters, checks: readonly ModelCheck[]): Decision {
  decision.clear()
  for (const { key, endMs, lengthMs, limit, delta } of checks) {
    counters.keys.prefix(key).write(decision.keys, decision.add(endMs, lengthMs, limit, delta))
  }
  return decision
}

export function answer(decision: Decision, admitted: boolean): ModelAnswer {
  return { admitted, breached: decision.breached, counts: [...decision.counts.subarray(0, decision.size)] }
}

async function run(
  counters: Counters,
  operation: (typeof OPERATIONS)[number],
  checks: readonly ModelCheck[],
  nowMs: number,
): Promise<ModelAnswer> {
  const decision = fill(new Decision(), counters, checks)
  const result = await counters[operation](decision, nowMs)
  return answer(decision, result ?? true)
}

/** What every store of counters must do. `make` gives an empty one with room for some hundred keys. */
export function countersSuite(name: string, make: () => MaybePromise<Counters>): void {
  describe(`counters: ${name}`, () => {
    decisions(make)
    windows(make)
    otherOperations(make)
    durables(make)
    agreement(make)
  })
}

function decisions(make: () => MaybePromise<Counters>): void {
  it('admits up to the limit and counts only what it admits', async () => {
    const counters = await make()
    const checks = [check({ key: 'a' }, T0)]
    for (const count of [1, 2, 3]) {
      expect(await run(counters, 'take', checks, T0)).toEqual({ admitted: true, breached: -1, counts: [count] })
    }
    for (let i = 0; i < 3; i++) {
      expect(await run(counters, 'take', checks, T0)).toEqual({ admitted: false, breached: 0, counts: [3] })
    }
  })

  it('counts nothing when one check refuses, and shows what the others hold', async () => {
    const counters = await make()
    const both = [
      check({ key: 'wide', limit: 9 }, T0),
      check({ key: 'narrow', limit: 1 }, T0),
      check({ key: 'new' }, T0),
    ]
    expect((await run(counters, 'take', both, T0)).counts).toEqual([1, 1, 1])
    expect(await run(counters, 'take', both, T0)).toEqual({ admitted: false, breached: 1, counts: [1, 1, 1] })
    expect((await run(counters, 'peek', both, T0)).counts).toEqual([1, 1, 1])
  })

  it('names the first breach in the order of the checks', async () => {
    const counters = await make()
    const checks = ['a', 'b', 'c'].map((key) => check({ key, limit: key === 'a' ? 5 : 0 }, T0))
    expect(await run(counters, 'take', checks, T0)).toEqual({ admitted: false, breached: 1, counts: [0, 0, 0] })
  })

  it('takes deltas above one whole or not at all, and no limit as such', async () => {
    const counters = await make()
    const checks = [
      check({ key: 'bytes', limit: 10, delta: 6 }, T0),
      check({ key: 'all', limit: Infinity, delta: 6e9 }, T0),
    ]
    expect((await run(counters, 'take', checks, T0)).counts).toEqual([6, 6e9])
    expect((await run(counters, 'take', checks, T0)).admitted).toBe(false)
    expect((await run(counters, 'take', [check({ key: 'bytes', limit: 10, delta: 4 }, T0)], T0)).counts).toEqual([10])
  })

  it('applies equal keys of one decision one after the other', async () => {
    const counters = await make()
    const twice = [check({ key: 'a' }, T0), check({ key: 'a' }, T0)]
    expect((await run(counters, 'take', twice, T0)).counts).toEqual([1, 2])
    expect(await run(counters, 'take', twice, T0)).toEqual({ admitted: false, breached: 1, counts: [2, 2] })
  })

  it('admits exactly the limit of many decisions at once', async () => {
    const counters = await make()
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => run(counters, 'take', [check({ key: 'hot', limit: 25 }, T0)], T0)),
    )
    expect(answers.filter((one) => one.admitted)).toHaveLength(25)
    expect(new Set(answers.filter((one) => one.admitted).map((one) => one.counts[0])).size).toBe(25)
  })

  it('holds sixteen checks in one decision', async () => {
    const counters = await make()
    const checks = Array.from({ length: 16 }, (_, i) => check({ key: `k${i}`, limit: i === 15 ? 1 : 9 }, T0))
    expect((await run(counters, 'take', checks, T0)).admitted).toBe(true)
    expect((await run(counters, 'take', checks, T0)).breached).toBe(15)
  })
}

function windows(make: () => MaybePromise<Counters>): void {
  it('starts again in the next window, and in no other way', async () => {
    const counters = await make()
    await run(counters, 'take', [check({ key: 'a', limit: 1 }, T0)], T0)
    expect((await run(counters, 'take', [check({ key: 'a', limit: 1 }, T0 + 999)], T0 + 999)).admitted).toBe(false)
    expect((await run(counters, 'take', [check({ key: 'a', limit: 1 }, T0 + 1000)], T0 + 1000)).counts).toEqual([1])
  })

  it('counts a late caller in the newer window', async () => {
    const counters = await make()
    await run(counters, 'take', [check({ key: 'a', limit: 2 }, T0 + 1000)], T0 + 1000)
    const decision = fill(new Decision(), counters, [check({ key: 'a', limit: 2 }, T0 + 999)])
    expect(await counters.take(decision, T0 + 999)).toBe(true)
    expect(answer(decision, true).counts).toEqual([2])
    expect(decision.endsMs[0]).toBe(T0 + 2000)
    expect((await run(counters, 'take', [check({ key: 'a', limit: 2 }, T0 + 1001)], T0 + 1001)).admitted).toBe(false)
  })

  it('does not open a window for a refused decision', async () => {
    const counters = await make()
    const later = [check({ key: 'a' }, T0 + 1000), check({ key: 'b', limit: 0 }, T0 + 1000)]
    await run(counters, 'take', [check({ key: 'a' }, T0)], T0)
    expect((await run(counters, 'take', later, T0 + 1000)).counts).toEqual([0, 0])
    expect((await run(counters, 'peek', [check({ key: 'a' }, T0)], T0)).counts).toEqual([1])
  })

  it('gives up a window that a wrong clock opened', async () => {
    const counters = await make()
    const wrong = T0 + 3_600_000
    await run(counters, 'set', [check({ key: 'a', delta: 3 }, wrong)], wrong)
    expect((await run(counters, 'take', [check({ key: 'a' }, T0)], T0)).counts).toEqual([1])
  })

  it('holds an open window for an anchored check, and begins a new one when it has ended', async () => {
    const counters = await make()
    const take = async (nowMs: number) => {
      const decision = new Decision()
      decision.add(nowMs + SECOND, SECOND, 2, 1, true)
      counters.keys.prefix('anchored').write(decision.keys, 0)
      const admitted = await counters.take(decision, nowMs)
      return [admitted, decision.counts[0], decision.endsMs[0]]
    }
    expect(await take(T0)).toEqual([true, 1, T0 + SECOND])
    expect(await take(T0 + 400)).toEqual([true, 2, T0 + SECOND])
    expect(await take(T0 + 999)).toEqual([false, 2, T0 + SECOND])
    expect(await take(T0 + SECOND)).toEqual([true, 1, T0 + 2 * SECOND])
  })

  it('keeps a window without an end', async () => {
    const counters = await make()
    await run(counters, 'take', [check({ key: 'a', lengthMs: Infinity, limit: 1 }, T0)], T0)
    const later = T0 + 1000 * DAY
    expect(
      (await run(counters, 'take', [check({ key: 'a', lengthMs: Infinity, limit: 1 }, later)], later)).breached,
    ).toBe(0)
  })
}

function otherOperations(make: () => MaybePromise<Counters>): void {
  it('adds whatever the limit says, gives back, and never falls below nothing', async () => {
    const counters = await make()
    expect((await run(counters, 'add', [check({ key: 'a', delta: 7 }, T0)], T0)).counts).toEqual([7])
    expect((await run(counters, 'add', [check({ key: 'a', delta: -2 }, T0)], T0)).counts).toEqual([5])
    expect((await run(counters, 'add', [check({ key: 'a', delta: -9 }, T0)], T0)).counts).toEqual([0])
  })

  it('sets, reads without a trace, and resets', async () => {
    const counters = await make()
    const one = [check({ key: 'a', delta: 2 }, T0)]
    expect((await run(counters, 'peek', one, T0)).counts).toEqual([0])
    expect((await run(counters, 'set', one, T0)).counts).toEqual([2])
    expect((await run(counters, 'peek', one, T0)).counts).toEqual([2])
    expect((await run(counters, 'reset', one, T0)).counts).toEqual([0])
    expect((await run(counters, 'peek', one, T0)).counts).toEqual([0])
    expect((await run(counters, 'take', one, T0)).counts).toEqual([2])
  })

  it('tells what is left', async () => {
    const counters = await make()
    const decision = fill(new Decision(2), counters, [check({ key: 'a', limit: 10 }, T0)])
    await counters.take(decision, T0)
    expect(decision.remaining(0)).toBe(9)
    await run(counters, 'set', [check({ key: 'a', delta: 30 }, T0)], T0)
    await counters.peek(decision, T0)
    expect(decision.remaining(0)).toBe(0)
  })

  it('keeps keys apart, and the constant part of a key from the rest', async () => {
    const counters = await make()
    const keys = new Set<string>()
    const into = new Int32Array(2)
    const parts = [['a'], ['a', 'b'], ['ab'], ['a', 'b', ''], ['a"b'], [''], []]
    for (const list of parts) {
      const prefix = counters.keys.prefix(...list)
      for (const text of ['', 'a', 'a\0', 'ab', 'b', 'abc', '\u0100']) {
        prefix.writeWith(text, into, 0)
        keys.add(into.join())
      }
    }
    expect(keys.size).toBe(parts.length * 7)
    counters.keys.prefix('a').write(into, 0)
    expect(keys).toContain(into.join())
  })
}

function agreement(make: () => MaybePromise<Counters>): void {
  const lengths = [SECOND, 5 * SECOND, 60 * SECOND, DAY, Infinity]
  const command = fc.record({
    operation: fc.constantFrom(...OPERATIONS),
    stepMs: fc.oneof(fc.nat(300), fc.nat(90_000)),
    lateMs: fc.nat(900),
    checks: fc.array(fc.record({ key: fc.nat(11), limit: fc.nat(6), delta: fc.nat(3) }), {
      minLength: 1,
      maxLength: 5,
    }),
  })

  it('agrees with a plain map on any sequence, late callers included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        const counters = await make()
        const model = new CounterModel()
        let clockMs = T0
        for (const { operation, stepMs, lateMs, checks } of commands) {
          clockMs += stepMs
          const nowMs = clockMs - lateMs
          const list = checks.map(({ key, limit, delta }) =>
            check({ key: `k${key}`, lengthMs: lengths[key % lengths.length]!, limit, delta }, nowMs),
          )
          expect(await run(counters, operation, list, nowMs)).toEqual(model[operation](list, nowMs))
        }
      }),
      { numRuns: 120 },
    )
  })
}

function durables(make: () => MaybePromise<Counters>): void {
  const durable = (counters: Counters, key: string, delta: number, limit = 9): Decision => {
    const decision = new Decision(2)
    counters.keys.prefix(key).write(decision.keys, decision.addDurable(windowEndMs(T0, DAY), DAY, limit, delta))
    return decision
  }

  it('does nothing with a durable counter that was not seeded, and says so', async () => {
    const counters = await make()
    for (const operation of ['take', 'add', 'set', 'peek'] as const) {
      const decision = durable(counters, 'd', 2)
      const answer = await counters[operation](decision, T0)
      expect([answer ?? null, decision.missing, decision.unseeded[0], decision.breached]).toEqual([
        operation === 'take' ? false : null,
        true,
        1,
        -1,
      ])
    }
  })

  it('goes on from what it was seeded with; a second seed changes nothing', async () => {
    const counters = await make()
    await counters.seed(durable(counters, 'd', 5), T0)
    const first = durable(counters, 'd', 3)
    expect([await counters.take(first, T0), first.missing, first.counts[0]]).toEqual([true, false, 8])
    await counters.seed(durable(counters, 'd', 5), T0)
    const second = durable(counters, 'd', 2)
    expect([await counters.take(second, T0), second.breached, second.counts[0]]).toEqual([false, 0, 8])
  })

  it('wants a seed again in the next window', async () => {
    const counters = await make()
    await counters.seed(durable(counters, 'd', 5), T0)
    const next = new Decision(1)
    counters.keys.prefix('d').write(next.keys, next.addDurable(windowEndMs(T0 + DAY, DAY), DAY, 9, 1))
    await counters.take(next, T0 + DAY)
    expect(next.missing).toBe(true)
  })
}
