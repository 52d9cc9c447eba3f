import { describe, expect, test } from 'vitest'
import { parseFilter } from './stat-filter.ts'
import { readRange } from './stat-range.ts'

const known = (name: string): boolean => ['apiproxy', 'verb', 'status'].includes(name)
const row: Record<string, string> = { apiproxy: 'weather', verb: 'GET', status: '404' }

describe('a filter', () => {
  test.each([
    ["(apiproxy eq 'weather')", true],
    ["(apiproxy ne 'weather')", false],
    ["(status ge 400 and status lt '500')", true],
    ['(status gt 99)', true],
    ["(verb in 'PUT','GET')", true],
    ["(verb notin 'PUT','GET')", false],
    ["(apiproxy like 'wea%')", true],
    ["(apiproxy eq 'x' or (verb eq 'GET' and status eq 404))", true],
    ["apiproxy eq 'x' or verb eq 'POST' or status eq 404", true],
    ["(apiproxy eq 'it\\'s')", false],
  ])('%s', (text, wanted) => {
    expect(parseFilter(text, known).test((name) => row[name]!)).toBe(wanted)
  })

  test.each([
    ["(colour eq 'red')", 'colour is no dimension here'],
    ["(apiproxy is 'x')", 'is is none of eq'],
    ["(apiproxy eq 'x'", 'it ends too early'],
    ["(apiproxy eq 'x') 5", '5 is not expected'],
    ['(apiproxy eq weather)', "weather is no value: 'text' or a number"],
    ["(apiproxy eq 'x) ", 'character 13 cannot be read'],
    ['', 'it ends too early'],
    [`(apiproxy eq '${'x'.repeat(3_000)}')`, 'more than 2000 characters'],
  ])('%s is refused', (text, message) => {
    expect(() => parseFilter(text, known)).toThrow(message)
  })
})

describe('a range', () => {
  const now = Date.UTC(2026, 10, 29)
  test('with a unit has a granule for each, called by where it begins', () => {
    const { edgesMs, stampsMs } = readRange('11/27/2026 23:30~11/28/2026 01:30', 'hour', '0', now)
    expect(stampsMs!.map((ms) => new Date(ms).toISOString().slice(8, 16))).toEqual(['27T23:00', '28T00:00', '28T01:00'])
    expect(edgesMs).toHaveLength(4)
    const weeks = readRange('11/16/2026 00:00~11/24/2026 00:00', 'week', '0', now)
    expect(weeks.stampsMs!.map((ms) => new Date(ms).getUTCDay())).toEqual([0, 0])
    const months = readRange('10/31/2026 00:00~11/02/2026 00:00', 'month', '0', now)
    expect(months.stampsMs).toEqual([Date.UTC(2026, 9), Date.UTC(2026, 10)])
    const shifted = readRange('11/27/2026 00:00~11/27/2026 02:00', 'day', '-60', now)
    expect(shifted.edgesMs).toHaveLength(3)
    expect(readRange('11/27/2026 00:00~11/28/2026 00:00', undefined, '0', now).stampsMs).toBeNull()
  })

  test.each([
    ['11/27/2026 00:00', 'hour', 'timeRange must be'],
    ['11/28/2026 00:00~11/27/2026 00:00', 'hour', 'timeRange must be'],
    ['02/30/2026 00:00~11/27/2026 00:00', 'hour', 'timeRange must be'],
    ['01/01/2025 00:00~11/27/2026 00:00', 'hour', 'more than 90 days ago'],
    ['11/27/2026 00:00~11/28/2026 00:00', 'second', 'timeUnit must be one of minute, hour'],
    ['09/27/2026 00:00~11/28/2026 00:00', 'minute', 'take a longer timeUnit'],
  ])('%s %s is refused', (range, unit, message) => {
    expect(() => readRange(range, unit, '0', now)).toThrow(message)
  })
})
