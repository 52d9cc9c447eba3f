import type { FastifyInstance } from 'fastify'
import type { Analytics, CountKey, Scope } from '../../analytics/ports.ts'
import { ApigError } from '../../dialects/apig/error.ts'
import { type ApigCall, type ApigContext, route } from './context.ts'

const MINUTE_MS = 60_000
/** Minutes by the word of `duration`. */
const DURATIONS: Readonly<Record<string, number>> = { '1m': 1, '1h': 60 }

const KEYS: readonly CountKey[] = ['any', '2XX', '4XX', '5XX']

/** Calls per minute of an API or a group, from our own statistics. */
export function statisticsRoutes(scope: FastifyInstance, context: ApigContext): void {
  const { catalog } = context
  route(scope, 'get', '/statistics/api/latest', 200, async (call) => {
    const draft = catalog.apig
    const api = draft.get('api', call.queryId('api_id'))
    const group = draft.get('group', api.group_id)
    const scopes: Scope[] = [{ kind: 'proxy', name: `${group.name}/${api.name}` }]
    return { statistics: await minutes(context, call, scopes) }
  })
  route(scope, 'get', '/statistics/group/latest', 200, async (call) => {
    const draft = catalog.apig
    const group = draft.get('group', call.queryId('group_id'))
    const apis = draft.where('api', (api) => api.group_id === group.id)
    const scopes = apis.map((api): Scope => ({ kind: 'proxy', name: `${group.name}/${api.name}` }))
    return { statistics: await minutes(context, call, scopes) }
  })
}

async function minutes({ analytics, now }: ApigContext, call: ApigCall, scopes: readonly Scope[]): Promise<unknown[]> {
  const duration = call.query['duration'] ?? '1h'
  const count = Object.hasOwn(DURATIONS, duration) ? DURATIONS[duration] : undefined
  if (count === undefined) throw ApigError.field('APIG.2012', 'duration', `one of ${Object.keys(DURATIONS).join(', ')}`)
  const end = Math.floor(now() / MINUTE_MS) * MINUTE_MS + MINUTE_MS
  const edgesMs = Array.from({ length: count + 1 }, (_, i) => end - (count - i) * MINUTE_MS)
  const sums = KEYS.map(() => new Array<number>(count).fill(0))
  for (const scope of scopes) {
    const counts = await analytics.counts({ scope, keys: KEYS, edgesMs, authorizedOnly: false })
    for (const [key, row] of counts.entries()) for (const [i, calls] of row.entries()) sums[key]![i]! += calls
  }
  const [any, ok, client, server] = sums as [number[], number[], number[], number[]]
  const statistics: unknown[] = []
  for (let i = 0; i < count; i++) {
    statistics.push({
      req_count: any[i],
      req_count2xx: ok[i],
      req_count4xx: client[i],
      req_count5xx: server[i],
      req_count_error: client[i]! + server[i]!,
      ...(any[i]! > 0 && (await means(analytics, scopes, edgesMs[i]!, edgesMs[i + 1]!))),
      current_minute: new Date(edgesMs[i]!).toISOString(),
      cycle: 'MINUTE',
    })
  }
  return statistics
}

/** Mean times in ms and bytes of one minute. Maxima are not kept, so those fields are left out. */
async function means(
  analytics: Analytics,
  scopes: readonly Scope[],
  sinceMs: number,
  untilMs: number,
): Promise<object> {
  let calls = 0
  const sums = {
    avg_latency: 0,
    avg_backend_latency: 0,
    avg_inner_latency: 0,
    input_throughput: 0,
    output_throughput: 0,
  }
  for (const scope of scopes) {
    const one = await analytics.summary({ scope, sinceMs, untilMs })
    calls += one.calls
    sums.avg_latency += (one.latency.meanMs ?? 0) * one.calls
    sums.avg_backend_latency += (one.meanTargetMs ?? 0) * one.calls
    sums.avg_inner_latency += (one.meanPolicyMs ?? 0) * one.calls
    sums.input_throughput += one.bytesIn
    sums.output_throughput += one.bytesOut
  }
  const mean = (sum: number): number => Math.round(sum / Math.max(1, calls))
  return {
    ...sums,
    avg_latency: mean(sums.avg_latency),
    avg_backend_latency: mean(sums.avg_backend_latency),
    avg_inner_latency: mean(sums.avg_inner_latency),
  }
}
