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

/** Those of the configuration, on the gateway's ports; `default` and `secure` are those that bundles name without any set-up. */
function virtualHosts({ catalog, doors }: EdgeContext): VirtualHostAnswer[] {
  const { host, port, tlsPort } = doors()
  const own = catalog.config.settings.virtualHosts.map(({ name, hostAliases }) => ({
    name,
    hostAliases,
    port: String(port),
  }))
  const usual: VirtualHostAnswer[] = [{ name: 'default', hostAliases: [host], port: String(port) }]
  if (tlsPort !== 0) {
    usual.push({ name: 'secure', hostAliases: [host], port: String(tlsPort), sSLInfo: { enabled: 'true' } })
  }
  return [...own, ...usual.filter(({ name }) => own.every((one) => one.name !== name))]
}
