import type { JSX } from 'preact'
import type { CallStage } from '../../../src/admin/native/answers.ts'
import { duration } from '../format.ts'

interface TimelineProps {
  readonly stages: readonly CallStage[]
  readonly totalMs: number
}

const colours: Readonly<Record<CallStage['name'], string>> = {
  'request flows': '#e0a43a',
  target: '#4a90e2',
  'response flows': '#9a6fc4',
  'send answer': '#3fa796',
}

/** The stages that the call reached, each where it was in the whole of the time. */
export function Timeline({ stages, totalMs }: TimelineProps): JSX.Element {
  const all = Math.max(totalMs, ...stages.map(({ endMs }) => endMs), 0.001)
  return (
    <table class="timeline">
      <caption class="unseen">Time by stage</caption>
      <thead class="unseen">
        <tr>
          <th scope="col">Stage</th>
          <th scope="col">When</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {stages.map(({ name, startMs, endMs }) => (
          <tr key={name}>
            <th scope="row">{labelOf(name, startMs)}</th>
            <td class="timeline-track">
              <span
                class="timeline-bar"
                style={{ '--swatch': colours[name], '--from': startMs / all, '--share': (endMs - startMs) / all }}
                title={`from ${duration(startMs)} until ${duration(endMs)} after the arrival`}
              />
            </td>
            <td class="number">{duration(endMs - startMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Where nothing was sent to a target, the flows are one stage: up to the answer, whichever of them it came from. */
function labelOf(name: CallStage['name'], startMs: number): string {
  if (name === 'response flows' && startMs === 0) return 'Flows'
  return name.charAt(0).toUpperCase() + name.slice(1)
}
