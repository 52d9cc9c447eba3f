import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryServerStates } from './server-states.ts'

const states = (slots = 64) => {
  const table = MemoryServerStates.allocate(slots)
  return [new MemoryServerStates(table), new MemoryServerStates(table)] as const
}

test('what one thread says every other one sees', () => {
  const [one, two] = states()
  expect(one.server('a').failed(2, null, 0)).toBe(false)
  expect(two.server('a').failed(2, null, 0)).toBe(true)
  expect(one.server('a').isDown(1e12)).toBe(true)
  expect(one.server('b').isDown(1e12)).toBe(false)
  two.server('a').succeeded()
  expect(one.server('a').isDown(1e12)).toBe(false)
  expect([one.rotation('r').next(), two.rotation('r').next(), one.rotation('s').next()]).toEqual([0, 1, 0])
})

test('a row of failures ends with a success; 0 is never; after the time it comes back', () => {
  const server = states()[0].server('a')
  expect(server.failed(2, null, 0)).toBe(false)
  server.succeeded()
  expect(server.failed(2, null, 0)).toBe(false)
  server.succeeded()
  for (let i = 0; i < 50; i++) expect(server.failed(0, null, 0)).toBe(false)
  server.succeeded()
  expect(server.failed(1, 3_000, 10_000)).toBe(true)
  expect([server.isDown(12_999), server.isDown(13_000), server.failed(2, null, 0)]).toEqual([true, false, false])
})

test('one of the threads looks after a server in each interval', () => {
  const [one, two] = states()
  const claims = (nowMs: number) => [one.server('a').claimCheck(nowMs, 5_000), two.server('a').claimCheck(nowMs, 5_000)]
  expect(claims(1e12)).toEqual([true, false])
  expect(claims(1e12 + 4_000)).toEqual([false, false])
  expect(claims(1e12 + 5_000)).toEqual([true, false])
})

test('names never share a slot, and a full table gives a state of its own', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 80 }), (names) => {
      const [table] = states(32)
      const servers = names.map((name) => table.server(name))
      servers.forEach((server, i) => {
        if (i % 2 === 0) server.failed(1, null, 0)
      })
      expect(servers.map((server) => server.isDown(0))).toEqual(names.map((_, i) => i % 2 === 0))
    }),
  )
})
