import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type {
  TraceableAnswer,
  TraceSessionAnswer,
  TraceSessionsAnswer,
} from '../../../src/admin/native/trace-answers.ts'
import { go, pathOf, useAddress } from '../address.ts'
import { useLive } from '../call.ts'
import { count, ownZone, timesIn } from '../format.ts'
import { Tag } from '../parts/bits.tsx'
import { Answered, PageHead } from '../parts/page.tsx'
import { type Column, ListPanel } from '../parts/table.tsx'
import { send, wordsOf } from '../trace/send.ts'
import { limitWords, STATES } from '../trace/states.ts'

/** Start a debug session, or look at one. */
export function TracePage(): JSX.Element {
  const live = useLive<TraceSessionsAnswer>('/api/trace/sessions', 3_000)
  return (
    <>
      <PageHead title="Trace" crumb="Gateway" />
      <Answered
        live={live}
        waiting="Reading the sessions …"
        draw={({ sessions, deployed }) => (
          <>
            <StartForm deployed={deployed} />
            <ListPanel
              title="Sessions"
              caption="Trace sessions, latest first"
              columns={columns}
              rows={sessions}
              keyOf={({ id }) => id}
              empty="No session yet. A session records what calls of one proxy do, step by step; other calls are not slowed."
            />
          </>
        )}
      />
    </>
  )
}

const columns: readonly Column<TraceSessionAnswer>[] = [
  { title: 'Session', kind: 'wraps', draw: ({ id, name }) => <a href={pathOf('/trace', id)}>{name}</a> },
  { title: 'State', draw: ({ state }) => <Tag kind={STATES[state][1]}>{STATES[state][0]}</Tag> },
  { title: 'Proxy', kind: 'wraps', draw: ({ proxy, revision }) => `${proxy} revision ${revision}` },
  { title: 'Environment', minor: true, draw: ({ environment }) => environment },
  { title: 'Records', minor: true, draw: (session) => limitWords(session) },
  {
    title: 'Began',
    minor: true,
    draw: ({ createdAtMs }) => <span class="quiet">{timesIn(ownZone).moment(createdAtMs)}</span>,
  },
  { title: 'Calls', kind: 'number', draw: ({ calls }) => count(calls) },
]

/** How much a session records. */
const LIMITS = [
  { words: '20 calls, 10 minutes', count: 20, seconds: 600 },
  { words: '100 calls, 1 hour', count: 100, seconds: 3_600 },
  { words: 'until it is stopped', count: null, seconds: null },
] as const

const keyFor = ({ environment, proxy, revision }: TraceableAnswer): string => `${environment} ${revision} ${proxy}`

function StartForm({ deployed }: { readonly deployed: readonly TraceableAnswer[] }): JSX.Element {
  const wanted = new URLSearchParams(useAddress().search).get('proxy')
  const [chosen, setChosen] = useState<string | null>(null)
  const [limit, setLimit] = useState(0)
  const [header, setHeader] = useState('')
  const [query, setQuery] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const what =
    deployed.find((one) => keyFor(one) === chosen) ?? deployed.find(({ proxy }) => proxy === wanted) ?? deployed[0]
  const submit = (event: Event): void => {
    event.preventDefault()
    if (what === undefined) return
    const { count, seconds } = LIMITS[limit]!
    const headers = pairOf(header, ':')
    const parameters = pairOf(query, '=')
    if (headers === null) return setProblem('Write the header as NAME: VALUE.')
    if (parameters === null) return setProblem('Write the query parameter as NAME=VALUE.')
    send<TraceSessionAnswer>('POST', '/api/trace/sessions', {
      ...what,
      headers,
      query: parameters,
      count,
      seconds,
    }).then(
      (session) => go(pathOf('/trace', session!.id)),
      (thrown: unknown) => setProblem(wordsOf(thrown)),
    )
  }
  if (what === undefined) return <p class="quiet nothing">Nothing is deployed that could be traced.</p>
  const environments = new Set(deployed.map(({ environment }) => environment)).size
  return (
    <form class="panel trace-form" onSubmit={submit}>
      <label>
        <span>Proxy</span>
        <select value={keyFor(what)} onChange={(event) => setChosen(event.currentTarget.value)}>
          {deployed.map((one) => (
            <option key={keyFor(one)} value={keyFor(one)}>
              {one.proxy} revision {one.revision}
              {environments > 1 ? ` in ${one.environment}` : ''}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>
          Only with header <span class="quiet">optional</span>
        </span>
        <input
          class="code"
          value={header}
          placeholder="X-Debug: 1"
          spellcheck={false}
          onInput={(event) => setHeader(event.currentTarget.value)}
        />
      </label>
      <label>
        <span>
          Only with query <span class="quiet">optional</span>
        </span>
        <input
          class="code"
          value={query}
          placeholder="country=DE"
          spellcheck={false}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </label>
      <label>
        <span>Records</span>
        <select value={limit} onChange={(event) => setLimit(Number(event.currentTarget.value))}>
          {LIMITS.map(({ words }, at) => (
            <option key={words} value={at}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="main-button">
        Start
      </button>
      {problem !== null && (
        <p class="trace-problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  )
}

/** A name and a value; none of them when there is nothing. Null: it is neither. */
function pairOf(text: string, sign: string): Record<string, string> | null {
  if (text.trim() === '') return {}
  const at = text.indexOf(sign)
  const name = text.slice(0, at).trim()
  return at <= 0 || name === '' ? null : { [name]: text.slice(at + 1).trim() }
}
