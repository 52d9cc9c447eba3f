import type { FastifyInstance, FastifyRequest } from 'fastify'
import { pathOf, toAdminError } from '../errors.ts'
import type { AdminLog } from '../options.ts'

/** Proxies and shared flows, their revisions, and what is deployed of them. Other paths may hold keys, and are not logged. */
const LOGGED = /\/(?:apis|sharedflows)(?:\/[^/]+(?:\/revisions\/[^/]+)?(?:\/deployments)?)?$/

/** Imports, deployments and what else changes a proxy or a shared flow are in the log, and so is why one was refused. */
export function logChanges(scope: FastifyInstance, log: AdminLog): void {
  scope.addHook('onError', async (request, _reply, thrown) => {
    if (!isLogged(request)) return
    const { status, code, message } = toAdminError(thrown)
    // What is wrong inside is logged where it is answered, with its stack.
    if (status < 500) log.warn({ ...fieldsOf(request), status, code, reason: message }, 'a change was refused')
  })
  scope.addHook('onResponse', async (request, reply) => {
    if (isLogged(request) && reply.statusCode < 400) {
      log.info({ ...fieldsOf(request), status: reply.statusCode }, 'a change over the management API')
    }
  })
}

const isLogged = ({ method, url }: FastifyRequest): boolean =>
  method !== 'GET' && method !== 'HEAD' && LOGGED.test(pathOf(url))

function fieldsOf({ id, method, url, query }: FastifyRequest): object {
  const { action, name } = query as { action?: unknown; name?: unknown }
  return {
    requestId: id,
    method,
    path: pathOf(url),
    ...(typeof action === 'string' && { action }),
    ...(typeof name === 'string' && { name }),
  }
}
