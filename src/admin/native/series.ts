import type { CountKey } from '../../analytics/ports.ts'
import type { Answerer, CodeClass } from './answers.ts'

const classKeys = ['1XX', '2XX', '3XX', '4XX', '499', '5XX'] as const

const answererKeys: readonly Answerer[] = ['gateway', 'policy', 'callout', 'target', 'client']

/** What is asked of the store for one chart; `seriesOf` reads the answer. */
export const countKeys: readonly CountKey[] = ['any', ...classKeys, ...answererKeys]

export interface Series {
  readonly calls: number
  readonly byClass: Record<CodeClass, readonly number[]>
  readonly byAnswerer: Record<Answerer, readonly number[]>
}

/** `counts`: one list of `values` numbers for each of `countKeys`. */
export function seriesOf(counts: readonly (readonly number[])[], values: number): Series {
  const listOf = (key: CountKey): readonly number[] =>
    counts[countKeys.indexOf(key)] ?? new Array<number>(values).fill(0)
  const [ones, twos, threes, fours, gone, fives] = classKeys.map(listOf) as [
    readonly number[],
    readonly number[],
    readonly number[],
    readonly number[],
    readonly number[],
    readonly number[],
  ]
  const byAnswerer = Object.fromEntries(answererKeys.map((key) => [key, listOf(key)])) as Series['byAnswerer']
  const totals = listOf('any')
  const other = totals.map((all, i) => all - ones[i]! - twos[i]! - threes[i]! - fours[i]! - fives[i]!)
  return {
    calls: totals.reduce((sum, count) => sum + count, 0),
    byClass: {
      '1XX': ones,
      '2XX': twos,
      '3XX': threes,
      '4XX': fours.map((count, i) => count - gone[i]!),
      '499': gone,
      '5XX': fives,
      other,
    },
    byAnswerer,
  }
}
