import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { TraceCallRow, TraceCallsAnswer, TraceSessionAnswer } from '../../../src/admin/native/trace-answers.ts'
import { go, pathOf } from '../address.ts'
import { useLive } from '../call.ts'
import { count, duration, ownZone, span, timesIn } from '../format.ts'
import { breakable, Facts, Status, Tag } from '../parts/bits.tsx'
import { Answered, PageHead } from '../parts/page.tsx'
import { type Column, ListPanel } from '../parts/table.tsx'
import { send, wordsOf } from '../trace/send.ts'
import { limitWords, STATES } from '../trace/states.ts'
import { TraceCall } from './trace-call.tsx'

/** `ID`: a session; `ID/CALL`: one of its calls; `calls/REQUEST_ID`: a call, whichever session has it. */
export function TraceSessionPage({ name }: { readonly name: string }): JSX.Element {
  const slash = name.indexOf('/')
  if (slash > 0) return <TraceCall session={name.slice(0, slash)} id={name.slice(slash + 1)} />
  return <Session id={name} />
}

function Session({ id }: { readonly id: string }): JSX.Element {
  const path = pathOf('/api/trace/sessions', id)
  const live = useLive<TraceCallsAnswer>(path, 1_500)
  const [problem, setProblem] = useState<string | null>(null)
  const act = (method: 'POST' | 'DELETE', at: string, then: () => void): void => {
    send(method, at).then(then, (thrown: unknown) => setProblem(wordsOf(thrown)))
  }
  const session = live.answer?.session
  return (
    <>
      <PageHead title={session?.name ?? 'Trace session'} crumb="Trace" crumbHref="/trace">
        {session !== undefined && (
          <div class="trace-actions">
            <a class="plain-button" href={`${path}/export?format=json`} download="">
              JSON
            </a>
            <a class="plain-button" href={`${path}/export?format=xml`} download="">
              Offline trace (XML)
            </a>
            {session.state === 'recording' && (
              <button
                type="button"
                class="plain-button"
                onClick={() => act('POST', `${path}/stop`, () => setProblem(null))}
              >
                Stop
              </button>
            )}
            <button type="button" class="plain-button" onClick={() => act('DELETE', path, () => go('/trace'))}>
              Delete
            </button>
          </div>
        )}
      </PageHead>
      {problem !== null && (
        <div class="problem" role="alert">
          <p>{problem}</p>
        </div>
      )}
      <Answered live={live} waiting="Reading the session …" draw={(answer) => <Shown answer={answer} />} />
    </>
  )
}

function Shown({ answer: { session, calls } }: { readonly answer: TraceCallsAnswer }): JSX.Element {
  const filters = [
    ...Object.entries(session.headers).map(([name, value]) => `header ${name}: ${value}`),
    ...Object.entries(session.query).map(([name, value]) => `query ${name}=${value}`),
  ]
  const [words, kind] = STATES[session.state]
  return (
    <>
      <section class="panel">
        <Facts
          facts={[
            [
              'State',
              <Tag key="" kind={kind}>
                {words}
              </Tag>,
            ],
            [
              'Proxy',
              <a key="" href={pathOf('/proxies', session.proxy)}>
                {session.proxy} revision {session.revision}
              </a>,
            ],
            ['Environment', session.environment],
            ['Records', limitWords(session)],
            ['Until', untilWords(session)],
            ['Only calls with', filters.join(', ')],
            ['Dropped for later ones', session.dropped === 0 ? '' : count(session.dropped)],
            ['Let pass: too many at once', session.skipped === 0 ? '' : count(session.skipped)],
          ]}
        />
      </section>
      <Masks session={session} />
      <ListPanel
        title="Recorded calls"
        caption="Recorded calls, latest first"
        columns={columnsOf(session)}
        rows={calls}
        keyOf={({ id }) => id}
        empty={
          session.state === 'recording'
            ? 'None yet. Send a call that fits: it shows here when it is over.'
            : 'No call was recorded while this session was on.'
        }
      />
    </>
  )
}

function untilWords({ state, expiresAtMs }: TraceSessionAnswer): string {
  if (state !== 'recording') return ''
  return expiresAtMs === null ? 'it is stopped' : `in ${span(Math.max(1_000, expiresAtMs - Date.now()))}`
}

/** A mask that hides nothing is worse than none: one thinks that it does. */
function Masks({ session }: { readonly session: TraceSessionAnswer }): JSX.Element | null {
  if (session.unmatchedMasks.length === 0) return null
  return (
    <div class="problem" role="status">
      <p>
        Masks that have hidden nothing in these calls: <b class="code">{session.unmatchedMasks.join(', ')}</b>. Perhaps
        the name of a variable was changed.
      </p>
    </div>
  )
}

function columnsOf(session: TraceSessionAnswer): readonly Column<TraceCallRow>[] {
  const times = timesIn(ownZone)
  return [
    {
      title: 'Time',
      draw: ({ id, receivedAtMs }) => (
        <a href={`${pathOf('/trace', session.id)}/${encodeURIComponent(id)}`}>{times.seconds(receivedAtMs)}</a>
      ),
    },
    { title: 'Status', draw: ({ status }) => <Status status={status} /> },
    {
      title: 'Request',
      kind: 'wraps',
      draw: ({ verb, uri }) => (
        <span class="request">
          <b>{verb}</b> {breakable(uri)}
        </span>
      ),
    },
    {
      title: 'Error',
      kind: 'wraps',
      minor: true,
      draw: ({ errorCode }) => <span class="code">{breakable(errorCode)}</span>,
    },
    { title: 'Took', kind: 'number', draw: ({ totalMs }) => duration(totalMs) },
  ]
}
