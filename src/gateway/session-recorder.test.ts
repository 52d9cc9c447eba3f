import { expect, test } from 'vitest'
import type { TraceOrder } from '../trace/orders.ts'
import { ActiveOrder } from './session-recorder.ts'

const order = (left: number | null): TraceOrder => ({
  session: 's',
  environment: 'test',
  proxy: 'p',
  revision: 1,
  filter: { headers: [], query: [] },
  left,
})

test('a session with a count takes so many calls, however many are still running', () => {
  const active = new ActiveOrder(order(2))
  expect([active.take(0), active.take(0), active.take(0)]).toEqual([true, true, false])
  active.release()
  expect(active.take(5_000)).toBe(false)
  expect(active.skipped).toBe(0)
})

test('what other threads have recorded counts too, and a late word gives nothing back', () => {
  const active = new ActiveOrder(order(20))
  active.renew(order(1))
  active.renew(order(5))
  expect([active.take(0), active.take(0)]).toEqual([true, false])
})

test('a session without a count takes twenty a second, and fifty at once; others are counted as skipped', () => {
  const active = new ActiveOrder(order(null))
  const taken = (ms: number): number => Array.from({ length: 30 }, () => active.take(ms)).filter(Boolean).length
  expect([taken(1_000), taken(1_999), taken(2_000), taken(3_000)]).toEqual([20, 0, 20, 10])
  expect(active.skipped).toBe(30 * 4 - 50)
  for (let i = 0; i < 50; i++) active.release()
  expect(taken(4_000)).toBe(20)
})
