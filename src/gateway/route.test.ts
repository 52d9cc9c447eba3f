import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HostRouter, Router } from './route.ts'
import type { Served } from './served.ts'

const served = (...basePaths: string[]): Served[] =>
  basePaths.map(
    (basePath) =>
      ({
        endpoint: { basePath },
        serviceId: null,
        hosts: [],
        strict: false,
        claims: null,
        gate: null,
      }) as unknown as Served,
  )

describe('routing by host', () => {
  const [a, b, any] = served('/v1', '/v1', '/other')
  const router = new HostRouter([
    { ...a!, hosts: ['a.example.com', 'aa.example.com'] },
    { ...b!, hosts: ['b.example.com'] },
    any!,
  ])
  const ownerOf = (host: string, path: string): readonly string[] | undefined => router.find(host, path)?.served.hosts

  test('a strict one is found by its hosts alone; services of one host by their rules', () => {
    const claims = (prefix: string, only: boolean) => ({
      only,
      fits: (_: string, path: string) => path.startsWith(prefix),
    })
    const [one, two] = served('/', '/')
    const hosts = ['s.example.com']
    for (const only of [false, true]) {
      const strict = new HostRouter([
        { ...one!, serviceId: 'one', hosts, strict: true, claims: claims('/a', only) },
        { ...two!, serviceId: 'two', hosts, strict: true, claims: claims('/b', only) },
      ])
      const find = (host: string, path: string) => strict.find(host, path, 'GET', '')?.served.serviceId
      expect([find('s.example.com:80', '/b/x'), find('s.example.com', '/a'), find('other', '/a')]).toEqual([
        'two',
        'one',
        undefined,
      ])
      expect(find('s.example.com', '/c')).toBe(only ? undefined : 'one')
    }
  })

  test('a bound host has its endpoints alone, whatever its case and port', () => {
    expect(ownerOf('a.example.com', '/v1/x')).toContain('a.example.com')
    expect(ownerOf('B.Example.com:8080', '/v1/x')).toEqual(['b.example.com'])
    expect(ownerOf('b.example.com', '/other')).toBeUndefined()
  })

  test('any other host finds its way by path among all', () => {
    expect(ownerOf('127.0.0.1:8080', '/other')).toEqual([])
    expect(ownerOf('', '/v1')).toContain('a.example.com')
  })
})

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

  test('a path of thousands of segments costs no more than a short one', () => {
    const long = `/a/b${'/x'.repeat(15_000)}`
    const slashes = '/'.repeat(30_000)
    expect(router.find(long)?.basePath).toBe('/a/b')
    expect(router.find(slashes)).toBeNull()
    // The best of some rounds: other work on the machine only adds.
    const best = (path: string): number => {
      const rounds = [1, 2, 3, 4, 5].map(() => {
        const began = performance.now()
        for (let i = 0; i < 200; i++) router.find(path)
        return performance.now() - began
      })
      return Math.min(...rounds)
    }
    // Slicing off one segment after the other would take a thousand times as long.
    const shortMs = best('/a/b/x/y')
    expect(best(long)).toBeLessThan(5 + 100 * shortMs)
    expect(best(slashes)).toBeLessThan(5 + 100 * shortMs)
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
