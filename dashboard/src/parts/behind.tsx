import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type {
  CallsAnswer,
  ResponseCodesAnswer,
  StatisticsAnswer,
  StatisticsRow,
} from '../../../src/admin/native/answers.ts'
import { useLive } from '../call.ts'
import { answererWords, classNames, colourOfStatus } from '../chart/series.ts'
import { count, duration, granule, share, timesIn } from '../format.ts'
import { reasonOf } from '../statuses.ts'
import type { Change, View } from '../view.ts'
import { breakable, Chip } from './bits.tsx'
import { CallTable } from './call-table.tsx'
import { Answered } from './page.tsx'
import { type Column, ListPanel } from './table.tsx'

/** The granule that `view.at` names in an answer; null: none does. */
export function granuleAt(view: View, answer: ResponseCodesAnswer): number | null {
  const at = view.at === null ? -1 : answer.startsMs.indexOf(Date.parse(view.at))
  return at === -1 ? null : at
}

const refreshMs = 5_000

interface BehindProps {
  readonly view: View
  readonly change: Change
  readonly answer: ResponseCodesAnswer
  readonly at: number
}

/** What is behind one step of the chart: its codes, its errors, and the latest of its calls. */
export function Behind({ view, change, answer, at }: BehindProps): JSX.Element {
  const startMs = answer.startsMs[at]!
  const endMs = answer.startsMs[at + 1] ?? answer.untilMs
  const { granularity, timezone } = answer
  const query = new URLSearchParams({ since: iso(startMs), until: iso(endMs) })
  for (const name of filters) if (view[name] !== null) query.set(name, view[name])
  const steps = new URLSearchParams({ granularity, timezone })
  const statistics = (by: string): string => `/api/statistics?by=${by}&${query}&${steps}`
  const codes = useLive<StatisticsAnswer>(statistics('status'), refreshMs)
  const errors = useLive<StatisticsAnswer>(statistics('errorCode'), refreshMs)
  const calls = useLive<CallsAnswer>(`/api/calls?${query}&limit=15`, refreshMs)
  const heading = useRef<HTMLHeadingElement>(null)
  // Whoever chose a step goes on here, by eye or by ear.
  useEffect(() => heading.current?.focus(), [startMs])
  const title = granule(timesIn(timezone), startMs, endMs, granularity)
  return (
    <section class="behind" aria-label={`Behind ${title}`}>
      <div class="behind-head">
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <Filters view={view} change={change} />
        <button
          type="button"
          class="plain-button"
          onClick={() => change({ at: null, class: null, status: null, answeredBy: null })}
        >
          Close
        </button>
      </div>
      <div class="columns">
        <Answered
          live={codes}
          draw={(answer) => (
            <ListPanel
              title="Codes behind it"
              caption="Codes behind this step"
              empty="No such calls."
              columns={codeColumns(answer.calls, view, change)}
              rows={answer.rows}
              keyOf={({ value }) => value}
            />
          )}
        />
        <Answered
          live={errors}
          waiting=""
          draw={(answer) => (
            <ListPanel
              title="Errors behind it"
              caption="Errors behind this step"
              empty="Nothing went wrong in these calls."
              columns={errorColumns}
              rows={answer.rows.filter(({ value }) => value !== '').slice(0, 8)}
              keyOf={({ value }) => value}
            />
          )}
        />
      </div>
      <section class="panel">
        <div class="panel-title">
          <h2>Latest of these calls</h2>
        </div>
        <Answered live={calls} draw={(held) => <CallTable answer={held} nowMs={answer.nowMs} />} />
      </section>
    </section>
  )
}

const filters = ['service', 'proxy', 'application', 'class', 'status', 'answeredBy'] as const

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

/** Which of the calls: all, a class, or those of who answered. */
function Filters({ view, change }: Pick<BehindProps, 'view' | 'change'>): JSX.Element {
  const { answeredBy, status } = view
  return (
    <>
      <fieldset class="segments" aria-label="Calls of the class">
        {[null, ...classNames].map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={view.class === name && status === null}
            onClick={() => change({ class: name, status: null })}
          >
            {name ?? 'All'}
          </button>
        ))}
      </fieldset>
      {status !== null && <Chip words={`only ${status}`} clear={() => change({ status: null })} />}
      {answeredBy !== null && (
        <Chip
          words={`answered by ${answererWords(answeredBy as never)?.label ?? answeredBy}`}
          clear={() => change({ answeredBy: null })}
        />
      )}
    </>
  )
}

function codeColumns(all: number, view: View, change: Change): readonly Column<StatisticsRow>[] {
  return [
    {
      title: 'Code',
      draw: ({ value }) => (
        <button
          type="button"
          class="link-button"
          title={`Only ${value}`}
          aria-pressed={view.status === value}
          onClick={() => change({ status: view.status === value ? null : value })}
        >
          <span class="swatch" style={{ '--swatch': colourOfStatus(Number(value)) }} />
          {value}
        </button>
      ),
    },
    { title: 'Meaning', kind: 'wraps', draw: ({ value }) => <span class="quiet">{reasonOf(Number(value))}</span> },
    { title: 'Calls', kind: 'number', draw: ({ calls }) => count(calls) },
    { title: 'Share', kind: 'number', draw: ({ calls }) => share(calls, all) },
    { title: '99 % within', kind: 'number', minor: true, draw: ({ latency }) => duration(latency.p99Ms) },
  ]
}

const errorColumns: readonly Column<StatisticsRow>[] = [
  { title: 'Error', kind: 'wraps', draw: ({ value }) => <span class="code">{breakable(value)}</span> },
  { title: 'Calls', kind: 'number', draw: ({ calls }) => count(calls) },
]
