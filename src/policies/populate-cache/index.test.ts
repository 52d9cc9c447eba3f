import { describe, expect, test } from 'vitest'
import { CACHE_ENTRY_BYTES_MAX } from '../../core/cache.ts'
import { Fault } from '../../engine/fault.ts'
import { delayed } from '../../stores/conformance/delayed.ts'
import { MemoryCache } from '../../stores/memory/cache.ts'
import invalidateCache from '../invalidate-cache/index.ts'
import lookupCache from '../lookup-cache/index.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import populateCache from './index.ts'

const START_MS = Date.UTC(2026, 0, 1, 12)

function world() {
  const clock = { ms: START_MS }
  const now = () => clock.ms
  const cache = new MemoryCache({ now })
  const options = (more: RunOptions = {}): RunOptions => ({ cache, now, ...more })
  const put = (body: string, more?: RunOptions) =>
    runPolicy(populateCache, `<PopulateCache name="PC">${body}</PopulateCache>`, options(more))
  const look = async (body: string, more?: RunOptions) => {
    const run = await runPolicy(lookupCache, `<LookupCache name="LC">${body}</LookupCache>`, options(more))
    return { ...run, hit: run.exchange.get('lookupcache.LC.cachehit'), value: run.exchange.get('got') }
  }
  const drop = (body: string, more?: RunOptions) =>
    runPolicy(invalidateCache, `<InvalidateCache name="IC">${body}</InvalidateCache>`, options(more))
  return { clock, cache, put, look, drop }
}

const KEY = '<CacheKey><Prefix>p</Prefix><KeyFragment ref="id"/></CacheKey>'
const PUT = `${KEY}<Source>v</Source>`
const LOOK = `${KEY}<AssignTo>got</AssignTo>`

describe('PopulateCache, LookupCache, InvalidateCache', () => {
  test('a value comes back under its key, with the variables of both', async () => {
    const { put, look } = world()
    const { exchange } = await put(PUT, { variables: { id: 'a', v: 'one' } })
    expect(exchange.get('populatecache.PC.cachekey')).toBe('p__a')
    const hit = await look(LOOK, { variables: { id: 'a' } })
    expect([hit.hit, hit.value, hit.exchange.get('lookupcache.LC.cachekey')]).toEqual([true, 'one', 'p__a'])
    expect(hit.exchange.get('lookupcache.LC.assignto')).toBe('got')
    const miss = await look(LOOK, { variables: { id: 'b', got: 'before' } })
    expect([miss.hit, miss.value]).toEqual([false, 'before'])
  })

  test('the same over a cache that answers later', async () => {
    const { cache, put, look, drop } = world()
    const later = { cache: delayed(cache), variables: { id: 'a', v: 'one' } }
    await put(PUT, later)
    expect((await look(LOOK, later)).value).toBe('one')
    await drop(KEY, later)
    expect((await look(LOOK, later)).hit).toBe(false)
  })

  test.each([
    ['Global', 'postern__test__x'],
    ['Application', 'postern__test__test__x'],
    ['Proxy', 'postern__test__test__default__x'],
    ['Target', 'postern__test__test__default__x'],
    ['Exclusive', 'postern__test__test__default__x'],
  ])('Scope %s', async (scope, key) => {
    const { look } = world()
    const body = `<CacheKey><KeyFragment>x</KeyFragment></CacheKey><Scope>${scope}</Scope>`
    expect((await look(body)).exchange.get('lookupcache.LC.cachekey')).toBe(key)
  })

  test.each([
    ['', 300_000],
    ['<TimeoutInSeconds>7</TimeoutInSeconds>', 7_000],
    ['<TimeoutInSec ref="none">7</TimeoutInSec>', 7_000],
    ['<TimeoutInSec ref="ttl">7</TimeoutInSec>', 9_000],
    ['<TimeOfDay>12:00:05</TimeOfDay>', 5_000],
    ['<TimeOfDay>11:59:59</TimeOfDay>', 86_399_000],
    ['<ExpiryDate>01-02-2026</ExpiryDate>', 43_200_000],
  ])('ExpirySettings %s', async (settings, ttlMs) => {
    const { clock, put, look } = world()
    await put(`${PUT}<ExpirySettings>${settings}</ExpirySettings>`, { variables: { v: 'one', ttl: '9' } })
    clock.ms += ttlMs - 1
    expect((await look(LOOK)).hit).toBe(true)
    clock.ms += 1
    expect((await look(LOOK)).hit).toBe(false)
  })

  test('caches of the environment are apart and have their own time', async () => {
    const { clock, put, look } = world()
    const entities = { caches: [{ name: 'short', expirySeconds: 1 }] }
    const resource = '<CacheResource>short</CacheResource>'
    await put(PUT + resource, { entities, variables: { v: 'one' } })
    expect((await look(LOOK)).hit).toBe(false)
    expect((await look(LOOK + resource, { entities })).value).toBe('one')
    clock.ms += 1_000
    expect((await look(LOOK + resource, { entities })).hit).toBe(false)
  })

  test('what is no text, or too large, is a fault; what is not set is not written', async () => {
    const { put, look } = world()
    const code = async (v: RunOptions['variables']) => {
      const { outcome } = await put(PUT, { variables: v ?? {} })
      return outcome instanceof Fault ? outcome.code : outcome
    }
    expect(await code({ v: {} })).toBe('policies.populatecache.EntryCannotBeCached')
    expect(await code({ v: 'x'.repeat(10_000_000) })).toBe('policies.populatecache.EntryCannotBeCached')
    expect(await code({ v: 'é'.repeat(CACHE_ENTRY_BYTES_MAX - 1) })).toBe('policies.populatecache.EntryCannotBeCached')
    expect(await code({})).toBeUndefined()
    expect((await look(LOOK)).hit).toBe(false)
    expect(await code({ v: 4.5 })).toBeUndefined()
    expect((await look(LOOK)).value).toBe('4.5')
  })

  test('InvalidateCache drops one entry, or all with the prefix', async () => {
    const { put, look, drop } = world()
    for (const id of ['a', 'b', 'c']) await put(PUT, { variables: { id, v: id } })
    await put('<CacheKey><Prefix>pp</Prefix></CacheKey><Source>v</Source>', { variables: { v: 'other' } })
    await drop(KEY, { variables: { id: 'a' } })
    const hits = async () => {
      const found = []
      for (const id of ['a', 'b', 'c']) found.push((await look(LOOK, { variables: { id } })).hit)
      return found
    }
    expect(await hits()).toEqual([false, true, true])
    await drop(`${KEY}<PurgeChildEntries>true</PurgeChildEntries>`, { variables: { id: 'b' } })
    expect(await hits()).toEqual([false, false, false])
    expect((await look('<CacheKey><Prefix>pp</Prefix></CacheKey>')).hit).toBe(true)
  })

  test.each([
    ['<CacheResource>none</CacheResource>', 'InvalidCacheResourceReference'],
    ['<Scope>Planet</Scope>', 'InvalidScope'],
    ['<ExpirySettings><TimeoutInSec>-1</TimeoutInSec></ExpirySettings>', 'InvalidTimeout'],
    ['<ExpirySettings><TimeOfDay>25:00:00</TimeOfDay></ExpirySettings>', 'InvalidTimeout'],
    ['<ExpirySettings><ExpiryDate>02-30-2026</ExpiryDate></ExpirySettings>', 'InvalidTimeout'],
  ])('%s is %s', async (body, code) => {
    const { problems } = await world().put(PUT + body)
    expect(problems.map((problem) => `${problem.severity} ${problem.code}`)).toEqual([`error ${code}`])
  })

  test('a missing Source and a bad look-up time are errors', async () => {
    const { put, look } = world()
    expect((await put(KEY)).problems.map((problem) => problem.code)).toEqual(['SourceMissing'])
    const { problems } = await look(`${LOOK}<CacheLookupTimeoutInSeconds>-1</CacheLookupTimeoutInSeconds>`)
    expect(problems.map((problem) => problem.code)).toEqual(['InvalidTimeout'])
  })
})
