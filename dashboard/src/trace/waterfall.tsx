import type { JSX } from 'preact'
import type { TracedCall } from '../../../src/model/traced-call.ts'
import { type Row, type Section, sectionsOf } from './rows.ts'
import { took } from './took.ts'

interface WaterfallProps {
  readonly call: TracedCall
  /** The place of the point whose details are shown. */
  readonly chosen: number
  readonly choose: (at: number) => void
}

/** All that a call did, each where it was in the whole of the time; a row shows its details. */
export function Waterfall({ call, chosen, choose }: WaterfallProps): JSX.Element {
  const all = Math.max(call.totalMs, ...call.points.map(({ atMs }) => atMs), 0.001)
  return (
    <ol class="waterfall" aria-label="What the call did, in order" onKeyDown={moveFocus}>
      {sectionsOf(call).map((section) => (
        <Stage key={section.at} {...{ section, all, chosen, choose }} />
      ))}
    </ol>
  )
}

interface StageProps extends Omit<WaterfallProps, 'call'> {
  readonly section: Section
  readonly all: number
}

function Stage({ section, all, chosen, choose }: StageProps): JSX.Element {
  const { title, startMs, at, rows } = section
  return (
    <li>
      <Bar
        row={{ kind: 'stage', at, label: title, note: '', startMs, tookMs: null, depth: 0 }}
        chosen={chosen === at && !rows.some((row) => row.at === at)}
        {...{ all, choose }}
      />
      {rows.length > 0 && (
        <ol>
          {rows.map((row) => (
            <li key={row.at}>
              <Bar row={row} chosen={chosen === row.at} {...{ all, choose }} />
            </li>
          ))}
        </ol>
      )}
    </li>
  )
}

interface BarProps {
  readonly row: Row
  readonly all: number
  readonly chosen: boolean
  readonly choose: (at: number) => void
}

function Bar({ row, all, chosen, choose }: BarProps): JSX.Element {
  const { kind, at, label, note, startMs, tookMs, depth } = row
  const words = kind === 'skipped' ? 'skipped' : tookMs === null ? '' : took(tookMs)
  return (
    <button
      type="button"
      class={`waterfall-row ${kind}`}
      aria-pressed={chosen}
      style={{ '--depth': depth, '--from': startMs / all, '--share': (tookMs ?? 0) / all }}
      onClick={() => choose(at)}
    >
      <span class="waterfall-label" title={note}>
        <b>{label}</b> {note !== '' && <span class="quiet">{note}</span>}
      </span>
      <span class="waterfall-track" aria-hidden="true">
        <span class={tookMs === null ? 'waterfall-moment' : 'waterfall-bar'} />
      </span>
      <span class="waterfall-took" title={`${took(startMs)} after the arrival`}>
        {words === '' ? <span class="quiet">{kind === 'stage' ? took(startMs) : ''}</span> : words}
      </span>
    </button>
  )
}

/** Up and down go from row to row, as in a list. */
function moveFocus(event: KeyboardEvent): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0 || !(event.currentTarget instanceof Element)) return
  const rows = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('button')]
  const next = rows[rows.indexOf(document.activeElement as HTMLButtonElement) + step]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
  next.click()
}
