import { describe, expect, test } from 'vitest'
import { readBundle } from '../../dialects/apigee/bundle.ts'
import { checkAttachments } from '../../engine/attachment.ts'
import { Headers } from '../../engine/headers.ts'
import { Reply } from '../../engine/outcome.ts'
import { Problems } from '../../model/problem.ts'
import { delayed } from '../../stores/conformance/delayed.ts'
import { MemoryCache } from '../../stores/memory/cache.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import { freshnessMs } from './freshness.ts'
import responseCache from './index.ts'

const KEY = '<CacheKey><Prefix>p</Prefix><KeyFragment ref="request.queryparam.id"/></CacheKey>'

function world(body = '') {
  const clock = { ms: Date.UTC(2026, 0, 1) }
  const now = () => clock.ms
  const cache = new MemoryCache({ now })
  const run = (options: RunOptions) =>
    runPolicy(responseCache, `<ResponseCache name="RC">${KEY}${body}</ResponseCache>`, { cache, now, ...options })
  const keep = (response: RunOptions['response'] = {}, options: RunOptions = {}) =>
    run({ phase: 'proxy-response', response: { content: 'kept', ...response }, ...options })
  const look = async (options: RunOptions = {}) => {
    const { outcome, exchange } = await run(options)
    const message = outcome instanceof Reply ? outcome.message : null
    return { message, content: message?.content ?? null, hit: exchange.get('responsecache.RC.cachehit'), exchange }
  }
  return { clock, cache, run, keep, look }
}

describe('ResponseCache', () => {
  test('a response that was kept is the reply, as it was', async () => {
    const { keep, look } = world()
    expect((await look()).hit).toBe(false)
    await keep({ status: 203, headers: { 'X-A': '1', 'Set-Cookie': 's=1', 'Content-Length': '4' } })
    const { message, hit, exchange } = await look()
    expect([hit, message?.status, message?.content, message?.headers.raw]).toEqual([true, 203, 'kept', ['X-A', '1']])
    expect(exchange.get('responsecache.RC.cachekey')).toBe('p__')
    expect((await look({ request: { uri: '/test?id=2' } })).content).toBeNull()
  })

  test('the same over a cache that answers later', async () => {
    const { cache, keep, look } = world()
    await keep({}, { cache: delayed(cache) })
    expect((await look({ cache: delayed(cache) })).content).toBe('kept')
  })

  test('time, as ExpirySettings say', async () => {
    const { clock, keep, look } = world('<ExpirySettings><TimeoutInSeconds>5</TimeoutInSeconds></ExpirySettings>')
    await keep()
    clock.ms += 4_999
    expect((await look()).hit).toBe(true)
    clock.ms += 1
    expect((await look()).hit).toBe(false)
  })

  test('conditions skip the look-up and the keeping', async () => {
    const { keep, look } = world(
      '<SkipCacheLookup>request.header.fresh = "1"</SkipCacheLookup><SkipCachePopulation>no = "1"</SkipCachePopulation>',
    )
    await keep({}, { variables: { no: '1' } })
    expect((await look()).hit).toBe(false)
    await keep()
    expect((await look({ request: { headers: { Fresh: '1' } } })).hit).toBe(false)
    expect((await look()).hit).toBe(true)
  })

  test.each([
    ['', { status: 404 }, true],
    ['<ExcludeErrorResponse>true</ExcludeErrorResponse>', { status: 404 }, false],
    ['<ExcludeErrorResponse>true</ExcludeErrorResponse>', { status: 205 }, true],
    ['', { headers: { 'Cache-Control': 'no-store' } }, true],
    ['<UseResponseCacheHeaders>true</UseResponseCacheHeaders>', { headers: { 'Cache-Control': 'no-store' } }, false],
    ['', { content: 'x'.repeat(600_000) }, false],
  ])('%s keeps a response: %#', async (body, response, kept) => {
    const { keep, look } = world(body)
    await keep(response)
    expect((await look()).hit).toBe(kept)
  })

  test('UseAcceptHeader keeps languages apart', async () => {
    const { keep, look } = world('<UseAcceptHeader>true</UseAcceptHeader>')
    const request = { headers: { 'Accept-Language': 'fi' } }
    await keep({}, { request })
    expect((await look({ request })).hit).toBe(true)
    expect((await look()).hit).toBe(false)
  })

  test('answers to HEAD are not kept, nor what came out of the cache', async () => {
    const { keep, look } = world()
    await keep({}, { request: { verb: 'HEAD' } })
    await keep({}, { variables: { 'responsecache.RC.cachehit': true } })
    expect((await look()).hit).toBe(false)
  })

  test('the key that was looked up is the key under which it is kept', async () => {
    const { keep, look } = world()
    await keep({}, { variables: { 'responsecache.RC.cachekey': 'p__9' } })
    expect((await look({ request: { uri: '/test?id=9' } })).hit).toBe(true)
  })

  test('an entry of PopulateCache is a miss', async () => {
    const { cache, look } = world()
    cache.put('cache\0test\0default\0p__', 'text', 1_000)
    const { hit, exchange } = await look()
    expect([hit, exchange.get('responsecache.RC.invalidentry')]).toEqual([false, true])
  })

  test('wrong values are errors of the deployment', async () => {
    const codes = async (body: string) => (await world(body).run({})).problems.map(({ code }) => code)
    expect(await codes('<CacheResource>none</CacheResource>')).toEqual(['InvalidCacheResourceReference'])
    expect(await codes('<CacheLookupTimeoutInSeconds>x</CacheLookupTimeoutInSeconds>')).toEqual(['InvalidTimeout'])
    expect(await codes('<SkipCacheLookup>a = (</SkipCacheLookup>')).toEqual(['InvalidCondition'])
  })

  test('one policy is attached to one request and one response flow', () => {
    const uses = '<Step><Name>RC</Name></Step>'
    const kinds = new Map([['ResponseCache', responseCache]])
    const codes = (request: string, response: string) => {
      const files = new Map([
        ['apiproxy/policies/RC.xml', `<ResponseCache name="RC">${KEY}</ResponseCache>`],
        [
          'apiproxy/proxies/default.xml',
          `<ProxyEndpoint name="default"><PreFlow><Request>${request}</Request><Response>${response}</Response></PreFlow>
           <HTTPProxyConnection><BasePath>/t</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
        ],
      ])
      const problems = new Problems()
      const { draft } = readBundle(files, kinds, { name: 't' })
      if (draft === null) throw new Error('no proxy')
      checkAttachments(draft, kinds, problems)
      return problems.list.map(({ code }) => code)
    }
    expect(codes(uses, uses)).toEqual([])
    expect(codes(uses + uses, uses)).toEqual(['ResponseCacheStepAttachmentNotAllowedReq'])
    expect(codes(uses, uses + uses)).toEqual(['ResponseCacheStepAttachmentNotAllowedResp'])
  })
})

test.each([
  [{}, null],
  [{ 'Cache-Control': 'max-age=60' }, 60_000],
  [{ 'Cache-Control': 'max-age=60, s-maxage="5"' }, 5_000],
  [{ 'Cache-Control': 'Private' }, 0],
  [{ 'Cache-Control': 'max-age=9, no-cache="a"' }, 0],
  [{ 'Cache-Control': 'max-age=nonsense' }, null],
  [{ Expires: 'Thu, 01 Jan 1970 00:00:02 GMT' }, 1_000],
  [{ Expires: '0' }, 0],
  [{ Expires: 'Thu, 01 Jan 1970 00:00:02 GMT', 'Cache-Control': 'max-age=9' }, 9_000],
])('freshness of %o', (headers, ms) => {
  expect(freshnessMs(new Headers(Object.entries(headers).flat()), 1_000)).toBe(ms)
})
