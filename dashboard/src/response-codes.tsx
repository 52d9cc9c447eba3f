import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ResponseCodesAnswer } from '../../src/admin/native/answers.ts'
import { type Live, useLive } from './call.ts'
import { Chart } from './chart.tsx'
import { Empty } from './empty.tsx'
import { count, duration, share, timesIn } from './format.ts'
import { Legend } from './legend.tsx'
import { ScopePicker } from './scope.tsx'
import { type Series, seriesOf } from './series.ts'
import { AnswererTable, ErrorTable, StatusTable, ValuesTable } from './tables.tsx'
import { TimeBar } from './time-bar.tsx'
import { type By, type Change, callOf, useView, type View } from './view.ts'

/** Minutes and hours move before one's eyes; days and months do not. */
function refreshMs(view: View): number {
  return view.last === '1h' || view.last === '24h' ? 3_000 : 15_000
}

/** Analytics > Response codes: every call of the range by the status that the client got, or by who answered. */
export function ResponseCodesPage(): JSX.Element {
  const [view, change] = useView()
  const live = useLive<ResponseCodesAnswer>(`/api/response-codes?${callOf(view)}`, refreshMs(view))
  const { answer, error } = live
  return (
    <>
      <header class="page-head">
        <div>
          <p class="crumb">Analytics</p>
          <h1>Response codes</h1>
        </div>
        <ScopePicker view={view} change={change} />
        <LiveMark live={live} />
      </header>
      <TimeBar view={view} change={change} answer={answer} />
      {error !== undefined && (
        <div class="problem" role="alert">
          <p>{error.message}</p>
          {error.status >= 400 && error.status < 500 && (
            <button
              type="button"
              onClick={() =>
                change({ last: '24h', from: null, until: null, per: null, zone: null, service: null, proxy: null })
              }
            >
              Show the last 24 hours of all traffic
            </button>
          )}
        </div>
      )}
      {answer !== undefined && (
        <Answer view={view} change={change} answer={answer} stale={live.stale || error !== undefined} />
      )}
      {answer === undefined && error === undefined && <p class="quiet loading">Reading the counters …</p>}
    </>
  )
}

function LiveMark({ live }: { readonly live: Live<ResponseCodesAnswer> }): JSX.Element | null {
  if (live.answer === undefined) return null
  const late = live.error !== undefined
  return (
    <p class={`live${late ? ' late' : ''}`}>
      <span class="live-dot" aria-hidden="true" />
      {late ? 'as of' : 'Live ·'} {timesIn(live.answer.timezone).seconds(live.answer.nowMs)}
    </p>
  )
}

interface AnswerProps {
  readonly view: View
  readonly change: Change
  readonly answer: ResponseCodesAnswer
  readonly stale: boolean
}

function Answer({ view, change, answer, stale }: AnswerProps): JSX.Element {
  const all = useMemo(() => seriesOf(answer, view.by), [answer, view.by])
  const edgesMs = useMemo(() => [...answer.startsMs, answer.untilMs], [answer])
  const shown = useMemo(() => all.filter(({ key }) => !view.hidden.includes(key)), [all, view.hidden])
  if (answer.calls === 0) return <Empty view={view} change={change} answer={answer} />
  const toggle = (key: string): void => {
    const hidden = view.hidden.includes(key) ? view.hidden.filter((each) => each !== key) : [...view.hidden, key]
    change({ hidden })
  }
  const { granularity, nowMs } = answer
  const times = timesIn(answer.timezone)
  return (
    <div class={stale ? 'stale' : ''} aria-busy={stale}>
      <Totals answer={answer} />
      <section class="panel" aria-label="Chart">
        <div class="panel-head">
          <Views by={view.by} change={change} />
          <Legend series={all} hidden={view.hidden} toggle={toggle} />
        </div>
        <Chart
          series={shown}
          label={chartWords(all)}
          {...{ edgesMs, granularity, times, nowMs }}
          partial={shown.length < all.length}
        />
      </section>
      <div class="columns">
        {view.by === 'code' ? <StatusTable answer={answer} /> : <AnswererTable series={all} />}
        <ErrorTable answer={answer} />
      </div>
      <details class="panel">
        <summary>The chart in numbers, per {granularity}</summary>
        <ValuesTable series={all} {...{ edgesMs, granularity, times }} />
      </details>
    </div>
  )
}

function Totals({ answer }: { readonly answer: ResponseCodesAnswer }): JSX.Element {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const { calls, byClass, latency } = answer
  const clientErrors = sum(byClass['4XX'])
  const serverErrors = sum(byClass['5XX'])
  const figures: readonly (readonly [title: string, figure: string, note: string])[] = [
    ['Calls', count(calls), `${share(sum(byClass['2XX']), calls)} answered 2XX`],
    ['Client errors', count(clientErrors), `${share(clientErrors, calls)} answered 4XX`],
    ['Server errors', count(serverErrors), `${share(serverErrors, calls)} answered 5XX`],
    ['Median time', duration(latency.p50Ms), `99 % within ${duration(latency.p99Ms)}`],
  ]
  return (
    <dl class="totals">
      {figures.map(([title, figure, note]) => (
        <div key={title} class="panel">
          <dt>{title}</dt>
          <dd class="figure">{figure}</dd>
          <dd class="quiet">{note}</dd>
        </div>
      ))}
    </dl>
  )
}

const views: readonly (readonly [By, string])[] = [
  ['code', 'By code'],
  ['answerer', 'By who answered'],
]

function Views({ by, change }: { readonly by: By; readonly change: Change }): JSX.Element {
  return (
    <fieldset class="segments" aria-label="View">
      {views.map(([key, label]) => (
        <button
          key={key}
          type="button"
          aria-pressed={by === key}
          onClick={() => by !== key && change({ by: key, hidden: [] })}
        >
          {label}
        </button>
      ))}
    </fieldset>
  )
}

function chartWords(series: readonly Series[]): string {
  return `Whole range: ${series.map(({ label, total }) => `${label} ${count(total)}`).join(', ')}. Arrow keys read single steps.`
}
