import type { JSX } from 'preact'
import type { ResponseCodesAnswer } from '../../../src/admin/native/answers.ts'
import { timesIn } from '../format.ts'
import type { Change, View } from '../view.ts'
import { isWidest, Widest } from './widest.tsx'

interface EmptyProps {
  readonly view: View
  readonly change: Change
  readonly answer: ResponseCodesAnswer
}

/** Nothing to draw: why that can be, and what to do about it. */
export function Empty({ view, change, answer }: EmptyProps): JSX.Element {
  const scope = view.service !== null || view.proxy !== null || view.application !== null
  return (
    <section class="panel empty">
      <h2>No response codes in this range</h2>
      <p>There can be three reasons:</p>
      <ol>
        <li>
          <strong>There was no traffic.</strong> {trafficWords(answer)}
        </li>
        <li>
          <strong>The codes were not reported here.</strong>{' '}
          {scope ? (
            'Calls count for what they were bound to: they may have gone to another proxy, or to one that is not bound to this service.'
          ) : (
            <>
              Every call through this gateway is counted, the refused ones too, so the traffic may go past it. An
              APIcast elsewhere reports its codes only when it runs with <code>APICAST_RESPONSE_CODES=1</code>.
            </>
          )}
        </li>
        <li>
          <strong>The range is the wrong one.</strong> Choose another one above
          {isWidest(view) ? '.' : ', or start wide.'}
        </li>
      </ol>
      <p class="actions">
        {answer.traffic !== null && (
          <button type="button" onClick={() => change(dayOf(answer, answer.traffic!.lastMs))}>
            Show the day of the last call
          </button>
        )}
        <Widest view={view} change={change} />
        {scope && (
          <button type="button" onClick={() => change({ service: null, proxy: null, application: null })}>
            Show all traffic
          </button>
        )}
      </p>
    </section>
  )
}

const hourMs = 3_600_000

function trafficWords({ traffic, timezone }: ResponseCodesAnswer): string {
  if (traffic === null)
    return 'No call was ever counted. Send one through the gateway: it shows here within a few seconds.'
  const { lastMs } = traffic
  const { longDay, clock } = timesIn(timezone)
  return `The last call came on ${longDay(lastMs)} between ${clock(lastMs)} and ${clock(lastMs + hourMs)}.`
}

function dayOf({ timezone }: ResponseCodesAnswer, ms: number): Partial<View> {
  const day = timesIn(timezone).isoDay(ms)
  return { last: null, from: day, until: day, per: null }
}
