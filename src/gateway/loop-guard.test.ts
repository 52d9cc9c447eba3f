import { expect, test } from 'vitest'
import { FORWARDS_MAX, forwardCount } from './loop-guard.ts'

test.each([
  [undefined, 1],
  ['0', 1],
  ['1', 2],
  ['9', 10],
  ['10', 11],
  ['11', 12],
  ['10, 1', 11],
  ['1,9', 10],
  ['2, junk', 3],
  ['-3', 1],
  ['ten', 1],
  ['', 1],
  ['1.5', 1],
  ['99999999999999999999', FORWARDS_MAX + 1],
])('X-Apig-count %s', (incoming, count) => {
  expect(forwardCount(incoming)).toBe(count)
})
