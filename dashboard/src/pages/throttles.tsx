import type { JSX } from 'preact'
import type { ThrottleAnswer, ThrottlesAnswer, ThrottleWindow } from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { count, span } from '../format.ts'
import { Meter } from '../parts/bits.tsx'
import { Answered, LiveMark, PageHead } from '../parts/page.tsx'
import { type Column, Table } from '../parts/table.tsx'

/** Throttles, what they are bound to, and the windows that run now. */
export function ThrottlesPage(): JSX.Element {
  const live = useLive<ThrottlesAnswer>('/api/throttles', 2_000)
  return (
    <>
      <PageHead title="Throttles" crumb="Access">
        <LiveMark late={live.error !== undefined} nowMs={live.answer?.nowMs} />
      </PageHead>
      <Answered
        live={live}
        waiting="Reading the windows …"
        draw={({ throttles, nowMs }) =>
          throttles.length === 0 ? (
            <NoThrottles />
          ) : (
            throttles.map((throttle) => <Throttle key={throttle.name} throttle={throttle} nowMs={nowMs} />)
          )
        }
      />
    </>
  )
}

const dimensions: Readonly<Record<ThrottleWindow['dimension'], { readonly label: string; readonly counts: string }>> = {
  api: { label: 'API', counts: 'all calls of an API' },
  user: { label: 'User', counts: 'calls of one account' },
  app: { label: 'App', counts: 'calls of one application' },
  ip: { label: 'Address', counts: 'calls from one address' },
}

interface ThrottleProps {
  readonly throttle: ThrottleAnswer
  readonly nowMs: number
}

function Throttle({ throttle, nowMs }: ThrottleProps): JSX.Element {
  const { name, period, shared, bindings, limits, windows } = throttle
  const set = Object.entries(dimensions).filter(([key]) => limits[key as keyof typeof limits] > 0)
  return (
    <section class="panel throttle">
      <div class="panel-title">
        <h2>{name}</h2>
        <p class="quiet">
          {bindings.length === 0 ? 'bound to nothing' : shared ? 'one count shared by ' : 'bound to '}
          {bindings.map((binding, at) => (
            <>
              {at > 0 && ', '}
              <a key={binding} href={pathOf('/proxies', binding)}>
                {binding}
              </a>
            </>
          ))}
        </p>
      </div>
      <dl class="limits">
        {set.map(([key, { label, counts }]) => (
          <div key={key}>
            <dt>
              {label} <span class="quiet">{counts}</span>
            </dt>
            <dd>
              <b>{count(limits[key as keyof typeof limits])}</b> per {period.replace(/^1 /, '')}
            </dd>
          </div>
        ))}
      </dl>
      {windows.length === 0 ? (
        <p class="quiet nothing">No window runs: no call counted within {span(throttle.seconds * 1000)}.</p>
      ) : (
        <Table
          caption={`Running windows of ${name}, the fullest first`}
          columns={columnsAt(nowMs)}
          rows={windows}
          keyOf={({ dimension, key }) => `${dimension} ${key}`}
        />
      )}
    </section>
  )
}

function columnsAt(nowMs: number): readonly Column<ThrottleWindow>[] {
  return [
    { title: 'Counts', draw: ({ dimension }) => dimensions[dimension].label },
    { title: 'Of', kind: 'wraps', draw: (window) => <Counted window={window} /> },
    {
      title: 'Used',
      kind: 'bar-cell',
      draw: ({ dimension, key, used, limit }) => (
        <Meter used={used} limit={limit} label={`${dimensions[dimension].label} ${key}`} />
      ),
    },
    {
      title: 'Starts anew',
      kind: 'number',
      draw: ({ resetsAtMs }) => <span class="quiet">in {span(Math.max(1000, resetsAtMs - nowMs))}</span>,
    },
  ]
}

const lists: Readonly<Partial<Record<ThrottleWindow['dimension'], string>>> = { api: '/proxies', app: '/applications' }

/** Whose calls a window counts, with the page that has more of it. */
function Counted({ window: { dimension, key, name, api } }: { readonly window: ThrottleWindow }): JSX.Element {
  // A shared throttle counts all its APIs in one window, which no single page is about.
  const list = dimension === 'api' && api === '' ? undefined : lists[dimension]
  const words = name === undefined ? <span class="code">{key}</span> : <span title={key}>{name}</span>
  return list === undefined ? words : <a href={pathOf(list, key)}>{name ?? key}</a>
}

function NoThrottles(): JSX.Element {
  return (
    <section class="panel empty">
      <h2>There are no throttles yet</h2>
      <p>A throttle limits calls per API, user, application and address. There are three ways to one:</p>
      <ol>
        <li>
          <strong>Write it in postern.yaml</strong>, under <code>throttles</code>, and name it at a proxy with{' '}
          <code>throttle</code>.
        </li>
        <li>
          <strong>As APIG does</strong>: <code>POST /v2/PROJECT/apigw/instances/ID/throttles</code>, then bind it to an
          API.
        </li>
        <li>
          <strong>As Edge does</strong>: the policies SpikeArrest and Quota in a bundle. They count for themselves and
          are not listed here.
        </li>
      </ol>
    </section>
  )
}
