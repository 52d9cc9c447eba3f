import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bestMatch, compilePattern, isPatternProblem, type Pattern, type PatternKind } from './pattern.ts'

function pattern(text: string, kind: PatternKind, ignoreCase = false): Pattern {
  const compiled = compilePattern(text, kind, ignoreCase)
  if (isPatternProblem(compiled)) throw new Error(`${text}: ${compiled.reason}`)
  return compiled
}

describe('text', () => {
  test.each<[pattern: string, text: string, values: readonly string[] | null]>([
    ['{a}', '', ['']],
    ['{a}', 'x/y z', ['x/y z']],
    ['DBN{a}', 'DBN88271', ['88271']],
    ['DBN{a}', 'xDBN88271', null],
    ['hello {first} {last}', 'hello Ann Lee Smith', ['Ann', 'Lee Smith']],
    ['{a}-{b}', '1-2-3', ['1', '2-3']],
    ['*;charset={a}', 'text/xml;charset=ASCII', ['ASCII']],
    ['{a}**', 'x', ['']],
    ['{a}{b}', 'xy', ['', 'xy']],
    ['{a}ab{b}b', 'ab', null],
    ['{a}ab{b}b', 'abb', ['', '']],
    ['%{%}%*{a}', '{}*1', ['1']],
    ['50%-{a}', '50%-x', ['x']],
    ['{ a }', 'x', ['x']],
    ['{the.name-1}', 'x', ['x']],
  ])('%s on %s', (text, value, values) => {
    expect(pattern(text, 'text').match(value)).toEqual(values)
  })

  test('ignoring case keeps the case of what is captured, whatever the letters', () => {
    expect(pattern('bearer {t}', 'text', true).match('BEARER aBc')).toEqual(['aBc'])
    expect(pattern('İ{t}İ', 'text', true).match('İxİ')).toEqual(['x'])
  })
})

describe('path', () => {
  test.each<[pattern: string, path: string, values: readonly string[] | null]>([
    ['/a/{id}', '/a/1', ['1']],
    ['a/{id}', '/a/1', ['1']],
    ['/a/{id}', '/a/1/', null],
    ['/a/{id}', '/a/', null],
    ['/a/{id}', '/A/1', null],
    ['/a/{id}.json', '/a/x.y.json', ['x.y']],
    ['/{a}-{b}', '/1-2-3', ['1', '2-3']],
    ['/a/*/{id}', '/a/b/c', ['c']],
    ['/a/*/{id}', '/a/b/c/d', null],
    ['/a/**/{id}', '/a/b/c/d', ['d']],
    ['/a/**/{id}', '/a/d', ['d']],
    ['/**/b/{x}/**', '/1/b/2/b/3', ['2']],
    ['/**/b/{x}', '/b/1/b/2', ['2']],
    ['/**/{a}/x/{b}/y', '/1/x/2/x/3/y', ['2', '3']],
    ['/{a}/**', '/1', ['1']],
    ['/{a}', '', null],
    ['/{a}', '/', null],
  ])('%s on %s', (text, path, values) => {
    expect(pattern(text, 'path').match(path)).toEqual(values)
  })
})

test.each([
  ['/a/b', 'PatternWithoutVariable', 0],
  ['', 'PatternWithoutVariable', 0],
  ['{*}', 'InvalidPattern', 0],
  ['a{', 'InvalidPattern', 1],
  ['100%{a}', 'InvalidPattern', 6],
  ['a{}', 'InvalidPattern', 1],
  ['{a}}', 'InvalidPattern', 3],
  ['{a b}', 'InvalidPattern', 0],
  [`{${'a'.repeat(257)}}`, 'InvalidPattern', 0],
])('%s is none', (text, code, at) => {
  expect(compilePattern(text, 'text', false)).toMatchObject({ code, at })
})

test('the best of several', () => {
  const patterns = ['/a/{one}', '/a/b/{two}', '/a/{three}/c', '/**/{four}'].map((text) => pattern(text, 'path'))
  const best = (path: string) => {
    const match = bestMatch(patterns, path)
    return match === null ? null : [match.pattern.names, match.values]
  }
  expect(best('/a/b')).toEqual([['one'], ['b']])
  expect(best('/a/b/c')).toEqual([['two'], ['c']])
  expect(best('/a/x/c')).toEqual([['three'], ['x']])
  expect(best('/q')).toEqual([['four'], ['q']])
  expect(bestMatch(patterns.slice(0, 2), '/q')).toBeNull()
})

const piece = fc.constantFrom('a', 'b', 'ab', '/', '-', '{x}', '{y}', '*', '**', '%{')

/** The same pattern as a regular expression, which backtracks and so needs no thought. */
function oracle(text: string, kind: PatternKind): RegExp {
  const run = kind === 'path' ? '[^/]*?' : '[\\s\\S]*?'
  const source = text.replace(/%[{}*]|\{[a-z]\}|\*+|./gs, (token) => {
    if (/^\{.\}$/.test(token)) return `(${run})`
    if (/^\*+$/.test(token)) return run
    return `\\u{${(token.length > 1 ? token[1]! : token).codePointAt(0)!.toString(16)}}`
  })
  return new RegExp(`^${source}$`, 'u')
}

test('a text pattern captures what the regular expression captures', () => {
  const property = fc.property(
    fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
    fc.array(fc.constantFrom('a', 'b', '/', '-', '{', 'ab'), { maxLength: 10 }).map((parts) => parts.join('')),
    (text, value) => {
      const compiled = compilePattern(text, 'text', false)
      if (isPatternProblem(compiled)) return
      const expected = oracle(text, 'text').exec(value)
      expect(compiled.match(value)).toEqual(expected === null ? null : expected.slice(1))
    },
  )
  fc.assert(property, { numRuns: 3000 })
})

const segment = fc.constantFrom('a', 'b', '{x}', '{y}', '*', '**', 'a{x}', '{x}-{y}')

test('a path pattern fits what its segments fit one by one', () => {
  const fits = (segments: readonly string[], texts: readonly string[]): boolean => {
    const [first, ...rest] = segments
    if (first === undefined) return texts.length === 0
    if (first === '**') return fits(rest, texts) || (texts.length > 0 && fits(segments, texts.slice(1)))
    if (texts.length === 0 || (/^(\{.\}|\*)$/.test(first) && texts[0] === '')) return false
    return oracle(first, 'path').test(texts[0]!) && fits(rest, texts.slice(1))
  }
  const property = fc.property(
    fc.array(segment, { minLength: 1, maxLength: 5 }),
    fc.array(fc.constantFrom('a', 'b', 'ab', '', 'a-b'), { minLength: 1, maxLength: 6 }),
    (segments, texts) => {
      const compiled = compilePattern(`/${segments.join('/')}`, 'path', false)
      if (isPatternProblem(compiled)) return
      const values = compiled.match(`/${texts.join('/')}`)
      expect(values !== null).toBe(fits(segments, texts))
      if (values !== null) expect(values).toHaveLength(compiled.names.length)
    },
  )
  fc.assert(property, { numRuns: 3000 })
})

test('any text as pattern, any text to match', () => {
  const property = fc.property(
    fc.string(),
    fc.string(),
    fc.constantFrom('path', 'text'),
    fc.boolean(),
    (a, b, kind, no) => {
      const compiled = compilePattern(`${a}{x}${a}`, kind as PatternKind, no)
      if (!isPatternProblem(compiled)) compiled.match(`${a}${b}${a}`)
    },
  )
  fc.assert(property, { numRuns: 2000 })
})

test('a long hostile path takes no time', () => {
  const path = '/a'.repeat(16_000)
  expect(pattern('/**/a/a/a/{x}/b', 'path').match(path)).toBeNull()
  expect(pattern('{a}aa{b}aab{c}', 'text').match('a'.repeat(100_000))).toBeNull()
})
