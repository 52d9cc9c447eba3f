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
