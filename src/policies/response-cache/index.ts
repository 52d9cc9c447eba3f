import { CACHE_ENTRY_BYTES_MAX, type CachedResponse, type CacheValue } from '../../core/cache.ts'
import { compileExpiry, type ExpiryConfig, parseExpiry } from '../../engine/cache-expiry.ts'
import { CACHE_KEY_CHILDREN, type CacheKeyConfig, compileCacheKey, parseCacheKey } from '../../engine/cache-key.ts'
import { booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { Message } from '../../engine/message.ts'
import { type Outcome, Reply, type Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Problems } from '../../model/problem.ts'
import type { SourceText } from '../../model/source.ts'
import { childOf, textOf, type XmlElement } from '../../model/xml.ts'
import { freshnessMs } from './freshness.ts'

/**
 * Answers from a cache instead of the target. The same policy is attached twice: in a request flow it looks up, in a
 * response flow it keeps.
 *
 *     <ResponseCache name="RC-Weather">
 *       <CacheKey><KeyFragment ref="request.uri"/></CacheKey>
 *       <ExpirySettings><TimeoutInSeconds>600</TimeoutInSeconds></ExpirySettings>
 *     </ResponseCache>
 *
 * Source: Apigee's reference of the ResponseCache policy.
 */
export interface Config {
  readonly key: CacheKeyConfig
  readonly expiry: ExpiryConfig
  readonly skipLookup: SourceText | null
  readonly skipPopulation: SourceText | null
  readonly excludeErrors: boolean
  readonly byAccept: boolean
  readonly byResponseHeaders: boolean
}

const OWN_CHILDREN = [
  ...CACHE_KEY_CHILDREN,
  'CacheLookupTimeoutInSeconds',
  'ExcludeErrorResponse',
  'ExpirySettings',
  'SkipCacheLookup',
  'SkipCachePopulation',
  'UseAcceptHeader',
  'UseResponseCacheHeaders',
]
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]

function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  warnRepeated(xml, OWN_CHILDREN, problems)
  const timeout = textOf(xml, 'CacheLookupTimeoutInSeconds')
  if (timeout !== undefined && !/^\d{1,9}$/.test(timeout)) {
    const at = childOf(xml, 'CacheLookupTimeoutInSeconds')!.at
    problems.error('InvalidTimeout', at, `<CacheLookupTimeoutInSeconds> is "${timeout}", not whole seconds`)
  }
  return {
    key: parseCacheKey(xml, problems),
    expiry: parseExpiry(xml, problems),
    skipLookup: conditionOf(xml, 'SkipCacheLookup'),
    skipPopulation: conditionOf(xml, 'SkipCachePopulation'),
    excludeErrors: booleanOf(xml, 'ExcludeErrorResponse', false, problems),
    byAccept: booleanOf(xml, 'UseAcceptHeader', false, problems),
    byResponseHeaders: booleanOf(xml, 'UseResponseCacheHeaders', false, problems),
  }
}

function conditionOf(xml: XmlElement, name: string): SourceText | null {
  const element = childOf(xml, name)
  return element === undefined || element.text.trim() === '' ? null : { text: element.text, at: element.textAt }
}

function compile(config: Config, env: CompileEnv): Step {
  const { lookup, populate } = new ResponseCaching(config, env)
  return (x) => {
    if (x.inFaultFlow || x.phase === 'post-client') return undefined
    return x.phase === 'proxy-request' || x.phase === 'target-request' ? lookup(x) : populate(x)
  }
}

const ACCEPTS = ['accept', 'accept-encoding', 'accept-language', 'accept-charset']

class ResponseCaching {
  readonly #config: Config
  readonly #env: CompileEnv
  readonly #address: ReturnType<typeof compileCacheKey>
  readonly #ttlMs: (x: Exchange) => number
  readonly #skipLookup: ReturnType<CompileEnv['condition']> | null
  readonly #skipPopulation: ReturnType<CompileEnv['condition']> | null
  readonly #names: { readonly hit: string; readonly key: string; readonly cache: string; readonly invalid: string }

  constructor(config: Config, env: CompileEnv) {
    this.#config = config
    this.#env = env
    this.#address = compileCacheKey(config.key, env)
    this.#ttlMs = compileExpiry(config.expiry, this.#address.defaultTtlMs, env)
    this.#skipLookup = config.skipLookup === null ? null : env.condition(config.skipLookup)
    this.#skipPopulation = config.skipPopulation === null ? null : env.condition(config.skipPopulation)
    const prefix = `responsecache.${env.policy.name}`
    this.#names = {
      hit: `${prefix}.cachehit`,
      key: `${prefix}.cachekey`,
      cache: `${prefix}.cachename`,
      invalid: `${prefix}.invalidentry`,
    }
    // There is none yet in a request flow: only the attachment in the response has anything loaded.
    env.needContent('response')
  }

  readonly lookup: Step = (x) => {
    const names = this.#names
    const key = this.#key(x)
    x.set(names.key, key)
    x.set(names.cache, this.#address.cacheName)
    x.set(names.hit, false)
    x.set(names.invalid, false)
    if (this.#skipLookup?.(x) === true) return undefined
    const found = this.#env.cache.get(this.#address.stored(key))
    return found instanceof Promise ? found.then((late) => this.#reply(x, late)) : this.#reply(x, found)
  }

  #reply(x: Exchange, found: CacheValue | null): Outcome {
    if (found === null) return undefined
    if (typeof found === 'string') {
      x.set(this.#names.invalid, true)
      return undefined
    }
    x.set(this.#names.hit, true)
    const { status, reason, headers, body } = found
    const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    return new Reply(Message.response(status, reason, headers.slice(), content), true)
  }

  readonly populate: Step = (x) => {
    const response = x.responseNow
    const ttlMs = this.#timeOf(x, response)
    if (ttlMs <= 0) return undefined
    // The key that was looked up: variables may have changed since, and the flow is another.
    const looked = x.get(this.#names.key)
    const key = typeof looked === 'string' ? looked : this.#key(x)
    const kept = this.#env.cache.put(this.#address.stored(key), cached(response), ttlMs)
    return kept instanceof Promise ? kept.then(done) : undefined
  }

  /** 0: this response is not to be kept. */
  #timeOf(x: Exchange, response: Message): number {
    const { excludeErrors, byResponseHeaders } = this.#config
    if (x.get(this.#names.hit) === true || x.request.verb === 'HEAD') return 0
    if (excludeErrors && (response.status < 200 || response.status > 205)) return 0
    if (this.#skipPopulation?.(x) === true || response.bytes.length > CACHE_ENTRY_BYTES_MAX) return 0
    const ttlMs = this.#ttlMs(x)
    if (!byResponseHeaders) return ttlMs
    return Math.min(freshnessMs(response.headers, this.#env.now()) ?? ttlMs, ttlMs)
  }

  #key(x: Exchange): string {
    let key = this.#address.key(x)
    if (this.#config.byAccept) for (const name of ACCEPTS) key += `__${x.request.headers.all(name).join(',')}`
    return key
  }
}

const done = (): Outcome => undefined

/** Of one connection or one client: not part of what is kept for all. */
const NOT_KEPT = new Set(['connection', 'content-length', 'keep-alive', 'set-cookie', 'transfer-encoding'])

function cached({ status, reason, headers, bytes }: Message): CachedResponse {
  const kept: string[] = []
  const { raw } = headers
  for (let i = 0; i < raw.length; i += 2) {
    if (!NOT_KEPT.has(raw[i]!.toLowerCase())) kept.push(raw[i]!, raw[i + 1]!)
  }
  return { status, reason, headers: kept, body: bytes }
}

const kind: PolicyKind = definePolicy({
  element: 'ResponseCache',
  prefix: 'responsecache',
  faults: {},
  attachedOnce: {
    request: 'ResponseCacheStepAttachmentNotAllowedReq',
    response: 'ResponseCacheStepAttachmentNotAllowedResp',
  },
  parse,
  compile,
})
export default kind
