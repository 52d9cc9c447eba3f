import { expect, test } from 'vitest'
import { basePathFault, basePathKey } from './base-path.ts'

test.each(['/', '/a', '/a/b/', '/v1/*/b', '/**', '/a/**', '/a-b_c.d~e', '/a/{b}'])('%s can be a base path', (path) => {
  expect(basePathFault(path)).toBeNull()
})

test.each(['', 'a', '/a b', '/a//b', '/a?b', '/a#b', '/a*', '/**/a', '/../a', '/./a', '/a\\b', '//'])(
  '%s cannot be a base path',
  (path) => {
    expect(basePathFault(path)).not.toBeNull()
  },
)

test('base paths that no call can tell apart', () => {
  expect(['/a', '/a/', '/a/**'].map(basePathKey)).toEqual(['/a', '/a', '/a'])
  expect(basePathKey('/')).toBe(basePathKey('/**'))
  expect(basePathKey('/a/*')).not.toBe(basePathKey('/a'))
})
