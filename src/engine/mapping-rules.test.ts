import { describe, expect, it } from 'vitest'
import { type MappingRule, patternFault } from '../model/mapping-rule.ts'
import { compileRule, usagesOf } from './mapping-rules.ts'

const rule = (part: Partial<MappingRule>): MappingRule => ({
  method: 'GET',
  pattern: '/',
  query: {},
  metric: 'hits',
  delta: 1,
  last: false,
  ...part,
})
const none = (): null => null

describe('mapping rules', () => {
  it.each([
    ['/foo', '/foobar', true],
    ['/foo$', '/foo', true],
    ['/foo$', '/foobar', false],
    ['/a/{x}/c', '/a/b%20b/c/d', true],
    ['/a/{x}', '/a/', false],
    ['/a+(b)|c', '/a+(b)|c', true],
    ['/a+', '/aa', false],
    ['/{a}-{b}-{c}!', '/1-2-3!', true],
    ['/{a}-{b}-{c}!', '/1-2-3', false],
    ['/{x}$', '/one/two', false],
  ])('%s on %s', (pattern, path, matches) => {
    expect(compileRule(rule({ pattern })).matches('GET', path, none)).toBe(matches)
  })

  it('several variables in one segment stay linear', () => {
    const compiled = compileRule(rule({ pattern: '/{a}-{b}-{c}-{d}-{e}!' }))
    const began = performance.now()
    expect(compiled.matches('GET', `/${'-'.repeat(30_000)}`, none)).toBe(false)
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('adds up all that match, in order, until one is the last', () => {
    const rules = [
      rule({ pattern: '/a', delta: 2 }),
      rule({ pattern: '/b', delta: 7 }),
      rule({ pattern: '/a/b', metric: 'sub', last: true }),
      rule({ pattern: '/', delta: 9 }),
    ].map(compileRule)
    const { matched, deltas } = usagesOf(rules, 'GET', '/a/b', none)
    expect(matched.map(({ pattern }) => pattern)).toEqual(['/a', '/a/b'])
    expect([...deltas]).toEqual([
      ['hits', 2],
      ['sub', 1],
    ])
  })

  it('says what is wrong with a pattern', () => {
    expect([
      patternFault('/a?b={c}'),
      patternFault('a'),
      patternFault('/a b'),
      patternFault(`/${'a'.repeat(3_000)}`),
    ]).toEqual([
      null,
      'a pattern begins with /',
      'a pattern has no blanks and no #',
      'a pattern has at most 2048 characters',
    ])
  })
})
