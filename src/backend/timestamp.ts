const TEXT =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:T|\s+)(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?)?)?\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?$/i

/**
 * The time of a transaction, ms since the epoch: unix seconds, or a date (UTC unless it has an offset). A text that names no
 * year, month and day means now.
 */
export function readTimestamp(text: string | null, nowMs: number): number {
  if (text === null) return nowMs
  const trimmed = text.trim()
  if (/^\d{5,15}$/.test(trimmed)) return Number(trimmed) * 1000
  const match = TEXT.exec(trimmed)
  if (match !== null) return dateOf(match) ?? nowMs
  if (!/\b\d{4}\b/.test(trimmed) || !/[A-Za-z]{3}|[/.]/.test(trimmed)) return nowMs
  const hasZone = /(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$/i.test(trimmed)
  const parsed = Date.parse(hasZone ? trimmed : `${trimmed} UTC`)
  return Number.isNaN(parsed) ? nowMs : parsed
}

function dateOf(match: RegExpExecArray): number | null {
  const [, year, month, day, hour = '0', minute = '0', second = '0', zone = 'Z'] = match
  const numbers = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const [y, mo, d, h, mi, s] = numbers
  const at = Date.UTC(y, mo - 1, d, h, mi, s)
  const date = new Date(at)
  const isReal = date.getUTCMonth() === mo - 1 && date.getUTCDate() === d && h < 24 && mi < 60 && s < 61
  return isReal ? at - offsetMs(zone) : null
}

/** `+0200`, `-02:00`, `+2`, `Z` */
function offsetMs(zone: string): number {
  const match = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone)
  if (match === null) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return (match[1] === '-' ? -1 : 1) * minutes * 60_000
}
