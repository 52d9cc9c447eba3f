import { answerers } from './record.ts'
import type { Label, Labels, Level, SeriesKind, SeriesRef } from './series.ts'
import { outcomeOf, type Totals } from './totals.ts'

/** The finest question with several labels at once: calls of the last 90 days by their values, in each granule. */
export interface CellsQuery {
  readonly by: readonly Label[]
  readonly match: Partial<Labels>
  /** As in `CountsQuery`; a granule of less than a quarter of an hour is exact for 48 hours only. */
  readonly edgesMs: readonly number[]
  /** More rows than this are not made; the answer says so. */
  readonly rowsMax: number
}

/** What was counted in one granule. Times in microseconds, all calls together. */
export interface CellSums {
  readonly calls: number
  /** Statuses from 400. */
  readonly errors: number
  /** Those that the target answered, and those that a policy did. */
  readonly targetErrors: number
  readonly policyErrors: number
  readonly totalUs: number
  readonly targetUs: number
  readonly policyUs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface CellsRow {
  /** In the order of `by`. */
  readonly values: readonly string[]
  /** One for each granule. */
  readonly granules: readonly CellSums[]
}

export interface Cells {
  readonly rows: readonly CellsRow[]
  /** There are more than `rowsMax`. */
  readonly isCut: boolean
}

/** What a store reads for it. */
export interface CellsSource {
  series(kind: SeriesKind, match: Partial<Labels>): readonly SeriesRef[]
  granules(series: readonly SeriesRef[], edgesMs: readonly number[], coarsest: Level): readonly Totals[]
}

/** Answers it from the finest series, the only ones that have all labels. Rows without calls are left out. */
export function cells(source: CellsSource, { by, match, edgesMs, rowsMax }: CellsQuery): Cells {
  const groups = new Map<string, { values: string[]; series: SeriesRef[] }>()
  for (const series of source.series('call', match)) {
    const values = by.map((label) => series.labels[label])
    const key = values.join('\0')
    const known = groups.get(key)
    if (known === undefined) groups.set(key, { values, series: [series] })
    else known.series.push(series)
  }
  const rows: CellsRow[] = []
  for (const { values, series } of groups.values()) {
    const granules = source.granules(series, edgesMs, 'quarter').map(sumsOf)
    if (granules.every(({ calls }) => calls === 0)) continue
    if (rows.length === rowsMax) return { rows, isCut: true }
    rows.push({ values, granules })
  }
  return { rows, isCut: false }
}

function sumsOf(totals: Totals): CellSums {
  let [calls, errors, targetErrors, policyErrors] = [0, 0, 0, 0]
  for (const [key, count] of totals.outcomes) {
    const { status, targetStatus, answerer } = outcomeOf(key)
    calls += count
    if (status < 400) continue
    errors += count
    if (targetStatus >= 400 && answerers[answerer] === 'target') targetErrors += count
    else if (answerers[answerer] === 'policy' || answerers[answerer] === 'callout') policyErrors += count
  }
  const { totalUs, targetUs, policyUs, bytesIn, bytesOut } = totals
  return { calls, errors, targetErrors, policyErrors, totalUs, targetUs, policyUs, bytesIn, bytesOut }
}
