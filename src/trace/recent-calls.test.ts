import { describe, expect, test } from 'vitest'
import { RecentCalls } from './recent-calls.ts'

const HOUR = 3_600_000
const T0 = 1_790_000_000_000

function ringOf(
  max: number,
  hours = 24,
): { ring: RecentCalls; clock: { now: number }; add: (id: string, status?: number, proxy?: string) => void } {
  const clock = { now: T0 }
  const ring = new RecentCalls(() => clock.now)
  ring.resize(max, hours)
  const add = (id: string, status = 200, proxy = ''): void => {
    const slot = ring.slot()
    slot.texts(id, 'host', `/${id}`, '')
    slot.timeMs = clock.now
    slot.status = status
    slot.proxy = proxy
    clock.now++
  }
  return { ring, clock, add }
}

const ids = (ring: RecentCalls, filter = {}): string[] =>
  ring.page({ limit: 100, ...filter }).calls.map(({ requestId }) => requestId)

describe('the ring of recent calls', () => {
  test('holds the latest, the latest first', () => {
    const { ring, add } = ringOf(3)
    expect(ring.page({ limit: 10 })).toEqual({ calls: [], held: 0, oldestMs: null })
    for (const id of ['a', 'b']) add(id)
    expect(ids(ring)).toEqual(['b', 'a'])
    for (const id of ['c', 'd', 'e']) add(id)
    expect(ids(ring)).toEqual(['e', 'd', 'c'])
    expect(ring.page({ limit: 1 })).toMatchObject({ held: 3, oldestMs: T0 + 2 })
    expect(ids(ring, { limit: 1 })).toEqual(['e'])
    expect([ring.find('b'), ring.find('d')?.requestId]).toEqual([null, 'd'])
  })

  test('uses its slots again', () => {
    const { ring, add } = ringOf(2)
    for (const id of ['a', 'b']) add(id)
    const [a, b] = [ring.slot(), ring.slot()]
    expect([ring.slot(), ring.slot(), ring.slot()]).toEqual([a, b, a])
    expect(ring.slot()).toBe(b)
  })

  test('shows nothing older than it may, and forgets it', () => {
    const { ring, clock, add } = ringOf(10, 1)
    add('old')
    expect(ring.find('old')?.requestId).toBe('old')
    clock.now += HOUR
    add('new')
    expect(ids(ring)).toEqual(['new'])
    expect(ring.page({ limit: 1 }).held).toBe(1)
    expect(ring.find('old')).toBe(null)
    ring.sweep()
    clock.now = T0
    expect(ids(ring)).toEqual(['new'])
  })

  test('keeps what there is room for when its size changes', () => {
    const { ring, add } = ringOf(4)
    for (const id of ['a', 'b', 'c', 'd', 'e']) add(id)
    ring.resize(2, 24)
    expect(ids(ring)).toEqual(['e', 'd'])
    ring.resize(3, 24)
    add('f')
    expect(ids(ring)).toEqual(['f', 'e', 'd'])
    add('g')
    expect(ids(ring)).toEqual(['g', 'f', 'e'])
    ring.resize(0, 24)
    expect([ring.keeps, ids(ring)]).toEqual([false, []])
    ring.resize(1, 24)
    add('h')
    expect(ids(ring)).toEqual(['h'])
  })

  test('filters: all that are given must hold', () => {
    const { ring, add } = ringOf(10)
    for (const [id, status] of [
      ['a', 200],
      ['b', 404],
      ['c', 499],
      ['d', 503],
    ] as const)
      add(id, status, id === 'b' ? 'weather' : '')
    expect(ids(ring, { status: 404 })).toEqual(['b'])
    expect(ids(ring, { codeClass: '4XX' })).toEqual(['b'])
    expect(ids(ring, { codeClass: '499' })).toEqual(['c'])
    expect(ids(ring, { proxy: 'weather', codeClass: '5XX' })).toEqual([])
    expect(ids(ring, { sinceMs: T0 + 1, untilMs: T0 + 3 })).toEqual(['c', 'b'])
    expect(ids(ring, { answeredBy: 'target' })).toEqual([])
  })
})

test('long texts of clients are cut, and never run into each other', () => {
  const { ring } = ringOf(2)
  const other = ring.slot()
  other.texts('other', 'o', '/o', '')
  const slot = ring.slot()
  slot.timeMs = T0
  slot.texts('1'.repeat(32), 'h'.repeat(500), `/${'p'.repeat(9_000)}`, 'q'.repeat(9_000))
  slot.targetTexts(`/${'t'.repeat(9_000)}`, 'u'.repeat(9_000))
  const call = ring.find('1'.repeat(32))!
  expect(call.host).toMatch(/^h+\.\.\.$/)
  expect(call.path).toMatch(/^\/p{100,}\.\.\.$/)
  expect(call.query).toMatch(/^q{100,}\.\.\.$/)
  expect(call.targetPath).toMatch(/^\/t{100,}\.\.\.$/)
  expect(call.targetQuery).toMatch(/^u*\.\.\.$/)
  expect(other.call()).toMatchObject({ requestId: 'other', host: 'o', path: '/o', query: '', targetPath: '' })
})
