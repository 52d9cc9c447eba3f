import type { JSX } from 'preact'
import type { ResponseCodesAnswer } from '../../../src/admin/native/answers.ts'
import { useLive } from '../call.ts'
import { type By, isAnswerer } from '../chart/series.ts'
import { count, duration, share, timesIn } from '../format.ts'
import { Behind, granuleAt } from '../parts/behind.tsx'
import { Figures } from '../parts/bits.tsx'
import { Codes, useSeries } from '../parts/codes.tsx'
import { SeriesDownload } from '../parts/download.tsx'
import { Empty } from '../parts/empty.tsx'
import { Answered, LiveMark, PageHead } from '../parts/page.tsx'
import { ScopePicker } from '../parts/scope.tsx'
import { AnswererTable, ErrorTable, StatusTable, ValuesTable } from '../parts/tables.tsx'
import { TimeBar } from '../parts/time-bar.tsx'
import { type Change, callOf, refreshMs, useView, type View } from '../view.ts'

/** Analytics > Response codes: every call of the range by the status that the client got, or by who answered. */
export function ResponseCodesPage(): JSX.Element {
  const [view, change] = useView()
  const live = useLive<ResponseCodesAnswer>(`/api/response-codes?${callOf(view)}`, refreshMs(view))
  return (
    <>
      <PageHead title="Response codes" crumb="Analytics">
        <ScopePicker view={view} change={change} />
        <LiveMark late={live.error !== undefined} nowMs={live.answer?.nowMs} zone={live.answer?.timezone ?? 'UTC'} />
      </PageHead>
      <TimeBar view={view} change={change} answer={live.answer} />
      <Answered
        live={live}
        draw={(answer) => <Answer view={view} change={change} answer={answer} />}
        help={
          <button type="button" onClick={() => change(wayOut)}>
            Show the last 24 hours of all traffic
          </button>
        }
      />
    </>
  )
}

/** What always can be shown. */
const wayOut: Partial<View> = {
  last: '24h',
  from: null,
  until: null,
  per: null,
  zone: null,
  service: null,
  proxy: null,
  application: null,
}

interface AnswerProps {
  readonly view: View
  readonly change: Change
  readonly answer: ResponseCodesAnswer
}

function Answer({ view, change, answer }: AnswerProps): JSX.Element {
  const all = useSeries(answer, view.by)
  if (answer.calls === 0) return <Empty view={view} change={change} answer={answer} />
  const { granularity, startsMs, untilMs } = answer
  const times = timesIn(answer.timezone)
  const chosen = granuleAt(view, answer)
  const choose = (at: number, key: string | null): void =>
    change({
      at: new Date(startsMs[at]!).toISOString().replace(':00.000Z', 'Z'),
      status: null,
      ...(isAnswerer(key) ? { class: null, answeredBy: key } : { class: key, answeredBy: null }),
    })
  return (
    <>
      <Figures figures={figuresOf(answer)} />
      <section class="panel" aria-label="Chart">
        <Codes
          answer={answer}
          by={view.by}
          hidden={view.hidden}
          hide={(hidden) => change({ hidden })}
          chosen={chosen}
          choose={choose}
        >
          <Views by={view.by} change={change} />
        </Codes>
      </section>
      {chosen !== null && <Behind view={view} change={change} answer={answer} at={chosen} />}
      <div class="columns">
        {view.by === 'code' ? <StatusTable answer={answer} view={view} /> : <AnswererTable series={all} />}
        <ErrorTable answer={answer} />
      </div>
      <div class="numbers">
        <details class="panel">
          <summary>The chart in numbers, per {granularity}</summary>
          <ValuesTable
            series={all}
            edgesMs={[...startsMs, untilMs]}
            granularity={granularity}
            times={times}
            sum="Calls"
          />
        </details>
        <SeriesDownload name="response-codes" series={all} startsMs={startsMs} times={times} />
      </div>
    </>
  )
}

function figuresOf(answer: ResponseCodesAnswer): Parameters<typeof Figures>[0]['figures'] {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const { calls, byClass, latency } = answer
  const clientErrors = sum(byClass['4XX'])
  const serverErrors = sum(byClass['5XX'])
  return [
    { title: 'Calls', figure: count(calls), note: `${share(sum(byClass['2XX']), calls)} answered 2XX` },
    { title: 'Client errors', figure: count(clientErrors), note: `${share(clientErrors, calls)} answered 4XX` },
    { title: 'Server errors', figure: count(serverErrors), note: `${share(serverErrors, calls)} answered 5XX` },
    { title: 'Median time', figure: duration(latency.p50Ms), note: `99 % within ${duration(latency.p99Ms)}` },
  ]
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
          onClick={() => by !== key && change({ by: key, hidden: [], class: null, answeredBy: null })}
        >
          {label}
        </button>
      ))}
    </fieldset>
  )
}
