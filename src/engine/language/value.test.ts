import { describe, expect, test } from 'vitest'
import { doubleText, toText, type Value } from './value.ts'

describe('toText prints as Java does', () => {
  const cases: readonly (readonly [Value, string])[] = [
    [null, ''],
    ['a', 'a'],
    [true, 'true'],
    [false, 'false'],
    [404, '404'],
    [-0, '0'],
    [1_531_349_564_000, '1531349564000'],
    [2 ** 53, '9007199254740992'],
    [0.1, '0.1'],
    [1234567.5, '1234567.5'],
    [12345678.5, '1.23456785E7'],
    [0.0001, '1.0E-4'],
    [1e21, '1.0E21'],
    [Number.NaN, 'NaN'],
    [[], '[]'],
    [['a', 'b'], '[a, b]'],
    [{ toText: () => 'own' }, 'own'],
    [{ toString: () => 'plain' }, 'plain'],
    [Object.create(null), ''],
  ]
  test.each(cases)('%o -> %s', (value, text) => {
    expect(toText(value)).toBe(text)
  })

  test('a Double keeps its fraction', () => {
    expect([3, 0, -0, 1e7, -2.5].map(doubleText)).toEqual(['3.0', '0.0', '-0.0', '1.0E7', '-2.5'])
  })
})
