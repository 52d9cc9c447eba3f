import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { RangeAnswer } from '../../../src/admin/native/answers.ts'
import { ownZone, timesIn } from '../format.ts'
import type { Change, View } from '../view.ts'

/** As the API names them; 'custom' opens the two dates. */
const ranges: readonly (readonly [last: string, label: string, spoken: string])[] = [
  ['1h', '1 hour', 'Last hour'],
  ['24h', '24 hours', 'Last 24 hours'],
  ['7d', '7 days', 'Last 7 days'],
  ['30d', '30 days', 'Last 30 days'],
  ['12m', '12 months', 'Last 12 months'],
]

const dayMs = 86_400_000

interface TimeBarProps {
  readonly view: View
  readonly change: Change
  readonly answer: RangeAnswer | undefined
  /** False: the page shows no steps, only the whole range. */
  readonly steps?: boolean
  /** True: what is shown is counted per hour, and the last hour is no range. */
  readonly hours?: boolean
}

/** From when to when, and in which steps. The same on every page of statistics. */
export function TimeBar({ view, change, answer, steps = true, hours = false }: TimeBarProps): JSX.Element {
  const nowMs = answer?.nowMs ?? Date.now()
  const zone = view.zone ?? ownZone
  const { isoDay } = timesIn(answer?.timezone ?? 'UTC')
  const custom = (): void => change({ last: null, from: isoDay(nowMs - 6 * dayMs), until: isoDay(nowMs), per: null })
  return (
    <fieldset class="time-bar">
      <legend class="unseen">Time range</legend>
      <fieldset class="segments" aria-label="Show last">
        {ranges.slice(hours ? 1 : 0).map(([last, label, spoken]) => (
          <button
            key={last}
            type="button"
            aria-pressed={view.last === last}
            aria-label={spoken}
            onClick={() => change({ last, from: null, until: null, per: null })}
          >
            {label}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={view.from !== null}
          aria-label="Dates, from one until another"
          onClick={custom}
        >
          Dates
        </button>
      </fieldset>
      {view.from !== null && (
        <Dates from={view.from} until={view.until ?? isoDay(nowMs)} today={isoDay(nowMs)} change={change} />
      )}
      {steps && <Steps view={view} change={change} answer={answer} />}
      <Zones zone={zone} change={change} />
    </fieldset>
  )
}

function Steps({ view, change, answer }: TimeBarProps): JSX.Element {
  return (
    <label class="field">
      <span>per</span>
      <select
        value={view.per ?? answer?.granularity ?? ''}
        onChange={(event) => change({ per: event.currentTarget.value })}
      >
        {offered(view, answer).map((each) => (
          <option key={each} value={each}>
            {words[each] ?? each}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Steps that are called otherwise on the page. */
const words: Readonly<Record<string, string>> = { quarter: 'quarter of an hour' }

const lengthsMs: Readonly<Record<string, number>> = { day: dayMs, month: 28 * dayMs }

/** Steps that the range can be shown in, without those that are longer than all of it. */
function offered(view: View, answer: RangeAnswer | undefined): readonly string[] {
  if (answer === undefined) return view.per === null ? [] : [view.per]
  const rangeMs = answer.nowMs - answer.sinceMs
  return answer.granularities.filter((each) => (lengthsMs[each] ?? 0) < rangeMs || each === answer.granularity)
}

/** Whose clocks count. */
function Zones({ zone, change }: { readonly zone: string; readonly change: Change }): JSX.Element {
  const zones = [...new Set([ownZone, 'UTC', zone])]
  if (zones.length === 1) return <span class="quiet zone">Times in {zone}</span>
  return (
    <label class="field zone">
      <span>times in</span>
      <select
        value={zone}
        onChange={({ currentTarget: { value } }) => change({ zone: value === ownZone ? null : value })}
      >
        {zones.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  )
}

interface DatesProps {
  readonly from: string
  readonly until: string
  readonly today: string
  readonly change: Change
}

/** Two days, both of them included. Half-typed dates stay here until they make a range. */
function Dates({ from, until, today, change }: DatesProps): JSX.Element {
  const [typed, setTyped] = useState({ from, until })
  useEffect(() => setTyped({ from, until }), [from, until])
  const set = (part: Partial<typeof typed>): void => {
    const next = { ...typed, ...part }
    setTyped(next)
    const whole = next.from !== '' && next.until !== '' && next.from <= next.until && next.until <= today
    if (whole) change({ last: null, ...next, per: null })
  }
  return (
    <span class="dates">
      <label class="field">
        <span>from</span>
        <input
          type="date"
          value={typed.from}
          max={typed.until}
          onInput={(event) => set({ from: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        <span>until</span>
        <input
          type="date"
          value={typed.until}
          min={typed.from}
          max={today}
          onInput={(event) => set({ until: event.currentTarget.value })}
        />
      </label>
    </span>
  )
}
