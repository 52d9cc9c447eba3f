import { MessageChannel } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { cacheSuite } from '../conformance/cache.suite.ts'
import { delayed } from '../conformance/delayed.ts'
import { MemoryCache } from './cache.ts'
import { cachePort, RemoteCache } from './cache-port.ts'

const remote = (cache: MemoryCache): RemoteCache => new RemoteCache(cachePort(cache))

cacheSuite('memory', (now) => new MemoryCache({ now }))
cacheSuite('memory, delayed', (now) => delayed(new MemoryCache({ now })))
cacheSuite('memory, over a port', (now) => remote(new MemoryCache({ now })))

test('what was used least recently goes first, by number and by bytes', () => {
  const few = new MemoryCache({ now: () => 0, entriesMax: 2 })
  few.put('a', '1', 10)
  few.put('b', '2', 10)
  few.get('a')
  few.put('c', '3', 10)
  expect([few.get('a'), few.get('b'), few.get('c')]).toEqual(['1', null, '3'])
  const small = new MemoryCache({ now: () => 0, bytesMax: 1_000 })
  for (let i = 0; i < 50; i++) small.put(`k${i}`, 'x'.repeat(100), 10)
  expect(small.bytes).toBeLessThanOrEqual(1_000)
  expect(small.get('k49')).not.toBeNull()
  small.invalidatePrefix('')
  expect([small.size, small.bytes]).toEqual([0, 0])
})

test('what one thread drops, all others miss', async () => {
  const cache = new MemoryCache({ now: () => 0 })
  const [one, two] = [remote(cache), remote(cache)]
  await one.put('a', '1', 10)
  expect(await two.get('a')).toBe('1')
  await two.invalidate('a')
  expect(await one.get('a')).toBeNull()
})

test('an owner that is silent makes a miss', async () => {
  const { port2 } = new MessageChannel()
  const cache = new RemoteCache(port2, 1)
  expect(await cache.get('a')).toBeNull()
  await cache.invalidate('a')
})
