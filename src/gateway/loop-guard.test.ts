import { expect, test } from 'vitest'
import { cycleOf, FORWARDS_MAX, forwardCount, hopsOf } from './loop-guard.ts'

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

test('the hops of Via, and the cycle among them', () => {
  const hops = hopsOf(['Via', '1.1 a (x), 1.1 b (y)', 'Accept', '*/*', 'via', '1.1 a (x)'])
  expect(hops).toEqual(['1.1 a (x)', '1.1 b (y)', '1.1 a (x)'])
  expect(cycleOf(hops)).toEqual(['1.1 b (y)', '1.1 a (x)'])
  expect(cycleOf(['a', 'a'])).toEqual(['a'])
  for (const none of [[], ['a'], ['a', 'b']]) expect(cycleOf(none)).toEqual([])
  expect(hopsOf(['Via', 'x,'.repeat(10_000)])).toHaveLength(20)
})
