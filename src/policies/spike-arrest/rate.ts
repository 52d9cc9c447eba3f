/** So many calls in a period. */
export interface Rate {
  readonly calls: number
  readonly periodMs: number
  readonly text: string
}

const CALLS_MAX = 100_000_000

/** `30pm` or `10ps`; null: it is none. */
export function parseRate(text: string): Rate | null {
  const match = /^([1-9]\d{0,8})\s*p(s|m)$/i.exec(text)
  if (match === null || Number(match[1]) > CALLS_MAX) return null
  const unit = match[2]!.toLowerCase()
  return { calls: Number(match[1]), periodMs: unit === 's' ? 1_000 : 60_000, text: `${match[1]}p${unit}` }
}
