import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Fields } from '../../catalog/fields.ts'
import { virtualHosts as hostKind } from '../../catalog/virtual-host-kind.ts'
import { settingsOf } from '../../model/deployment.ts'
import type { VirtualHost } from '../../model/virtual-host.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, envOf, nameOf } from './context.ts'

/** Environments and what they are reached by; clients read the virtual hosts to print where a proxy answers. */
export function environmentRoutes(scope: FastifyInstance, context: EdgeContext): void {
  const { catalog } = context
  scope.get(
    '/environments',
    answering(() => catalog.environments),
  )
  scope.post(
    '/environments',
    answering(async (request, reply) => {
      const fields = new Fields('Environment', request.body)
      const name = fields.text('name')
      fields.ignore('description', 'properties', 'createdAt', 'createdBy', 'lastModifiedAt', 'lastModifiedBy')
      fields.end()
      await catalog.addEnvironment(name)
      reply.code(201)
      return environmentAnswer(name)
    }),
  )
  for (const word of ['environments', 'e']) {
    const path = `/${word}/:env`
    scope.get(
      path,
      answering((request) => environmentAnswer(envOf(request))),
    )
    scope.delete(
      path,
      answering(async (request) => {
        await catalog.removeEnvironment(envOf(request))
        return environmentAnswer(envOf(request))
      }),
    )
    virtualHostRoutes(scope, context, `${path}/virtualhosts`)
    scope.post(
      `${path}/caches/:name/entries`,
      answering(async (request) => {
        const { action } = request.query as { action?: string }
        if (action !== 'clear')
          throw new AdminError(400, 'messaging.config.beans.InvalidAction', 'action must be clear')
        catalog.entity('caches', nameOf(request), envOf(request))
        context.clearCache(nameOf(request), envOf(request))
        return { action: 'clear', resourceName: nameOf(request) }
      }),
    )
  }
}

const environmentAnswer = (name: string): unknown => ({ name, properties: { property: [] } })

function virtualHostRoutes(scope: FastifyInstance, context: EdgeContext, path: string): void {
  const { catalog } = context
  const found = (request: FastifyRequest): VirtualHostAnswer => {
    const host = virtualHosts(context, envOf(request)).find((one) => one.name === nameOf(request))
    if (host !== undefined) return host
    const text = `VirtualHost named ${nameOf(request)} does not exist in this environment`
    throw new AdminError(404, 'messaging.config.beans.VirtualHostDoesNotExist', text)
  }
  scope.get(
    path,
    answering((request) => virtualHosts(context, envOf(request)).map(({ name }) => name)),
  )
  scope.post(
    path,
    answering(async (request, reply) => {
      const { name } = (await catalog.createEntity('virtualhosts', request.body, envOf(request))) as VirtualHost
      reply.code(201)
      return virtualHosts(context, envOf(request)).find((one) => one.name === name)
    }),
  )
  scope.get(`${path}/:name`, answering(found))
  scope.put(
    `${path}/:name`,
    answering(async (request) => {
      const body = { ...(request.body as object | null), name: nameOf(request) }
      await catalog.changeEntity('virtualhosts', nameOf(request), () => hostKind.read(body), envOf(request))
      return found(request)
    }),
  )
  scope.delete(
    `${path}/:name`,
    answering(async (request) => {
      const gone = found(request)
      await catalog.removeEntity('virtualhosts', nameOf(request), envOf(request))
      return gone
    }),
  )
}

interface VirtualHostAnswer {
  readonly name: string
  readonly hostAliases: readonly string[]
  readonly port: string
  readonly sSLInfo?: { readonly enabled: string }
}

/**
 * Those that are set, on the gateway's ports. Any other that a bundle names answers too, for every host: clients ask for each of
 * them to print where a proxy answers.
 */
function virtualHosts({ catalog, doors }: EdgeContext, environment: string): VirtualHostAnswer[] {
  const { host, port, tlsPort } = doors()
  const { config } = catalog
  const settings = [config.settings, ...config.environments].find((one) => one.environment === environment)!
  const here = config.proxies.filter((deployed) => settingsOf(config, deployed).environment === environment)
  const named = here.flatMap(({ proxy }) => proxy.proxyEndpoints.flatMap((one) => one.virtualHosts))
  const own = settings.virtualHosts.map(({ name, hostAliases }) => ({ name, hostAliases, port: String(port) }))
  const usual = [...new Set(['default', 'secure', ...named])].map(
    (name): VirtualHostAnswer =>
      name === 'secure' && tlsPort !== 0
        ? { name, hostAliases: [host], port: String(tlsPort), sSLInfo: { enabled: 'true' } }
        : { name, hostAliases: [host], port: String(port) },
  )
  return [...own, ...usual.filter(({ name }) => own.every((one) => one.name !== name))]
}
