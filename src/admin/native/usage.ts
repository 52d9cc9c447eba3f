import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { XStatic } from 'typebox/schema'
import type { UsageScope } from '../../accounts/ports.ts'
import { Zone } from '../../analytics/zone.ts'
import type { Metric, Service } from '../../model/service.ts'
import { csvOf } from '../csv.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import { topApplicationsOf } from '../top-applications.ts'
import type { TopApplicationsAnswer, UsageAnswer, UsageMetric } from './answers.ts'
import { name, rangeParameters, tokenParameters } from './parameters.ts'
import { rangeAnswer, rangeOf } from './ranges.ts'
import { applicationOf, serviceAnswer, serviceOf } from './scope.ts'

/** Usage is kept by the quarter of an hour. */
const usageRange = {
  last: { type: 'string', enum: ['24h', '7d', '30d', '12m'] },
  since: rangeParameters.since,
  until: rangeParameters.until,
  granularity: { type: 'string', enum: ['hour', 'day', 'month'] },
  timezone: rangeParameters.timezone,
} as const

const usageParameters = {
  type: 'object',
  properties: {
    ...tokenParameters,
    service: name,
    application: name,
    metric: name,
    format: { type: 'string', enum: ['json', 'csv'] },
    ...usageRange,
  },
  additionalProperties: false,
} as const
type UsageQuery = XStatic<typeof usageParameters>

const topParameters = {
  type: 'object',
  properties: { ...tokenParameters, service: name, metric: name, ...usageRange },
  required: ['service'],
  additionalProperties: false,
} as const
type TopQuery = XStatic<typeof topParameters>

/** `/usage` and `/top-applications`: what 3scale's metrics counted. */
export function usageRoutes(scope: FastifyInstance, options: AdminOptions): void {
  scope.get(
    '/usage',
    { schema: { querystring: usageParameters } },
    async (request: FastifyRequest<{ Querystring: UsageQuery }>, reply) => {
      const answer = await usage(options, request.query)
      return request.query.format === 'csv' ? sendCsv(reply, answer) : answer
    },
  )
  scope.get(
    '/top-applications',
    { schema: { querystring: topParameters } },
    (request: FastifyRequest<{ Querystring: TopQuery }>) => topApplications(options, request.query),
  )
}

async function usage(options: AdminOptions, query: UsageQuery): Promise<UsageAnswer> {
  const { service, application, scope } = subjectOf(options, query)
  const range = rangeOf(query, options.clock.now(), ['hour', 'day', 'month'])
  const { edgesMs } = range
  const asked = query.metric === undefined ? service.metrics : withMethods(service, metricOf(service, query.metric))
  const metrics = await Promise.all(
    asked.map(async (metric): Promise<UsageMetric> => {
      const { systemName, friendlyName, unit, parent } = metric
      const values =
        options.accounts === null
          ? edgesMs.slice(1).map(() => 0)
          : await options.accounts.usage.usage({ scope, kind: 'metric', name: systemName, edgesMs, by: 'hour' })
      const total = values.reduce((sum, value) => sum + value, 0)
      return { name: systemName, friendlyName, unit, isMethod: parent !== null, parent, total, values }
    }),
  )
  return {
    ...rangeAnswer(range),
    startsMs: edgesMs.slice(0, -1),
    service: serviceAnswer(service),
    application: application === null ? null : { id: application.id, name: application.name },
    metrics,
  }
}

interface Subject {
  readonly service: Service
  readonly application: { readonly id: string; readonly name: string } | null
  readonly scope: UsageScope
}

function subjectOf(options: AdminOptions, query: UsageQuery): Subject {
  if ((query.service === undefined) === (query.application === undefined)) {
    throw new AdminError(400, 'bad_parameter', 'Give either service or application.')
  }
  if (query.application === undefined) {
    const service = serviceOf(options, query.service!)
    return { service, application: null, scope: { kind: 'service', service: service.id } }
  }
  const { application, service } = applicationOf(options, query.application)
  return { service, application, scope: { kind: 'application', service: service.id, application: application.id } }
}

function metricOf(service: Service, wanted: string): Metric {
  const metric = service.metrics.find(({ systemName }) => systemName === wanted)
  if (metric !== undefined) return metric
  const names = service.metrics.map(({ systemName }) => systemName).join(', ')
  throw new AdminError(404, 'unknown_metric', `There is no metric ${wanted}; those of this service are ${names}.`)
}

/** A metric and the methods that add to it. */
const withMethods = (service: Service, metric: Metric): Metric[] => [
  metric,
  ...service.metrics.filter(({ parent }) => parent === metric.systemName),
]

function sendCsv(reply: FastifyReply, answer: UsageAnswer): FastifyReply {
  const zone = Zone.named(answer.timezone)!
  const head = ['datetime', ...answer.metrics.map(({ friendlyName }) => friendlyName)]
  const lines = answer.startsMs.map((startMs, i) => [
    zone.format(startMs),
    ...answer.metrics.map(({ values }) => values[i]!),
  ])
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="usage-${Math.floor(answer.nowMs / 1000)}.csv"`)
    .send(csvOf([head, ...lines]))
}

async function topApplications(options: AdminOptions, query: TopQuery): Promise<TopApplicationsAnswer> {
  const service = serviceOf(options, query.service)
  const metric = metricOf(service, query.metric ?? 'hits')
  const range = rangeOf(query, options.clock.now(), ['hour', 'day', 'month'])
  const { sinceMs, untilMs } = range
  const top = await topApplicationsOf(options, { service: service.id, metric: metric.systemName, sinceMs, untilMs })
  const rows = top.map(({ application: { id, name, planId }, account, value }) => {
    const plan = service.plans.find((one) => one.id === planId)
    return { application: id, name, account: account?.name ?? '', plan: plan?.name ?? '', value }
  })
  return {
    ...rangeAnswer(range),
    service: serviceAnswer(service),
    metric: metric.systemName,
    rows,
  }
}
