import type { VirtualHost } from '../model/virtual-host.ts'
import type { EntityKind } from './entity-kinds.ts'
import { CatalogError } from './error.ts'
import { Fields } from './fields.ts'

const ALIASES_MAX = 1_000

/** Virtual hosts of an environment that are made through the management API: they bind proxies to host names. The ports are the gateway's. */
export const virtualHosts: EntityKind<VirtualHost> = {
  noun: 'VirtualHost',
  scope: 'environment',
  missing: 'messaging.config.beans.VirtualHostDoesNotExist',
  ownRoutes: true,
  key: ({ name }) => name,
  read(body) {
    const fields = new Fields('VirtualHost', body)
    const name = fields.name()
    const hostAliases = fields.texts('hostAliases').map((alias) => alias.toLowerCase())
    const wrong = hostAliases.find((alias) => !/^[a-z0-9.-]{1,253}$/.test(alias))
    if (wrong !== undefined || hostAliases.length === 0 || hostAliases.length > ALIASES_MAX) {
      const text = `VirtualHost.hostAliases must be 1 to ${ALIASES_MAX} host names without a port`
      throw new CatalogError('invalid', 'messaging.config.beans.InvalidValue', text)
    }
    // Doors and certificates are options of the gateway: --port, --tls-port, --tls-cert.
    fields.ignore('port', 'interfaces', 'sSLInfo', 'useBuiltInFreeTrialCert', 'retryOptions', 'listenOptions')
    fields.ignore('baseUrl', 'properties', 'description')
    fields.end()
    return { name, hostAliases }
  },
  show: ({ name, hostAliases }) => ({ hostAliases, name }),
  of: (entities) => entities.virtualHosts,
  with: (entities, list) => ({ ...entities, virtualHosts: list }),
}
