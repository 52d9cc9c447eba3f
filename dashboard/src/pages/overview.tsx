import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { LiveError, LiveSecond, OverviewAnswer, ResponseCodesAnswer } from '../../../src/admin/native/answers.ts'
import { go, pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { isAnswerer } from '../chart/series.ts'
import { Spark } from '../chart/spark.tsx'
import { type Seconds, secondsKept, useSeconds } from '../events.ts'
import { count, duration, ownZone, share, span, timesIn } from '../format.ts'
import { breakable, Facts, type Figure, Figures, Status, Tag } from '../parts/bits.tsx'
import { Codes } from '../parts/codes.tsx'
import { Answered, LiveMark, PageHead } from '../parts/page.tsx'
import { type Column, ListPanel } from '../parts/table.tsx'
import { searchOf } from '../view.ts'

const lastHour = `/api/response-codes?last=1h&timezone=${encodeURIComponent(ownZone)}`

/** How the gateway is at this second, and how the last hour was. */
export function OverviewPage(): JSX.Element {
  const live = useSeconds()
  const overview = useLive<OverviewAnswer>('/api/overview', 5_000)
  const hour = useLive<ResponseCodesAnswer>(lastHour, 5_000)
  const newest = live.seconds.at(-1)
  return (
    <>
      <PageHead title="Overview">
        <LiveMark late={live.late || overview.error !== undefined} nowMs={newest?.timeMs ?? overview.answer?.nowMs} />
      </PageHead>
      <Figures figures={figuresOf(live)} />
      <Answered live={hour} draw={(answer) => <LastHour answer={answer} />} />
      <div class="columns">
        <ListPanel
          title="Top errors of the last minute"
          caption="Most frequent errors of the last minute"
          empty={newest === undefined ? 'Waiting for the first second …' : 'Nothing went wrong in the last minute.'}
          columns={errorColumns}
          rows={newest?.topErrors ?? []}
          keyOf={({ proxy, errorCode, status }) => `${proxy} ${errorCode} ${status}`}
        />
        <Answered live={overview} waiting="" draw={(answer) => <Gateway answer={answer} />} />
      </div>
    </>
  )
}

/** The second that just ended, and two minutes before it as a curve. */
function figuresOf({ seconds }: Seconds): readonly Figure[] {
  const newest = seconds.at(-1)
  const curve = (read: (second: LiveSecond) => number | null, colour: string, atLeast: number): JSX.Element => (
    <Spark values={seconds.map(read)} room={secondsKept} colour={colour} atLeast={atLeast} />
  )
  const minute = seconds.slice(-60)
  const errors = minute.reduce((sum, { byClass }) => sum + byClass['5XX'], 0)
  const calls = minute.reduce((sum, { byClass }) => sum + Object.values(byClass).reduce((all, one) => all + one, 0), 0)
  return [
    {
      title: 'Requests a second',
      figure: newest === undefined ? '–' : count(Math.round(newest.callsPerSecond)),
      note: newest === undefined ? 'waiting' : `${count(newest.byClass['4XX'])} of them 4XX`,
      spark: curve(({ callsPerSecond }) => callsPerSecond, 'var(--curve)', 5),
    },
    {
      title: 'Error share',
      figure: share(errors, calls),
      note: 'answered 5XX, last minute',
      spark: curve(({ errorShare }) => errorShare, '#d9534f', 0.1),
    },
    {
      title: 'Median time',
      figure: duration(newest?.p50Ms ?? null),
      note: 'half are faster',
      spark: curve(({ p50Ms }) => p50Ms, 'var(--curve)', 10),
    },
    {
      title: '99 % within',
      figure: duration(newest?.p99Ms ?? null),
      note: '1 % are slower',
      spark: curve(({ p99Ms }) => p99Ms, 'var(--curve)', 10),
    },
  ]
}

const errorColumns: readonly Column<LiveError>[] = [
  {
    title: 'Status',
    draw: ({ status, proxy }) => (
      <a href={`/explain${searchOf({ status: String(status), proxy: proxy === '' ? null : proxy })}`}>
        <Status status={status} />
      </a>
    ),
  },
  { title: 'Error', kind: 'wraps', draw: ({ errorCode }) => <span class="code">{breakable(errorCode) || '–'}</span> },
  {
    title: 'Proxy',
    draw: ({ proxy }) =>
      proxy === '' ? <span class="quiet">none matched</span> : <a href={pathOf('/proxies', proxy)}>{proxy}</a>,
  },
  { title: 'Calls', kind: 'number', draw: ({ calls }) => count(calls) },
]

function LastHour({ answer }: { readonly answer: ResponseCodesAnswer }): JSX.Element {
  const [hidden, hide] = useState<readonly string[]>([])
  if (answer.traffic === null) return <NoTraffic />
  const choose = (at: number, key: string | null): void =>
    go(
      `/analytics/response-codes${searchOf({
        last: '1h',
        at: new Date(answer.startsMs[at]!).toISOString().replace(':00.000Z', 'Z'),
        class: isAnswerer(key) ? null : key,
      })}`,
    )
  return (
    <section class="panel">
      <Codes answer={answer} by="code" hidden={hidden} hide={hide} choose={choose}>
        <h2>
          <a href="/analytics/response-codes?last=1h">Last hour</a>
        </h2>
      </Codes>
    </section>
  )
}

function Gateway({ answer }: { readonly answer: OverviewAnswer }): JSX.Element {
  const { ready, why, startedMs, nowMs, proxies, services, lastHour, analytics } = answer
  return (
    <section class="panel">
      <div class="panel-title">
        <h2>Gateway</h2>
        <Tag kind={ready ? 'good' : 'bad'}>{ready ? 'ready' : 'not ready'}</Tag>
      </div>
      <Facts
        lines
        facts={[
          ['Waits for', why],
          [
            'Runs for',
            <span key="" title={timesIn(ownZone).moment(startedMs)}>
              {span(nowMs - startedMs)}
            </span>,
          ],
          [
            'Proxies',
            <a key="" href="/proxies">
              {count(proxies)} deployed
            </a>,
          ],
          ['Services', count(services)],
          ['Last hour', `${count(lastHour.calls)} calls, ${share(lastHour.serverErrors, lastHour.calls)} answered 5XX`],
          ['Not counted', analytics.lostCalls === 0 ? 'no call' : `${count(analytics.lostCalls)} calls`],
        ]}
      />
    </section>
  )
}

function NoTraffic(): JSX.Element {
  return (
    <section class="panel empty">
      <h2>No call was ever counted</h2>
      <p>The gateway is up, and nobody called yet:</p>
      <ol>
        <li>
          <strong>Send a call through the gateway</strong>: it shows here within a second. The{' '}
          <a href="/proxies">proxies</a> have the paths to try.
        </li>
        <li>
          <strong>Look whether traffic goes past it</strong>: only what comes through this gateway, or what a gateway
          elsewhere reports, can be counted.
        </li>
        <li>
          <strong>See it with made-up traffic</strong>: <code>npm start -- --demo-traffic</code>.
        </li>
      </ol>
    </section>
  )
}
