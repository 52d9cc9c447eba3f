import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CounterKeys } from './counter-keys.ts'

const keys = new CounterKeys(0x1234_5678, -77)

function bits(text: string, by: CounterKeys = keys): number[] {
  const into = new Int32Array(2)
  by.prefix('t').writeWith(text, into, 0)
  return Array.from({ length: 64 }, (_, i) => (into[i >> 5]! >>> (i & 31)) & 1)
}

describe('counter keys', () => {
  it('are written at the place of their check', () => {
    const into = new Int32Array(6)
    keys.prefix('a', 1).writeWith('x', into, 1)
    expect([...into.subarray(0, 2), ...into.subarray(4)]).toEqual([0, 0, 0, 0])
    expect(into[2] !== 0 && into[3] !== 0).toBe(true)
  })

  it('differ in about half of their bits for any change of text or seed', () => {
    const changes = new Array<number>(64).fill(0)
    const times = 2000
    for (let i = 0; i < times; i++) {
      const one = bits(`10.0.${i >> 8}.${i & 255}`)
      const other = i % 2 === 0 ? bits(`10.0.${i >> 8}.${(i & 255) ^ 1}`) : bits(`10.0.${i >> 8}.${i & 255}`, seeded(i))
      for (let bit = 0; bit < 64; bit++) changes[bit]! += one[bit]! ^ other[bit]!
    }
    // 2,000 throws of a coin: six standard deviations are 134.
    for (const count of changes) expect(Math.abs(count - times / 2)).toBeLessThan(134)
  })

  it('do not collide and are the same every time, for any text', () => {
    const seen = new Map<string, string>()
    fc.assert(
      fc.property(fc.uint16Array({ maxLength: 40 }), (units) => {
        const text = String.fromCharCode(...units)
        const key = bits(text).join('')
        expect(bits(text).join('')).toBe(key)
        expect(seen.get(key) ?? text).toBe(text)
        seen.set(key, text)
      }),
      { numRuns: 500 },
    )
  })
})

function seeded(seed: number): CounterKeys {
  return new CounterKeys(0x1234_5678 ^ (1 << (seed & 31)), -77)
}
