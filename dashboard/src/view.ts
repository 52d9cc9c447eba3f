import { useEffect, useState } from 'preact/hooks'
import { ownZone } from './format.ts'

export type By = 'code' | 'answerer'

/** What the page shows. All of it is in the address, so that a view can be shared and Back works. */
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
  readonly by: By
  /** Series that the legend hides. */
  readonly hidden: readonly string[]
}

export const defaultLast = '24h'

export function viewOf(search: string): View {
  const query = new URLSearchParams(search)
  const from = query.get('from')
  return {
    last: from === null ? (query.get('last') ?? defaultLast) : null,
    from,
    until: from === null ? null : query.get('until'),
    per: query.get('per'),
    zone: query.get('zone'),
    service: query.get('service'),
    proxy: query.get('service') === null ? query.get('proxy') : null,
    by: query.get('by') === 'answerer' ? 'answerer' : 'code',
    hidden: query.get('hide')?.split(',').filter(Boolean) ?? [],
  }
}

/** The query of the page's address; what is as it is by default is left out. */
export function searchOf(view: View): string {
  const query = new URLSearchParams()
  if (view.from !== null) query.set('from', view.from)
  if (view.until !== null) query.set('until', view.until)
  if (view.last !== null && view.last !== defaultLast) query.set('last', view.last)
  if (view.per !== null) query.set('per', view.per)
  if (view.zone !== null) query.set('zone', view.zone)
  if (view.service !== null) query.set('service', view.service)
  if (view.proxy !== null) query.set('proxy', view.proxy)
  if (view.by !== 'code') query.set('by', view.by)
  if (view.hidden.length > 0) query.set('hide', view.hidden.join(','))
  // Commas and slashes need no escape in a query, and the address is there to be read.
  const text = query.toString().replaceAll('%2C', ',').replaceAll('%2F', '/')
  return text === '' ? '' : `?${text}`
}

/** The parameters of the call that brings this view's numbers. */
export function callOf(view: View): string {
  const query = new URLSearchParams()
  if (view.last !== null) query.set('last', view.last)
  if (view.from !== null) query.set('since', view.from)
  if (view.until !== null) query.set('until', view.until)
  if (view.per !== null) query.set('granularity', view.per)
  query.set('timezone', view.zone ?? ownZone)
  if (view.service !== null) query.set('service', view.service)
  if (view.proxy !== null) query.set('proxy', view.proxy)
  return query.toString()
}

export type Change = (part: Partial<View>) => void

/** The view of the address, and how to change it: every change is a step that Back undoes. */
export function useView(): [View, Change] {
  const [view, setView] = useState(() => viewOf(location.search))
  useEffect(() => {
    const back = (): void => setView(viewOf(location.search))
    addEventListener('popstate', back)
    return () => removeEventListener('popstate', back)
  }, [])
  const change: Change = (part) => {
    const next = { ...view, ...part }
    const search = searchOf(next)
    if (search !== location.search) history.pushState(null, '', location.pathname + search)
    setView(next)
  }
  return [view, change]
}
