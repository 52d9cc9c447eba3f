import { expect, test } from 'vitest'
import { GroupFlush } from './group-flush.ts'

test('who comes while a flush is under way waits for the next one, together', async () => {
  const open: (() => void)[] = []
  const group = new GroupFlush(() => new Promise((resolve) => open.push(resolve)), 0)
  const done: string[] = []
  const first = group.wait().then(() => done.push('first'))
  await expect.poll(() => open.length).toBe(1)
  const late = [group.wait(), group.wait()].map((wait) => wait.then(() => done.push('late')))
  expect(open.length).toBe(1)
  open[0]!()
  await first
  await expect.poll(() => open.length).toBe(2)
  expect(done).toEqual(['first'])
  open[1]!()
  await Promise.all(late)
  expect(done).toEqual(['first', 'late', 'late'])
})

test('one that fails is told to those who waited for it, and to nobody else', async () => {
  let fails = true
  const group = new GroupFlush(async () => {
    if (fails) throw new Error('the disk is full')
  }, 0)
  await expect(group.wait()).rejects.toThrow('the disk is full')
  fails = false
  await group.wait()
})
