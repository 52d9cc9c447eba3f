import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { UsageQuery } from '../../accounts/ports.ts'
import type { UsageAmount } from '../../model/usage.ts'
import { type OpenDatabase, openDatabase } from './database.ts'
import { StoredUsageReader, UsageDatabase } from './usage.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A Wednesday. */
const NOW = Date.parse('2026-03-04T10:11:00Z')
const DAY = Date.parse('2026-03-04')

let folder: string
let database: OpenDatabase
let usage: UsageDatabase
let now = NOW

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-usage-'))
  database = openDatabase(folder, NOW)
  now = NOW
  usage = new UsageDatabase(database.writer, database.reader, () => now)
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

const amount = (part: Partial<UsageAmount>): UsageAmount => ({
  service: '42',
  application: 'app',
  kind: 'metric',
  name: 'hits',
  atMs: NOW,
  value: 1,
  set: false,
  ...part,
})
const write = (...amounts: UsageAmount[]): void => usage.write([{ amounts, errors: [] }])
const count = (part: Partial<UsageQuery> = {}): number[] =>
  usage.usage({
    scope: { kind: 'service', service: '42' },
    kind: 'metric',
    name: 'hits',
    edgesMs: [DAY, DAY + DAY_MS],
    by: 'hour',
    ...part,
  })
const ofApp = { kind: 'application', service: '42', application: 'app' } as const

describe('usage in SQLite', () => {
  it('adds up for the application and its service, in every period', () => {
    write(amount({ value: 2 }), amount({ application: 'other', value: 5 }), amount({ application: '', value: 1 }))
    write(amount({ value: 3, atMs: NOW - HOUR_MS }))
    expect(count()).toEqual([11])
    expect(count({ scope: ofApp })).toEqual([5])
    const edgesMs = [9, 10, 11].map((hour) => DAY + hour * HOUR_MS)
    expect(count({ scope: ofApp, edgesMs })).toEqual([3, 2])
    const reader = new StoredUsageReader(database.file)
    const kept = (period: Parameters<StoredUsageReader['value']>[3], start: string): number =>
      reader.value('app', '42', 'hits', period, Date.parse(start))
    expect([
      kept('minute', '2026-03-04T10:11Z'),
      kept('hour', '2026-03-04T10:00Z'),
      kept('day', '2026-03-04'),
      kept('week', '2026-03-02'),
      kept('month', '2026-03-01'),
      kept('year', '2026-01-01'),
      kept('eternity', '1970-01-01'),
      kept('day', '2026-03-05'),
    ]).toEqual([2, 2, 5, 5, 5, 5, 5, 0])
  })

  it('set replaces every period, in its place among the others', () => {
    write(amount({ value: 9, atMs: NOW - HOUR_MS }), amount({ value: 2, set: true }), amount({ value: 1 }))
    expect(count({ scope: ofApp })).toEqual([3])
    expect(count({ scope: ofApp, edgesMs: [0, NOW] })).toEqual([3])
    expect(count({ scope: ofApp, edgesMs: [DAY + 9 * HOUR_MS, DAY + 10 * HOUR_MS] })).toEqual([9])
  })

  it('keeps codes apart from metrics, and never counts beyond what is exact', () => {
    write(amount({ kind: 'code', name: '2XX' }), amount({ value: Number.MAX_SAFE_INTEGER }))
    write(amount({ value: Number.MAX_SAFE_INTEGER }))
    expect(count({ kind: 'code', name: '2XX' })).toEqual([1])
    expect(count()).toEqual([Number.MAX_SAFE_INTEGER])
  })

  it('forgets minutes after three of them, nothing else', () => {
    write(amount({}))
    const minutes = { scope: ofApp, by: 'minute', edgesMs: [NOW, NOW + 60_000] } as const
    usage.prune(NOW + 170_000)
    expect(count(minutes)).toEqual([1])
    usage.prune(NOW + 181_000)
    expect([count(minutes), count()]).toEqual([[0], [1]])
  })

  it('has the newest errors of a service first, a thousand of them', () => {
    const error = (i: number) => ({ service: '42', code: 'metric_invalid', message: String(i), atMs: NOW + i })
    usage.write([{ amounts: [], errors: Array.from({ length: 1_200 }, (_, i) => error(i)) }])
    usage.write([{ amounts: [], errors: [{ ...error(7), service: '43' }] }])
    const page = (offset: number): string[] =>
      usage.integrationErrors({ service: '42', offset, count: 2 }).map(({ message }) => message)
    expect([page(0), page(998), page(1_000)]).toEqual([['1199', '1198'], ['201', '200'], []])
    expect(usage.forgetErrors('42')).toBe(1_000)
    expect([page(0), usage.integrationErrors({ service: '43', offset: 0, count: 9 }).length]).toEqual([[], 1])
  })
})

describe('zones off the whole hour', () => {
  const HALF = HOUR_MS / 2

  it('days of New Delhi and hours of Kathmandu are exact for 90 days, then to the hour', () => {
    const midnight = DAY - 5.5 * HOUR_MS
    write(amount({ atMs: midnight - 60_000, value: 1 }), amount({ atMs: midnight + 60_000, value: 2 }))
    write(amount({ atMs: DAY + HOUR_MS, value: 4 }))
    const edgesMs = [midnight - DAY_MS, midnight, midnight + DAY_MS]
    expect(count({ edgesMs })).toEqual([1, 6])
    expect(count({ edgesMs: [midnight - HALF / 2, midnight, midnight + HALF / 2] })).toEqual([1, 2])
    now += 100 * DAY_MS
    usage.prune(now)
    expect(count({ edgesMs })).toEqual([3, 4])
    expect(count({ edgesMs: [DAY - DAY_MS, DAY, DAY + DAY_MS] })).toEqual([3, 4])
  })
})

describe('top applications', () => {
  const top = (part: { sinceMs?: number; untilMs?: number; count?: number } = {}): [string, number][] =>
    usage
      .topApplications({
        service: '42',
        name: 'hits',
        sinceMs: DAY - 40 * DAY_MS,
        untilMs: DAY + DAY_MS,
        count: 2,
        ...part,
      })
      .map(({ application, value }) => [application, value])

  it('are those that used most in the range', () => {
    write(
      amount({ application: 'a', value: 5 }),
      amount({ application: 'b', value: 3 }),
      amount({ application: 'b', value: 3, atMs: NOW - 35 * DAY_MS }),
      amount({ application: 'c', value: 1 }),
      amount({ application: 'd', value: 9, name: 'other' }),
      amount({ application: 'e', value: 9, service: '43' }),
      amount({ application: '', value: 9 }),
    )
    expect(top()).toEqual([
      ['b', 6],
      ['a', 5],
    ])
    expect(top({ sinceMs: DAY, count: 10 })).toEqual([
      ['a', 5],
      ['b', 3],
      ['c', 1],
    ])
    expect(top({ sinceMs: DAY + 10 * HOUR_MS, untilMs: DAY + 10.25 * HOUR_MS })).toEqual([
      ['a', 5],
      ['b', 3],
    ])
  })
})
