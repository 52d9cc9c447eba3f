import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { drawChart } from './canvas.ts'
import { count, granule, share, type Times } from './format.ts'
import { type Series, stacked } from './series.ts'

interface ChartProps {
  readonly series: readonly Series[]
  /** Starts of the granules and, last, the end: one more than there are values. Milliseconds. */
  readonly edgesMs: readonly number[]
  readonly granularity: string
  readonly times: Times
  readonly nowMs: number
  /** Some series are hidden: what is drawn is not all. */
  readonly partial: boolean
  /** In words, for who cannot see it. */
  readonly label: string
}

/** Stacked areas, one step for each granule. Pointer or arrow keys pick a granule and read its numbers. */
export function Chart({ series, edgesMs, granularity, times, nowMs, partial, label }: ChartProps): JSX.Element {
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const [picked, setPicked] = useState<number | null>(null)
  const [box, setBox] = useState<DOMRect | undefined>(undefined)
  const edges = useMemo(() => stacked(series), [series])
  const last = edgesMs.length - 2
  const at = picked === null ? null : Math.min(picked, last)

  useEffect(() => {
    const element = holder.current!
    const draw = (): void => {
      plot.current?.destroy()
      plot.current = drawChart(element, { series, tops: edges, edgesMs, times }, (drawn) => {
        const { left, top, width, height } = drawn.over.getBoundingClientRect()
        const outer = element.getBoundingClientRect()
        setBox(new DOMRect(left - outer.left, top - outer.top, width, height))
      })
    }
    const resized = new ResizeObserver(draw)
    resized.observe(element)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', draw)
    const theme = new MutationObserver(draw)
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      resized.disconnect()
      theme.disconnect()
      dark.removeEventListener('change', draw)
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [series, edges, edgesMs, times])

  const point = (event: PointerEvent): void => {
    if (box === undefined || plot.current === undefined) return
    const left = event.clientX - holder.current!.getBoundingClientRect().left - box.left
    const timeMs = plot.current.posToVal(left, 'x') * 1000
    const inside = left >= 0 && left <= box.width
    const at = edgesMs.findLastIndex((edge) => edge <= timeMs)
    setPicked(inside ? Math.max(0, Math.min(last, at)) : null)
  }
  const press = (event: KeyboardEvent): void => {
    const from = at ?? last
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: from - (at === null ? 0 : 1),
      ArrowRight: from + (at === null ? 0 : 1),
      PageUp: from - 10,
      PageDown: from + 10,
      Home: 0,
      End: last,
    }
    const to = steps[event.key]
    if (event.key === 'Escape') setPicked(null)
    if (to === undefined) return
    event.preventDefault()
    setPicked(Math.max(0, Math.min(last, to)))
  }
  const words = at === null ? label : wordsAt(series, granule(times, edgesMs[at]!, edgesMs[at + 1]!, granularity), at)
  return (
    <div
      class="chart"
      role="slider"
      tabIndex={0}
      aria-label="Chart: response codes over time"
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={at ?? last}
      aria-valuetext={words}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => setPicked(null)}
      onKeyDown={press}
      onBlur={() => setPicked(null)}
    >
      <div class="chart-canvas" ref={holder} aria-hidden="true" />
      {at !== null && box !== undefined && plot.current !== undefined && (
        <Pick plot={plot.current} box={box} at={at} {...{ series, edgesMs, granularity, times, nowMs, partial }} />
      )}
    </div>
  )
}

interface PickProps extends Omit<ChartProps, 'label'> {
  readonly plot: uPlot
  readonly box: DOMRect
  readonly at: number
}

/** The picked granule: a band over the chart and a card with its numbers. */
function Pick({ plot, box, at, series, edgesMs, granularity, times, nowMs, partial }: PickProps): JSX.Element {
  const left = box.left + plot.valToPos(edgesMs[at]! / 1000, 'x')
  const right = box.left + plot.valToPos(edgesMs[at + 1]! / 1000, 'x')
  const onLeft = (left + right) / 2 > box.left + box.width / 2
  const all = series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0)
  const place = onLeft ? { right: `calc(100% - ${left - 8}px)` } : { left: `${right + 8}px` }
  return (
    <>
      <div
        class="chart-band"
        style={{
          left: `${left}px`,
          width: `${Math.max(right - left, 1)}px`,
          top: `${box.top}px`,
          height: `${box.height}px`,
        }}
      />
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
                  <span class="swatch" style={{ background: colour }} />
                  {label}
                </th>
                <td>{count(values[at] ?? 0)}</td>
                <td class="quiet">{share(values[at] ?? 0, all)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{partial ? 'Shown' : 'Calls'}</th>
              <td>{count(all)}</td>
              <td />
            </tr>
          </tfoot>
        </table>
      </div>
    </>
  )
}

function wordsAt(series: readonly Series[], time: string, at: number): string {
  const parts = series
    .filter(({ values }) => (values[at] ?? 0) > 0)
    .map(({ label, values }) => `${label} ${count(values[at]!)}`)
  return `${time}: ${parts.length === 0 ? 'no calls' : parts.join(', ')}`
}
