import type { JSX } from 'preact'
import type { CallsAnswer, RecentCallAnswer } from '../../../src/admin/native/answers.ts'
import { pathOf } from '../address.ts'
import { answererWords } from '../chart/series.ts'
import { count, duration, ownZone, span, timesIn } from '../format.ts'
import { breakable, Status } from './bits.tsx'
import { type Column, Table } from './table.tsx'

const times = timesIn(ownZone)

/** The time of day; with the day where it is not today's. */
function momentOf(ms: number, nowMs: number): string {
  return times.isoDay(ms) === times.isoDay(nowMs) ? times.seconds(ms) : times.moment(ms)
}

function columnsAt(nowMs: number): readonly Column<RecentCallAnswer>[] {
  return [
    {
      title: 'Request id',
      kind: 'code',
      draw: ({ requestId }) => (
        <a class="request-id" href={pathOf('/explain', requestId)} title={`Explain ${requestId}`}>
          {requestId}
        </a>
      ),
    },
    {
      title: 'Time',
      draw: ({ timeMs }) => <time dateTime={new Date(timeMs).toISOString()}>{momentOf(timeMs, nowMs)}</time>,
    },
    { title: 'Status', draw: ({ status }) => <Status status={status} /> },
    {
      title: 'Request',
      kind: 'wraps',
      draw: ({ method, path }) => (
        <span class="request">
          <b>{method}</b> {breakable(path)}
        </span>
      ),
    },
    { title: 'Answered by', minor: true, draw: ({ answeredBy }) => answererWords(answeredBy).label },
    {
      title: 'Error',
      kind: 'wraps',
      minor: true,
      draw: ({ errorCode }) => <span class="code">{breakable(errorCode)}</span>,
    },
    { title: 'Took', kind: 'number', minor: true, draw: ({ totalMs }) => duration(totalMs) },
  ]
}

/** Calls, each with the id that leads to its explanation. */
export function CallTable({ answer, nowMs }: { readonly answer: CallsAnswer; readonly nowMs: number }): JSX.Element {
  if (answer.calls.length === 0) return <p class="quiet nothing">{nothingWords(answer, nowMs)}</p>
  return (
    <>
      <Table
        caption="Latest calls"
        columns={columnsAt(nowMs)}
        rows={answer.calls}
        keyOf={({ requestId, timeMs }) => `${requestId} ${timeMs}`}
      />
      <p class="quiet note">{heldWords(answer, nowMs)}</p>
    </>
  )
}

function nothingWords(answer: CallsAnswer, nowMs: number): string {
  return answer.held === 0
    ? 'No calls are held: none came since the gateway started, or recentCalls.max is 0 in postern.yaml.'
    : `None of the calls that are held is one of these. ${heldWords(answer, nowMs)}`
}

/** How far back the list can reach. */
function heldWords({ held, oldestMs, heldMax, hoursMax, silentThreads }: CallsAnswer, nowMs: number): string {
  const since = oldestMs === null ? '' : `, the oldest from ${span(nowMs - oldestMs)} ago`
  const silent = silentThreads === 0 ? '' : ` ${silentThreads} gateway threads did not answer: their calls are missing.`
  return `${count(held)} calls are held${since}; at most ${count(heldMax)} for ${hoursMax} hours.${silent}`
}
