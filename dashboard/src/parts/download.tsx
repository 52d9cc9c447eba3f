import type { JSX } from 'preact'
import type { Series } from '../chart/series.ts'
import { csvOf } from '../csv.ts'
import type { Times } from '../format.ts'

interface DownloadProps {
  /** Without '.csv'. */
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: () => readonly (readonly (string | number)[])[]
}

/** What is shown, as a file: made here, of the numbers that are here. */
export function Download({ name, columns, rows }: DownloadProps): JSX.Element {
  const save = (): void => {
    // With a byte order mark, or some spreadsheets read UTF-8 as something else.
    const file = new Blob(['\uFEFF', csvOf(columns, rows())], { type: 'text/csv;charset=utf-8' })
    const link = document.createElement('a')
    link.href = URL.createObjectURL(file)
    link.download = `${name}.csv`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
  }
  return (
    <button type="button" class="plain-button" onClick={save}>
      Download CSV
    </button>
  )
}

interface SeriesDownloadProps {
  readonly name: string
  readonly series: readonly Series[]
  readonly startsMs: readonly number[]
  readonly times: Times
}

/** A chart as a file: a line for each step, a column for each series, as 3scale's page writes it. */
export function SeriesDownload({ name, series, startsMs, times }: SeriesDownloadProps): JSX.Element {
  return (
    <Download
      name={name}
      columns={['datetime', ...series.map(({ label }) => label)]}
      rows={() => startsMs.map((startMs, at) => [times.stamp(startMs), ...series.map(({ values }) => values[at] ?? 0)])}
    />
  )
}
