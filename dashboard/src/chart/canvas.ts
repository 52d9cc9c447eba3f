import uPlot from 'uplot'
import { shortCount, type Times } from '../format.ts'
import type { Series } from './series.ts'

interface Drawing {
  readonly series: readonly Series[]
  /** The top edge of each series in the stack. */
  readonly tops: readonly (readonly number[])[]
  readonly edgesMs: readonly number[]
  readonly times: Times
}

const dayS = 86_400
const densePixels = 4

/**
 * Draws the stacked areas into `element`, which they fill. Colours of axes and grid come from the style sheet. `ready` is called
 * when all has its place.
 */
export function drawChart(element: HTMLElement, drawing: Drawing, ready: (plot: uPlot) => void): uPlot {
  const { series, tops, edgesMs } = drawing
  const style = getComputedStyle(element)
  const edgesS = edgesMs.map((edge) => edge / 1000)
  const highest = Math.max(0, ...(tops.at(-1) ?? []))
  const ground = style.getPropertyValue('--surface').trim()
  // Steps of a few pixels are all edge: they are painted without one, in the full colour.
  const dense = element.clientWidth / edgesMs.length < densePixels
  // Painted from the top of the stack downwards, each area from its edge to the ground: the next one covers its lower part.
  const order = series.map((_each, index) => index).reverse()
  return new uPlot(
    {
      width: element.clientWidth,
      height: element.clientHeight,
      padding: [12, 14, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      hooks: { ready: [ready] },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), drawing.times.zone),
      scales: {
        x: { time: true, range: () => [edgesS[0]!, edgesS.at(-1)!] },
        y: { range: () => [0, niceAbove(highest)] },
      },
      axes: axes(style, drawing.times),
      series: [
        {},
        ...order.map((index): uPlot.Series => {
          const { colour } = series[index]!
          return {
            stroke: colour,
            fill: dense ? colour : mixed(colour, ground, 0.75),
            width: dense ? 0 : 1.5,
            points: { show: false },
            paths: steps(series[index]!.values, edgesS),
          }
        }),
      ],
    },
    [edgesS.slice(0, -1), ...order.map((index) => [...tops[index]!])],
    element,
  )
}

/**
 * One flat step for each granule, as wide as it lasts: an exact number needs no curve. Granules in which this series has nothing
 * are left out, so that its line does not run along the series below it.
 */
function steps(values: readonly number[], edgesS: readonly number[]): uPlot.Series.PathBuilder {
  return (plot, seriesIndex) => {
    const tops = plot.data[seriesIndex]!
    const fill = new Path2D()
    const stroke = new Path2D()
    const x = (index: number): number => Math.round(plot.valToPos(edgesS[index]!, 'x', true))
    const y = (index: number): number => plot.valToPos(tops[index]!, 'y', true)
    const ground = plot.valToPos(0, 'y', true)
    for (let index = 0; index < values.length; index++) {
      if (values[index] === 0) continue
      const from = x(index)
      const joined = index > 0 && values[index - 1] !== 0
      fill.rect(from, y(index), x(index + 1) - from, ground - y(index))
      if (joined) stroke.lineTo(from, y(index))
      else stroke.moveTo(from, y(index))
      stroke.lineTo(x(index + 1), y(index))
    }
    return { stroke, fill }
  }
}

function axes(style: CSSStyleDeclaration, times: Times): uPlot.Axis[] {
  const text = style.getPropertyValue('--text-quiet').trim()
  const line = style.getPropertyValue('--line').trim()
  const font = `12px ${style.fontFamily}`
  return [
    {
      stroke: text,
      font,
      size: 34,
      gap: 8,
      space: 76,
      grid: { show: false },
      ticks: { stroke: line, width: 1, size: 5 },
      border: { show: true, stroke: line, width: 1 },
      // Nothing begins where the range ends, and the label would not fit.
      values: (plot, splits, _axis, _space, step) =>
        splits.map((split) => (split === plot.scales['x']!.max ? '' : timeLabel(times, split * 1000, step))),
    },
    {
      stroke: text,
      font,
      size: (_plot, values) => 14 + 7 * Math.max(2, ...(values ?? []).map((value) => value.length)),
      gap: 8,
      space: 48,
      // Calls come whole.
      incrs: [1, 2, 5]
        .flatMap((digit) => Array.from({ length: 12 }, (_zero, power) => digit * 10 ** power))
        .sort((a, b) => a - b),
      grid: { stroke: line, width: 1 },
      ticks: { show: false },
      values: (_plot, splits) => splits.map((split) => shortCount(split)),
    },
  ]
}

/** A day's first label names the day; between months only months count. */
function timeLabel(times: Times, ms: number, stepS: number): string {
  if (stepS >= 28 * dayS) return times.month(ms)
  const clock = times.clock(ms)
  return clock === '00:00' ? times.shortDay(ms) : clock
}

/** Some air above the highest step, and a scale even when there is nothing. */
function niceAbove(highest: number): number {
  return highest === 0 ? 4 : Math.max(highest * 1.08, 4)
}

/** `share` of one #rrggbb colour over another, as a solid colour. */
export function mixed(colour: string, ground: string, share: number): string {
  const channel = (text: string, at: number): number => Number.parseInt(text.slice(at, at + 2), 16)
  const mix = (at: number): number => Math.round(channel(colour, at) * share + channel(ground, at) * (1 - share))
  return `rgb(${mix(1)} ${mix(3)} ${mix(5)})`
}
