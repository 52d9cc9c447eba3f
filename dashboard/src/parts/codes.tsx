import type { ComponentChildren, JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ResponseCodesAnswer } from '../../../src/admin/native/answers.ts'
import { Chart } from '../chart/chart.tsx'
import { Legend } from '../chart/legend.tsx'
import { type By, type Series, seriesOf, wordsOf } from '../chart/series.ts'
import { timesIn } from '../format.ts'

interface CodesProps {
  readonly answer: ResponseCodesAnswer
  readonly by: By
  readonly hidden: readonly string[]
  readonly hide: (hidden: readonly string[]) => void
  /** Beside the legend. */
  readonly children?: ComponentChildren
  readonly chosen?: number | null
  readonly choose?: (at: number, key: string | null) => void
}

/** The chart of response codes, with its legend: the same wherever it is. */
export function Codes({ answer, by, hidden, hide, children, chosen, choose }: CodesProps): JSX.Element {
  const all = useMemo(() => seriesOf(answer, by), [answer, by])
  const edgesMs = useMemo(() => [...answer.startsMs, answer.untilMs], [answer])
  const shown = useMemo(() => all.filter(({ key }) => !hidden.includes(key)), [all, hidden])
  const { granularity, nowMs, timezone } = answer
  return (
    <>
      <div class="panel-head">
        {children}
        <Legend series={all} hidden={hidden} hide={hide} />
      </div>
      <Chart
        series={shown}
        title="response codes over time"
        words={wordsOf(all)}
        sum={shown.length < all.length ? 'Shown' : 'Calls'}
        times={timesIn(timezone)}
        {...{ edgesMs, granularity, nowMs }}
        {...(chosen === undefined ? {} : { chosen })}
        {...(choose === undefined ? {} : { choose })}
      />
    </>
  )
}

/** The series of an answer, for the tables below a chart. */
export function useSeries(answer: ResponseCodesAnswer, by: By): readonly Series[] {
  return useMemo(() => seriesOf(answer, by), [answer, by])
}
