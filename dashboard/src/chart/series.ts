import type { Answerer, CodeClass, ResponseCodesAnswer } from '../../../src/admin/native/answers.ts'
import { count } from '../format.ts'

/** What a chart of response codes is split by. */
export type By = 'code' | 'answerer'

/** One area of the chart. */
export interface Series {
  readonly key: string
  readonly label: string
  readonly meaning: string
  readonly colour: string
  readonly values: readonly number[]
  readonly total: number
}

interface Kind {
  readonly label: string
  readonly meaning: string
  readonly colour: string
  /** Is in the legend even when there is nothing of it. */
  readonly always: boolean
}

/** From the bottom of the stack upwards. */
const classOrder: readonly CodeClass[] = ['2XX', '3XX', '1XX', '4XX', '499', 'other', '5XX']
const answererOrder: readonly Answerer[] = ['target', 'policy', 'callout', 'gateway', 'client']

/** 2XX, 4XX and 5XX have the colours of 3scale's page. */
const classes: Readonly<Record<CodeClass, Kind>> = {
  '2XX': { label: '2XX', meaning: 'Success', colour: '#5cb85c', always: true },
  '3XX': { label: '3XX', meaning: 'Redirection', colour: '#5bc0de', always: true },
  '1XX': { label: '1XX', meaning: 'Informational', colour: '#a3b1c2', always: false },
  '4XX': { label: '4XX', meaning: 'Client error', colour: '#f0ad4e', always: true },
  '499': { label: '499', meaning: 'Client went away', colour: '#a08bb8', always: true },
  other: { label: 'Other', meaning: 'Any other status', colour: '#8a929c', always: false },
  '5XX': { label: '5XX', meaning: 'Server error', colour: '#d9534f', always: true },
}

const answerers: Readonly<Record<Answerer, Kind>> = {
  target: { label: 'Target', meaning: 'Back end answered', colour: '#4a90e2', always: true },
  policy: {
    label: 'Policy',
    meaning: 'Refused, faulted or replied',
    colour: '#e0a43a',
    always: true,
  },
  callout: { label: 'Callout', meaning: 'Service callout failed', colour: '#9a6fc4', always: true },
  gateway: {
    label: 'Gateway',
    meaning: 'No route, loop or time-out',
    colour: '#3fa796',
    always: true,
  },
  client: { label: 'Client', meaning: 'Went away before', colour: '#8a929c', always: true },
}

export function seriesOf(answer: ResponseCodesAnswer, by: By): Series[] {
  const all =
    by === 'code'
      ? classOrder.map((key) => seriesFrom(key, classes[key], answer.byClass[key]))
      : answererOrder.map((key) => seriesFrom(key, answerers[key], answer.byAnswerer[key]))
  return all.filter((each) => each !== null)
}

function seriesFrom(key: string, { label, meaning, colour, always }: Kind, values: readonly number[]): Series | null {
  const total = values.reduce((sum, value) => sum + value, 0)
  return always || total > 0 ? { key, label, meaning, colour, values, total } : null
}

/** What an answerer is called, and what it means. */
export function answererWords(answerer: Answerer): {
  readonly label: string
  readonly meaning: string
  readonly colour: string
} {
  return answerers[answerer]
}

export function isAnswerer(key: string | null): key is Answerer {
  return key !== null && Object.hasOwn(answerers, key)
}

/** Every class that calls can be filtered by, and everyone who can answer, in the order of the charts. */
export const classNames: readonly CodeClass[] = ['2XX', '3XX', '4XX', '499', '5XX']
export const answererNames: readonly Answerer[] = answererOrder

/** The series that a status belongs to. */
export function colourOfStatus(status: number): string {
  if (status === 499) return classes['499'].colour
  const key = `${Math.floor(status / 100)}XX`
  return (classes as Readonly<Record<string, Kind>>)[key]?.colour ?? classes.other.colour
}

/** Adds the series up from the bottom: what the top edge of each area is. */
export function stacked(series: readonly Series[]): number[][] {
  let below: readonly number[] = []
  return series.map(({ values }) => {
    const edge = values.map((value, index) => value + (below[index] ?? 0))
    below = edge
    return edge
  })
}

/** The area at a height of one step; `tolerance` is how far off the height may be, for areas too thin to be hit. */
export function seriesAt(series: readonly Series[], at: number, value: number, tolerance: number): Series | undefined {
  let top = 0
  let found: Series | undefined
  for (const each of series) {
    const own = each.values[at] ?? 0
    if (own === 0) continue
    const from = top
    top += own
    const inside = value >= from && value < top
    // A thin area wins over a thick one beside it: it could not be hit otherwise.
    const beside = own < tolerance * 2 && value >= from - tolerance && value < top + tolerance
    const above = value >= from && value < top + tolerance
    if (beside) return each
    if (inside || above) found = each
  }
  return found
}

/** One step in words. */
export function wordsAt(series: readonly Series[], time: string, at: number, sum: string): string {
  const parts = series
    .filter(({ values }) => (values[at] ?? 0) > 0)
    .map(({ label, values }) => `${label} ${count(values[at]!)}`)
  return `${time}: ${parts.length === 0 ? `no ${sum.toLowerCase()}` : parts.join(', ')}`
}

/** The whole range in words. */
export function wordsOf(series: readonly Series[]): string {
  return `Whole range: ${series.map(({ label, total }) => `${label} ${count(total)}`).join(', ')}. Arrow keys read single steps.`
}
