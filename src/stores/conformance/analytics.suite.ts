import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Analytics, Scope } from '../../analytics/ports.ts'
import { type AnsweredBy, answerers, CallRecord } from '../../analytics/record.ts'
import { type Batch, Recorder } from '../../analytics/rollup.ts'
import { usageResponseCode } from '../../analytics/threescale-usage.ts'
import type { MaybePromise } from '../../core/async.ts'
import { ManualClock } from '../../core/clock.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
export const suiteNowMs: number = Date.UTC(2026, 4, 17, 11, 12, 13)

export interface AnalyticsUnderTest {
  readonly analytics: Analytics
  /** Deletes everything that is no longer kept. */
  prune(): MaybePromise<void>
  close(): MaybePromise<void>
}

export type MakeAnalytics = (clock: ManualClock) => MaybePromise<AnalyticsUnderTest>

interface Held {
  analytics: Analytics
  clock: ManualClock
  prune(): MaybePromise<void>
}

/** One call as it is recorded: a weather call of application `app1` that went well, but for `fields`. */
export function call(fields: Partial<CallRecord> = {}): CallRecord {
  const usual: Partial<CallRecord> = {
    environment: 'test',
    proxy: 'weather',
    revision: 3,
    serviceId: '42',
    application: 'app1',
    account: 'acme',
    method: 'GET',
    pathTemplate: '/v1/weather forecast',
    status: 200,
    targetStatus: 200,
    answeredBy: 'target',
    authorized: true,
    totalMs: 12,
    targetMs: 9,
    policyMs: 1,
    bytesIn: 100,
    bytesOut: 1_000,
  }
  return Object.assign(new CallRecord(suiteNowMs), usual, fields)
}

export function batchOf(calls: readonly CallRecord[]): Batch {
  const recorder = new Recorder()
  for (const c of calls) recorder.add(c)
  return recorder.take() ?? { rows: [], droppedCalls: 0 }
}

/** What every store of analytics must do. `make` gives an empty one on that clock. */
export function analyticsSuite(name: string, make: MakeAnalytics): void {
  describe(`analytics: ${name}`, () => {
    const held = {} as Held
    let under: AnalyticsUnderTest
    beforeEach(async () => {
      held.clock = new ManualClock(suiteNowMs)
      under = await make(held.clock)
      held.analytics = under.analytics
      held.prune = () => under.prune()
    })
    afterEach(() => under.close())
    counting(held)
    ranges(held)
    summaries(held)
    retention(held)
    agreement(make)
  })
}

const all: Scope = { kind: 'all' }
const lastHour = [suiteNowMs - HOUR, suiteNowMs + MINUTE]

async function count(
  held: Held,
  key: string,
  scope: Scope = all,
  authorizedOnly = false,
  edgesMs = lastHour,
): Promise<number> {
  const [values] = await held.analytics.counts({ scope, keys: [key], edgesMs, authorizedOnly })
  return values!.reduce((sum, n) => sum + n, 0)
}

function counting(held: Held): void {
  it('has nothing to begin with', async () => {
    const { analytics } = held
    expect(
      await analytics.counts({
        scope: all,
        keys: ['2XX', 'any'],
        edgesMs: [0, HOUR, suiteNowMs],
        authorizedOnly: false,
      }),
    ).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(await analytics.firstAndLast(all)).toBeNull()
    expect(await analytics.summary({ scope: all, sinceMs: 0, untilMs: suiteNowMs })).toMatchObject({
      calls: 0,
      byErrorCode: [],
    })
    expect(await analytics.health()).toEqual({ lostCalls: 0, pendingCalls: 0, problem: null })
    expect(await analytics.running()).toEqual({ calls: [], durations: [], errors: [] })
  })

  it('counts by status, class, who answered, and all', async () => {
    const statuses = [200, 201, 304, 404, 404, 499, 500, 503, 911]
    await held.analytics.write(
      batchOf(statuses.map((status) => call({ status, answeredBy: status < 500 ? 'target' : 'policy' }))),
    )
    const expected = {
      '200': 1,
      '404': 2,
      '500': 1,
      '2XX': 2,
      '3XX': 1,
      '4XX': 3,
      '5XX': 2,
      '9XX': 1,
      target: 6,
      policy: 3,
      callout: 0,
      any: 9,
    }
    for (const [key, calls] of Object.entries(expected)) expect([key, await count(held, key)]).toEqual([key, calls])
  })

  it('keeps services, applications and proxies apart', async () => {
    await held.analytics.write(
      batchOf([
        call(),
        call({ application: 'app2' }),
        call({ serviceId: '43', proxy: 'maps' }),
        call({ serviceId: '', application: '', proxy: 'open' }),
        call({ proxy: '', serviceId: '', application: '', status: 404, answeredBy: 'gateway' }),
      ]),
    )
    expect(await count(held, 'any')).toBe(5)
    expect(await count(held, 'any', { kind: 'service', id: '42' })).toBe(2)
    expect(await count(held, 'any', { kind: 'service', id: '43' })).toBe(1)
    expect(await count(held, 'any', { kind: 'service', id: '' })).toBe(0)
    expect(await count(held, 'any', { kind: 'application', id: 'app1' })).toBe(2)
    expect(await count(held, 'any', { kind: 'application', id: 'app2' })).toBe(1)
    expect(await count(held, 'any', { kind: 'proxy', name: 'maps' })).toBe(1)
    expect(await count(held, 'any', { kind: 'proxy', name: "maps' OR '1'='1" })).toBe(0)
  })

  it('counts for 3scale only what was authorized', async () => {
    await held.analytics.write(
      batchOf([call(), call({ status: 403, authorized: false, answeredBy: 'policy' }), call({ status: 404 })]),
    )
    const service: Scope = { kind: 'service', id: '42' }
    expect(await count(held, '4XX', service, true)).toBe(1)
    expect(await count(held, '4XX', service)).toBe(2)
    const parameters = { response_code: '4XX', period: 'day' }
    expect(await usageResponseCode(held.analytics, service, parameters, { clock: held.clock })).toMatchObject({
      total: 1,
    })
  })

  it('adds a batch to what is there', async () => {
    for (let i = 0; i < 3; i++) await held.analytics.write(batchOf([call(), call({ status: 500 })]))
    expect(await count(held, 'any')).toBe(6)
    expect(await count(held, '500', { kind: 'application', id: 'app1' }, true)).toBe(3)
  })

  it('tells dropped calls as lost', async () => {
    await held.analytics.write({ rows: [], droppedCalls: 7 })
    await held.analytics.write({ ...batchOf([call()]), droppedCalls: 1 })
    expect(await held.analytics.health()).toMatchObject({ lostCalls: 8, problem: null })
  })

  it('adds up running totals for /metrics', async () => {
    await held.analytics.write(batchOf([call(), call({ totalMs: 3 })]))
    await held.analytics.write(batchOf([call({ totalMs: 100 }), call({ status: 404, answeredBy: 'policy' })]))
    const { calls, durations } = await held.analytics.running()
    expect(calls).toEqual([
      { proxy: 'weather', status: 200, answeredBy: 'target', calls: 3 },
      { proxy: 'weather', status: 404, answeredBy: 'policy', calls: 1 },
    ])
    expect(durations).toMatchObject([{ proxy: 'weather', calls: 4, seconds: expect.closeTo(0.127) }])
    const upTo = Object.fromEntries(durations[0]!.buckets.map(({ upToMs, calls: n }) => [upToMs, n]))
    expect(upTo).toMatchObject({ 1: 0, 4: 1, 8: 1, 16: 3, 64: 3, 128: 4, 65536: 4 })
  })
}

function ranges(held: Held): void {
  const midnight = Date.UTC(2026, 4, 17)

  it('puts a call into the granule that holds it, edges included at the start', async () => {
    const times = [midnight - 1, midnight, midnight + HOUR - 1, midnight + HOUR, midnight + 3 * HOUR]
    await held.analytics.write(batchOf(times.map((timeMs) => call({ timeMs }))))
    const edgesMs = [midnight, midnight + HOUR, midnight + 2 * HOUR, midnight + 3 * HOUR]
    expect(await held.analytics.counts({ scope: all, keys: ['any'], edgesMs, authorizedOnly: false })).toEqual([
      [2, 1, 0],
    ])
  })

  it('is exact to the minute for 48 hours and to the quarter of an hour for 90 days', async () => {
    const recent = suiteNowMs - 40 * HOUR
    const older = Date.UTC(2026, 2, 3, 18, 30)
    const times = [recent - (recent % MINUTE), older - 1, older, older + 15 * MINUTE]
    await held.analytics.write(batchOf(times.map((timeMs) => call({ timeMs }))))
    const minute = [times[0]! - MINUTE, times[0]!, times[0]! + MINUTE]
    const quarter = [older - 15 * MINUTE, older, older + 15 * MINUTE]
    const counts = async (edgesMs: number[]): Promise<unknown> => {
      const [values] = await held.analytics.counts({ scope: all, keys: ['any'], edgesMs, authorizedOnly: false })
      return values
    }
    expect(await counts(minute)).toEqual([0, 1])
    expect(await counts(quarter)).toEqual([1, 1])
  })

  it('counts whole days of zones off the hour', async () => {
    const indianMidnight = Date.UTC(2026, 4, 15, 18, 30)
    await held.analytics.write(
      batchOf([indianMidnight - 1, indianMidnight, indianMidnight + DAY - 1].map((timeMs) => call({ timeMs }))),
    )
    const parameters = {
      response_code: '2XX',
      since: '2026-05-15',
      until: '2026-05-16',
      granularity: 'day',
      timezone: 'New Delhi',
    }
    const answer = await usageResponseCode(held.analytics, { kind: 'service', id: '42' }, parameters, {
      clock: held.clock,
    })
    expect(answer.values).toEqual([1, 2])
  })

  it('takes times before 1970 and in the future', async () => {
    await held.analytics.write(batchOf([call()]))
    const edgesMs = [-62_000_000_000_000, 0, suiteNowMs + 1000 * DAY]
    expect(await held.analytics.counts({ scope: all, keys: ['any'], edgesMs, authorizedOnly: false })).toEqual([[0, 1]])
  })

  it.each<[string, { keys?: string[]; edgesMs?: number[] }]>([
    ['edges that descend', { edgesMs: [10, 5] }],
    ['edges that are no numbers', { edgesMs: [0, Number.NaN] }],
    ['too many edges', { edgesMs: Array.from({ length: 20_001 }, (_, i) => i) }],
    ['an unknown key', { keys: ['nobody'] }],
    ['a key that is a property of all objects', { keys: ['constructor'] }],
  ])('refuses %s', async (_, wrong) => {
    const query = { scope: all, keys: ['any'], edgesMs: lastHour, authorizedOnly: false, ...wrong }
    await expect(async () => held.analytics.counts(query)).rejects.toThrow(RangeError)
  })

  it('knows the first and the last hour', async () => {
    await held.analytics.write(
      batchOf([call({ timeMs: midnight - 400 * DAY + 5 * MINUTE }), call(), call({ serviceId: '43' })]),
    )
    const lastMs = suiteNowMs - (suiteNowMs % HOUR)
    expect(await held.analytics.firstAndLast(all)).toEqual({ firstMs: midnight - 400 * DAY, lastMs })
    expect(await held.analytics.firstAndLast({ kind: 'service', id: '43' })).toEqual({ firstMs: lastMs, lastMs })
  })
}

function summaries(held: Held): void {
  const range = { sinceMs: suiteNowMs - HOUR, untilMs: suiteNowMs + MINUTE }

  it('sums up', async () => {
    await held.analytics.write(
      batchOf([
        ...Array.from({ length: 98 }, () => call({ totalMs: 10 })),
        call({
          proxy: 'maps',
          status: 503,
          targetStatus: 0,
          answeredBy: 'gateway',
          errorCode: 'Timeout',
          totalMs: 900,
          authorized: false,
        }),
        call({ proxy: 'maps', status: 404, totalMs: 120 }),
        call({ timeMs: suiteNowMs - 2 * HOUR }),
      ]),
    )
    expect(await held.analytics.summary({ scope: all, ...range })).toEqual({
      calls: 100,
      authorizedCalls: 99,
      bytesIn: 10_000,
      bytesOut: 100_000,
      latency: { meanMs: 20, p50Ms: 12, p90Ms: 12, p99Ms: 128 },
      meanTargetMs: 9,
      meanPolicyMs: 1,
      byAnsweredBy: [
        { answeredBy: 'target', calls: 99 },
        { answeredBy: 'gateway', calls: 1 },
      ],
      byStatus: [
        { status: 200, calls: 98 },
        { status: 503, calls: 1 },
        { status: 404, calls: 1 },
      ],
      byErrorCode: [{ proxy: 'maps', errorCode: 'Timeout', calls: 1 }],
    })
  })

  it('sums up one proxy, service or application alone', async () => {
    await held.analytics.write(
      batchOf([call(), call({ proxy: 'maps', application: 'app2', errorCode: 'x' }), call({ serviceId: '43' })]),
    )
    const of = async (scope: Scope): Promise<unknown> => {
      const { calls, byErrorCode } = await held.analytics.summary({ scope, ...range })
      return [calls, byErrorCode.length]
    }
    expect(await of({ kind: 'proxy', name: 'maps' })).toEqual([1, 1])
    expect(await of({ kind: 'service', id: '42' })).toEqual([2, 0])
    expect(await of({ kind: 'application', id: 'app2' })).toEqual([1, 0])
  })

  it('breaks calls down by any label', async () => {
    await held.analytics.write(
      batchOf([
        call(),
        call({ method: 'POST', status: 400, answeredBy: 'policy' }),
        call({ method: 'POST', application: 'app2', pathTemplate: '/v1/weather report' }),
        call({ proxy: 'maps' }),
      ]),
    )
    const by = async (query: {
      match: Record<string, string>
      by: 'method' | 'path' | 'proxy' | 'revision'
    }): Promise<unknown> =>
      (
        await held.analytics.statistics({
          ...query,
          edgesMs: [range.sinceMs, range.untilMs],
          rowsMax: 9,
          seriesMax: 0,
        })
      ).rows.map((row) => [row.value, row.calls, row.clientErrors])
    expect(await by({ match: { proxy: 'weather' }, by: 'method' })).toEqual([
      ['POST', 2, 1],
      ['GET', 1, 0],
    ])
    expect(await by({ match: { application: 'app2' }, by: 'path' })).toEqual([['/v1/weather report', 1, 0]])
    expect(await by({ match: {}, by: 'proxy' })).toEqual([
      ['weather', 3, 1],
      ['maps', 1, 0],
    ])
    expect(await by({ match: { proxy: 'none' }, by: 'revision' })).toEqual([])
  })
}

function retention(held: Held): void {
  it('forgets minutes after 48 hours and quarters after 90 days, but no hour', async () => {
    await held.analytics.write(batchOf([call({ timeMs: suiteNowMs }), call({ timeMs: suiteNowMs - 20 * MINUTE })]))
    const hourStart = suiteNowMs - (suiteNowMs % HOUR)
    const edgesMs = [hourStart - HOUR, hourStart - 15 * MINUTE, hourStart + HOUR]
    const counts = async (): Promise<unknown> => {
      await held.prune()
      return (await held.analytics.counts({ scope: all, keys: ['any'], edgesMs, authorizedOnly: false }))[0]
    }
    const range = { edgesMs: [hourStart - HOUR, hourStart + HOUR], rowsMax: 9, seriesMax: 0 }
    const byProxy = async (): Promise<unknown> =>
      (await held.analytics.statistics({ ...range, match: {}, by: 'proxy' })).calls
    const byMethod = async (): Promise<unknown> =>
      (await held.analytics.statistics({ ...range, match: {}, by: 'method' })).calls
    expect(await counts()).toEqual([0, 2])
    held.clock.advance(3 * DAY)
    expect([await counts(), await byProxy(), await byMethod()]).toEqual([[0, 2], 2, 2])
    held.clock.advance(90 * DAY)
    // The edge in the middle of the hour has moved up to the next hour.
    expect([await counts(), await byProxy()]).toEqual([[1, 1], 2])
    await expect(async () => byMethod()).rejects.toThrow('this is kept for 90 days')
    held.clock.advance(1000 * DAY)
    expect(await counts()).toEqual([1, 1])
  })
}

function agreement(make: MakeAnalytics): void {
  const agoMs = fc.oneof(fc.nat(3 * HOUR), fc.nat(DAY), fc.nat(89 * DAY))
  const anyCall = fc.record({
    agoMs,
    status: fc.constantFrom(200, 204, 404, 429, 500),
    answeredBy: fc.constantFrom<AnsweredBy>(...answerers),
    proxy: fc.constantFrom('a', 'b'),
    serviceId: fc.constantFrom('', '1', '2'),
    application: fc.constantFrom('', 'x', 'y'),
    authorized: fc.boolean(),
  })
  const scopes: Scope[] = [
    all,
    { kind: 'proxy', name: 'a' },
    { kind: 'service', id: '1' },
    { kind: 'application', id: 'x' },
  ]
  const keys = ['200', '2XX', '4XX', '5XX', 'policy', 'any']

  function matches(scope: Scope, key: string, c: CallRecord): boolean {
    if (scope.kind === 'proxy' && c.proxy !== scope.name) return false
    if (scope.kind === 'service' && c.serviceId !== scope.id) return false
    if (scope.kind === 'application' && c.application !== scope.id) return false
    return (
      key === 'any' || key === c.answeredBy || key === String(c.status) || key === `${Math.floor(c.status / 100)}XX`
    )
  }

  it('agrees with a plain list of calls, however they are batched', { timeout: 60_000 }, async () => {
    const batches = fc.array(fc.array(anyCall, { maxLength: 20 }), { maxLength: 4 })
    const edgesAgo = fc.array(fc.tuple(agoMs, fc.constantFrom(15 * MINUTE, HOUR, DAY)), { minLength: 2, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        batches,
        edgesAgo,
        fc.constantFrom(...scopes),
        fc.boolean(),
        async (groups, ago, scope, authorizedOnly) => {
          const under = await make(new ManualClock(suiteNowMs))
          const calls = groups.map((group) =>
            group.map(({ agoMs: ms, ...fields }) => call({ ...fields, timeMs: suiteNowMs - ms })),
          )
          for (const group of calls) await under.analytics.write(batchOf(group))
          const edgesMs = ago.map(([ms, unit]) => Math.floor((suiteNowMs - ms) / unit) * unit).sort((a, b) => a - b)
          const expected = keys.map((key) =>
            edgesMs.slice(1).map((untilMs, i) => {
              const inside = (c: CallRecord): boolean => c.timeMs >= edgesMs[i]! && c.timeMs < untilMs
              return calls
                .flat()
                .filter((c) => inside(c) && (c.authorized || !authorizedOnly) && matches(scope, key, c)).length
            }),
          )
          expect(await under.analytics.counts({ scope, keys, edgesMs, authorizedOnly })).toEqual(expected)
          await under.close()
        },
      ),
      { numRuns: 15 },
    )
  })
}
