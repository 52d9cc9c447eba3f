import type { FastifyInstance } from 'fastify'
import { CHAIN_POLICIES } from '../../dialects/apicast/chain.ts'
import type { AdminOptions } from '../options.ts'

/** APIcast's own management API, as far as it is for probes: open to everyone, like /livez. Source: APIcast, "Management API". */
export function gatewayStatusRoutes(app: FastifyInstance, options: AdminOptions): void {
  app.get('/status/live', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'live', success: true }),
  )
  app.get('/status/ready', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    const { ready, why } = options.readiness()
    if (!ready) return reply.code(412).send({ status: 'error', success: false, error: why ?? 'not configured' })
    if (options.proxies().length > 0) return { status: 'ready', success: true }
    return { status: 'warning', success: true, warning: 'no services' }
  })
  app.get('/policies', async (_request, reply) => {
    const policies = Object.fromEntries(CHAIN_POLICIES.map((name) => [name, [{ name, version: 'builtin' }]]))
    return reply.header('cache-control', 'no-store').send({ policies })
  })
}
