import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PublishedApi } from '../model/apig.ts'
import { ApiRouter, BAD_PATH, NO_METHOD, requestSegments } from './router.ts'

function router(
  ...apis: readonly (readonly [method: string, path: string, prefix?: boolean, more?: Partial<PublishedApi>])[]
): ApiRouter<string> {
  return new ApiRouter(
    apis.map(([method, path, prefix = false, more = {}]) => {
      const api = { method, path, prefix, stage: 'RELEASE', hosts: [], ...more } as unknown as PublishedApi
      return { api, entry: `${method} ${path}${prefix ? '*' : ''}` }
    }),
  )
}

function find(one: ApiRouter<string>, path: string, method = 'GET', host = 'h', stage = 'RELEASE'): unknown {
  const found = one.find(host, stage, method, path)
  if (found === null || typeof found === 'string') return found
  return [found.entry, found.state.pathValues, found.state.rest]
}

test('an encoded path of an API is compared as it reads', () => {
  const one = router(['GET', '/a%20b', true], ['GET', '/caf%C3%A9/{x}'])
  expect(find(one, '/a%20b/c')).toEqual(['GET /a%20b*', [], '/c'])
  expect(find(one, '/caf%c3%a9/1')).toEqual(['GET /caf%C3%A9/{x}', ['1'], ''])
})

describe('which API a path belongs to', () => {
  const all = router(
    ['GET', '/'],
    ['GET', '/a'],
    ['GET', '/a/'],
    ['GET', '/a/{x}'],
    ['POST', '/a/b'],
    ['ANY', '/a/b/{rest+}'],
    ['GET', '/a', true],
    ['GET', '/a/b/c', true],
    ['ANY', '/p/', true],
    ['DELETE', '/only'],
  )

  test.each([
    ['/', ['GET /', [], '']],
    ['/a', ['GET /a', [], '']],
    ['/a/', ['GET /a/', [], '']],
    ['/a/z', ['GET /a/{x}', ['z'], '']],
    ['/a/b', ['GET /a/{x}', ['b'], '']],
    ['/a/z/y', ['GET /a*', [], '/z/y']],
    ['/a/b/x/y', ['ANY /a/b/{rest+}', ['x/y'], '']],
    ['/a/b/c', ['GET /a/b/c*', [], '']],
    ['/a/b/c/d', ['GET /a/b/c*', [], '/d']],
    ['/a/b/cc', ['ANY /a/b/{rest+}', ['cc'], '']],
    ['/aa', null],
    ['/p', ['ANY /p/*', [], '']],
    ['/p/q/', ['ANY /p/*', [], '/q/']],
    ['/only', NO_METHOD],
    ['/none', null],
    ['/a%2Fz', ['GET /a/{x}', ['z'], '']],
    ['/a/%7E', ['GET /a/{x}', ['~'], '']],
    ['/a/../b', BAD_PATH],
    ['/a/%2e', BAD_PATH],
    ['/a/%', BAD_PATH],
    ['/a/..b', ['GET /a/{x}', ['..b'], '']],
  ])('%s', (path, wanted) => expect(find(all, path)).toEqual(wanted))

  test('its own method before ANY; a looser path that has the method after one that has not', () => {
    const one = router(['ANY', '/m'], ['GET', '/m'], ['GET', '/n'], ['POST', '/', true])
    expect(find(one, '/m')).toEqual(['GET /m', [], ''])
    expect(find(one, '/m', 'PUT')).toEqual(['ANY /m', [], ''])
    expect(find(one, '/n', 'POST')).toEqual(['POST /*', [], '/n'])
    expect(find(one, '/n', 'PUT')).toBe(NO_METHOD)
  })
})

test('hosts bind a group to themselves; others find their way among all', () => {
  const one = router(
    ['GET', '/a', false, { hosts: ['a.example'] }],
    ['GET', '/b', false, { hosts: ['*.b.example'] }],
    ['GET', '/c'],
  )
  expect(find(one, '/a', 'GET', 'A.example:8080')).toEqual(['GET /a', [], ''])
  expect(find(one, '/c', 'GET', 'a.example')).toBe(null)
  expect(find(one, '/b', 'GET', 'x.b.example')).toEqual(['GET /b', [], ''])
  expect(find(one, '/c', 'GET', 'x.b.example')).toBe(null)
  for (const path of ['/a', '/b', '/c']) expect(find(one, path, 'GET', '127.0.0.1')).not.toBe(null)
  expect([one.has('a.example'), one.has('x.b.example'), one.has('b.example'), one.has('127.0.0.1')]).toEqual([
    true,
    true,
    false,
    false,
  ])
})

test('environments are apart', () => {
  const one = router(['GET', '/a', false, { stage: 'DEV' }])
  expect([find(one, '/a'), find(one, '/a', 'GET', 'h', 'DEV')]).toEqual([null, ['GET /a', [], '']])
})

test('any path ends soon, and none that is found climbs', () => {
  const one = router(['GET', '/', true], ['GET', '/{a}/{b}/{c}'])
  fc.assert(
    fc.property(fc.string(), (text) => {
      const segments = requestSegments(`/${text}`)
      expect(segments === null || !segments.some((part) => part === '..' || part === '.')).toBe(true)
      one.find('h', 'RELEASE', 'GET', `/${text}`)
    }),
  )
  const began = performance.now()
  one.find('h', 'RELEASE', 'GET', '/a'.repeat(16_000))
  expect(performance.now() - began).toBeLessThan(500)
})
