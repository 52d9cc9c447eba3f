import { duration } from '../format.ts'

/** Steps take microseconds: 0.042 -> 42 µs. */
export function took(ms: number): string {
  return ms < 0.9995 ? `${Math.round(ms * 1_000)} µs` : duration(ms)
}
