import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Router } from './route.ts'
import type { Served } from './served.ts'

const served = (...basePaths: string[]): Served[] =>
  basePaths.map((basePath) => ({ endpoint: { basePath }, serviceId: null, gate: null }) as unknown as Served)

describe('routing', () => {
  const router = new Router(served('/a', '/a/b', '/a/*/c', '/deep/**', '/x/*', '/v1/weather'))

  test.each([
    ['/a', '/a', '/a', ''],
    ['/a/', '/a', '/a', '/'],
    ['/a/b/z', '/a/b', '/a/b', '/z'],
    ['/ab', null, '', ''],
    ['/a/bb', '/a', '/a', '/bb'],
    ['/a/q/c/d', '/a/*/c', '/a/q/c', '/d'],
    ['/a/b/c', '/a/*/c', '/a/b/c', ''],
    ['/deep/er/still', '/deep/**', '/deep', '/er/still'],
    ['/x', null, '', ''],
    ['/x/', null, '', ''],
    ['/x/1/2', '/x/*', '/x/1', '/2'],
    ['/', null, '', ''],
    ['/V1/weather', null, '', ''],
  ])('%s', (path, base, covered, suffix) => {
    const match = router.find(path)
    expect(match?.served.endpoint.basePath ?? null).toBe(base)
    if (match !== null) expect([match.basePath, match.pathSuffix]).toEqual([covered, suffix])
  })

  test('a proxy at the root takes what is left', () => {
    const match = new Router(served('/', '/a')).find('/zzz/y')
    expect([match?.basePath, match?.pathSuffix]).toEqual(['', '/zzz/y'])
  })

  test('base path and suffix are always the whole path', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'x', '', 'deep'), { maxLength: 6 }), (parts) => {
        const path = `/${parts.join('/')}`
        const match = router.find(path)
        return match === null || match.basePath + match.pathSuffix === path
      }),
    )
  })
})
