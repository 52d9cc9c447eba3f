import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { granule, type Times } from '../format.ts'
import { drawChart } from './canvas.ts'
import { Card } from './card.tsx'
import { type Series, seriesAt, stacked, wordsAt } from './series.ts'

export interface ChartProps {
  readonly series: readonly Series[]
  /** Starts of the granules and, last, the end: one more than there are values. Milliseconds. */
  readonly edgesMs: readonly number[]
  readonly granularity: string
  readonly times: Times
  readonly nowMs: number
  /** What the sum of a step is called: 'Calls'. */
  readonly sum: string
  /** What is drawn, and all of it in words: for who cannot see it. */
  readonly title: string
  readonly words: string
  /** The granule that the page speaks of. */
  readonly chosen?: number | null
  /** A click on a step, or Enter: `key` names the area that was hit, null where there was none. */
  readonly choose?: (at: number, key: string | null) => void
}

/** Stacked areas, one step for each granule. Pointer or arrow keys pick a granule and read its numbers. */
export function Chart(props: ChartProps): JSX.Element {
  const { series, edgesMs, granularity, times, title, words, chosen, choose } = props
  const [picked, setPicked] = useState<number | null>(null)
  const { holder, plot, box } = useDrawing(props)
  const last = edgesMs.length - 2
  const at = picked === null ? null : Math.min(picked, last)

  /** The granule below the pointer, and the number of calls at its height. */
  const below = (event: MouseEvent): { at: number; value: number; tolerance: number } | null => {
    if (box === undefined || plot === undefined || holder.current === null) return null
    const outer = holder.current.getBoundingClientRect()
    const left = event.clientX - outer.left - box.left
    if (left < 0 || left > box.width) return null
    const timeMs = plot.posToVal(left, 'x') * 1000
    const at = edgesMs.findLastIndex((edge) => edge <= timeMs)
    const top = event.clientY - outer.top - box.top
    const value = plot.posToVal(top, 'y')
    return { at: Math.max(0, Math.min(last, at)), value, tolerance: plot.posToVal(top - nearPixels, 'y') - value }
  }
  const point = (event: PointerEvent): void => setPicked(below(event)?.at ?? null)
  const click = (event: MouseEvent): void => {
    const hit = below(event)
    if (hit !== null) choose?.(hit.at, seriesAt(series, hit.at, hit.value, hit.tolerance)?.key ?? null)
  }
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setPicked(null)
    if (event.key === 'Enter' && at !== null) choose?.(at, null)
    const to = movedTo(event.key, at, last)
    if (to === undefined) return
    event.preventDefault()
    setPicked(to)
  }
  const spoken =
    at === null
      ? `${words}${choose === undefined ? '' : ' Enter lists the calls of a step.'}`
      : wordsAt(series, granule(times, edgesMs[at]!, edgesMs[at + 1]!, granularity), at, props.sum)
  return (
    <div
      class={`chart${choose === undefined ? '' : ' chart-opens'}`}
      role="slider"
      tabIndex={0}
      aria-label={`Chart: ${title}`}
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={at ?? last}
      aria-valuetext={spoken}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => setPicked(null)}
      onClick={click}
      onKeyDown={press}
      onBlur={() => setPicked(null)}
    >
      <div class="chart-canvas" ref={holder} aria-hidden="true" />
      {box !== undefined && plot !== undefined && (
        <>
          {chosen !== undefined && chosen !== null && chosen >= 0 && chosen <= last && (
            <Band plot={plot} box={box} edgesMs={edgesMs} at={chosen} kind="chosen" />
          )}
          {at !== null && (
            <>
              <Band plot={plot} box={box} edgesMs={edgesMs} at={at} kind="picked" />
              <Card {...props} plot={plot} box={box} at={at} />
            </>
          )}
        </>
      )}
    </div>
  )
}

/** An area is hit when the pointer is this near. */
const nearPixels = 6

/** Where a key leads from the picked granule; undefined: this key leads nowhere. */
function movedTo(key: string, at: number | null, last: number): number | undefined {
  const from = at ?? last
  const first = at === null ? 0 : 1
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: from - first,
    ArrowRight: from + first,
    PageUp: from - 10,
    PageDown: from + 10,
    Home: 0,
    End: last,
  }
  const to = steps[key]
  return to === undefined ? undefined : Math.max(0, Math.min(last, to))
}

interface Drawing {
  readonly holder: { readonly current: HTMLDivElement | null }
  readonly plot: uPlot | undefined
  /** Where the areas are, within the holder. */
  readonly box: DOMRect | undefined
}

/** Draws, and draws again when the numbers, the size or the colours change. */
function useDrawing({ series, edgesMs, times }: ChartProps): Drawing {
  const holder = useRef<HTMLDivElement>(null)
  const [drawing, setDrawing] = useState<{ plot: uPlot; box: DOMRect } | undefined>(undefined)
  const tops = useMemo(() => stacked(series), [series])
  useEffect(() => {
    const element = holder.current!
    let plot: uPlot | undefined
    const draw = (): void => {
      if (element.clientWidth === 0) return
      plot?.destroy()
      plot = drawChart(element, { series, tops, edgesMs, times }, (drawn) => {
        const { left, top, width, height } = drawn.over.getBoundingClientRect()
        const outer = element.getBoundingClientRect()
        setDrawing({ plot: drawn, box: new DOMRect(left - outer.left, top - outer.top, width, height) })
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
      plot?.destroy()
      setDrawing(undefined)
    }
  }, [series, tops, edgesMs, times])
  return { holder, plot: drawing?.plot, box: drawing?.box }
}

interface BandProps {
  readonly plot: uPlot
  readonly box: DOMRect
  readonly edgesMs: readonly number[]
  readonly at: number
  readonly kind: 'picked' | 'chosen'
}

function Band({ plot, box, edgesMs, at, kind }: BandProps): JSX.Element {
  const left = box.left + plot.valToPos(edgesMs[at]! / 1000, 'x')
  const right = box.left + plot.valToPos(edgesMs[at + 1]! / 1000, 'x')
  const style = {
    left: `${left}px`,
    width: `${Math.max(right - left, 1)}px`,
    top: `${box.top}px`,
    height: `${box.height}px`,
  }
  return <div class={`chart-band ${kind}`} style={style} />
}
