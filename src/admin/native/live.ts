import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { everySecond, LiveFeed, type Second } from '../../analytics/live.ts'
import { type CodeClass, codeClass } from '../../core/code-class.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import type { LiveSecond } from './answers.ts'
import { noParameters } from './parameters.ts'

const LISTENERS_MAX = 16
/** A listener that does not read is ended. */
const UNREAD_BYTES_MAX = 256 * 1024

/** `/live`: one server-sent event each second, and at first those of the last two minutes. */
export function liveRoutes(scope: FastifyInstance, options: AdminOptions): void {
  const feed = new LiveFeed({
    analytics: options.analytics,
    now: () => options.clock.now(),
    repeat: options.everySecond ?? everySecond,
  })
  const open = new Set<ServerResponse>()
  // Before the door closes: it would wait for them.
  scope.addHook('preClose', async () => {
    feed.close()
    for (const raw of open) raw.end()
  })
  scope.get('/live', { schema: { querystring: noParameters } }, (_request, reply) => {
    if (open.size >= LISTENERS_MAX) {
      throw new AdminError(503, 'too_many_listeners', `${LISTENERS_MAX} pages listen already; close one of them.`)
    }
    reply.hijack()
    const { raw } = reply
    const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
    raw.writeHead(200, {
      ...(Object.fromEntries(headers) as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies in between must not gather it.
      'x-accel-buffering': 'no',
    })
    raw.write('retry: 2000\n\n')
    open.add(raw)
    const end = feed.listen((second) => {
      if (raw.writableLength > UNREAD_BYTES_MAX) raw.destroy()
      else raw.write(`event: second\ndata: ${JSON.stringify(shown(second))}\n\n`)
    })
    raw.on('close', () => {
      open.delete(raw)
      end()
    })
  })
}

function shown(second: Second): LiveSecond {
  const byClass: Record<CodeClass, number> = { '1XX': 0, '2XX': 0, '3XX': 0, '4XX': 0, '499': 0, '5XX': 0, other: 0 }
  for (const [status, calls] of second.byStatus) byClass[codeClass(status)] += calls
  const { timeMs, calls, seconds, p50Ms, p99Ms, topErrors, lostCalls } = second
  return {
    timeMs,
    callsPerSecond: Math.round((calls / seconds) * 10) / 10,
    errorShare: calls === 0 ? 0 : byClass['5XX'] / calls,
    p50Ms,
    p99Ms,
    byClass,
    topErrors,
    lostCalls,
  }
}
