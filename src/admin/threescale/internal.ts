import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AdminError } from '../errors.ts'
import type { AccountServices, AdminOptions } from '../options.ts'
import { findService } from '../services.ts'

const PER_PAGE = 100
const PAGES_MAX = 10

interface ErrorsRequest {
  Params: { id: string }
  Querystring: { page?: string; per_page?: string }
}

interface MinutesRequest {
  Params: { id: string; app: string }
  Querystring: { metric?: string }
}

const MINUTE_MS = 60_000
/** Minutes are kept for so long. */
const MINUTES = 3

/** What the vendor's back end has below `/internal` for its own portal: the integration errors of a service. And what no other
 * API shows: what an application used in the last minutes. */
export function internalRoutes(scope: FastifyInstance, options: AdminOptions, accounts: AccountServices): void {
  const serviceId = (id: string): string => {
    const service = findService(options.services(), id)
    if (service === undefined) throw new AdminError(404, 'not_found', 'Service not found')
    return service.id
  }
  const list = async (request: FastifyRequest<ErrorsRequest>): Promise<object> => {
    const service = serviceId(request.params.id)
    const page = Math.max(1, Math.min(PAGES_MAX, Number(request.query.page) || 1))
    const count = Math.max(1, Math.min(PER_PAGE, Number(request.query.per_page) || PER_PAGE))
    const errors = await accounts.usage.integrationErrors({ service, offset: (page - 1) * count, count })
    return {
      errors: errors.map(({ code, message, atMs }) => ({
        code,
        message,
        timestamp: `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`,
      })),
    }
  }
  scope.get<MinutesRequest>('/services/:id/applications/:app/minutes', async (request) => {
    const { id, app } = request.params
    const service = serviceId(id)
    const application = accounts.registry.application(app)
    if (application?.serviceId !== service) throw new AdminError(404, 'not_found', 'Application not found')
    const endMs = (Math.floor(options.clock.now() / MINUTE_MS) + 1) * MINUTE_MS
    const edgesMs = Array.from({ length: MINUTES + 1 }, (_, i) => endMs - (MINUTES - i) * MINUTE_MS)
    const subject = { kind: 'application', service, application: app } as const
    const name = request.query.metric ?? 'hits'
    const values = await accounts.usage.usage({ scope: subject, kind: 'metric', name, edgesMs, by: 'minute' })
    return { minutes: values.map((value, i) => ({ since: new Date(edgesMs[i]!).toISOString(), value })) }
  })
  for (const path of ['/services/:id/errors/', '/services/:id/errors']) {
    scope.get<ErrorsRequest>(path, list)
    scope.delete<ErrorsRequest>(path, async (request) => {
      await accounts.usage.forgetErrors(serviceId(request.params.id))
      return { status: 'deleted' }
    })
  }
}
