import type { JSX } from 'preact'
import { count, share } from '../format.ts'
import type { Series } from './series.ts'

interface LegendProps {
  readonly series: readonly Series[]
  readonly hidden: readonly string[]
  readonly hide: (hidden: readonly string[]) => void
}

/** Names the areas, with their totals; a click hides or shows one. */
export function Legend({ series, hidden, hide }: LegendProps): JSX.Element {
  const all = series.reduce((sum, { total }) => sum + total, 0)
  const toggle = (key: string): void =>
    hide(hidden.includes(key) ? hidden.filter((each) => each !== key) : [...hidden, key])
  return (
    <ul class="legend" aria-label="Legend">
      {series.map(({ key, label, meaning, colour, total }) => (
        <li key={key}>
          <button
            type="button"
            aria-pressed={!hidden.includes(key)}
            title={`${meaning} – click to hide or show`}
            onClick={() => toggle(key)}
          >
            <span class="swatch" style={{ '--swatch': colour }} />
            <span class="legend-label">{label}</span>
            <span class="legend-total">{count(total)}</span>
            <span class="quiet">{share(total, all)}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
