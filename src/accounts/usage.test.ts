import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Metric } from '../model/service.ts'
import { MetricTree } from './metric-tree.ts'
import { readUsage, type Usage, UsageProblem } from './usage.ts'

const metric = (systemName: string, parent: string | null = null): Metric => ({
  id: systemName,
  systemName,
  friendlyName: systemName,
  unit: 'hit',
  description: '',
  parent,
})
const tree = new MetricTree([
  metric('hits'),
  metric('mid', 'hits'),
  metric('leaf', 'mid'),
  metric('other', 'hits'),
  metric('bytes'),
])
const read = (raw: Record<string, unknown>, flat = false): Usage | UsageProblem =>
  readUsage(Object.entries(raw), tree, flat)
const shown = (usage: Usage | UsageProblem): unknown =>
  usage instanceof UsageProblem
    ? usage.message
    : Object.fromEntries(
        tree.metrics.flatMap(({ systemName }, i) =>
          usage.has(i) ? [[systemName, usage.sets(i) ? `#${usage.values[i]}` : usage.values[i]]] : [],
        ),
      )

describe('usage', () => {
  it.each([
    [{ leaf: '1' }, { leaf: 1, mid: 1, hits: 1 }],
    [
      { hits: '1', mid: '2' },
      { hits: 3, mid: 2 },
    ],
    [{ bytes: ' 10 ' }, { bytes: 10 }],
    [{ leaf: '#4' }, { leaf: '#4', mid: '#4', hits: '#4' }],
    [
      { mid: '#4', other: '#7' },
      { mid: '#4', other: '#7', hits: '#7' },
    ],
    [{ hits: '0' }, { hits: 0 }],
    [{ hits: '99999999999999999999' }, { hits: Number.MAX_SAFE_INTEGER }],
    [{ nope: '1' }, 'metric "nope" is invalid'],
    [{ hits: '' }, 'usage value for metric "hits" can not be empty'],
    [{ hits: '-1' }, 'usage value "-1" for metric "hits" is invalid'],
    [{ hits: '1.5' }, 'usage value "1.5" for metric "hits" is invalid'],
    [{ hits: '# 5' }, 'usage value "# 5" for metric "hits" is invalid'],
    [{ hits: ['1'] }, 'usage value "["1"]" for metric "hits" is invalid'],
    [{ hits: new Map([['x', '1']]) }, 'usage value "{"x":"1"}" for metric "hits" is invalid'],
  ])('%j', (raw, expected) => expect(shown(read(raw))).toEqual(expected))

  it('is not passed on to parents when it is flat', () => {
    expect(shown(read({ leaf: '1', hits: '2' }, true))).toEqual({ leaf: 1, hits: 2 })
  })

  it('is zero only when nothing is added and nothing is set', () => {
    expect(
      [read({ hits: '0' }), read({ hits: '#0' }), read({ leaf: '1' })].map((one) => (one as Usage).isZero),
    ).toEqual([true, false, false])
  })

  it('a parent has the sum of everything below it', () => {
    const values = fc.record({ hits: fc.nat(1e6), mid: fc.nat(1e6), leaf: fc.nat(1e6), other: fc.nat(1e6) })
    fc.assert(
      fc.property(values, (raw) => {
        const usage = read(Object.fromEntries(Object.entries(raw).map(([name, n]) => [name, String(n)]))) as Usage
        expect(usage.values[0]).toBe(raw.hits + raw.mid + raw.leaf + raw.other)
        expect(usage.values[1]).toBe(raw.mid + raw.leaf)
      }),
    )
  })
})
