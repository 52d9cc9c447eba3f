import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileJavaRegex } from './java-regex.ts'
import { replaceJava } from './java-replacement.ts'

function compiled(pattern: string) {
  const result = compileJavaRegex(pattern)
  if (!result.ok) throw new Error(result.message)
  return result.regex
}

describe('patterns of java.util.regex over the whole text', () => {
  const cases: readonly (readonly [pattern: string, fits: readonly string[], not: readonly string[]])[] = [
    ['/cat', ['/cat'], ['/cat/x', 'x/cat']],
    ['/c*t', ['/t', '/cct'], ['/cat']],
    ['^(POST|GET)$', ['GET', 'POST'], ['GETS', 'get']],
    ['(?i)abc', ['ABC', 'abc'], ['ab']],
    ['(?iu)abc', ['ABC'], []],
    ['a|ab', ['a', 'ab'], ['abb']],
    ['\\p{Alpha}+\\p{Digit}', ['ab1'], ['a_1']],
    ['[\\p{Lower}_]+', ['a_b'], ['A']],
    ['\\P{Upper}', ['a'], ['A']],
    ['\\p{IsLatin}+', ['abc'], ['я']],
    ['\\p{L}\\p{javaUpperCase}', ['éÉ'], ['e1']],
    ['[a-d[m-p]]+', ['am'], ['e']],
    ['[]a]', [']', 'a'], ['b']],
    ['a\\hb', ['a b', 'a\tb'], ['a\nb']],
    ['\\Qa.b\\E+', ['a.b', 'a.bb'], ['axb']],
    ['\\u0041\\e', ['A\u001b'], ['a\u001b']],
    ['a\\s\\Z', ['a\u000b'], ['ab']],
    ['(?<year>\\d{4})', ['2024'], ['24']],
  ]
  test.each(cases)('%s', (pattern, fits, not) => {
    const regex = compiled(pattern)
    for (const text of fits) expect([text, regex.testExact(text)]).toEqual([text, true])
    for (const text of not) expect([text, regex.testExact(text)]).toEqual([text, false])
  })

  const refused: readonly (readonly [pattern: string, at: number, message: RegExp])[] = [
    ['a(?=b)', 1, /look-ahead \(\?= is not available.*linear time/],
    ['(?!x)', 0, /negative look-ahead/],
    ['(?<!x)a', 0, /look-behind/],
    ['(?>a)', 0, /atomic/],
    ['(?x)a b', 0, /the flag x/],
    ['(a)\\1', 3, /back reference/],
    ['a++', 0, /possessive/],
    ['[a-z&&[^b]]', 4, /intersection/],
    ['[a[^b]]', 2, /negated bracket/],
    ['[\\H]', 1, /negated class/],
    ['[abc', 0, /never closed/],
    ['a\\', 1, /backslash at the end/],
    ['\\u12', 0, /four hexadecimal/],
    ['(a', 0, /missing closing/],
    ['a{2000}', 0, /at most 1000/],
    ['x'.repeat(9000), 0, /longer than 8192/],
  ]
  test.each(refused)('%s is refused', (pattern, at, message) => {
    const result = compileJavaRegex(pattern)
    expect(result).toMatchObject({ ok: false, at })
    expect(result.ok ? '' : result.message).toMatch(message)
  })

  test('any text compiles or is refused', () => {
    const nasty = fc.string({ unit: fc.constantFrom(...'ab01[](){}|*+?^$.\\-&,:=<>!pPuQEsh'), maxLength: 20 })
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string()), fc.string(), (pattern, text) => {
        const result = compileJavaRegex(pattern)
        if (result.ok) result.regex.testExact(text)
      }),
      { numRuns: 500 },
    )
  })
})

describe('replacements of java.util.regex', () => {
  const cases: readonly (readonly [
    text: string,
    pattern: string,
    value: string,
    all: string | null,
    first: string | null,
  ])[] = [
    ['a1b2', '[0-9]', 'X', 'aXbX', 'aXb2'],
    ['Bearer abc', '^Bearer ', '', 'abc', 'abc'],
    ['john smith', '(\\w+) (\\w+)', '$2, $1', 'smith, john', 'smith, john'],
    ['aa', '(a)', '$12', 'a2a2', 'a2a'],
    ['aa', '(?<x>a)', `[$\{x}]`, '[a][a]', '[a]a'],
    ['a', 'a', '\\$1\\\\', '$1\\', '$1\\'],
    ['ab', '(a)|(b)', '<$2>', '<><b>', '<>b'],
    ['abc', '', '-', '-a-b-c-', '-abc'],
    ['a', 'a', '$0$0', 'aa', 'aa'],
    ['a', 'a', '$1', null, null],
    ['a', 'a', '$', null, null],
    ['a', 'a', '\\', null, null],
    ['a', 'a', `$\{nope}`, null, null],
    ['x', 'a', '-', 'x', 'x'],
  ]
  test.each(cases)('%s / %s / %s', (text, pattern, value, all, first) => {
    expect(replaceJava(text, compiled(pattern), value, true)).toBe(all)
    expect(replaceJava(text, compiled(pattern), value, false)).toBe(first)
  })

  test('a result that grows without end is given up', () => {
    expect(replaceJava('a'.repeat(100_000), compiled('a'), 'b'.repeat(1000), true)).toBeNull()
  })
})
