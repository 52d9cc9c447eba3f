import { describe, expect, test } from 'vitest'
import { CACHE_ENTRY_BYTES_MAX, type Cache } from '../../core/cache.ts'

/** What every cache must do; `open` makes an empty one that reads `now`. */
export function cacheSuite(name: string, open: (now: () => number) => Cache): void {
  describe(name, () => {
    const opened = () => {
      const clock = { ms: 1_000_000 }
      return { clock, cache: open(() => clock.ms) }
    }

    test('gives what was put, until its time is over', async () => {
      const { clock, cache } = opened()
      expect(await cache.get('a')).toBeNull()
      expect(await cache.put('a', 'one', 1_000)).toBe(true)
      clock.ms += 999
      expect(await cache.get('a')).toBe('one')
      clock.ms += 1
      expect(await cache.get('a')).toBeNull()
    })

    test('the last put wins, with its own time', async () => {
      const { clock, cache } = opened()
      await cache.put('a', 'one', 10)
      await cache.put('a', 'two', 1_000)
      clock.ms += 500
      expect(await cache.get('a')).toBe('two')
    })

    test('keeps responses', async () => {
      const { cache } = opened()
      const response = { status: 201, reason: 'Made', headers: ['A', '1'], body: new Uint8Array([0, 255]) }
      await cache.put('r', response, 1_000)
      const kept = await cache.get('r')
      if (kept === null || typeof kept === 'string') throw new Error('no response')
      expect({ ...kept, body: [...kept.body] }).toEqual({ ...response, body: [0, 255] })
    })

    test('drops by key and by prefix, the empty prefix too', async () => {
      const { cache } = opened()
      for (const key of ['a', 'ab', 'abc', 'b', '__proto__']) await cache.put(key, key, 1_000)
      await cache.invalidate('ab')
      await cache.invalidate('none')
      expect([await cache.get('a'), await cache.get('ab'), await cache.get('abc')]).toEqual(['a', null, 'abc'])
      await cache.invalidatePrefix('a')
      expect([await cache.get('a'), await cache.get('abc'), await cache.get('b')]).toEqual([null, null, 'b'])
      expect(await cache.get('__proto__')).toBe('__proto__')
      await cache.invalidatePrefix('')
      expect(await cache.get('b')).toBeNull()
    })

    test('refuses what is too large or has no time, and forgets what was there', async () => {
      const { cache } = opened()
      const largest = 'x'.repeat(CACHE_ENTRY_BYTES_MAX)
      expect(await cache.put('a', largest, 1_000)).toBe(true)
      expect(await cache.put('a', `${largest}x`, 1_000)).toBe(false)
      expect(await cache.get('a')).toBeNull()
      for (const ttlMs of [0, -1, Number.NaN]) expect(await cache.put('b', 'x', ttlMs)).toBe(false)
    })
  })
}
