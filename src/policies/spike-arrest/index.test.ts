import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { MemoryCounters } from '../../stores/memory/counters.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import spikeArrest from './index.ts'

const policy = (inner: string): string => `<SpikeArrest name="SA">${inner}</SpikeArrest>`
const T0 = Date.UTC(2026, 0, 1)

/** Which of the calls at these moments (ms after T0) pass. */
async function passed(inner: string, atMs: readonly number[], options: RunOptions = {}): Promise<number[]> {
  let nowMs = T0 + (atMs[0] ?? 0)
  const run = await runPolicy(spikeArrest, policy(inner), { ...options, now: () => nowMs })
  expect(run.problemLines).toEqual([])
  const good = run.outcome === undefined ? [atMs[0]!] : []
  for (const at of atMs.slice(1)) {
    nowMs = T0 + at
    if ((await run.again()) === undefined) good.push(at)
  }
  return good
}

describe('smoothing', () => {
  test.each<[string, readonly number[], readonly number[]]>([
    ['30pm', [0, 1, 1_999, 2_000, 3_999, 4_000], [0, 2_000, 4_000]],
    ['30pm', [1_999, 2_000, 3_998, 3_999], [1_999, 3_999]],
    ['10ps', [0, 50, 99, 100, 150, 250], [0, 100, 250]],
    ['1000ps', [0, 0, 1, 1, 2], [0, 1, 2]],
    ['2000ps', [0, 0, 0, 1], [0, 0, 1]],
  ])('%s: of calls at %j pass %j', async (rate, at, wanted) => {
    expect(await passed(`<Rate>${rate}</Rate>`, at)).toEqual(wanted)
  })

  test('no two calls are ever closer than the rate says, and none that is far enough is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom([7, 'ps'] as const, [30, 'pm'] as const, [90, 'pm'] as const),
        fc.array(fc.nat(700), { minLength: 2, maxLength: 40 }),
        async ([calls, unit], gaps) => {
          const apartMs = (unit === 'ps' ? 1_000 : 60_000) / calls
          const at: number[] = []
          for (const gap of gaps) at.push((at.at(-1) ?? 0) + gap)
          const good = new Set(await passed(`<Rate>${calls}${`p${unit[1]}`}</Rate>`, [...new Set(at)]))
          let last = Number.NEGATIVE_INFINITY
          for (const moment of new Set(at)) {
            // A thousandth for rounding of the slots, which are no whole milliseconds.
            if (good.has(moment)) expect(moment - last).toBeGreaterThan(apartMs - 0.001)
            else expect(moment - last).toBeLessThan(apartMs + 0.001)
            if (good.has(moment)) last = moment
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test('identifiers are counted apart, policies too, and threads together', async () => {
    const table = MemoryCounters.allocate({ slots: 1_024 })
    const call = async (id: string, thread: number, name = 'SA'): Promise<boolean> => {
      const xml = `<SpikeArrest name="${name}"><Rate>1pm</Rate><Identifier ref="id"/></SpikeArrest>`
      const counters = new MemoryCounters(table, thread)
      return (await runPolicy(spikeArrest, xml, { counters, variables: { id } })).outcome === undefined
    }
    expect([await call('a', 1), await call('a', 2), await call('b', 2), await call('a', 1, 'SB')]).toEqual([
      true,
      false,
      true,
      true,
    ])
  })

  test.each([1, 2, 999])(
    'a thread whose clock was read %i ms before another call counted is refused',
    async (lateMs) => {
      const table = MemoryCounters.allocate({ slots: 1_024 })
      const call = async (thread: number, nowMs: number): Promise<boolean> => {
        const options = { counters: new MemoryCounters(table, thread), now: () => nowMs }
        return (await runPolicy(spikeArrest, policy('<Rate>60pm</Rate>'), options)).outcome === undefined
      }
      expect([await call(1, T0), await call(2, T0 - lateMs)]).toEqual([true, false])
    },
  )

  test('a weight of 2 keeps twice the distance', async () => {
    const inner = '<Rate>60pm</Rate><MessageWeight ref="w"/>'
    expect(await passed(inner, [0, 1_000, 1_999, 2_000], { variables: { w: '2' } })).toEqual([0, 2_000])
  })
})

test('the effective count lets a burst pass, and no more than the rate in any period', async () => {
  const inner = '<Rate>4ps</Rate><UseEffectiveCount>true</UseEffectiveCount>'
  const good = await passed(inner, [0, 1, 2, 3, 4, 500, 999, 1_000, 1_250, 1_251, 1_500])
  expect(good).toEqual([0, 1, 2, 3, 1_250, 1_500])
})

describe('faults', () => {
  const faultOf = async (inner: string, options: RunOptions = {}): Promise<string> => {
    const run = await runPolicy(spikeArrest, policy(inner), options)
    const outcome = run.outcome ?? (await run.again())
    return outcome instanceof Fault ? `${outcome.status} ${outcome.code} ${outcome.text}` : String(outcome)
  }

  test('SpikeArrestViolation', async () => {
    expect(await faultOf('<Rate>60pm</Rate>')).toBe(
      '429 policies.ratelimit.SpikeArrestViolation Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=60, periodInMicroseconds=60000000, maxBurstMessageCount=6.0}',
    )
  })

  test('a rate from a variable', async () => {
    const wanted =
      '500 policies.ratelimit.FailedToResolveSpikeArrestRate Failed to resolve Spike Arrest Rate reference r in SpikeArrest policy SA'
    expect(await faultOf('<Rate ref="r"/>')).toBe(wanted)
    expect(await faultOf('<Rate ref="r"/>', { variables: { r: 'many' } })).toBe(wanted)
    expect(await faultOf('<Rate ref="r"/>', { variables: { r: '5ps' } })).toMatch(/^429/)
    expect(await faultOf('<Rate ref="r">1pm</Rate>')).toMatch(/^429/)
  })

  test.each(['0', '-1', '1.5', 'x', '99999999'])('InvalidMessageWeight: %s', async (w) => {
    expect(await faultOf('<Rate>1pm</Rate><MessageWeight ref="w"/>', { variables: { w } })).toBe(
      `500 policies.ratelimit.InvalidMessageWeight Invalid message weight value ${w}`,
    )
  })
})

test.each([
  ['', 'InvalidAllowedRate'],
  ['<Rate/>', 'InvalidAllowedRate'],
  ['<Rate>30</Rate>', 'InvalidAllowedRate'],
  ['<Rate>0ps</Rate>', 'InvalidAllowedRate'],
  ['<Rate>30ph</Rate>', 'InvalidAllowedRate'],
  ['<Rate>1ps</Rate><MessageWeight>0</MessageWeight>', 'InvalidMessageWeight'],
  ['<Rate>1ps</Rate><Speed/>', 'UnknownElement'],
])('%s: %s', async (inner, code) => {
  expect((await runPolicy(spikeArrest, policy(inner))).problemLines[0]).toContain(code)
})
