import type { CacheDescriptor } from '../model/entities.ts'
import type { Problems } from '../model/problem.ts'
import type { Position } from '../model/source.ts'
import { childOf, textOf, type XmlElement } from '../model/xml.ts'
import { warnUnknown } from './edits-parse.ts'
import type { Exchange } from './exchange.ts'
import { toText } from './language/value.ts'
import type { CompileEnv } from './policy.ts'

/**
 * Where an entry is: the cache, and the key in it. The same elements in all policies of caches.
 * Source: Apigee's "Working with cache keys".
 */
export interface CacheKeyConfig {
  /** Null: the cache that every environment has. */
  readonly resource: { readonly name: string; readonly at: Position } | null
  readonly scope: CacheScope
  readonly prefix: string
  readonly fragments: readonly { readonly ref: string; readonly text: string }[]
}

const SCOPES = ['Global', 'Application', 'Proxy', 'Target', 'Exclusive'] as const
type CacheScope = (typeof SCOPES)[number]

/** The elements that `parseCacheKey` reads. */
export const CACHE_KEY_CHILDREN: readonly string[] = ['CacheKey', 'CacheResource', 'Scope']

export function parseCacheKey(xml: XmlElement, problems: Problems): CacheKeyConfig {
  const key = childOf(xml, 'CacheKey')
  const fragments: { ref: string; text: string }[] = []
  for (const child of key?.children ?? []) {
    if (child.name === 'KeyFragment') {
      fragments.push({ ref: child.attributes['ref']?.trim() ?? '', text: child.text.trim() })
    } else if (child.name !== 'Prefix') warnUnknown(child, key!, ['Prefix', 'KeyFragment'], problems)
  }
  const prefix = key === undefined ? '' : (textOf(key, 'Prefix') ?? '')
  if (prefix === '' && fragments.length === 0) {
    problems.warn('SuspectCacheKey', key?.at ?? xml.at, 'a <CacheKey> without parts is one entry for all calls')
  }
  const resource = textOf(xml, 'CacheResource')
  return {
    resource: resource === undefined ? null : { name: resource, at: childOf(xml, 'CacheResource')!.at },
    scope: scopeOf(xml, problems),
    prefix,
    fragments,
  }
}

function scopeOf(xml: XmlElement, problems: Problems): CacheScope {
  const text = textOf(xml, 'Scope')
  if (text === undefined) return 'Exclusive'
  const scope = SCOPES.find((one) => one.toLowerCase() === text.toLowerCase())
  if (scope === undefined) {
    problems.error('InvalidScope', childOf(xml, 'Scope')!.at, `<Scope> is "${text}", not one of ${SCOPES.join(', ')}`)
  }
  return scope ?? 'Exclusive'
}

/** The key of a call, and where its cache keeps it. */
export interface CacheAddress {
  readonly cacheName: string
  /** The descriptor's time to live. */
  readonly defaultTtlMs: number
  /** As the variable `cachekey` shows it. */
  key(x: Exchange): string
  /** The same for the store, which keeps all caches in one table. */
  stored(key: string): string
  /** What the keys of all entries with the same Prefix begin with; null: the policy has no Prefix. */
  readonly prefix: string | null
}

/** What the keys of all entries of a cache begin with in the store, which keeps all caches in one table. */
export const cacheStorePrefix = (environment: string, name: string): string => `cache\0${environment}\0${name}\0`

const DEFAULT_CACHE = 'default'
const DEFAULT_TTL_S = 300

/** Reports InvalidCacheResourceReference for a cache that the environment does not have. */
export function compileCacheKey(config: CacheKeyConfig, env: CompileEnv): CacheAddress {
  const name = config.resource?.name ?? DEFAULT_CACHE
  const descriptor = descriptorOf(config, env)
  const { organization, environment } = env
  const store = cacheStorePrefix(environment, name)
  const parts = config.fragments.map(({ ref, text }) => {
    if (ref === '') return () => text
    const variable = env.variable(ref)
    return (x: Exchange) => toText(variable.get(x)) || text
  })
  const scope = SCOPE_TEXTS[config.scope]
  const global = `${organization}__${environment}`
  return {
    cacheName: name,
    defaultTtlMs: (descriptor?.expirySeconds ?? DEFAULT_TTL_S) * 1000,
    key: (x) => {
      let key = config.prefix === '' ? global + scope(x) : config.prefix
      for (const part of parts) key += `__${part(x)}`
      return key
    },
    stored: (key) => store + key,
    prefix: config.prefix === '' ? null : config.prefix,
  }
}

function descriptorOf({ resource }: CacheKeyConfig, env: CompileEnv): CacheDescriptor | undefined {
  const found = env.entities.caches.find((cache) => cache.name === resource?.name)
  if (resource !== null && found === undefined) {
    const text = `there is no cache "${resource.name}" in the environment; make it with caches: in postern.yaml or over the management API`
    env.problem('InvalidCacheResourceReference', resource.at, text)
  }
  return found
}

const proxyOf = (x: Exchange): string => `__${x.endpoint.proxy.name}`
const targetOf = (x: Exchange): string => `${proxyOf(x)}__${x.target?.name ?? 'default'}`
const endpointOf = (x: Exchange): string => `${proxyOf(x)}__${x.endpoint.name}`
const inTarget = (x: Exchange): boolean => x.phase === 'target-request' || x.phase === 'target-response'

const SCOPE_TEXTS: Readonly<Record<CacheScope, (x: Exchange) => string>> = {
  Global: () => '',
  Application: proxyOf,
  Proxy: endpointOf,
  Target: targetOf,
  Exclusive: (x) => (inTarget(x) ? targetOf(x) : endpointOf(x)),
}
