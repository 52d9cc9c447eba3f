import type {
  CacheDescriptor,
  EnvironmentEntities,
  KeyStore,
  Reference,
  SslInfo,
  TargetServer,
} from '../model/entities.ts'
import { apiProducts, developers } from './consumer-kinds.ts'
import { CatalogError } from './error.ts'
import { Fields } from './fields.ts'
import { maskConfigs } from './mask-kind.ts'
import { resourceFiles } from './resource-kind.ts'
import { virtualHosts } from './virtual-host-kind.ts'

/** Entities that the management API makes, by the word of its path. */
export type EntityWord =
  | 'targetservers'
  | 'caches'
  | 'keystores'
  | 'references'
  | 'maskconfigs'
  | 'apiproducts'
  | 'developers'
  | 'resourcefiles'
  | 'virtualhosts'

export interface EntityKind<T extends object = object> {
  /** As an error calls it. */
  readonly noun: string
  readonly scope: 'organization' | 'environment'
  /** The code of the error when there is none of that name. */
  readonly missing: string
  /** What a path calls it by. */
  key(entity: T): string
  /** What a path may call it by as well. */
  otherKey?(entity: T): string
  /** Reads the JSON of a client. Throws CatalogError: unknown field, wrong type, missing field. `before`: it is changed. */
  read(body: unknown, before?: T): T
  /** The same as a client gets it back. */
  show(entity: T): unknown
  of(entities: EnvironmentEntities): readonly T[]
  with(entities: EnvironmentEntities, list: readonly T[]): EnvironmentEntities
  /** Its paths are its own, not `/word` and `/word/{name}`. */
  readonly ownRoutes?: true
  /** A change says only what becomes other; what it leaves out stays. */
  readonly keepsUnsaid?: true
  /** What `?action=` may do. */
  readonly actions?: readonly string[]
  act?(entity: T, action: string): T
}

const targetServers: EntityKind<TargetServer> = {
  noun: 'TargetServer',
  scope: 'environment',
  key: ({ name }) => name,
  missing: 'messaging.config.beans.TargetServerDoesNotExist',
  read(body) {
    const fields = new Fields('TargetServer', body)
    const server = {
      name: fields.name(),
      host: fields.text('host'),
      port: fields.whole('port', 1, 65_535),
      enabled: fields.flag('isEnabled', true),
      ssl: fields.has('sSLInfo') ? sslInfo(fields.inner('sSLInfo')) : null,
    }
    fields.ignore('protocol', 'description')
    fields.end()
    return server
  },
  show: ({ name, host, port, enabled, ssl }) => ({
    host,
    isEnabled: enabled,
    name,
    port,
    ...(ssl === null ? {} : { sSLInfo: shownSsl(ssl) }),
  }),
  of: (entities) => entities.targetServers,
  with: (entities, list) => ({ ...entities, targetServers: list }),
}

function sslInfo(fields: Fields): SslInfo {
  const ssl = {
    enabled: fields.flag('enabled', false),
    enforce: fields.flag('enforce', false),
    clientAuthEnabled: fields.flag('clientAuthEnabled', false),
    keyStore: fields.textOrNull('keyStore'),
    keyAlias: fields.textOrNull('keyAlias'),
    trustStore: fields.textOrNull('trustStore'),
    ignoreValidationErrors: fields.flag('ignoreValidationErrors', false),
    ciphers: fields.texts('ciphers'),
    protocols: fields.texts('protocols'),
    commonName: commonName(fields),
  }
  fields.end()
  return ssl
}

function commonName(fields: Fields): SslInfo['commonName'] {
  if (!fields.has('commonName')) return null
  if (fields.isText('commonName')) return { value: fields.text('commonName'), wildcardMatch: false }
  const inner = fields.inner('commonName')
  const name = { value: inner.text('value'), wildcardMatch: inner.flag('wildcardMatch', false) }
  inner.end()
  return name
}

/** Edge writes the flags of SSLInfo as texts. */
function shownSsl(ssl: SslInfo): Record<string, unknown> {
  const { keyStore, keyAlias, trustStore, commonName } = ssl
  return {
    ciphers: ssl.ciphers,
    clientAuthEnabled: String(ssl.clientAuthEnabled),
    enabled: String(ssl.enabled),
    enforce: ssl.enforce,
    ignoreValidationErrors: ssl.ignoreValidationErrors,
    protocols: ssl.protocols,
    ...(keyStore !== null && { keyStore }),
    ...(keyAlias !== null && { keyAlias }),
    ...(trustStore !== null && { trustStore }),
    ...(commonName !== null && { commonName }),
  }
}

const caches: EntityKind<CacheDescriptor> = {
  noun: 'Cache',
  scope: 'environment',
  key: ({ name }) => name,
  missing: 'messaging.config.beans.CacheDoesNotExist',
  read(body) {
    const fields = new Fields('Cache', body)
    const cache = { name: fields.name(), expirySeconds: expirySeconds(fields) }
    // How Edge spreads a cache over its machines; ours is one for all threads.
    fields.ignore(
      'description',
      'distributed',
      'diskSizeInMB',
      'inMemorySizeInKB',
      'maxElementsInMemory',
      'maxElementsOnDisk',
      'overflowToDisk',
      'persistent',
      'skipCacheIfElementSizeInKBExceeds',
      'compression',
    )
    fields.end()
    return cache
  },
  show: ({ name, expirySeconds }) => ({
    name,
    expirySettings: { timeoutInSec: { value: String(expirySeconds ?? DEFAULT_EXPIRY_SECONDS) }, valuesNull: false },
  }),
  of: (entities) => entities.caches,
  with: (entities, list) => ({ ...entities, caches: list }),
}

const DEFAULT_EXPIRY_SECONDS = 300
const EXPIRY_SECONDS_MAX = 30 * 86_400

function expirySeconds(fields: Fields): number | null {
  if (!fields.has('expirySettings')) return null
  const settings = fields.inner('expirySettings')
  settings.ignore('valuesNull')
  // apigeetool always sends this date, beside timeoutInSec or alone: never.
  settings.ignore('expiryDate')
  if (settings.has('expiryDate') && settings.inner('expiryDate').textLike('value') === '12-31-9999') {
    if (!settings.has('timeoutInSec')) return EXPIRY_SECONDS_MAX
  } else if (settings.has('expiryDate')) throw unsupportedExpiry('expiryDate')
  if (settings.has('timeOfDay')) throw unsupportedExpiry('timeOfDay')
  if (!settings.has('timeoutInSec')) return null
  const timeout = settings.inner('timeoutInSec')
  const seconds = timeout.whole('value', 1, EXPIRY_SECONDS_MAX)
  timeout.ignore('ref')
  return seconds
}

/** Made empty; aliases are put into it one by one. Keys are never shown. */
const keyStores: EntityKind<KeyStore> = {
  noun: 'KeyStore',
  scope: 'environment',
  key: ({ name }) => name,
  missing: 'messaging.config.beans.KeyStoreDoesNotExist',
  read(body, before) {
    const fields = new Fields('KeyStore', body)
    const name = fields.name()
    fields.end()
    return before ?? { name, aliases: [] }
  },
  show: ({ name, aliases }) => ({
    aliases: aliases.map((alias) => ({
      aliasName: alias.name,
      cert: `${alias.name}-cert`,
      ...(alias.key !== null && { key: alias.name }),
    })),
    certs: aliases.map((alias) => `${alias.name}-cert`),
    keys: aliases.filter((alias) => alias.key !== null).map((alias) => alias.name),
    name,
  }),
  of: (entities) => entities.keyStores,
  with: (entities, list) => ({ ...entities, keyStores: list }),
}

const references: EntityKind<Reference> = {
  noun: 'Reference',
  scope: 'environment',
  key: ({ name }) => name,
  missing: 'messaging.config.beans.ReferenceDoesNotExist',
  read(body) {
    const fields = new Fields('Reference', body)
    const reference: Reference = {
      name: fields.name(),
      refers: fields.text('refers'),
      resourceType: fields.choice('resourceType', ['KeyStore', 'TrustStore'], 'KeyStore'),
    }
    fields.end()
    return reference
  },
  show: ({ name, refers, resourceType }) => ({ name, refers, resourceType }),
  of: (entities) => entities.references,
  with: (entities, list) => ({ ...entities, references: list }),
}

function unsupportedExpiry(name: string): CatalogError {
  const text = `expirySettings.${name} is not supported for a cache; give timeoutInSec`
  return new CatalogError('invalid', 'messaging.config.beans.InvalidExpirySettings', text)
}

/** By the word of the path. A new kind of entity is a row here. */
export const ENTITY_KINDS: Readonly<Record<EntityWord, EntityKind>> = {
  targetservers: targetServers,
  caches,
  keystores: keyStores,
  references,
  maskconfigs: maskConfigs,
  apiproducts: apiProducts,
  developers,
  resourcefiles: resourceFiles,
  virtualhosts: virtualHosts,
}
