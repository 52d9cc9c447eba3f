import { describe, expect, test } from 'vitest'
import { type Series, seriesAt, stacked } from '../../dashboard/src/chart/series.ts'
import { usageSeries } from '../../dashboard/src/chart/usage-series.ts'
import { csvOf } from '../../dashboard/src/csv.ts'
import { bytes, duration, share, span } from '../../dashboard/src/format.ts'
import type { UsageAnswer, UsageMetric } from '../../src/admin/native/answers.ts'

// The parts of the dashboard that need no browser.

test('a file is quoted, and no cell of it is a formula', () => {
  const rows = [
    ['=HYPERLINK("http://evil.example")', 1],
    ['+1', -2],
    ['@SUM(A1)', 3],
    ['say "hi", all', 4],
  ] as const
  expect(csvOf(['name', 'calls'], rows)).toBe(
    '"name","calls"\r\n"\'=HYPERLINK(""http://evil.example"")",1\r\n"\'+1",-2\r\n"\'@SUM(A1)",3\r\n"say ""hi"", all",4\r\n',
  )
})

describe('numbers in words', () => {
  test.each([
    [share(0, 10), '0 %'],
    [share(10, 10), '100 %'],
    [share(1, 100_000), '< 0.1 %'],
    [share(99_999, 100_000), '> 99.9 %'],
    [share(0, 0), '–'],
    [duration(null), '–'],
    [duration(0.04), '< 0.1 ms'],
    [duration(0), '0 ms'],
    [duration(1.26), '1.3 ms'],
    [duration(2_340), '2.3 s'],
    [span(400), 'now'],
    [span(61_000), '1 minute 1 second'],
    [span(2 * 86_400_000 + 5_000), '2 days'],
    [bytes(1_536), '1.5 KiB'],
  ])('%s', (words, expected) => expect(words).toBe(expected))
})

const seriesOf = (key: string, value: number): Series => ({
  key,
  label: key,
  meaning: '',
  colour: '#000000',
  values: [value],
  total: value,
})

describe('the area below a click', () => {
  const series = [seriesOf('2XX', 1_000), seriesOf('4XX', 0), seriesOf('5XX', 4)]
  const hit = (value: number, tolerance = 10): string | undefined => seriesAt(series, 0, value, tolerance)?.key

  test('is the one that is there', () => {
    expect(stacked(series)).toEqual([[1_000], [1_000], [1_004]])
    expect(hit(300)).toBe('2XX')
    expect(hit(1_002)).toBe('5XX')
  })

  test('is a thin one too, when the pointer is near it', () => {
    expect([hit(995), hit(1_012)]).toEqual(['5XX', '5XX'])
    expect(hit(985)).toBe('2XX')
  })

  test('is none above them all', () => expect(hit(1_100)).toBeUndefined())
})

describe('usage', () => {
  const metric = (name: string, values: readonly number[], parent: string | null = null): UsageMetric => ({
    name,
    friendlyName: name,
    unit: 'hit',
    isMethod: parent !== null,
    parent,
    total: values.reduce((sum, value) => sum + value, 0),
    values,
  })
  const stackOf = (metrics: readonly UsageMetric[]) =>
    usageSeries({ metrics } as UsageAnswer, metrics[0]!.name).map(({ key, values }) => [key, ...values])

  test('is a stack of methods and of what no method counted: its top is the metric', () => {
    const metrics = [metric('hits', [10, 5]), metric('few', [1, 1], 'hits'), metric('many', [6, 4], 'hits')]
    expect(stackOf(metrics)).toEqual([
      ['many', 6, 4],
      ['few', 1, 1],
      ['hits rest', 3, 0],
    ])
  })

  test('of many methods shows the greatest, and the others together', () => {
    const methods = Array.from({ length: 12 }, (_each, at) => metric(`m${at}`, [at + 1], 'hits'))
    const stack = stackOf([metric('hits', [78]), ...methods])
    expect(stack.map(([key]) => key)).toEqual(['m11', 'm10', 'm9', 'm8', 'm7', 'm6', 'm5', 'm4', 'hits rest'])
    expect(stack.reduce((sum, [, value]) => sum + Number(value), 0)).toBe(78)
  })

  test('of a metric without methods is one area', () => {
    expect(stackOf([metric('bytes', [7])])).toEqual([['bytes', 7]])
  })
})
