/** A request may pass this many gateways that count (APIG: "recursion may not go deeper than ten layers"). */
export const FORWARDS_MAX = 10

/** Several values mean that somebody joined or added headers: the highest counts. */
const VALUES_MAX = 100

/** How often this request has been forwarded, this gateway included: the incoming X-Apig-count and one; junk counts as none. */
export function forwardCount(incoming: string | undefined): number {
  if (incoming === undefined) return 1
  if (incoming.includes(','))
    return Math.max(...incoming.split(',', VALUES_MAX).map((value) => forwardCount(value.trim())))
  if (!/^\d{1,15}$/.test(incoming)) return /^\d+$/.test(incoming) ? FORWARDS_MAX + 1 : 1
  return Number(incoming) + 1
}

/** More hops than a request may have are somebody's invention. */
const HOPS_MAX = 20
const HOP_CHARACTERS_MAX = 300

/** The elements of `Via`, oldest first: each gateway that names itself adds one. */
export function hopsOf(rawHeaders: readonly string[]): string[] {
  const hops: string[] = []
  for (let i = 0; i < rawHeaders.length && hops.length < HOPS_MAX; i += 2) {
    if (rawHeaders[i]!.toLowerCase() !== 'via') continue
    for (const hop of rawHeaders[i + 1]!.split(',', HOPS_MAX)) hops.push(hop.trim().slice(0, HOP_CHARACTERS_MAX))
  }
  return hops
}

/** The hops between the last one and where it stood before; empty: no hop repeats. */
export function cycleOf(hops: readonly string[]): string[] {
  const last = hops.at(-1)
  if (last === undefined) return []
  const before = hops.lastIndexOf(last, hops.length - 2)
  return before < 0 || hops.length < 2 ? [] : hops.slice(before + 1)
}
