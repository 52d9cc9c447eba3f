import type { JSX } from 'preact'
import type { ResponseCodesAnswer } from '../../../src/admin/native/answers.ts'
import { colourOfStatus, type Series } from '../chart/series.ts'
import { count, granule, share, type Times } from '../format.ts'
import { reasonOf } from '../statuses.ts'
import { searchOf, type View } from '../view.ts'
import { breakable } from './bits.tsx'
import { type Column, ListPanel } from './table.tsx'

interface StatusTableProps {
  readonly answer: ResponseCodesAnswer
  readonly view: View
}

/** Every status that was answered in the range; each leads to the latest calls that it was the answer of. */
export function StatusTable({ answer, view: { service, proxy, application } }: StatusTableProps): JSX.Element {
  const rows = answer.statuses.map(({ status, calls }) => ({
    key: String(status),
    name: String(status),
    href: `/explain${searchOf({ status: String(status), service, proxy, application })}`,
    meaning: reasonOf(status),
    colour: colourOfStatus(status),
    calls,
  }))
  return <ShareTable title="Codes" nameTitle="Code" meaningTitle="Meaning" rows={rows} />
}

/** Who gave the answers of the range. */
export function AnswererTable({ series }: { readonly series: readonly Series[] }): JSX.Element {
  const rows = series
    .map(({ key, label, meaning, colour, total }) => ({ key, name: label, meaning, colour, calls: total }))
    .sort((a, b) => b.calls - a.calls)
  return <ShareTable title="Who answered" nameTitle="Who" meaningTitle="What it means" rows={rows} />
}

interface ShareRow {
  readonly key: string
  readonly name: string
  readonly href?: string
  readonly meaning: string
  readonly colour: string
  readonly calls: number
}

interface ShareTableProps {
  readonly title: string
  readonly nameTitle: string
  readonly meaningTitle: string
  readonly rows: readonly ShareRow[]
}

function ShareTable({ title, nameTitle, meaningTitle, rows }: ShareTableProps): JSX.Element {
  const all = rows.reduce((sum, { calls }) => sum + calls, 0)
  const columns: readonly Column<ShareRow>[] = [
    {
      title: nameTitle,
      draw: ({ name, href, colour }) => (
        <>
          <span class="swatch" style={{ '--swatch': colour }} />
          {href === undefined ? name : <a href={href}>{name}</a>}
        </>
      ),
    },
    { title: meaningTitle, kind: 'wraps', draw: ({ meaning }) => <span class="quiet">{meaning}</span> },
    { title: 'Calls', kind: 'number', draw: ({ calls }) => count(calls) },
    {
      title: 'Share',
      kind: 'number share',
      draw: ({ colour, calls }) => (
        <>
          <span class="bar" style={{ '--swatch': colour, '--share': all === 0 ? 0 : calls / all }} aria-hidden="true" />
          <span class="share-figure">{share(calls, all)}</span>
        </>
      ),
    },
  ]
  return <ListPanel title={title} caption={title} empty="" columns={columns} rows={rows} keyOf={({ key }) => key} />
}

type ErrorRow = ResponseCodesAnswer['errors'][number]

const errorColumns: readonly Column<ErrorRow>[] = [
  { title: 'Error', kind: 'wraps', draw: ({ errorCode }) => <span class="code">{breakable(errorCode)}</span> },
  {
    title: 'Proxy',
    kind: 'wraps',
    draw: ({ proxy }) => (proxy === '' ? <span class="quiet">no proxy matched</span> : proxy),
  },
  { title: 'Calls', kind: 'number', draw: ({ calls }) => count(calls) },
]

/** The faults behind the failures, as their tables name them. */
export function ErrorTable({ answer }: { readonly answer: ResponseCodesAnswer }): JSX.Element | null {
  if (answer.errors.length === 0) return null
  return (
    <ListPanel
      title="Most frequent errors"
      caption="Most frequent errors"
      empty=""
      columns={errorColumns}
      rows={answer.errors.slice(0, 10)}
      keyOf={({ proxy, errorCode }) => `${proxy} ${errorCode}`}
    />
  )
}

interface ValuesTableProps {
  readonly series: readonly Series[]
  readonly edgesMs: readonly number[]
  readonly granularity: string
  readonly times: Times
  /** What the sum of a step is called. */
  readonly sum: string
}

/** The chart in numbers, the newest granule first; those without calls are left out. */
export function ValuesTable({ series, edgesMs, granularity, times, sum }: ValuesTableProps): JSX.Element {
  const rows = edgesMs
    .slice(0, -1)
    .map((startMs, at) => ({ startMs, at, all: series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0) }))
    .filter(({ all }) => all > 0)
    .reverse()
  const shown = rows.slice(0, valueRowsMax)
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map(({ key, label }) => (
              <th key={key} scope="col" class="number">
                {label}
              </th>
            ))}
            <th scope="col" class="number">
              {sum}
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ startMs, at, all }) => (
            <tr key={startMs}>
              <th scope="row">{granule(times, startMs, edgesMs[at + 1]!, granularity)}</th>
              {series.map(({ key, values }) => (
                <td key={key} class={`number${values[at] === 0 ? ' quiet' : ''}`}>
                  {count(values[at] ?? 0)}
                </td>
              ))}
              <td class="number">{count(all)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown.length && (
        <p class="quiet">
          The newest {shown.length} of {count(rows.length)}; a shorter range or a longer step shows the rest.
        </p>
      )}
    </div>
  )
}

const valueRowsMax = 200
