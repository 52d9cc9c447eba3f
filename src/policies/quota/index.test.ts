import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import type { Value } from '../../engine/language/value.ts'
import { MemoryCounters } from '../../stores/memory/counters.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import quota from './index.ts'
import { fixedWindowAt, startTimeOf } from './windows.ts'

const T0 = Date.UTC(2026, 0, 1)
const MINUTE = 60_000
const policy = (inner: string, attributes = ''): string => `<Quota name="Q" ${attributes}>${inner}</Quota>`
const MINUTES = '<Interval>1</Interval><TimeUnit>minute</TimeUnit>'
const two = policy(`<Allow count="2"/>${MINUTES}`)

/** Which of the calls at these moments (ms after T0) pass. */
async function passed(xml: string, atMs: readonly number[], options: RunOptions = {}): Promise<boolean[]> {
  let nowMs = T0 + (atMs[0] ?? 0)
  const run = await runPolicy(quota, xml, { ...options, now: () => nowMs })
  expect(run.problemLines).toEqual([])
  const good = [run.outcome === undefined]
  for (const at of atMs.slice(1)) {
    nowMs = T0 + at
    good.push((await run.again()) === undefined)
  }
  return good
}

describe('windows', () => {
  test('default: whole minutes', async () => {
    expect(await passed(two, [59_000, 59_500, 59_999, 60_000, 60_001, 60_002])).toEqual([
      true,
      true,
      false,
      true,
      true,
      false,
    ])
  })

  test('calendar: from StartTime on', async () => {
    const start = '<StartTime>2025-12-31 23:59:30</StartTime>'
    const xml = policy(`<Allow count="1"/>${MINUTES}${start}`, 'type="calendar"')
    expect(await passed(xml, [0, 29_999, 30_000, 60_000, 90_000])).toEqual([true, false, true, false, true])
  })

  test('flexi: a window begins with the first call', async () => {
    const xml = policy(`<Allow count="2"/>${MINUTES}`, 'type="flexi"')
    expect(await passed(xml, [59_000, 60_000, 90_000, 118_999, 119_000])).toEqual([true, true, false, false, true])
  })

  test('rollingwindow: of the window before counts the share that is still covered', async () => {
    const xml = policy(`<Allow count="2"/>${MINUTES}`, 'type="rollingwindow"')
    expect(await passed(xml, [59_000, 59_500, 60_500, 80_000, 90_000, 120_000])).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
    ])
  })

  test.each([
    ['week', '2026-01-04T23:59:59Z', '2026-01-05T00:00:00Z'],
    ['month', '2026-01-31T23:59:59Z', '2026-02-01T00:00:00Z'],
    ['day', '2026-01-31T23:59:59Z', '2026-02-01T00:00:00Z'],
  ] as const)('a %s ends where people expect it', (unit, now, end) => {
    expect(new Date(fixedWindowAt(Date.parse(now), 1, unit, null).endMs)).toEqual(new Date(end))
  })

  test('every moment lies in its window', () => {
    const units = fc.constantFrom('minute', 'hour', 'day', 'week', 'month' as const)
    const moment = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2060, 0) })
    fc.assert(
      fc.property(moment, fc.integer({ min: 1, max: 40 }), units, fc.option(moment), (now, interval, unit, start) => {
        const { endMs, lengthMs } = fixedWindowAt(now, interval, unit, start)
        expect(endMs).toBeGreaterThan(now)
        expect(endMs - lengthMs).toBeLessThanOrEqual(now)
        expect(fixedWindowAt(endMs - 1, interval, unit, start).endMs).toBe(endMs)
        expect(fixedWindowAt(endMs, interval, unit, start).endMs).toBeGreaterThan(endMs)
      }),
    )
  })

  test.each([
    ['2026-01-31 12:00:00', Date.UTC(2026, 0, 31, 12)],
    ['2026-2-1 1:2:3', Date.UTC(2026, 1, 1, 1, 2, 3)],
    ['2026-02-30 00:00:00', null],
    ['2026-01-31', null],
    ['2026-01-31 24:00:00', null],
  ])('StartTime %s', (text, wanted) => {
    expect(startTimeOf(text)).toBe(wanted)
  })
})

describe('variables', () => {
  async function counts(xml: string, calls: number, options: RunOptions = {}): Promise<Value[]> {
    const run = await runPolicy(quota, xml, options)
    for (let i = 1; i < calls; i++) await run.again()
    const names = ['allowed', 'used', 'available', 'exceed', 'total.exceed'].map((name) => `${name}.count`)
    return [...names, 'expiry.time', 'identifier'].map((name) => run.exchange.get(`ratelimit.Q.${name}`))
  }
  const end = String(T0 + MINUTE)

  test('what was used and what is left', async () => {
    expect(await counts(two, 1)).toEqual(['2', '1', '1', '0', '0', end, '_default'])
    expect(await counts(two, 2)).toEqual(['2', '2', '0', '0', '0', end, '_default'])
    expect(await counts(two, 4)).toEqual(['2', '2', '0', '1', '2', end, '_default'])
  })

  test('a class has a limit and a count of its own', async () => {
    const classes = '<Class ref="tier"><Allow class="gold" count="3"/></Class>'
    const xml = policy(`<Allow count="1">${classes}</Allow>${MINUTES}`)
    const run = await runPolicy(quota, xml, { variables: { tier: 'gold' } })
    expect(run.exchange.get('ratelimit.Q.class')).toBe('gold')
    expect(run.exchange.get('ratelimit.Q.class.available.count')).toBe('2')
    expect(await counts(xml, 1, { variables: { tier: 'none' } })).toContain('1')
  })
})

test('identifiers are counted apart, and threads together', async () => {
  const table = MemoryCounters.allocate({ slots: 1_024 })
  const xml = policy(`<Allow count="1"/>${MINUTES}<Identifier ref="id"/>`)
  const call = async (id: string, thread: number): Promise<boolean> =>
    (await runPolicy(quota, xml, { counters: new MemoryCounters(table, thread), variables: { id } })).outcome ===
    undefined
  expect([await call('a', 1), await call('a', 2), await call('b', 2)]).toEqual([true, false, true])
})

test('limits come from variables, with what is written as their fallback', async () => {
  const xml = policy('<Allow count="1" countRef="c"/><Interval ref="i">1</Interval><TimeUnit ref="u">day</TimeUnit>')
  const run = await runPolicy(quota, xml, { variables: { c: '5', i: '2', u: 'hour' } })
  expect(run.exchange.get('ratelimit.Q.allowed.count')).toBe('5')
  expect(run.exchange.get('ratelimit.Q.expiry.time')).toBe(String(T0 + 2 * 60 * MINUTE))
  const without = await runPolicy(quota, xml)
  expect(without.exchange.get('ratelimit.Q.allowed.count')).toBe('1')
  expect(without.exchange.get('ratelimit.Q.expiry.time')).toBe(String(T0 + 24 * 60 * MINUTE))
})

test('the product of a VerifyAPIKey step says the limits', async () => {
  const fallback = `<DefaultConfig><Allow>1</Allow>${MINUTES}</DefaultConfig>`.replace(
    '<Allow>1</Allow>',
    '<Allow count="1"/>',
  )
  const xml = policy(`<UseQuotaConfigInAPIProduct stepName="VA">${fallback}</UseQuotaConfigInAPIProduct>`)
  const variables = {
    'verifyapikey.VA.apiproduct.developer.quota.limit': '7',
    'verifyapikey.VA.apiproduct.developer.quota.interval': '1',
    'verifyapikey.VA.apiproduct.developer.quota.timeunit': 'hour',
  }
  expect((await runPolicy(quota, xml, { variables })).exchange.get('ratelimit.Q.allowed.count')).toBe('7')
  expect((await runPolicy(quota, xml)).exchange.get('ratelimit.Q.allowed.count')).toBe('1')
})

test('a call of weight 2 counts two, one of weight 0 none', async () => {
  const xml = policy(`<Allow count="3"/>${MINUTES}<MessageWeight ref="w"/>`)
  expect(await passed(xml, [0, 0], { variables: { w: 2 } })).toEqual([true, false])
  expect(await passed(xml, [0, 0, 0, 0, 0], { variables: { w: '0' } })).toEqual([true, true, true, true, true])
})

describe('faults', () => {
  const faultOf = async (xml: string, options: RunOptions = {}): Promise<string> => {
    const { outcome } = await runPolicy(quota, xml, options)
    return outcome instanceof Fault ? `${outcome.status} ${outcome.code} ${outcome.text}` : String(outcome)
  }
  test.each<[string, RunOptions, string]>([
    [
      policy(`<Allow count="0"/>${MINUTES}<Identifier ref="id"/>`),
      { variables: { id: 'ann' } },
      '429 policies.ratelimit.QuotaViolation Rate limit quota violation. Quota limit  exceeded. Identifier : ann',
    ],
    [policy(`<Allow countRef="c"/>${MINUTES}`), {}, '500 policies.ratelimit.FailedToResolveQuotaCountReference'],
    [
      policy('<Allow count="1"/><Interval ref="i"/><TimeUnit>day</TimeUnit>'),
      { variables: { i: '0' } },
      '500 policies.ratelimit.FailedToResolveQuotaIntervalReference',
    ],
    [
      policy('<Allow count="1"/><Interval>1</Interval><TimeUnit ref="u"/>'),
      { variables: { u: 'century' } },
      '500 policies.ratelimit.FailedToResolveQuotaIntervalTimeUnitReference',
    ],
    [
      policy(`<Allow count="1"/>${MINUTES}<MessageWeight ref="w"/>`),
      { variables: { w: '-1' } },
      '500 policies.ratelimit.InvalidMessageWeight Invalid message weight value -1',
    ],
  ])('%s', async (xml, options, wanted) => {
    expect(await faultOf(xml, options)).toContain(wanted)
  })
})

describe('deployment errors', () => {
  test.each([
    [policy(MINUTES), 'InvalidAllowCount'],
    [policy(`<Allow count="-1"/>${MINUTES}`), 'InvalidAllowCount'],
    [policy('<Allow count="1"/><TimeUnit>day</TimeUnit>'), 'InvalidQuotaInterval'],
    [policy('<Allow count="1"/><Interval>0</Interval><TimeUnit>day</TimeUnit>'), 'InvalidQuotaInterval'],
    [policy('<Allow count="1"/><Interval>1</Interval>'), 'InvalidQuotaTimeUnit'],
    [policy('<Allow count="1"/><Interval>1</Interval><TimeUnit>second</TimeUnit>'), 'InvalidQuotaTimeUnit'],
    [policy(`<Allow count="1"/>${MINUTES}`, 'type="weekly"'), 'InvalidQuotaType'],
    [policy(`<Allow count="1"/>${MINUTES}`, 'type="calendar"'), 'InvalidStartTime'],
    [policy(`<Allow count="1"/>${MINUTES}<StartTime>soon</StartTime>`, 'type="calendar"'), 'InvalidStartTime'],
    [policy(`<Allow count="1"/>${MINUTES}<StartTime>2026-01-01 0:0:0</StartTime>`), 'StartTimeNotSupported'],
    [policy(`<Allow count="1"/>${MINUTES}<MessageWeight>x</MessageWeight>`), 'InvalidMessageWeight'],
    [policy(`<Allow count="1"/>${MINUTES}<SharedName>s</SharedName>`), 'NotSupported'],
    [
      policy(`<Allow count="1"/>${MINUTES}<Synchronous>true</Synchronous><AsynchronousConfiguration/>`),
      'InvalidAsynchronizeConfigurationForSynchronousQuota',
    ],
    [
      policy(
        `<Allow count="1"/>${MINUTES}<AsynchronousConfiguration><SyncIntervalInSeconds>x</SyncIntervalInSeconds></AsynchronousConfiguration>`,
      ),
      'InvalidSynchronizeIntervalForAsyncConfiguration',
    ],
  ])('%s', async (xml, code) => {
    expect((await runPolicy(quota, xml)).problemLines[0]).toContain(`error: ${code}:`)
  })
})
