import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { XStatic } from 'typebox/schema'
import type { Label, Labels } from '../../analytics/series.ts'
import { type StatisticsQuery, statisticsPlan } from '../../analytics/statistics.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import type { StatisticsAnswer } from './answers.ts'
import { callFilters, rangeParameters, tokenParameters } from './parameters.ts'
import { rangeAnswer, rangeOf } from './ranges.ts'
import { serviceOf } from './scope.ts'

const ROWS_MAX = 200
const SERIES_MAX = 10

const statisticsParameters = {
  type: 'object',
  properties: {
    ...tokenParameters,
    ...callFilters,
    path: { type: 'string', maxLength: 255 },
    revision: { type: 'string', pattern: '^\\d{0,9}$' },
    ...rangeParameters,
    by: {
      type: 'string',
      enum: ['status', 'answeredBy', 'proxy', 'revision', 'application', 'service', 'method', 'path', 'errorCode'],
    },
    series: { type: 'boolean' },
  },
  required: ['by'],
  additionalProperties: false,
} as const
type StatisticsParameters = XStatic<typeof statisticsParameters>

/** `/statistics`: any question about our own counts, by one label, with filters. */
export function statisticsRoutes(scope: FastifyInstance, options: AdminOptions): void {
  scope.get(
    '/statistics',
    { schema: { querystring: statisticsParameters } },
    (request: FastifyRequest<{ Querystring: StatisticsParameters }>) => statistics(options, request.query),
  )
}

async function statistics(options: AdminOptions, parameters: StatisticsParameters): Promise<StatisticsAnswer> {
  const range = rangeOf(parameters, options.clock.now())
  const withSeries = parameters.series === true
  const query: StatisticsQuery = {
    by: parameters.by,
    match: matchOf(options, parameters),
    ...(parameters.class !== undefined && { codeClass: parameters.class }),
    edgesMs: withSeries ? range.edgesMs : [range.sinceMs, range.untilMs],
    rowsMax: ROWS_MAX,
    seriesMax: withSeries ? SERIES_MAX : 0,
  }
  if (statisticsPlan(query, range.nowMs) === null) throw tooOld(query)
  const { calls, rows, rowsLeftOut } = await options.analytics.statistics(query)
  const nameOf = namesOf(options, parameters.by)
  return {
    ...rangeAnswer(range),
    by: parameters.by,
    calls,
    rows: rows.map(({ values, ...row }) => ({
      ...row,
      name: nameOf(row.value),
      ...(values !== null && { values }),
    })),
    rowsLeftOut,
    ...(withSeries && { startsMs: range.edgesMs.slice(0, -1) }),
  }
}

function matchOf(options: AdminOptions, parameters: StatisticsParameters): Partial<Labels> {
  const { proxy, application, service, method, path, errorCode, revision, status, answeredBy } = parameters
  const match: Partial<Record<Label, string | undefined>> = {
    proxy,
    application,
    method,
    path,
    errorCode,
    revision,
    answeredBy,
    service: service === undefined || service === '' ? service : serviceOf(options, service).id,
    status: status === undefined ? undefined : String(status),
  }
  return Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined))
}

/** Combinations of labels are kept for 90 days; what is kept for ever is asked by one or two of them. */
function tooOld({ by }: StatisticsQuery): AdminError {
  return new AdminError(
    400,
    'range_too_old',
    `Calls by ${by} with these filters are kept for 90 days: ask from then on. For ever there are: by status or answeredBy, of all ` +
      'calls, a proxy, a service or an application; by proxy, service or application; by errorCode of a proxy.',
  )
}

function namesOf(options: AdminOptions, by: string): (value: string) => string {
  if (by === 'application') return (id) => options.accounts?.registry.application(id)?.name ?? id
  if (by !== 'service') return (value) => value
  const names = new Map(options.services().map((service) => [service.id, service.name]))
  return (id) => names.get(id) ?? id
}
