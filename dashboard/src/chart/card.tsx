import type { JSX } from 'preact'
import type uPlot from 'uplot'
import { count, granule, share } from '../format.ts'
import type { ChartProps } from './chart.tsx'

interface CardProps extends ChartProps {
  readonly plot: uPlot
  readonly box: DOMRect
  readonly at: number
}

/** The numbers of the picked granule, beside it. */
export function Card({
  plot,
  box,
  at,
  series,
  edgesMs,
  granularity,
  times,
  nowMs,
  sum,
  choose,
}: CardProps): JSX.Element {
  const left = box.left + plot.valToPos(edgesMs[at]! / 1000, 'x')
  const right = box.left + plot.valToPos(edgesMs[at + 1]! / 1000, 'x')
  const onLeft = (left + right) / 2 > box.left + box.width / 2
  const all = series.reduce((total, { values }) => total + (values[at] ?? 0), 0)
  const place = onLeft ? { right: `calc(100% - ${left - 8}px)` } : { left: `${right + 8}px` }
  return (
    <div class="chart-card" style={place}>
      <p class="chart-card-time">
        {granule(times, edgesMs[at]!, edgesMs[at + 1]!, granularity)}
        {nowMs < edgesMs[at + 1]! && <span class="quiet"> so far</span>}
      </p>
      <table>
        <tbody>
          {[...series].reverse().map(({ key, label, colour, values }) => (
            <tr key={key} class={values[at] === 0 ? 'none' : ''}>
              <th scope="row">
                <span class="swatch" style={{ '--swatch': colour }} />
                {label}
              </th>
              <td>{count(values[at] ?? 0)}</td>
              <td class="quiet">{share(values[at] ?? 0, all)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{sum}</th>
            <td>{count(all)}</td>
            <td />
          </tr>
        </tfoot>
      </table>
      {choose !== undefined && all > 0 && <p class="chart-card-hint">Click to list the calls</p>}
    </div>
  )
}
