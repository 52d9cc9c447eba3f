import type { CacheValue } from '../../core/cache.ts'
import { CACHE_KEY_CHILDREN, type CacheKeyConfig, compileCacheKey, parseCacheKey } from '../../engine/cache-key.ts'
import { COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'

/**
 * Reads an entry that PopulateCache has written into a variable.
 *
 *     <LookupCache name="LC-Token">
 *       <CacheKey><Prefix>token</Prefix><KeyFragment ref="client_id"/></CacheKey>
 *       <AssignTo>token</AssignTo>
 *     </LookupCache>
 *
 * Source: Apigee's reference of the LookupCache policy.
 */
export interface Config {
  readonly key: CacheKeyConfig
  /** Empty: only `cachehit` tells. */
  readonly assignTo: string
}

const OWN_CHILDREN = [...CACHE_KEY_CHILDREN, 'AssignTo', 'CacheLookupTimeoutInSeconds']
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  const timeout = textOf(xml, 'CacheLookupTimeoutInSeconds')
  if (timeout !== undefined && !/^\d{1,9}$/.test(timeout)) {
    const at = childOf(xml, 'CacheLookupTimeoutInSeconds')!.at
    problems.error('InvalidTimeout', at, `<CacheLookupTimeoutInSeconds> is "${timeout}", not whole seconds`)
  }
  return { key: parseCacheKey(xml, problems), assignTo: textOf(xml, 'AssignTo') ?? '' }
}

function compile(config: Config, env: CompileEnv): Step {
  const address = compileCacheKey(config.key, env)
  const variable = config.assignTo === '' ? null : env.variable(config.assignTo)
  const prefix = `lookupcache.${env.policy.name}`
  const names = { hit: `${prefix}.cachehit`, key: `${prefix}.cachekey`, cache: `${prefix}.cachename` }
  const assignTo = `${prefix}.assignto`
  const settle = (x: Exchange, value: CacheValue | null): Outcome => {
    const hit = typeof value === 'string'
    x.set(names.hit, hit)
    if (hit) variable?.set(x, value)
    return undefined
  }
  return (x) => {
    const key = address.key(x)
    x.set(names.key, key)
    x.set(names.cache, address.cacheName)
    x.set(assignTo, config.assignTo)
    const value = env.cache.get(address.stored(key))
    return value instanceof Promise ? value.then((late) => settle(x, late)) : settle(x, value)
  }
}

const kind: PolicyKind = definePolicy({ element: 'LookupCache', prefix: 'lookupcache', faults: {}, parse, compile })
export default kind
