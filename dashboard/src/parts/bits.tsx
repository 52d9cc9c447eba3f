import type { ComponentChildren, JSX } from 'preact'
import { colourOfStatus } from '../chart/series.ts'
import { count, share } from '../format.ts'
import { reasonOf } from '../statuses.ts'

/** A status with the colour of its class. */
export function Status({
  status,
  reason = false,
}: {
  readonly status: number
  readonly reason?: boolean
}): JSX.Element {
  return (
    <span class="status" title={reasonOf(status)}>
      <span class="swatch" style={{ '--swatch': colourOfStatus(status) }} />
      {status}
      {reason && <span class="quiet status-reason"> {reasonOf(status)}</span>}
    </span>
  )
}

/** Long names of faults, paths and hosts may break after their dots and slashes. */
export function breakable(name: string): (string | JSX.Element)[] {
  return name.split(/(?<=[^./][./])/).flatMap((part, index) => (index === 0 ? [part] : [<wbr key={index} />, part]))
}

interface MeterProps {
  readonly used: number
  readonly limit: number
  readonly label: string
}

/** How much of a limit is used: calm, near it, at it. */
export function Meter({ used, limit, label }: MeterProps): JSX.Element {
  const part = limit === 0 ? 1 : Math.min(1, used / limit)
  const level = part >= 1 ? 'full' : part >= 0.8 ? 'near' : 'calm'
  return (
    <span class={`meter ${level}`}>
      <meter class="unseen" aria-label={label} min={0} max={limit} value={Math.min(used, limit)}>
        {count(used)} of {count(limit)}
      </meter>
      <span class="meter-bar" style={{ '--share': part }} aria-hidden="true" />
      <span class="meter-figure">
        {count(used)} <span class="quiet">of {count(limit)}</span>
      </span>
      <span class="meter-share">{share(Math.min(used, limit), limit)}</span>
    </span>
  )
}

export interface Figure {
  readonly title: string
  readonly figure: string
  readonly note: ComponentChildren
  /** A small curve below. */
  readonly spark?: JSX.Element
}

/** The few numbers that matter most. */
export function Figures({ figures }: { readonly figures: readonly Figure[] }): JSX.Element {
  return (
    <dl class="totals">
      {figures.map(({ title, figure, note, spark }) => (
        <div key={title} class="panel">
          <dt>{title}</dt>
          <dd class="figure">{figure}</dd>
          <dd class="quiet">{note}</dd>
          {spark !== undefined && <dd class="spark-holder">{spark}</dd>}
        </div>
      ))}
    </dl>
  )
}

export type Fact = readonly [name: string, value: ComponentChildren]

interface FactsProps {
  readonly facts: readonly Fact[]
  /** One below the other; else side by side. */
  readonly lines?: boolean
}

/** Names and values, two by two. Values that are null or empty are left out. */
export function Facts({ facts, lines = false }: FactsProps): JSX.Element {
  return (
    <dl class={lines ? 'fact-lines' : 'facts'}>
      {facts
        .filter(([, value]) => value !== null && value !== '' && value !== undefined)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** A word in a box: a state, a dialect, a kind. */
export function Tag({
  kind = '',
  children,
}: {
  readonly kind?: string
  readonly children: ComponentChildren
}): JSX.Element {
  return <span class={`tag ${kind}`}>{children}</span>
}

/** A filter that is on; a click takes it off. */
export function Chip({ words, clear }: { readonly words: string; readonly clear: () => void }): JSX.Element {
  return (
    <button type="button" class="chip" title={`${words}: show all again`} onClick={clear}>
      {words} <span aria-hidden="true">×</span>
    </button>
  )
}
