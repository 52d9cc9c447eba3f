import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { XStatic } from 'typebox/schema'
import type { Latency, Scope } from '../../analytics/ports.ts'
import { DEBUG_TOKEN_HEADER, DEBUG_TOKEN_SECONDS_MAX } from '../../core/debug-token.ts'
import type { Service } from '../../model/service.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions, ProxySummary } from '../options.ts'
import { findService } from '../services.ts'
import type {
  LatencyAnswer,
  OverviewAnswer,
  ProxiesAnswer,
  ProxyAnswer,
  ResponseCodesAnswer,
  ServiceAnswer,
  ServicesAnswer,
} from './answers.ts'
import { granularities, periods, rangeOf } from './ranges.ts'
import { countKeys, seriesOf } from './series.ts'

/** Every call takes the parameters that may carry the token. */
const tokenParameters = { access_token: { type: 'string' }, provider_key: { type: 'string' } } as const

const noParameters = { type: 'object', properties: tokenParameters, additionalProperties: false } as const

const name = { type: 'string', minLength: 1, maxLength: 255 } as const

const responseCodesParameters = {
  type: 'object',
  properties: {
    ...tokenParameters,
    service: name,
    proxy: name,
    last: { type: 'string', enum: Object.keys(periods) },
    since: { type: 'string', maxLength: 40 },
    until: { type: 'string', maxLength: 40 },
    granularity: { type: 'string', enum: granularities },
    timezone: { type: 'string', maxLength: 64 },
  },
  additionalProperties: false,
} as const
// Only a type: building schemas with the library would load 700 files at start, a fifth of the time that a start may take.
type ResponseCodesQuery = XStatic<typeof responseCodesParameters>

const DEBUG_TOKEN_SECONDS = 900
const debugTokenBody = {
  type: ['object', 'null'],
  properties: { seconds: { type: 'integer', minimum: 1, maximum: DEBUG_TOKEN_SECONDS_MAX } },
  additionalProperties: false,
} as const

/** Our own statistics and what is deployed, all calls included, the refused ones too: what the dashboard shows. */
export function nativeRoutes(scope: FastifyInstance, options: AdminOptions, startedMs: number): void {
  scope.get('/overview', { schema: { querystring: noParameters } }, () => overview(options, startedMs))
  scope.get('/services', { schema: { querystring: noParameters } }, (): ServicesAnswer => {
    return { services: options.services().map(serviceAnswer) }
  })
  scope.get('/proxies', { schema: { querystring: noParameters } }, (): ProxiesAnswer => {
    const services = options.services()
    return { proxies: options.proxies().map((proxy) => proxyAnswer(proxy, services)) }
  })
  scope.post(
    '/debug-tokens',
    { schema: { body: debugTokenBody } },
    (request: FastifyRequest<{ Body: { seconds?: number } | null }>) => {
      const expiresAtMs = options.clock.now() + (request.body?.seconds ?? DEBUG_TOKEN_SECONDS) * 1_000
      return { token: options.debugToken(expiresAtMs), header: DEBUG_TOKEN_HEADER, expiresAtMs }
    },
  )
  scope.get(
    '/response-codes',
    { schema: { querystring: responseCodesParameters } },
    (request: FastifyRequest<{ Querystring: ResponseCodesQuery }>) => responseCodes(options, request.query),
  )
}

async function responseCodes(options: AdminOptions, query: ResponseCodesQuery): Promise<ResponseCodesAnswer> {
  const scope = scopeOf(options, query)
  const range = rangeOf(query, options.clock.now())
  const { edgesMs, granularity, nowMs } = range
  const sinceMs = edgesMs[0]!
  const untilMs = edgesMs.at(-1)!
  const { analytics } = options
  const [counts, summary, traffic] = await Promise.all([
    analytics.counts({ scope, keys: countKeys, edgesMs, authorizedOnly: false }),
    analytics.summary({ scope, sinceMs, untilMs }),
    analytics.firstAndLast(scope),
  ])
  return {
    nowMs,
    sinceMs,
    untilMs,
    timezone: range.timezone,
    granularity,
    granularities: range.granularities,
    startsMs: edgesMs.slice(0, -1),
    ...seriesOf(counts, edgesMs.length - 1),
    statuses: summary.byStatus,
    errors: summary.byErrorCode,
    latency: latencyAnswer(summary.latency),
    traffic,
  }
}

function scopeOf(options: AdminOptions, query: ResponseCodesQuery): Scope {
  if (query.service !== undefined && query.proxy !== undefined) {
    throw new AdminError(400, 'bad_parameter', 'Give either service or proxy.')
  }
  if (query.service !== undefined) {
    const service = findService(options.services(), query.service)
    if (service === undefined) {
      throw new AdminError(404, 'unknown_service', `There is no service ${query.service}; /api/services lists them.`)
    }
    return { kind: 'service', id: service.id }
  }
  // Not checked: statistics of a proxy outlive it.
  return query.proxy === undefined ? { kind: 'all' } : { kind: 'proxy', name: query.proxy }
}

async function overview(options: AdminOptions, startedMs: number): Promise<OverviewAnswer> {
  const { analytics } = options
  const { edgesMs, nowMs } = rangeOf({ last: '1h' }, options.clock.now())
  const [summary, health] = await Promise.all([
    analytics.summary({ scope: { kind: 'all' }, sinceMs: edgesMs[0]!, untilMs: edgesMs.at(-1)! }),
    analytics.health(),
  ])
  const { ready, why } = options.readiness()
  const inClass = (from: number): number =>
    summary.byStatus.reduce((sum, { status, calls }) => (status >= from && status < from + 100 ? sum + calls : sum), 0)
  return {
    nowMs,
    startedMs,
    ready,
    why: ready ? null : (why ?? null),
    proxies: options.proxies().length,
    services: options.services().length,
    lastHour: {
      calls: summary.calls,
      clientErrors: inClass(400),
      serverErrors: inClass(500),
      latency: latencyAnswer(summary.latency),
    },
    analytics: { lostCalls: health.lostCalls, pendingCalls: health.pendingCalls, problem: health.problem },
  }
}

function latencyAnswer({ p50Ms, p99Ms }: Latency): LatencyAnswer {
  return { p50Ms, p99Ms }
}

function serviceAnswer({ id, systemName, name }: Service): ServiceAnswer {
  return { id, systemName, name }
}

function proxyAnswer(proxy: ProxySummary, services: readonly Service[]): ProxyAnswer {
  const service = services.find(({ id }) => id === proxy.serviceId)
  return {
    name: proxy.name,
    revision: proxy.revision,
    basePaths: proxy.basePaths,
    service: service === undefined ? null : serviceAnswer(service),
  }
}
