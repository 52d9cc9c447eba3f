import type { JSX } from 'preact'
import type { Change, View } from '../view.ts'

/** The view shows as much as there is. */
export const isWidest = ({ last }: View): boolean => last === '12m'

/** Leads to the widest range, where the view does not have it yet. */
export function Widest({ view, change }: { readonly view: View; readonly change: Change }): JSX.Element | null {
  if (isWidest(view)) return null
  return (
    <button type="button" onClick={() => change({ last: '12m', from: null, until: null, per: null })}>
      Show the last 12 months
    </button>
  )
}
