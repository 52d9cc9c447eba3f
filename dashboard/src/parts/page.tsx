import type { ComponentChildren, JSX } from 'preact'
import type { CallError, Live } from '../call.ts'
import { ownZone, timesIn } from '../format.ts'

interface PageHeadProps {
  readonly title: string
  /** Where the page belongs: text, or a link to the list that it is one of. */
  readonly crumb?: string
  readonly crumbHref?: string
  readonly children?: ComponentChildren
}

/** Title of the page, of the window, and the controls beside it. */
export function PageHead({ title, crumb, crumbHref, children }: PageHeadProps): JSX.Element {
  document.title = `${title} · Postern`
  return (
    <header class="page-head">
      <div>
        {crumb !== undefined && (
          <p class="crumb">{crumbHref === undefined ? crumb : <a href={crumbHref}>{crumb}</a>}</p>
        )}
        <h1>{title}</h1>
      </div>
      {children}
    </header>
  )
}

interface LiveMarkProps {
  readonly late: boolean
  readonly nowMs: number | undefined
  readonly zone?: string
}

/** Of when the numbers are. */
export function LiveMark({ late, nowMs, zone = ownZone }: LiveMarkProps): JSX.Element | null {
  if (nowMs === undefined) return null
  return (
    <p class={`live${late ? ' late' : ''}`}>
      <span class="live-dot" aria-hidden="true" />
      {late ? 'as of' : 'Live ·'} {timesIn(zone).seconds(nowMs)}
    </p>
  )
}

interface TroubleProps {
  readonly error: CallError
  /** What helps when the question was wrong. */
  readonly children?: ComponentChildren
}

export function Trouble({ error, children }: TroubleProps): JSX.Element {
  return (
    <div class="problem" role="alert">
      <p>{error.message}</p>
      {error.status >= 400 && error.status < 500 && children}
    </div>
  )
}

interface AnsweredProps<Answer> {
  readonly live: Live<Answer>
  readonly draw: (answer: Answer) => ComponentChildren
  /** What is read, while there is nothing to show. */
  readonly waiting?: string
  /** What helps when the question was wrong. */
  readonly help?: ComponentChildren
}

/** What came, greyed while it is of an earlier question; why nothing came; or that it is on its way. */
export function Answered<Answer>({ live, draw, waiting, help }: AnsweredProps<Answer>): JSX.Element {
  const { answer, error, stale } = live
  const old = stale || error !== undefined
  return (
    <>
      {error !== undefined && <Trouble error={error}>{help}</Trouble>}
      {answer !== undefined && (
        <div class={old ? 'stale' : ''} aria-busy={old}>
          {draw(answer)}
        </div>
      )}
      {answer === undefined && error === undefined && (
        <p class="quiet loading">{waiting ?? 'Reading the counters …'}</p>
      )}
    </>
  )
}
