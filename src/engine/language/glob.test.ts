import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileGlob, compilePath } from './glob.ts'

type Case = readonly [pattern: string, fits: readonly string[], not: readonly string[]]

describe('glob of ~', () => {
  const cases: readonly Case[] = [
    ['/cat', ['/cat'], ['/cat/x', '/CAT', '', '/ca']],
    ['/*at', ['/cat', '/bat', '/at', '/x/at'], ['/atx', 'at']],
    ['/cat*', ['/cat', '/cat/x/y'], ['/ca']],
    ['*', ['', 'anything/at/all'], []],
    ['a*b*c', ['abc', 'axxbyyc', 'abbc'], ['ac', 'acb', 'abcd']],
    ['ab*ba', ['abba', 'abxba'], ['aba']],
    ['/c%*at', ['/c*at'], ['/cat', '/cxat']],
    ['100%%', ['100%'], ['100', '100%%']],
    ['end%', ['end%'], ['end']],
    ['a**b', ['ab', 'axb'], ['a']],
    ['a*a*a', ['aaa', 'abaca'], ['aa']],
  ]
  test.each(cases)('%s', (pattern, fits, not) => {
    const glob = compileGlob(pattern)
    for (const text of fits) expect([text, glob(text)]).toEqual([text, true])
    for (const text of not) expect([text, glob(text)]).toEqual([text, false])
  })

  test('agrees with a regular expression', () => {
    const alphabet = fc.string({ unit: fc.constantFrom('a', 'b', '*', '%', '/'), maxLength: 8 })
    fc.assert(
      fc.property(alphabet, alphabet, (pattern, text) => {
        const source = pattern.replace(/%(.)|%$|\*|\//gs, (whole, escaped: string | undefined) =>
          escaped === undefined ? (whole === '*' ? '.*' : whole) : `\\${escaped}`.replace(/\\([ab])/, '$1'),
        )
        expect(compileGlob(pattern)(text)).toBe(new RegExp(`^(?:${source})$`, 's').test(text))
      }),
    )
  })
})

describe('path of ~/', () => {
  const cases: readonly Case[] = [
    ['/cat', ['/cat'], ['/cat/', '/cat/x', '/CAT']],
    ['/', ['/', ''], ['/a']],
    ['/*', ['/a'], ['/', '/a/b', 'a']],
    ['/*/a/', ['/x/a/', '/y/a/'], ['/x/a', '/x/y/a/']],
    ['/*/a/*', ['/x/a/b', '/y/a/foo'], ['/x/a/', '/x/a/b/c']],
    ['/*/a/**', ['/x/a/b/c/d', '/x/a/b', '/x/a/'], ['/x/a', '/a/b']],
    ['/*/a/{reader}/feed/', ['/x/a/b/feed/'], ['/x/a/feed/', '/x/a/b/c/feed/']],
    ['/a/**/feed/**', ['/a/b/feed/rss/1234', '/a/b/c/feed/x'], ['/a/feed', '/b/b/feed/x']],
    ['**/india/blr/**', ['/india/blr/x', '/a/india/blr/x/y'], ['/india/blr']],
    ['/**', ['/', '/a/b/c'], ['']],
    ['%{user%}', ['{user}'], ['user', 'x']],
    ['/v*/pets', ['/v1/pets', '/v/pets'], ['/x/pets', '/v1/2/pets']],
    ['/{v}/**/x*', ['/1/a/b/x', '/1//xyz'], ['/1/a/y']],
    ['/a/{open', ['/a/{open'], ['/a/b']],
    ['/{a}.json', ['/pet.json'], ['/p/t.json']],
  ]
  test.each(cases)('%s', (pattern, fits, not) => {
    const path = compilePath(pattern)
    for (const text of fits) expect([text, path(text)]).toEqual([text, true])
    for (const text of not) expect([text, path(text)]).toEqual([text, false])
  })

  test('the three ways to match agree with a regular expression', () => {
    const token = fc.constantFrom('/', 'a', 'b', '*', '**', '{n}')
    const text = fc.string({ unit: fc.constantFrom('/', 'a', 'b'), maxLength: 10 })
    fc.assert(
      fc.property(fc.array(token, { maxLength: 7 }), text, (tokens, path) => {
        const pattern = tokens.join('')
        fc.pre(pattern !== '/')
        const source = pattern.replace(/\*+|\{n\}/g, (wild, at: number) => {
          if (wild.length > 1 && wild !== '{n}') return '.*'
          const before = at === 0 || pattern[at - 1] === '/'
          const after = at + wild.length === pattern.length || pattern[at + wild.length] === '/'
          return before && after ? '[^/]+' : '[^/]*'
        })
        expect(compilePath(pattern)(path)).toBe(new RegExp(`^${source}$`).test(path))
      }),
      { numRuns: 500 },
    )
  })

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (pattern, path) => typeof compilePath(pattern)(path) === 'boolean'))
  })

  test('many wildcards over a long path end in time', () => {
    const path = compilePath('/**a*a*a/**a*a/**a*b')
    const startedAt = performance.now()
    expect(path(`/${'a'.repeat(30_000)}`)).toBe(false)
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})
