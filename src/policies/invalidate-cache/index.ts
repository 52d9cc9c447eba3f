import type { MaybePromise } from '../../core/async.ts'
import { CACHE_KEY_CHILDREN, type CacheKeyConfig, compileCacheKey, parseCacheKey } from '../../engine/cache-key.ts'
import { booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import type { XmlElement } from '../../model/xml.ts'

/**
 * Drops an entry of a cache, or all with the same Prefix.
 *
 *     <InvalidateCache name="IC-Token">
 *       <CacheKey><Prefix>token</Prefix><KeyFragment ref="client_id"/></CacheKey>
 *       <PurgeChildEntries>false</PurgeChildEntries>
 *     </InvalidateCache>
 *
 * Source: Apigee's reference of the InvalidateCache policy.
 */
export interface Config {
  readonly key: CacheKeyConfig
  readonly purgeChildren: boolean
}

const OWN_CHILDREN = [...CACHE_KEY_CHILDREN, 'PurgeChildEntries']
/** Of Edge's own machines; there is one cache for all threads here. */
const WITHOUT_EFFECT = ['CacheContext', 'APIProxyName', 'ProxyName', 'TargetName']
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) {
    if (WITHOUT_EFFECT.includes(child.name)) {
      const text = `<${child.name}> is not supported; say which entries with <CacheKey> and <Scope>`
      problems.error('NotSupported', child.at, text)
    } else if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  }
  warnRepeated(xml, OWN_CHILDREN, problems)
  return { key: parseCacheKey(xml, problems), purgeChildren: booleanOf(xml, 'PurgeChildEntries', false, problems) }
}

function compile({ key, purgeChildren }: Config, env: CompileEnv): Step {
  const address = compileCacheKey(key, env)
  const finished = (done: MaybePromise<void>): MaybePromise<Outcome> =>
    done instanceof Promise ? done.then(ok) : undefined
  const drop = (stored: string): MaybePromise<void> => env.cache.invalidate(stored)
  const dropAll = (stored: string): MaybePromise<void> => {
    const children = env.cache.invalidatePrefix(`${stored}__`)
    return children instanceof Promise ? children.then(() => drop(stored)) : drop(stored)
  }
  if (!purgeChildren) return (x) => finished(drop(address.stored(address.key(x))))
  const { prefix } = address
  if (prefix !== null) return () => finished(dropAll(address.stored(prefix)))
  return (x) => finished(dropAll(address.stored(address.key(x))))
}

const ok = (): Outcome => undefined

const kind: PolicyKind = definePolicy({
  element: 'InvalidateCache',
  prefix: 'invalidatecache',
  faults: {},
  parse,
  compile,
})
export default kind
