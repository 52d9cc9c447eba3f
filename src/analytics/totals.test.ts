import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { latencyBuckets } from './latency.ts'
import { answerers } from './record.ts'
import type { BatchRow } from './rollup.ts'
import { outcomeKey, outcomeOf, Totals } from './totals.ts'

const count = fc.oneof(fc.nat(200), fc.maxSafeNat())

const anyRow: fc.Arbitrary<BatchRow> = fc.record({
  minuteMs: fc.constant(0),
  environment: fc.constant(''),
  proxy: fc.constant(''),
  revision: fc.constant(1),
  serviceId: fc.constant(''),
  application: fc.constant(''),
  account: fc.constant(''),
  method: fc.constant('GET'),
  pathTemplate: fc.constant('/'),
  status: fc.nat(999),
  targetStatus: fc.oneof(fc.constant(0), fc.nat(999)),
  answeredBy: fc.constantFrom(...answerers),
  errorCode: fc.constant(''),
  authorized: fc.boolean(),
  calls: fc.nat(1_000_000),
  bytesIn: fc.nat(),
  bytesOut: fc.nat(),
  totalMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  targetMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  policyMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  latency: fc.array(fc.tuple(fc.nat(latencyBuckets - 1), fc.nat(1000))).map((pairs) => pairs.flat()),
})

function totalsOf(rows: readonly BatchRow[]): Totals {
  const totals = new Totals()
  for (const row of rows) totals.addRow(row)
  return totals
}

function unpacked(...packed: Uint8Array[]): Totals {
  const totals = new Totals()
  for (const bytes of packed) totals.addPacked(bytes)
  return totals
}

describe('totals', () => {
  it('come back from their stored form as they were', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 20 }), (rows) => {
        const totals = totalsOf(rows)
        expect(unpacked(totals.pack())).toEqual(totals)
      }),
    )
  })

  it('add up the same, stored or not', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 10 }), fc.array(anyRow, { maxLength: 10 }), (a, b) => {
        const together = totalsOf([...a, ...b])
        expect(unpacked(totalsOf(a).pack(), totalsOf(b).pack())).toEqual(together)
        const added = totalsOf(a)
        added.add(totalsOf(b))
        expect(added).toEqual(together)
      }),
    )
  })

  it('keep each part of an outcome', () => {
    fc.assert(
      fc.property(
        fc.nat(999),
        fc.nat(999),
        fc.nat(answerers.length - 1),
        fc.boolean(),
        (status, targetStatus, answerer, authorized) => {
          expect(outcomeOf(outcomeKey(status, targetStatus, answerer, authorized))).toEqual({
            status,
            targetStatus,
            answerer,
            authorized,
          })
        },
      ),
    )
  })

  it('never crash or hang on damaged bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          unpacked(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
    )
    const good = totalsOf(fc.sample(anyRow, 5)).pack()
    for (let length = 0; length < good.length; length++)
      expect(() => unpacked(good.slice(0, length))).toThrow(RangeError)
  })

  it('hold numbers that are none as zero and too large ones as the largest', () => {
    const [row] = fc.sample(anyRow, 1)
    const totals = totalsOf([
      { ...row!, calls: 1, bytesIn: Number.NaN, bytesOut: -5, totalMs: Number.POSITIVE_INFINITY },
    ])
    expect(totals).toMatchObject({ bytesIn: 0, bytesOut: 0, totalUs: Number.MAX_SAFE_INTEGER })
    expect(unpacked(totals.pack())).toEqual(totals)
  })

  it('take about 50 bytes for an hour with five outcomes', () => {
    const rows = [200, 304, 404, 429, 503].map((status): BatchRow => {
      const [row] = fc.sample(anyRow, 1)
      const calls = { calls: 900, bytesIn: 90_000, bytesOut: 900_000, totalMs: 20_000, targetMs: 18_000, policyMs: 400 }
      return { ...row!, status, targetStatus: status, ...calls, latency: [10, 400, 12, 300, 14, 200] }
    })
    expect(totalsOf(rows).pack().length).toBeLessThan(70)
  })
})

it('whole numbers of any size survive', () => {
  fc.assert(
    fc.property(count, (calls) => {
      const totals = new Totals()
      totals.bytesIn = calls
      expect(unpacked(totals.pack()).bytesIn).toBe(calls)
    }),
  )
})
