import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { CellSums } from '../../analytics/cells.ts'
import type { Label } from '../../analytics/series.ts'
import type { Developer } from '../../model/consumers.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, envOf } from './context.ts'
import { parseFilter } from './stat-filter.ts'
import { readRange, type StatRange } from './stat-range.ts'

/** Edge's dimensions, by what they are called here. */
const DIMENSIONS: Readonly<Record<string, Label>> = {
  apis: 'proxy',
  apiproxy: 'proxy',
  apiproxy_revision: 'revision',
  environment: 'environment',
  developer_app: 'application',
  apps: 'application',
  developer: 'account',
  developers: 'account',
  developer_email: 'account',
  request_verb: 'method',
  request_path: 'path',
  response_status_code: 'status',
  ax_edge_execution_fault_code: 'errorCode',
}

const US_A_MS = 1_000

/** Edge's metrics: how much of each is in a granule. `mean`: it is a time or size, of which an average over calls can be asked. */
const METRICS: Readonly<Record<string, { readonly mean: boolean; of(sums: CellSums): number }>> = {
  message_count: { mean: false, of: (sums) => sums.calls },
  is_error: { mean: false, of: (sums) => sums.errors },
  target_error: { mean: false, of: (sums) => sums.targetErrors },
  policy_error: { mean: false, of: (sums) => sums.policyErrors },
  total_response_time: { mean: true, of: (sums) => sums.totalUs / US_A_MS },
  target_response_time: { mean: true, of: (sums) => sums.targetUs / US_A_MS },
  request_processing_latency: { mean: true, of: (sums) => sums.policyUs / US_A_MS },
  request_size: { mean: true, of: (sums) => sums.bytesIn },
  response_size: { mean: true, of: (sums) => sums.bytesOut },
}

/** One thing that is asked for: how it is called in the answer, and what it is of granules taken together. */
interface Selected {
  readonly name: string
  of(granules: readonly CellSums[], seconds: number): number
}

interface Row {
  readonly name: string
  readonly granules: readonly CellSums[]
}

const DIMENSIONS_MAX = 5
const ROWS_MAX = 10_000
const invalid = (parameter: string, text: string): AdminError =>
  new AdminError(400, `datastore.Invalid.${parameter}`, text)

/** `/e/{env}/stats/{dimensions}` and `/e/{env}/stats`: the statistics that the gateway always keeps, in Edge's words. */
export function statRoutes(scope: FastifyInstance, context: EdgeContext): void {
  for (const word of ['environments', 'e']) {
    scope.get(
      `/${word}/:env/stats`,
      answering((request) => stats(request, context, [])),
    )
    scope.get(
      `/${word}/:env/stats/:dimensions`,
      answering((request) => {
        const { dimensions } = request.params as { dimensions: string }
        const names = dimensions.split(',').map((name) => name.trim())
        if (names.length > DIMENSIONS_MAX) throw invalid('dimension', `at most ${DIMENSIONS_MAX} dimensions at once`)
        return stats(request, context, names)
      }),
    )
  }
}

async function stats(request: FastifyRequest, context: EdgeContext, dimensions: readonly string[]): Promise<unknown> {
  const query = request.query as Readonly<Record<string, string | undefined>>
  for (const name of dimensions) {
    if (isDimension(name)) continue
    const known = Object.keys(DIMENSIONS).join(', ')
    throw invalid('dimension', `there is no dimension ${JSON.stringify(name.slice(0, 100))}; there are ${known}`)
  }
  const selected = readSelect(query['select'])
  const range = readRange(query['timeRange'], query['timeUnit'], query['tzo'] ?? '0', context.now())
  const filter = query['filter'] === undefined ? null : parseFilter(query['filter'], isDimension)
  const asked = [...new Set([...dimensions, ...(filter?.dimensions ?? [])])]
  const { rows, isCut } = await context.analytics.cells({
    by: asked.map((name) => DIMENSIONS[name]!),
    match: { environment: envOf(request) },
    edgesMs: range.edgesMs,
    rowsMax: ROWS_MAX,
  })
  const shown = namesOf(context)
  const groups = new Map<string, CellSums[]>()
  for (const { values, granules } of rows) {
    const dimensionOf = (name: string): string => shown(DIMENSIONS[name]!, values[asked.indexOf(name)]!)
    if (filter !== null && !filter.test(dimensionOf)) continue
    const name = dimensions.map((one) => dimensionOf(one) || NOT_SET).join(',')
    const known = groups.get(name)
    groups.set(name, known === undefined ? [...granules] : known.map((sums, i) => sum(sums, granules[i]!)))
  }
  const page = paged(
    [...groups].map(([name, granules]) => ({ name, granules })),
    selected,
    query,
  )
  const metrics = (granules: readonly CellSums[]): unknown[] =>
    selected.map((one) => ({ name: one.name, values: valuesOf(one, granules, range, query['tsAscending'] === 'true') }))
  const all =
    dimensions.length === 0
      ? { metrics: page[0] === undefined ? [] : metrics(page[0].granules) }
      : { dimensions: page.map(({ name, granules }) => ({ metrics: metrics(granules), name })) }
  return {
    environments: [{ ...all, name: envOf(request) }],
    metaData: { errors: [], notices: isCut ? [`more than ${ROWS_MAX} rows; the others are left out`] : [] },
  }
}

const isDimension = (name: string): boolean => Object.hasOwn(DIMENSIONS, name)

/** As Edge calls what a call does not have. */
const NOT_SET = '(not set)'

/** Apps are counted by their id and shown by their name. */
function namesOf({ catalog }: EdgeContext): (label: Label, value: string) => string {
  const developers = catalog.entities('developers') as readonly Developer[]
  const apps = new Map(developers.flatMap((developer) => developer.apps.map((app) => [app.id, app.name])))
  return (label, value) => (label === 'application' ? (apps.get(value) ?? value) : value)
}

/** `sum(message_count),avg(total_response_time),tps`. */
function readSelect(text: string | undefined): Selected[] {
  const parts = (text ?? '').split(',').filter((part) => part.trim() !== '')
  if (parts.length === 0) throw invalid('select', 'select is missing; for example select=sum(message_count)')
  return parts.map((part) => {
    const name = part.trim()
    if (name === 'tps') return { name, of: (granules, seconds) => callsOf(granules) / seconds }
    const [, how, metric] = /^(sum|avg)\((\w+)\)$/.exec(name) ?? []
    const known = metric !== undefined && Object.hasOwn(METRICS, metric) ? METRICS[metric]! : null
    if (known === null || (how === 'avg' && !known.mean)) {
      const means = Object.entries(METRICS).flatMap(([one, { mean }]) => (mean ? [one] : []))
      const text = `select: ${name.slice(0, 100)} is not supported; there are sum(...) of ${Object.keys(METRICS).join(', ')}, avg(...) of ${means.join(', ')}, and tps`
      throw invalid('select', text)
    }
    const total = (granules: readonly CellSums[]): number => granules.reduce((all, one) => all + known.of(one), 0)
    if (how === 'sum') return { name, of: total }
    return { name, of: (granules) => (callsOf(granules) === 0 ? 0 : total(granules) / callsOf(granules)) }
  })
}

const callsOf = (granules: readonly CellSums[]): number => granules.reduce((all, { calls }) => all + calls, 0)

/** The most first, unless told otherwise; by the first thing that is asked for. */
function paged(
  rows: Row[],
  selected: readonly Selected[],
  query: Readonly<Record<string, string | undefined>>,
): readonly Row[] {
  const by = query['sortby'] === undefined ? selected[0]! : selected.find(({ name }) => name === query['sortby'])
  if (by === undefined)
    throw invalid('sortby', `sortby must be one of what select names: ${selected.map((one) => one.name).join(', ')}`)
  const sign = query['sort']?.toUpperCase() === 'ASC' ? 1 : -1
  const sorted = rows
    .map((row) => ({ row, value: by.of(row.granules, 1) }))
    .sort((a, b) => sign * (a.value - b.value) || (a.row.name < b.row.name ? -1 : 1))
  const offset = whole('offset', query['offset'], 0)
  const limit = Math.min(whole('limit', query['limit'], ROWS_MAX), whole('topk', query['topk'], ROWS_MAX))
  return sorted.slice(offset, offset + limit).map(({ row }) => row)
}

function whole(parameter: string, text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw invalid(parameter, `${parameter} must be a whole number`)
}

/** One value of the whole range, or one of each unit of time that has calls, the last first unless told otherwise. */
function valuesOf(one: Selected, granules: readonly CellSums[], range: StatRange, ascending: boolean): unknown[] {
  const { edgesMs, stampsMs } = range
  const seconds = (from: number, to: number): number => (edgesMs[to]! - edgesMs[from]!) / 1_000
  if (stampsMs === null) return [shownNumber(one.of(granules, seconds(0, edgesMs.length - 1)))]
  const values = granules.flatMap((sums, i) =>
    sums.calls === 0 ? [] : [{ timestamp: stampsMs[i]!, value: shownNumber(one.of([sums], seconds(i, i + 1))) }],
  )
  return ascending ? values : values.reverse()
}

/** Edge writes numbers as text, whole ones with one digit behind the point. */
const shownNumber = (value: number): string =>
  Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value * 1_000) / 1_000)

function sum(a: CellSums, b: CellSums): CellSums {
  const add = (key: keyof CellSums): number => a[key] + b[key]
  return {
    calls: add('calls'),
    errors: add('errors'),
    targetErrors: add('targetErrors'),
    policyErrors: add('policyErrors'),
    totalUs: add('totalUs'),
    targetUs: add('targetUs'),
    policyUs: add('policyUs'),
    bytesIn: add('bytesIn'),
    bytesOut: add('bytesOut'),
  }
}
