import type { JSX } from 'preact'
import type { TraceCallAnswer } from '../../../src/admin/native/trace-answers.ts'
import { go, pathOf, useAddress } from '../address.ts'
import { useLive } from '../call.ts'
import { duration, ownZone, timesIn } from '../format.ts'
import { breakable, Status } from '../parts/bits.tsx'
import { Answered, PageHead } from '../parts/page.tsx'
import { Details } from '../trace/details.tsx'
import { Waterfall } from '../trace/waterfall.tsx'

/** What was recorded does not change; only it may go. */
const READ_AGAIN_MS = 60_000

/** One recorded call: the waterfall, and the details of what is chosen in it. Of the session `calls`, `id` is a request id. */
export function TraceCall({ session, id }: { readonly session: string; readonly id: string }): JSX.Element {
  const any = session === 'calls'
  const path = any ? pathOf('/api/trace/calls', id) : pathOf('/api/trace/sessions', session) + pathOf('/calls', id)
  const live = useLive<TraceCallAnswer>(path, READ_AGAIN_MS)
  return (
    <>
      <PageHead
        title="A traced call"
        crumb={any ? 'Trace' : 'Trace session'}
        crumbHref={any ? '/trace' : pathOf('/trace', session)}
      />
      <Answered live={live} waiting="Reading the call …" draw={(call) => <Call call={call} />} />
    </>
  )
}

function Call({ call }: { readonly call: TraceCallAnswer }): JSX.Element {
  const { path, search } = useAddress()
  const asked = new URLSearchParams(search).get('point')
  const chosen = asked !== null && /^\d{1,4}$/.test(asked) ? Number(asked) : firstOf(call)
  // A step to another row is no step for Back.
  const choose = (at: number): void => go(`${path}?point=${at}`, true)
  return (
    <>
      <section class="panel verdict trace-verdict">
        <p class="verdict-request">
          <b>{call.verb}</b> <span class="code">{breakable(call.uri)}</span>
        </p>
        <h2 class="verdict-words">
          <Status status={call.status} reason />
          <span class="quiet trace-when">
            {duration(call.totalMs)} · {call.proxy} revision {call.revision} ·{' '}
            {timesIn(ownZone).moment(call.receivedAtMs)}
          </span>
        </h2>
        <p class="quiet trace-notes">
          <a href={pathOf('/explain', call.requestId)}>
            <span class="code">{call.requestId}</span>
          </a>
          {call.masked.length > 0 && <span>Hidden by masks: {call.masked.join(', ')}</span>}
          {call.leftOut > 0 && <span>{call.leftOut} points are left out: the call did too much to keep all.</span>}
        </p>
      </section>
      <div class="trace-columns">
        <section class="panel trace-rows">
          <Waterfall call={call} chosen={chosen} choose={choose} />
        </section>
        <Details call={call} at={chosen} />
      </div>
    </>
  )
}

/** What one looks for first: the fault, else the first step that ran. */
function firstOf({ points }: TraceCallAnswer): number {
  const fault = points.findIndex((point) => point.kind === 'step' && point.outcome === 'fault')
  if (fault >= 0) return fault
  const step = points.findIndex((point) => point.kind === 'step' && point.outcome === 'done')
  return Math.max(0, step)
}
