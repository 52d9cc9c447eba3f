import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { latencyBucket, latencyBucketEndMs, latencyBuckets, percentileMs } from './latency.ts'

describe('latency buckets', () => {
  it.each([
    [0, 0],
    [0.2, 0],
    [0.25, 1],
    [0.5, 2],
    [0.75, 3],
    [1, 4],
    [1.5, 5],
    [2, 6],
    [16, 12],
    [1e12, latencyBuckets - 1],
    [Number.POSITIVE_INFINITY, latencyBuckets - 1],
    [Number.NaN, 0],
    [-1, 0],
  ])('%d ms falls into bucket %d', (ms, bucket) => {
    expect(latencyBucket(ms)).toBe(bucket)
  })

  it('holds every duration between its ends', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 190_000, noNaN: true }), (ms) => {
        const bucket = latencyBucket(ms)
        expect(ms).toBeLessThan(latencyBucketEndMs(bucket))
        if (bucket > 0) expect(ms).toBeGreaterThanOrEqual(latencyBucketEndMs(bucket - 1))
      }),
    )
  })

  it('bounds a percentile by at most half again the true value', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.5, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.9, 0.99),
        (durations, share) => {
          const counts = new Array<number>(latencyBuckets).fill(0)
          for (const ms of durations) counts[latencyBucket(ms)]!++
          const sorted = [...durations].sort((a, b) => a - b)
          const exact = sorted[Math.max(0, Math.ceil(durations.length * share) - 1)]!
          const bound = percentileMs(counts, share)!
          expect(bound).toBeGreaterThanOrEqual(exact)
          expect(bound).toBeLessThanOrEqual(exact * 1.5 + 1e-9)
        },
      ),
    )
  })

  it('knows no percentile of nothing', () => {
    expect(percentileMs([0, 0], 0.5)).toBeNull()
  })
})
