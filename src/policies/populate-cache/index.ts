import { CACHE_ENTRY_BYTES_MAX } from '../../core/cache.ts'
import { compileExpiry, type ExpiryConfig, parseExpiry } from '../../engine/cache-expiry.ts'
import { CACHE_KEY_CHILDREN, type CacheKeyConfig, compileCacheKey, parseCacheKey } from '../../engine/cache-key.ts'
import { COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { FaultTable } from '../../engine/fault.ts'
import { toText, type Value } from '../../engine/language/value.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import { textOf, type XmlElement } from '../../model/xml.ts'

/**
 * Writes the value of a variable into a cache.
 *
 *     <PopulateCache name="PC-Token">
 *       <CacheKey><Prefix>token</Prefix><KeyFragment ref="client_id"/></CacheKey>
 *       <ExpirySettings><TimeoutInSeconds>600</TimeoutInSeconds></ExpirySettings>
 *       <Source>token</Source>
 *     </PopulateCache>
 *
 * Source: Apigee's reference of the PopulateCache policy.
 */
export interface Config {
  readonly key: CacheKeyConfig
  readonly expiry: ExpiryConfig
  readonly source: string
}

const faults = {
  EntryCannotBeCached: {
    status: 500,
    message: 'Entry cannot be cached by PopulateCache {policy}: {1}',
    cause: 'The variable of Source holds a message or an object instead of text, or more than 512 KB.',
    code: 'policies.populatecache.EntryCannotBeCached',
  },
} as const satisfies FaultTable

const OWN_CHILDREN = [...CACHE_KEY_CHILDREN, 'ExpirySettings', 'Source']
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  const source = textOf(xml, 'Source')
  if (source === undefined) {
    problems.error('SourceMissing', xml.at, 'a PopulateCache needs <Source> with the name of a variable')
  }
  return { key: parseCacheKey(xml, problems), expiry: parseExpiry(xml, problems), source: source ?? '' }
}

function compile(config: Config, env: CompileEnv<keyof typeof faults>): Step {
  const address = compileCacheKey(config.key, env)
  const ttlMs = compileExpiry(config.expiry, address.defaultTtlMs, env)
  const source = env.variable(config.source)
  const names = {
    key: `populatecache.${env.policy.name}.cachekey`,
    cache: `populatecache.${env.policy.name}.cachename`,
  }
  const noText = env.fault('EntryCannotBeCached', `the value of ${config.source} is not text`)
  const tooBig = env.fault(
    'EntryCannotBeCached',
    `the value of ${config.source} is larger than ${CACHE_ENTRY_BYTES_MAX / 1024} KB`,
  )
  return (x) => {
    const key = address.key(x)
    x.set(names.key, key)
    x.set(names.cache, address.cacheName)
    const value = source.get(x)
    if (value === null) return undefined
    if (!isText(value)) return noText
    const text = toText(value)
    // Each character is a byte at least.
    if (text.length > CACHE_ENTRY_BYTES_MAX || Buffer.byteLength(text) > CACHE_ENTRY_BYTES_MAX) return tooBig
    const kept = env.cache.put(address.stored(key), text, ttlMs(x))
    return kept instanceof Promise ? kept.then(done) : undefined
  }
}

const done = (): Outcome => undefined
const isText = (value: Value): boolean => typeof value !== 'object' || Array.isArray(value)

const kind: PolicyKind = definePolicy({ element: 'PopulateCache', prefix: 'populatecache', faults, parse, compile })
export default kind
