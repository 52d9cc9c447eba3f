import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext } from './context.ts'

/** Environments and what they are reached by; clients read the virtual hosts to print where a proxy answers. */
export function environmentRoutes(scope: FastifyInstance, context: EdgeContext): void {
  const { environment } = context
  scope.get(
    '/environments',
    answering(() => [environment]),
  )
  for (const word of ['environments', 'e']) {
    scope.get(
      `/${word}/:env`,
      answering(() => ({ name: environment, properties: { property: [] } })),
    )
    scope.get(
      `/${word}/:env/virtualhosts`,
      answering(() => virtualHosts(context).map(({ name }) => name)),
    )
    scope.get(
      `/${word}/:env/virtualhosts/:name`,
      answering((request: FastifyRequest) => {
        const { name } = request.params as { name: string }
        const host = virtualHosts(context).find((one) => one.name === name)
        if (host !== undefined) return host
        const text = `VirtualHost named ${name} does not exist in this environment`
        throw new AdminError(404, 'messaging.config.beans.VirtualHostDoesNotExist', text)
      }),
    )
    scope.post(
      `/${word}/:env/caches/:name/entries`,
      answering(async (request) => {
        const { name } = request.params as { name: string }
        const { action } = request.query as { action?: string }
        if (action !== 'clear')
          throw new AdminError(400, 'messaging.config.beans.InvalidAction', 'action must be clear')
        context.catalog.entity('caches', name)
        context.clearCache(name)
        return { action: 'clear', resourceName: name }
      }),
    )
  }
}

interface VirtualHostAnswer {
  readonly name: string
  readonly hostAliases: readonly string[]
  readonly port: string
  readonly sSLInfo?: { readonly enabled: string }
}

/**
 * Those of the configuration, on the gateway's ports. Any other that a bundle names answers too, for every host: clients ask for each of
 * them to print where a proxy answers.
 */
function virtualHosts({ catalog, doors }: EdgeContext): VirtualHostAnswer[] {
  const { host, port, tlsPort } = doors()
  const named = catalog.config.proxies.flatMap(({ proxy }) => proxy.proxyEndpoints.flatMap((one) => one.virtualHosts))
  const own = catalog.config.settings.virtualHosts.map(({ name, hostAliases }) => ({
    name,
    hostAliases,
    port: String(port),
  }))
  const usual = [...new Set(['default', 'secure', ...named])].map(
    (name): VirtualHostAnswer =>
      name === 'secure' && tlsPort !== 0
        ? { name, hostAliases: [host], port: String(tlsPort), sSLInfo: { enabled: 'true' } }
        : { name, hostAliases: [host], port: String(port) },
  )
  return [...own, ...usual.filter(({ name }) => own.every((one) => one.name !== name))]
}
