import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileXeger, xeger } from './xeger.ts'

function chance(seed: number) {
  let state = seed
  return {
    randomInt(min: number, max: number): number {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return min + Math.floor((state / 2 ** 32) * (max - min))
    },
  }
}

describe('xeger', () => {
  const patterns = [
    ...['[0-9]{12}', '[1-9]{7}', 'abc', '', 'a|bc|', '[A-Za-z_][\\w]{0,8}', '\\d+\\.\\d*', '(ab?){2,3}', '[^a-z]{5}'],
    ...[
      '^\\+[0-9]{2} [0-9]{3}$',
      '.{10}',
      'x{3,}',
      '(?:foo|bar)-(?<n>\\d)',
      '[a\\-z\\]]',
      '[-a]',
      '[a-]',
      '\\s\\S\\W\\D',
      '\\t',
      'é[ß-ÿ]',
    ],
  ]
  test.each(patterns)('what it makes for %s fits', (pattern) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(xeger(pattern, chance(seed))).toMatch(new RegExp(`^(?:${pattern})$`, 'u'))
      }),
      { numRuns: 30 },
    )
  })

  const refused: readonly (readonly [pattern: string, at: number, message: RegExp])[] = [
    ['(?=a)', 0, /plain groups only/],
    ['(a', 0, /never closed/],
    ['a)', 1, /closes nothing/],
    ['[a', 0, /never closed/],
    ['[b-a]', 2, /low to high/],
    ['[a[b]]', 2, /plain sets only/],
    ['[]', 0, /holds no character/],
    ['*a', 0, /nothing to repeat/],
    ['a**', 2, /nothing to repeat/],
    ['a{3,1}', 1, /at most fewer/],
    ['a{99999}', 1, /more than 16384 times/],
    ['(a{200}){200}', 0, /longer than 16384/],
    ['((a{0}){9999}){9999}', 0, /longer than 16384/],
    ['\\b', 0, /does not understand \\b/],
    ['(a)\\1', 3, /does not understand \\1/],
    ['a\\', 1, /escapes nothing/],
    [`${'('.repeat(60)}${')'.repeat(60)}`, 50, /at most 50 deep/],
    ['a'.repeat(2000), 1024, /at most 1024/],
  ]
  test.each(refused)('refuses %s', (pattern, at, message) => {
    expect(compileXeger(pattern)).toEqual({ ok: false, at, message: expect.stringMatching(message) })
    expect(xeger(pattern, chance(1))).toBeNull()
  })

  test('any text is refused or gives a short text', () => {
    const almost = fc.string({ unit: fc.constantFrom(...'ab19[]^-(){}|*+?,.\\dw$'), maxLength: 20 })
    fc.assert(
      fc.property(fc.oneof(almost, fc.string()), fc.integer(), (pattern, seed) => {
        expect(xeger(pattern, chance(seed))?.length ?? 0).toBeLessThanOrEqual(16_384)
      }),
      { numRuns: 1000 },
    )
  })
})
