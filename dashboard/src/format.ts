const whole = new Intl.NumberFormat('en-GB')
// Only American English writes 1.2K rather than 1.2k, as the vendor's page does.
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** 12345 -> 12,345 */
export function count(value: number): string {
  return whole.format(value)
}

/** 12345 -> 12.3K */
export function shortCount(value: number): string {
  return short.format(value)
}

/** Never "0 %" for something, nor "100 %" for not quite all. */
export function share(part: number, all: number): string {
  if (all === 0) return '–'
  const percent = (part / all) * 100
  if (part === 0 || part === all) return `${percent} %`
  if (percent < 0.1) return '< 0.1 %'
  return percent > 99.9 ? '> 99.9 %' : `${percent.toFixed(1)} %`
}

export function duration(ms: number | null): string {
  if (ms === null) return '–'
  if (ms > 0 && ms < 0.1) return '< 0.1 ms'
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`
}

const units: readonly (readonly [name: string, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
]

/** A span in its two greatest units: "3 hours 5 minutes"; "now" below a second. */
export function span(ms: number): string {
  let rest = Math.max(0, ms)
  const first = units.findIndex(([, unitMs]) => rest >= unitMs)
  if (first === -1) return 'now'
  const parts = units.slice(first, first + 2).flatMap(([name, unitMs]) => {
    const whole = Math.floor(rest / unitMs)
    rest -= whole * unitMs
    return whole === 0 ? [] : [`${whole} ${name}${whole === 1 ? '' : 's'}`]
  })
  return parts.join(' ')
}

/** 1536 -> 1.5 KiB */
export function bytes(size: number): string {
  if (size < 1024) return `${size} B`
  const [value, unit] = size < 1024 ** 2 ? [size / 1024, 'KiB'] : [size / 1024 ** 2, 'MiB']
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`
}

/** Writes instants (ms) by the clocks of one time zone: the one that the granules are of. */
export interface Times {
  readonly zone: string
  readonly clock: (ms: number) => string
  readonly seconds: (ms: number) => string
  readonly shortDay: (ms: number) => string
  readonly longDay: (ms: number) => string
  readonly month: (ms: number) => string
  readonly longMonth: (ms: number) => string
  /** 2026-11-22 */
  readonly isoDay: (ms: number) => string
  /** 22 Nov 2026, 13:04:05 */
  readonly moment: (ms: number) => string
  /** 22 Nov 2026 13:04:05 UTC, as in 3scale's files */
  readonly stamp: (ms: number) => string
}

const made = new Map<string, Times>()

export function timesIn(zone: string): Times {
  const known = made.get(zone)
  if (known !== undefined) return known
  const writer = (options: Intl.DateTimeFormatOptions, locale = 'en-GB'): ((ms: number) => string) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: 'h23', ...options })
    return (ms) => format.format(ms)
  }
  const day = { day: '2-digit', month: 'short', year: 'numeric' } as const
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
  const stamp = writer({ ...day, ...clock, timeZoneName: 'short' })
  const times: Times = {
    zone,
    clock: writer({ hour: '2-digit', minute: '2-digit' }),
    seconds: writer(clock),
    shortDay: writer({ day: 'numeric', month: 'short' }),
    longDay: writer({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
    month: writer({ month: 'short', year: 'numeric' }),
    longMonth: writer({ month: 'long', year: 'numeric' }),
    isoDay: writer({ year: 'numeric', month: '2-digit', day: '2-digit' }, 'sv-SE'),
    moment: writer({ ...day, ...clock }),
    stamp: (ms) => stamp(ms).replace(',', ''),
  }
  made.set(zone, times)
  return times
}

/** One granule in words. */
export function granule(times: Times, startMs: number, endMs: number, granularity: string): string {
  if (granularity === 'month') return times.longMonth(startMs)
  if (granularity === 'day') return times.longDay(startMs)
  return `${times.longDay(startMs)}, ${times.clock(startMs)}–${times.clock(endMs)}`
}

/** The zone of whoever looks at the page. */
export const ownZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone
