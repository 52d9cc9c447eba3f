import type { JSX } from 'preact'
import type { Answerer, ExplainAnswer } from '../../../src/admin/native/answers.ts'

interface Station {
  readonly who: Answerer
  readonly title: string
  readonly note: string
  readonly reached: boolean
}

/** How far the call went: from the client to the target, and which of them answered. */
export function Path({ answer }: { readonly answer: ExplainAnswer }): JSX.Element {
  const { answeredBy, status } = answer.call
  return (
    <ol class="path" aria-label="How far the call went">
      {stationsOf(answer).map(({ who, title, note, reached }) => {
        const answered = who === answeredBy
        return (
          <li key={who} class={`${reached ? 'reached' : 'unreached'}${answered ? ' answered' : ''}`}>
            <b>{title}</b>
            <span class="quiet path-note">{note}</span>
            <span class="path-state">{answered ? stateOf(who, status) : reached ? '' : 'not reached'}</span>
          </li>
        )
      })}
    </ol>
  )
}

function stateOf(who: Answerer, status: number): string {
  return who === 'client' ? 'went away' : `answered ${status}`
}

function stationsOf({ call, refusedBy }: ExplainAnswer): readonly Station[] {
  const { answeredBy, proxy, revision, clientAddress, targetUrl, targetStatus } = call
  const step = refusedBy === null || refusedBy.step === '' ? call.flow : refusedBy.step
  const callout: Station = { who: 'callout', title: 'Callout', note: step, reached: true }
  return [
    { who: 'client', title: 'Client', note: clientAddress, reached: true },
    {
      who: 'gateway',
      title: 'Gateway',
      note: proxy === '' ? 'no proxy' : `${proxy}, revision ${revision}`,
      reached: true,
    },
    { who: 'policy', title: 'Policies', note: answeredBy === 'callout' ? '' : step, reached: proxy !== '' },
    ...(answeredBy === 'callout' ? [callout] : []),
    {
      who: 'target',
      title: 'Target',
      note: hostOf(targetUrl),
      reached: targetUrl !== '' || targetStatus > 0 || answeredBy === 'target',
    },
  ]
}

function hostOf(url: string): string {
  return url.replace(/^\w+:\/\//, '').replace(/[/?].*$/, '')
}
