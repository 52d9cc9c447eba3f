import type { JSX } from 'preact'
import type { ApplicationLimit, ApplicationPageAnswer, ResponseCodesAnswer } from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { count, duration, ownZone, share, span, timesIn } from '../format.ts'
import { Facts, Meter } from '../parts/bits.tsx'
import { Codes } from '../parts/codes.tsx'
import { Answered, LiveMark, PageHead } from '../parts/page.tsx'
import { type Column, ListPanel } from '../parts/table.tsx'
import { TimeBar } from '../parts/time-bar.tsx'
import { callOf, refreshMs, searchOf, sharedOf, useView } from '../view.ts'
import { StateTag } from './applications.tsx'

/** One application: who it is, what is left of its limits, and how its calls went. */
export function ApplicationPage({ name: id }: { readonly name: string }): JSX.Element {
  const [view] = useView()
  const live = useLive<ApplicationPageAnswer>(pathOf('/api/applications', id), 3_000)
  const range = { ...sharedOf(view), service: null }
  return (
    <>
      <PageHead title={live.answer?.name ?? id} crumb="Applications" crumbHref="/applications">
        <a class="plain-button" href={`/analytics/usage${searchOf({ ...range, application: id })}`}>
          Usage
        </a>
        <a class="plain-button" href={`/explain${searchOf({ application: id })}`}>
          Latest calls
        </a>
      </PageHead>
      <Answered
        live={live}
        waiting="Reading …"
        draw={(answer) => (
          <>
            <section class="panel" aria-label="What it is">
              <Facts facts={factsOf(answer)} />
            </section>
            <ListPanel
              title="Limits"
              caption="Limits and what is used of them"
              empty={`The plan ${answer.plan.name} has no limits: this application may call as often as it likes.`}
              columns={limitColumns}
              rows={answer.limits}
              keyOf={({ metric, period }) => `${metric} ${period}`}
            />
          </>
        )}
      />
      {live.answer !== undefined && <CodesOf application={id} />}
    </>
  )
}

function factsOf(answer: ApplicationPageAnswer): Parameters<typeof Facts>[0]['facts'] {
  const { account, plan, service, state, keyHints, description } = answer
  return [
    ['State', <StateTag key="" state={state} />],
    ['Account', account.name],
    ['Plan', plan.name],
    ['Service', service?.name ?? 'none'],
    [
      keyHints.length === 1 ? 'Key' : 'Keys',
      keyHints.length === 0
        ? 'none'
        : keyHints.map((hint) => (
            <code key={hint} class="key-hint">
              {hint}
            </code>
          )),
    ],
    ['Id', <code key="">{answer.id}</code>],
    ['Description', description],
  ]
}

const limitColumns: readonly Column<ApplicationLimit>[] = [
  { title: 'Metric', draw: ({ metricName }) => metricName },
  { title: 'Per', draw: ({ period }) => period },
  {
    title: 'Used',
    kind: 'bar-cell',
    draw: ({ metricName, period, used, limit }) => (
      <Meter used={used} limit={limit} label={`${metricName} per ${period}`} />
    ),
  },
  { title: 'Starts anew', minor: true, draw: ({ endsMs }) => <Reset endsMs={endsMs} /> },
]

function Reset({ endsMs }: { readonly endsMs: number | null }): JSX.Element {
  if (endsMs === null) return <span class="quiet">never</span>
  return (
    <span class="quiet" title={timesIn(ownZone).moment(endsMs)}>
      in {span(endsMs - Date.now())}
    </span>
  )
}

/** Its codes: every call in which it was identified, the refused ones too. */
function CodesOf({ application }: { readonly application: string }): JSX.Element {
  const [view, change] = useView()
  const scoped = { ...view, service: null, proxy: null, application }
  const live = useLive<ResponseCodesAnswer>(`/api/response-codes?${callOf(scoped)}`, refreshMs(view))
  const whole = `/analytics/response-codes${searchOf({ ...sharedOf(view), service: null, application })}`
  return (
    <section class="timed" aria-label="Response codes">
      <div class="section-head">
        <h2>
          <a href={whole}>Response codes</a>
        </h2>
        <LiveMark late={live.error !== undefined} nowMs={live.answer?.nowMs} zone={live.answer?.timezone ?? 'UTC'} />
      </div>
      <TimeBar view={view} change={change} answer={live.answer} />
      <Answered
        live={live}
        draw={(answer) =>
          answer.calls === 0 ? (
            <p class="panel quiet nothing">No calls of this application in this range.</p>
          ) : (
            <section class="panel">
              <Codes answer={answer} by={view.by} hidden={view.hidden} hide={(hidden) => change({ hidden })}>
                <p class="quiet">
                  {count(answer.calls)} calls, {share(answer.calls - good(answer), answer.calls)} failed, 99 % within{' '}
                  {duration(answer.latency.p99Ms)}
                </p>
              </Codes>
            </section>
          )
        }
      />
    </section>
  )
}

function good({ statuses }: ResponseCodesAnswer): number {
  return statuses.reduce((sum, { status, calls }) => (status < 400 ? sum + calls : sum), 0)
}
