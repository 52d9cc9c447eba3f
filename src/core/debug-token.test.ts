import { expect, test } from 'vitest'
import { debugToken, isDebugToken } from './debug-token.ts'

test('a token is good until its time, for its secret, as it is', () => {
  const token = debugToken('secret', 1_000_000)
  expect(isDebugToken('secret', token, 999_999)).toBe(true)
  expect(isDebugToken('secret', token, 1_000_001)).toBe(false)
  expect(isDebugToken('other', token, 0)).toBe(false)
  const later = `${(2_000_000).toString(36)}${token.slice(token.indexOf('.'))}`
  for (const junk of ['', '.', token.slice(0, -1), `${token}0`, token.toUpperCase(), later]) {
    expect(isDebugToken('secret', junk, 0), junk).toBe(false)
  }
})
