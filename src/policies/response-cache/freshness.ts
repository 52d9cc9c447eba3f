import type { Headers } from '../../engine/headers.ts'

/**
 * Milliseconds for which a response says it may be kept by a shared cache: `s-maxage`, then `max-age`, then `Expires`. 0: it
 * must not be kept; null: it says nothing that can be read.
 */
export function freshnessMs(headers: Headers, nowMs: number): number | null {
  let maxAgeS: number | null = null
  let sharedS: number | null = null
  for (const piece of headers.pieces('cache-control')) {
    const directive = piece.toLowerCase()
    if (FORBIDS.test(directive)) return 0
    const age = /^(s-maxage|max-age)\s*=\s*"?(\d{1,10})"?$/.exec(directive)
    if (age === null) continue
    if (age[1] === 's-maxage') sharedS = Number(age[2])
    else maxAgeS = Number(age[2])
  }
  const seconds = sharedS ?? maxAgeS
  if (seconds !== null) return seconds * 1000
  const expires = headers.get('expires')
  if (expires === undefined) return null
  const atMs = Date.parse(expires)
  // RFC 9111, 5.3: a date that cannot be read (`0`, `-1`) is over.
  return Number.isNaN(atMs) || !/[a-z]/i.test(expires) ? 0 : Math.max(atMs - nowMs, 0)
}

const FORBIDS = /^(no-store|no-cache|private)(\s*=|$)/
