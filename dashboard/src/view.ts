import { useMemo } from 'preact/hooks'
import { go, useAddress } from './address.ts'
import type { By } from './chart/series.ts'
import { ownZone } from './format.ts'

/** What a page shows. All of it is in the address, so that a view can be shared and Back works. */
export interface View {
  /** '24h', ...; null when `from` is set. */
  readonly last: string | null
  /** Dates, both days included. */
  readonly from: string | null
  readonly until: string | null
  /** Null: the granularity that belongs to the range. */
  readonly per: string | null
  /** Null: the zone of whoever looks. */
  readonly zone: string | null
  readonly service: string | null
  readonly proxy: string | null
  readonly application: string | null
  readonly metric: string | null
  readonly by: By
  /** Series that the legend hides. */
  readonly hidden: readonly string[]
  /** The start of the granule whose calls are listed: an ISO 8601 instant. */
  readonly at: string | null
  /** Filters of calls. */
  readonly class: string | null
  readonly status: string | null
  readonly answeredBy: string | null
  /** What is searched for. */
  readonly q: string | null
  /** Of a long list, from 1. */
  readonly page: string | null
}

export const defaultLast = '24h'

/** Names that are in the address as they are here. */
const plain = [
  'from',
  'until',
  'last',
  'per',
  'zone',
  'service',
  'proxy',
  'application',
  'metric',
  'at',
  'class',
  'status',
  'answeredBy',
  'q',
  'page',
] as const

const range = ['last', 'from', 'until', 'per', 'zone'] as const
const scopes = ['service', 'proxy', 'application'] as const

export function viewOf(search: string): View {
  const query = new URLSearchParams(search)
  const texts = Object.fromEntries(plain.map((name) => [name, query.get(name) || null])) as Record<
    (typeof plain)[number],
    string | null
  >
  const { from } = texts
  // At most one scope counts: the first of them.
  const scope = scopes.find((name) => texts[name] !== null)
  const scoped = Object.fromEntries(scopes.map((name) => [name, name === scope ? texts[name] : null]))
  return {
    ...texts,
    ...scoped,
    last: from === null ? (texts.last ?? defaultLast) : null,
    until: from === null ? null : texts.until,
    by: query.get('by') === 'answerer' ? 'answerer' : 'code',
    hidden: query.get('hide')?.split(',').filter(Boolean) ?? [],
  }
}

/** The query of a page's address; what is as it is by default is left out. */
export function searchOf(view: Partial<View>): string {
  const query = new URLSearchParams()
  for (const name of plain) {
    const value = view[name]
    if (typeof value === 'string' && !(name === 'last' && value === defaultLast)) query.set(name, value)
  }
  if (view.by === 'answerer') query.set('by', view.by)
  if (view.hidden !== undefined && view.hidden.length > 0) query.set('hide', view.hidden.join(','))
  // Commas, slashes and colons need no escape in a query, and the address is there to be read.
  const text = query.toString().replaceAll('%2C', ',').replaceAll('%2F', '/').replaceAll('%3A', ':')
  return text === '' ? '' : `?${text}`
}

/** What the pages of statistics have in common: the time bar's state and the service. */
export function sharedOf(view: View): Partial<View> {
  const { last, from, until, per, zone, service } = view
  return { last, from, until, per, zone, service }
}

/** The parameters of a range, as every call of statistics takes them. */
export function rangeOf(view: View): URLSearchParams {
  const query = new URLSearchParams()
  if (view.last !== null) query.set('last', view.last)
  if (view.from !== null) query.set('since', view.from)
  if (view.until !== null) query.set('until', view.until)
  if (view.per !== null) query.set('granularity', view.per)
  query.set('timezone', view.zone ?? ownZone)
  return query
}

/** The parameters of the call that brings this view's numbers: range and scope. */
export function callOf(view: View): string {
  const query = rangeOf(view)
  for (const name of scopes) if (view[name] !== null) query.set(name, view[name])
  return query.toString()
}

/** `replace`: no step of its own for Back, as while one types. */
export type Change = (part: Partial<View>, replace?: boolean) => void

/** The view of the address, and how to change it: every change is a step that Back undoes. */
export function useView(): [View, Change] {
  const { path, search } = useAddress()
  const view = useMemo(() => viewOf(search), [search])
  const change: Change = (part, replace) => {
    // A granule of another range is none of this one.
    const moved = range.some((name) => name in part) ? { at: null, class: null } : {}
    go(path + searchOf({ ...view, ...moved, ...part }), replace)
  }
  return [view, change]
}

/** The view of a page of usage, which is counted per hour: what another page showed in minutes is a day here. */
export function hourly(view: View): View {
  return { ...view, last: view.last === '1h' ? defaultLast : view.last, per: view.per === 'minute' ? null : view.per }
}

/** Minutes and hours move before one's eyes; days and months do not. */
export function refreshMs(view: View): number {
  return view.last === '1h' || view.last === '24h' ? 3_000 : 15_000
}
