import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { XStatic } from 'typebox/schema'
import type { RecentCall } from '../../trace/recent-call.ts'
import type { CallFilter } from '../../trace/recent-calls.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import { findService } from '../services.ts'
import type { CallStage, CallsAnswer, ExplainAnswer, RecentCallAnswer, RefusedBy } from './answers.ts'
import { callFilters, noParameters, rangeParameters, tokenParameters } from './parameters.ts'
import { rangeOf } from './ranges.ts'

const LIMIT = 50
const LIMIT_MAX = 500

const callsParameters = {
  type: 'object',
  properties: {
    ...tokenParameters,
    ...callFilters,
    since: rangeParameters.since,
    until: rangeParameters.until,
    timezone: rangeParameters.timezone,
    limit: { type: 'integer', minimum: 1, maximum: LIMIT_MAX },
  },
  additionalProperties: false,
} as const
type CallsQuery = XStatic<typeof callsParameters>

/** `/calls`: what the gateway threads hold of the latest calls; `/calls/{request id}`: all that is known of one. */
export function callRoutes(scope: FastifyInstance, options: AdminOptions): void {
  scope.get(
    '/calls',
    { schema: { querystring: callsParameters } },
    (request: FastifyRequest<{ Querystring: CallsQuery }>) => calls(options, request.query),
  )
  scope.get(
    '/calls/:requestId',
    { schema: { querystring: noParameters } },
    (request: FastifyRequest<{ Params: { requestId: string } }>) => explain(options, request.params.requestId),
  )
}

async function calls(options: AdminOptions, query: CallsQuery): Promise<CallsAnswer> {
  const filter = filterOf(options, query)
  const { answers, silent } = await options.recentCalls.page(filter)
  const latest = answers.flatMap((page) => page.calls).sort((a, b) => b.timeMs - a.timeMs)
  const oldest = answers.flatMap(({ oldestMs }) => (oldestMs === null ? [] : [oldestMs]))
  const { max, hours } = options.recentCalls.settings()
  return {
    calls: latest.slice(0, filter.limit).map(shown),
    held: answers.reduce((sum, { held }) => sum + held, 0),
    oldestMs: oldest.length === 0 ? null : Math.min(...oldest),
    heldMax: max,
    hoursMax: hours,
    silentThreads: silent,
  }
}

function filterOf(options: AdminOptions, query: CallsQuery): CallFilter {
  const { status, answeredBy, proxy, application, method, errorCode } = query
  const service =
    query.service === undefined ? undefined : (findService(options.services(), query.service)?.id ?? query.service)
  const labels = { status, answeredBy, proxy, application, method, errorCode, service, codeClass: query.class }
  const given = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined))
  return { ...given, ...timesOf(options, query), limit: query.limit ?? LIMIT }
}

function timesOf(options: AdminOptions, query: CallsQuery): { sinceMs?: number; untilMs?: number } {
  if (query.since === undefined && query.until === undefined) return {}
  const { sinceMs, untilMs } = rangeOf(query, options.clock.now())
  return { sinceMs, untilMs }
}

async function explain(options: AdminOptions, requestId: string): Promise<ExplainAnswer> {
  const call = await options.recentCalls.find(requestId.toLowerCase())
  if (call === null) throw unknownCall(options)
  const { stages, refusedBy } = { stages: stagesOf(call), refusedBy: refusalOf(call) }
  return {
    found: true,
    call: {
      ...shown(call),
      clientAddress: call.clientAddress,
      host: call.host,
      query: call.query,
      httpVersion: call.httpVersion,
      environment: call.environment,
      account: call.account,
      basePath: call.basePath,
      pathSuffix: call.suffixLength === 0 ? '' : call.path.slice(-call.suffixLength),
      flow: call.flow,
      route: call.route,
      targetName: call.targetName,
      targetUrl: targetUrlOf(call),
      bytesIn: call.bytesIn,
      bytesOut: call.bytesOut,
      forwards: call.forwards,
      requestBody: call.requestBody,
      responseBody: call.responseBody,
    },
    stages,
    refusedBy,
    steps: options.trace?.sessions.stepsOf(call.requestId) ?? null,
  }
}

function unknownCall(options: AdminOptions): AdminError {
  const { max, hours } = options.recentCalls.settings()
  const kept =
    max === 0
      ? 'This gateway keeps none: recentCalls.max in postern.yaml is 0.'
      : `The last ${max} calls are kept, over all threads, for ${hours} hours at most and until the process ends.`
  return new AdminError(404, 'unknown_call', `No call with this request id is known. ${kept}`)
}

function shown(call: RecentCall): RecentCallAnswer {
  return {
    requestId: call.requestId,
    timeMs: call.timeMs,
    method: call.method,
    path: call.path,
    proxy: call.proxy,
    revision: call.revision,
    status: call.status,
    targetStatus: call.targetStatus,
    answeredBy: call.answeredBy,
    errorCode: call.errorCode,
    totalMs: rounded(call.totalMs),
    targetMs: rounded(call.targetMs),
    policyMs: rounded(call.policyMs),
    application: call.application,
    service: call.service,
  }
}

function targetUrlOf({ targetUrl, targetPath, targetQuery }: RecentCall): string {
  if (targetUrl === '') return ''
  // The path that was sent holds that of the URL.
  const origin = /^[a-z]+:\/\/[^/]+/i.exec(targetUrl)?.[0] ?? targetUrl
  return `${origin}${targetPath}${targetQuery === '' ? '' : `?${targetQuery}`}`
}

/** From one moment that was reached to the next. */
function stagesOf(call: RecentCall): CallStage[] {
  const moments: readonly (readonly [CallStage['name'], number])[] = [
    ['request flows', call.targetSentMs],
    ['target', call.targetReceivedMs],
    ['response flows', call.answerStartedMs],
    ['send answer', call.answerSentMs],
  ]
  const stages: CallStage[] = []
  let startMs = 0
  for (const [name, endMs] of moments) {
    if (Number.isNaN(endMs)) continue
    stages.push({ name, startMs: rounded(startMs), endMs: rounded(endMs) })
    startMs = endMs
  }
  return stages
}

function refusalOf(call: RecentCall): RefusedBy | null {
  if (call.errorCode === '') return null
  const { step, policyType, faultRule, errorCode, message, breach } = call
  return {
    step,
    policyType,
    rule: faultRule,
    errorCode,
    message,
    limitName: breach?.name ?? null,
    used: breach?.used ?? null,
    limit: breach?.limit ?? null,
    resetsAtMs: breach?.resetsAtMs ?? null,
  }
}

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000
