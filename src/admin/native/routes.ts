import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { XStatic } from 'typebox/schema'
import type { Latency } from '../../analytics/ports.ts'
import { DEBUG_TOKEN_HEADER, DEBUG_TOKEN_SECONDS_MAX } from '../../core/debug-token.ts'
import type { AdminOptions } from '../options.ts'
import type { LatencyAnswer, OverviewAnswer, ResponseCodesAnswer, ServicesAnswer } from './answers.ts'
import { applicationRoutes } from './applications.ts'
import { callRoutes } from './calls.ts'
import { liveRoutes } from './live.ts'
import { name, noParameters, rangeParameters, tokenParameters } from './parameters.ts'
import { proxyRoutes } from './proxies.ts'
import { rangeAnswer, rangeOf } from './ranges.ts'
import { scopeOf, serviceAnswer } from './scope.ts'
import { countKeys, seriesOf } from './series.ts'
import { statisticsRoutes } from './statistics.ts'
import { throttleRoutes } from './throttles.ts'
import { usageRoutes } from './usage.ts'

const responseCodesParameters = {
  type: 'object',
  properties: {
    ...tokenParameters,
    service: name,
    proxy: name,
    application: name,
    ...rangeParameters,
  },
  additionalProperties: false,
} as const
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
  scope.post(
    '/debug-tokens',
    { schema: { body: debugTokenBody } },
    (request: FastifyRequest<{ Body: { seconds?: number } | null }>) => {
      const expiresAtMs = options.clock.now() + (request.body?.seconds ?? DEBUG_TOKEN_SECONDS) * 1_000
      return { token: options.debugToken(expiresAtMs), header: DEBUG_TOKEN_HEADER, expiresAtMs }
    },
  )
  proxyRoutes(scope, options)
  callRoutes(scope, options)
  statisticsRoutes(scope, options)
  usageRoutes(scope, options)
  applicationRoutes(scope, options)
  throttleRoutes(scope, options)
  liveRoutes(scope, options)
  scope.get(
    '/response-codes',
    { schema: { querystring: responseCodesParameters } },
    (request: FastifyRequest<{ Querystring: ResponseCodesQuery }>) => responseCodes(options, request.query),
  )
}

async function responseCodes(options: AdminOptions, query: ResponseCodesQuery): Promise<ResponseCodesAnswer> {
  const scope = scopeOf(options, query)
  const range = rangeOf(query, options.clock.now())
  const { edgesMs, sinceMs, untilMs } = range
  const { analytics } = options
  const [counts, summary, traffic] = await Promise.all([
    analytics.counts({ scope, keys: countKeys, edgesMs, authorizedOnly: false }),
    analytics.summary({ scope, sinceMs, untilMs }),
    analytics.firstAndLast(scope),
  ])
  return {
    ...rangeAnswer(range),
    startsMs: edgesMs.slice(0, -1),
    ...seriesOf(counts, edgesMs.length - 1),
    statuses: summary.byStatus,
    errors: summary.byErrorCode,
    latency: latencyAnswer(summary.latency),
    traffic,
  }
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
