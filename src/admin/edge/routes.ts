import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AdminError } from '../errors.ts'
import type { TraceContext } from '../options.ts'
import { aliasRoutes } from './aliases.ts'
import { apiRoutes } from './apis.ts'
import { appRoutes } from './apps.ts'
import { appByIdRoutes } from './apps-by-id.ts'
import { attributeRoutes } from './attributes.ts'
import type { EdgeContext } from './context.ts'
import { debugSessionRoutes } from './debug-sessions.ts'
import { deploymentRoutes } from './deployments.ts'
import { entityRoutes } from './entities.ts'
import { environmentRoutes } from './environments.ts'
import { flowHookRoutes } from './flow-hooks.ts'
import { historyRoutes } from './history.ts'
import { keyValueMapRoutes } from './key-value-maps.ts'
import { maskConfigRoutes } from './mask-configs.ts'
import { pieceRoutes } from './pieces.ts'
import { resourceFileRoutes } from './resource-files.ts'
import { sharedFlowRoutes } from './shared-flows.ts'
import { statRoutes } from './stats.ts'

/** More than a bundle may have, so that a client who sends too much is told so rather than cut off. */
const BODY_BYTES_MAX = 32 * 1024 * 1024

/**
 * Edge's management API, below `/v1`: `/organizations/{org}` and `/o/{org}`, `/environments/{env}` and `/e/{env}`. Source:
 * Edge's OpenAPI files and what apigeetool, apigee-edge-js and the Maven plugin send.
 */
export function edgeRoutes(scope: FastifyInstance, context: EdgeContext, trace: TraceContext | null): void {
  bodies(scope)
  for (const list of ['/organizations', '/o']) scope.get(list, () => [context.organization])
  for (const organization of ['/organizations/:org', '/o/:org']) {
    scope.register(
      async (inside) => {
        inside.addHook('preHandler', async (request) => checkNames(request, context))
        inside.get('/', () => organizationAnswer(context))
        apiRoutes(inside, context)
        deploymentRoutes(inside, context)
        historyRoutes(inside, context)
        entityRoutes(inside, context)
        appRoutes(inside, context)
        appByIdRoutes(inside, context)
        attributeRoutes(inside, context)
        keyValueMapRoutes(inside, context)
        aliasRoutes(inside, context)
        sharedFlowRoutes(inside, context)
        pieceRoutes(inside, context)
        flowHookRoutes(inside, context)
        environmentRoutes(inside, context)
        maskConfigRoutes(inside, context)
        resourceFileRoutes(inside, context)
        statRoutes(inside, context)
        if (trace !== null) debugSessionRoutes(inside, context, trace)
      },
      { prefix: organization },
    )
  }
}

/** Forms become objects of texts; files and everything that is neither JSON nor a form are bytes. */
function bodies(scope: FastifyInstance): void {
  scope.addContentTypeParser(
    // The second is what Edge's own documentation of debug sessions has.
    ['application/x-www-form-urlencoded', 'application/x-www-url-form-encoded'],
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string | Buffer) => Object.fromEntries(new URLSearchParams(String(body))),
  )
  scope.addContentTypeParser(
    [
      'application/octet-stream',
      'application/zip',
      'application/x-zip-compressed',
      'application/xml',
      'text/xml',
      'multipart/form-data',
    ],
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    async (_request: FastifyRequest, body: string | Buffer) => body,
  )
}

function checkNames(request: FastifyRequest, { organization, catalog }: EdgeContext): void {
  const { org, env } = request.params as { org: string; env?: string }
  if (org !== organization) {
    const text = `Organization ${org} does not exist; this gateway's is ${organization}`
    throw new AdminError(404, 'messaging.config.beans.OrganizationDoesNotExist', text)
  }
  if (env === undefined || catalog.environments.includes(env)) return
  const known = catalog.environments.join(', ')
  const text = `Environment ${env} does not exist in organization ${org}; there are: ${known}. POST {"name": ...} to /v1/organizations/${org}/environments makes one`
  throw new AdminError(404, 'messaging.config.beans.EnvironmentDoesNotExist', text)
}

/** apigee-edge-js reads `features.isCpsEnabled` here to choose between two ways of writing key value maps. */
function organizationAnswer({ organization, catalog }: EdgeContext): unknown {
  return {
    displayName: organization,
    environments: catalog.environments,
    name: organization,
    properties: { property: [{ name: 'features.isCpsEnabled', value: 'true' }] },
    type: 'trial',
  }
}
