import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { XStatic } from 'typebox/schema'
import { periodEndMs, periodStartMs } from '../../core/calendar.ts'
import type { Application, Limit, Service } from '../../model/service.ts'
import type { AdminOptions } from '../options.ts'
import type { ApplicationAnswer, ApplicationLimit, ApplicationPageAnswer, ApplicationsAnswer } from './answers.ts'
import { name, noParameters, tokenParameters } from './parameters.ts'
import { applicationOf, serviceAnswer, serviceOf } from './scope.ts'

const PAGE_SIZE = 50
const DAY_MS = 86_400_000

const listParameters = {
  type: 'object',
  properties: {
    ...tokenParameters,
    service: name,
    q: { type: 'string', maxLength: 255 },
    page: { type: 'integer', minimum: 1, maximum: 100_000 },
  },
  additionalProperties: false,
} as const
type ListQuery = XStatic<typeof listParameters>

/** `/applications`, `/applications/{id}`: who calls, what they may use and what they have used. */
export function applicationRoutes(scope: FastifyInstance, options: AdminOptions): void {
  scope.get(
    '/applications',
    { schema: { querystring: listParameters } },
    (request: FastifyRequest<{ Querystring: ListQuery }>) => list(options, request.query),
  )
  scope.get(
    '/applications/:id',
    { schema: { querystring: noParameters } },
    (request: FastifyRequest<{ Params: { id: string } }>) => page(options, request.params.id),
  )
}

async function list(options: AdminOptions, query: ListQuery): Promise<ApplicationsAnswer> {
  const service = query.service === undefined ? null : serviceOf(options, query.service)
  const wanted = (query.q ?? '').trim().toLowerCase()
  const all = (options.accounts?.registry.applications ?? [])
    .filter(({ serviceId }) => service === null || serviceId === service.id)
    .map((application) => shown(options, application))
    .filter((answer) => wanted === '' || textsOf(answer).some((text) => text.toLowerCase().includes(wanted)))
    .sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id))
  const number = query.page ?? 1
  return {
    applications: all.slice((number - 1) * PAGE_SIZE, number * PAGE_SIZE),
    total: all.length,
    page: number,
    pages: Math.max(1, Math.ceil(all.length / PAGE_SIZE)),
  }
}

const textsOf = ({ id, name, account, plan }: ApplicationAnswer): string[] => [id, name, account.name, plan.name]

async function page(options: AdminOptions, id: string): Promise<ApplicationPageAnswer> {
  const { application, service } = applicationOf(options, id)
  const plan = service.plans.find((one) => one.id === application.planId)
  const nowMs = options.clock.now()
  return {
    ...shown(options, application),
    description: application.description,
    keyHints: keysOf(application).map(hint),
    limits: await Promise.all((plan?.limits ?? []).map((limit) => utilization(options, service, id, limit, nowMs))),
  }
}

function shown(options: AdminOptions, application: Application): ApplicationAnswer {
  const service = options.services().find(({ id }) => id === application.serviceId)
  const account = options.accounts?.registry.account(application.accountId) ?? null
  const plan = service?.plans.find(({ id }) => id === application.planId)
  return {
    id: application.id,
    name: application.name,
    service: service === undefined ? null : serviceAnswer(service),
    account: { id: application.accountId, name: account?.name ?? '' },
    plan: { id: application.planId, name: plan?.name ?? '' },
    state: application.state,
  }
}

/** What opens the API: enough to tell one from another, not enough to use it. */
const keysOf = ({ userKey, keys }: Application): string[] => [...(userKey === null ? [] : [userKey]), ...keys]

const HINT_CHARACTERS = 3

function hint(key: string): string {
  return key.length < 4 * HINT_CHARACTERS ? '***' : `${key.slice(0, HINT_CHARACTERS)}...${key.slice(-HINT_CHARACTERS)}`
}

async function utilization(
  options: AdminOptions,
  service: Service,
  application: string,
  { metric, period, value }: Limit,
  nowMs: number,
): Promise<ApplicationLimit> {
  const startMs = periodStartMs(period, nowMs)
  const endMs = periodEndMs(period, nowMs)
  const forever = endMs === Number.POSITIVE_INFINITY
  const [used] = await options.accounts!.usage.usage({
    scope: { kind: 'application', service: service.id, application },
    kind: 'metric',
    name: metric,
    edgesMs: [startMs, forever ? nowMs + DAY_MS : endMs],
    by: period === 'minute' ? 'minute' : 'hour',
  })
  return {
    metric,
    metricName: service.metrics.find(({ systemName }) => systemName === metric)?.friendlyName ?? metric,
    period,
    limit: value,
    used: used ?? 0,
    startsMs: forever ? null : startMs,
    endsMs: forever ? null : endMs,
  }
}
