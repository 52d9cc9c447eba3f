/**
 * A histogram of durations small enough to store with every rollup: two buckets per doubling, so that a percentile is never
 * more than half again the true value. Bucket 0 is below 0.25 ms, the last is everything from 196.6 s on.
 */
export const latencyBuckets = 40

const QUARTERS_MAX = 2 ** 20 - 1

/** Which bucket a duration in ms falls into; anything that is no positive number falls into the first. */
export function latencyBucket(ms: number): number {
  const quarters = ms * 4
  if (!(quarters >= 1)) return 0
  if (quarters >= QUARTERS_MAX) return latencyBuckets - 1
  const whole = quarters | 0
  if (whole === 1) return 1
  const doubling = 31 - Math.clz32(whole)
  return 2 * doubling + ((whole >> (doubling - 1)) & 1)
}

/** Where a bucket ends, in ms (exclusive); the last one has no end, so its start is given. */
export function latencyBucketEndMs(bucket: number): number {
  if (bucket >= latencyBuckets - 1) return bucketStartMs(latencyBuckets - 1)
  return bucketStartMs(bucket + 1)
}

function bucketStartMs(bucket: number): number {
  if (bucket < 2) return bucket / 4
  const doubling = bucket >> 1
  return (2 ** doubling + (bucket & 1) * 2 ** (doubling - 1)) / 4
}

/** The upper bound in ms within which `share` (0 to 1) of the calls were answered; null when there were none. */
export function percentileMs(counts: ArrayLike<number>, share: number): number | null {
  let calls = 0
  for (let i = 0; i < counts.length; i++) calls += counts[i] ?? 0
  if (calls === 0) return null
  const wanted = Math.max(1, Math.ceil(calls * share))
  let seen = 0
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i] ?? 0
    if (seen >= wanted) return latencyBucketEndMs(i)
  }
  return latencyBucketEndMs(latencyBuckets - 1)
}
