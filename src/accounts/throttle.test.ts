import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Counters } from '../core/counters.ts'
import { UNIT_MS } from '../core/windows.ts'
import { parseThrottle, type Throttle, type ThrottleLimits } from '../model/throttle.ts'
import { delayed } from '../stores/conformance/delayed.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { type CompiledThrottle, compileThrottle, type ThrottleScope } from './throttle.ts'
import { ThrottleState } from './throttle-state.ts'
import { breachText, DIMENSION_WORDS, DIMENSIONS, rateLimitText } from './throttle-text.ts'

const T0 = 1_790_000_040_000 // the start of a minute
const NONE: ThrottleLimits = { api: 0, user: 0, app: 0, ip: 0 }

function memory(): Counters {
  return new MemoryCounters(MemoryCounters.allocate({ slots: 4096, shards: 16 }), 1)
}

function throttle(limits: Partial<ThrottleLimits>, rest: Partial<Throttle> = {}): Throttle {
  const fields = { name: 'gold', intervalCount: 1, unit: 'minute', shared: false, specials: [], ...rest }
  const { throttle, problems } = parseThrottle({ ...fields, limits: { ...NONE, ...limits } })
  expect(problems).toEqual([])
  return throttle!
}

function compiled(policy: Throttle | null, scope: Partial<ThrottleScope> = {}): CompiledThrottle {
  const all = { counters: memory(), environment: 'test', api: 'weather', gatewayLimitPerSecond: 0, ...scope }
  return compileThrottle(policy, all)!
}

interface Caller {
  readonly ip?: string
  readonly user?: string
  readonly app?: string
}

/** One request; what it was told. */
async function call(plan: CompiledThrottle, caller: Caller = {}, nowMs = T0): Promise<Record<string, unknown>> {
  const state = ThrottleState.acquire()
  const admitted = await plan.take(state, nowMs, caller.ip ?? null, caller.user ?? null, caller.app ?? null)
  return told(state, admitted)
}

function told(state: ThrottleState, admitted: boolean): Record<string, unknown> {
  const result: Record<string, unknown> = { admitted, breached: state.breached }
  for (const dimension of DIMENSIONS) {
    const text = state.text(dimension)
    if (text !== null) result[dimension] = text
  }
  state.release()
  return result
}

async function admittedOf(times: number, plan: CompiledThrottle, caller: Caller = {}, nowMs = T0): Promise<number> {
  let admitted = 0
  for (let i = 0; i < times; i++) if ((await call(plan, caller, nowMs))['admitted']) admitted++
  return admitted
}

describe('the words', () => {
  it('are those of the documentation', () => {
    expect(rateLimitText(9, 10, '10 second')).toBe('remain:9,limit:10,time:10 second')
    expect(breachText('api', 5, '1 minute')).toBe('policy api over ratelimit,limit:5,time:1 minute')
    expect(DIMENSIONS.map((dimension) => DIMENSION_WORDS[dimension].header)).toEqual([
      'X-Apig-RateLimit-ip',
      'X-Apig-RateLimit-user',
      'X-Apig-RateLimit-app',
      'X-Apig-RateLimit-api',
      'X-Apig-RateLimit-api-allenv',
    ])
  })
})

describe.each([
  ['memory', memory],
  ['answering later', () => delayed(memory())],
])('a throttle over counters: %s', (_, counters) => {
  it('counts down to 0 and refuses with the limit that was breached', async () => {
    const plan = compiled(throttle({ api: 3 }), { counters: counters() })
    for (const remain of [2, 1, 0]) {
      expect(await call(plan)).toEqual({
        admitted: true,
        breached: null,
        api: `remain:${remain},limit:3,time:1 minute`,
      })
    }
    const state = ThrottleState.acquire()
    expect(await plan.take(state, T0, null, null, null)).toBe(false)
    expect(state.breach()).toBe('policy api over ratelimit,limit:3,time:1 minute')
    expect(told(state, false)).toEqual({ admitted: false, breached: 'api', api: 'remain:0,limit:3,time:1 minute' })
    expect((await call(plan, {}, T0 + 60_000))['api']).toBe('remain:2,limit:3,time:1 minute')
  })

  it("takes the policy's and the gateway's limit together, each in its own window", async () => {
    const plan = compiled(throttle({ api: 100 }), { counters: counters(), gatewayLimitPerSecond: 2 })
    expect(await call(plan)).toEqual({
      admitted: true,
      breached: null,
      api: 'remain:99,limit:100,time:1 minute',
      allenv: 'remain:1,limit:2,time:1 second',
    })
    await call(plan)
    expect(await call(plan)).toEqual({
      admitted: false,
      breached: 'allenv',
      api: 'remain:98,limit:100,time:1 minute',
      allenv: 'remain:0,limit:2,time:1 second',
    })
    expect(await call(plan, {}, T0 + 1000)).toMatchObject({ admitted: true, api: 'remain:97,limit:100,time:1 minute' })
  })

  it('counts nothing of a refused call', async () => {
    const plan = compiled(throttle({ api: 100, ip: 1 }), { counters: counters() })
    expect(await admittedOf(10, plan, { ip: '10.0.0.1' })).toBe(1)
    expect(await call(plan, { ip: '10.0.0.2' })).toMatchObject({
      admitted: true,
      ip: 'remain:0,limit:1,time:1 minute',
      api: 'remain:98,limit:100,time:1 minute',
    })
    expect(await call(plan, { ip: '10.0.0.2' })).toMatchObject({
      breached: 'ip',
      api: 'remain:98,limit:100,time:1 minute',
    })
  })

  it('takes the caller in a second decision, once', async () => {
    const plan = compiled(throttle({ api: 10, user: 5, app: 2 }), { counters: counters() })
    expect(plan.limitsCallers).toBe(true)
    for (const [admitted, breached] of [
      [true, null],
      [true, null],
      [false, 'app'],
    ] as const) {
      const state = ThrottleState.acquire()
      expect(await plan.take(state, T0, '10.0.0.1', null, null)).toBe(true)
      expect([state.text('user'), state.text('app')]).toEqual([null, null])
      expect(await plan.takeCaller(state, T0, 'ada', 'app1')).toBe(admitted)
      expect(state.breached).toBe(breached)
      if (admitted) expect(await plan.takeCaller(state, T0, 'ada', 'app1')).toBe(true)
      state.release()
    }
    expect(await call(plan, { user: 'ada', app: 'app2' })).toEqual({
      admitted: true,
      breached: null,
      user: 'remain:2,limit:5,time:1 minute',
      app: 'remain:1,limit:2,time:1 minute',
      api: 'remain:6,limit:10,time:1 minute',
    })
  })

  it('lets special limits replace the common one, and nothing else', async () => {
    const specials = [
      { type: 'user', id: 'tA', limit: 2 },
      { type: 'user', id: 'tB', limit: 4 },
    ] as const
    const plan = compiled(throttle({ api: 10, user: 3 }, { specials }), { counters: counters() })
    expect(await admittedOf(5, plan, { user: 'tA' })).toBe(2)
    expect(await admittedOf(5, plan, { user: 'tB' })).toBe(4)
    expect(await admittedOf(5, plan, { user: 'tC' })).toBe(3)
    expect(await call(plan, { user: 'tA' })).toMatchObject({ breached: 'user', user: 'remain:0,limit:2,time:1 minute' })
    expect(await admittedOf(5, plan, { user: 'tD' })).toBe(1)
  })

  it('keeps requests apart that wait for their answers at the same time', async () => {
    const plan = compiled(throttle({ api: 5, ip: 2 }), { counters: counters() })
    const callers = ['a', 'a', 'a', 'b', 'b', 'c', 'd']
    const answers = await Promise.all(callers.map((ip) => call(plan, { ip })))
    expect(answers.map((one) => one['breached'])).toEqual([null, null, 'ip', null, null, null, 'api'])
    expect(answers[5]!['api']).toBe('remain:0,limit:5,time:1 minute')
  })
})

describe('a throttle', () => {
  it('is nothing where nothing is limited', () => {
    const scope = { counters: memory(), environment: 'test', api: 'weather', gatewayLimitPerSecond: 0 }
    expect(compileThrottle(null, scope)).toBeNull()
    expect(compileThrottle({ ...throttle({ api: 1 }), limits: NONE }, scope)).toBeNull()
    expect(compileThrottle(null, { ...scope, gatewayLimitPerSecond: 1 })).not.toBeNull()
  })

  it('leaves out what is not known and what has no limit', async () => {
    const plan = compiled(throttle({ ip: 5 }))
    expect(await call(plan)).toEqual({ admitted: true, breached: null })
    expect(await call(plan, { ip: '::1', user: 'u', app: 'a' })).toEqual({
      admitted: true,
      breached: null,
      ip: 'remain:4,limit:5,time:1 minute',
    })
  })

  it('limits a special application where the others have no limit', async () => {
    const plan = compiled(throttle({ api: 9 }, { specials: [{ type: 'app', id: 'greedy', limit: 1 }] }))
    expect(await admittedOf(3, plan, { app: 'greedy' })).toBe(1)
    expect(await admittedOf(3, plan, { app: 'other' })).toBe(3)
  })

  it('counts each API and environment alone, or all together when shared', async () => {
    for (const shared of [false, true]) {
      const counters = memory()
      const policy = throttle({ api: 4 }, { shared })
      const plans = [
        compiled(policy, { counters, api: 'a' }),
        compiled(policy, { counters, api: 'b' }),
        compiled(policy, { counters, api: 'a', environment: 'prod' }),
      ]
      const admitted = []
      for (const plan of plans) admitted.push(await admittedOf(3, plan))
      expect(admitted).toEqual(shared ? [3, 1, 0] : [3, 3, 3])
    }
  })

  it("counts the gateway's limit over all environments, for each API", async () => {
    const counters = memory()
    const scope = { counters, gatewayLimitPerSecond: 4 }
    expect(await admittedOf(3, compiled(null, { ...scope, environment: 'a' }))).toBe(3)
    expect(await admittedOf(3, compiled(null, { ...scope, environment: 'b' }))).toBe(1)
    expect(await admittedOf(3, compiled(null, { ...scope, api: 'other' }))).toBe(3)
  })

  it('goes on with its counts when a limit changes, and starts anew with another period', async () => {
    const counters = memory()
    expect(await admittedOf(3, compiled(throttle({ api: 5 }), { counters }))).toBe(3)
    expect(await admittedOf(3, compiled(throttle({ api: 4 }), { counters }))).toBe(1)
    expect(await admittedOf(3, compiled(throttle({ api: 2 }), { counters }))).toBe(0)
    expect(await admittedOf(3, compiled(throttle({ api: 5 }, { unit: 'hour' }), { counters }))).toBe(3)
  })

  it('names the first breach in the order ip, user, app, api, allenv', async () => {
    const plan = compiled(throttle({ api: 1, user: 1, app: 1, ip: 1 }), { gatewayLimitPerSecond: 1 })
    const all = { ip: 'i', user: 'u', app: 'a' }
    expect((await call(plan, all))['admitted']).toBe(true)
    expect((await call(plan, all))['breached']).toBe('ip')
    expect((await call(plan, { ...all, ip: 'other' }))['breached']).toBe('user')
    expect((await call(plan, { ...all, ip: 'other', user: 'other' }))['breached']).toBe('app')
    expect((await call(plan, {}))['breached']).toBe('api')
  })

  it.each([
    ['second', 10, '10 second'],
    ['minute', 7, '7 minute'],
    ['hour', 1, '1 hour'],
    ['day', 30, '30 day'],
  ] as const)('has windows in units of a %s', async (unit, intervalCount, text) => {
    const plan = compiled(throttle({ api: 1 }, { unit, intervalCount }))
    const lengthMs = intervalCount * UNIT_MS[unit]
    const startMs = Math.floor(T0 / lengthMs) * lengthMs
    expect(await call(plan, {}, startMs)).toMatchObject({ admitted: true, api: `remain:0,limit:1,time:${text}` })
    expect(await call(plan, {}, startMs + lengthMs - 1)).toMatchObject({ admitted: false })
    expect(await call(plan, {}, startMs + lengthMs)).toMatchObject({ admitted: true })
  })

  it('does not hand on the state of a request that is over before the store has answered', async () => {
    const plan = compiled(throttle({ api: 5 }), { counters: delayed(memory()) })
    const state = ThrottleState.acquire()
    const answer = plan.take(state, T0, null, null, null)
    state.release()
    expect(ThrottleState.acquire()).not.toBe(state)
    await answer
  })

  it('is as its rules say for any calls', () => {
    const caller = fc.record({
      ip: fc.nat(2),
      user: fc.option(fc.nat(2)),
      app: fc.option(fc.nat(3)),
      stepMs: fc.nat(400),
    })
    const limits = fc.record({ api: fc.nat(9), user: fc.nat(4), app: fc.nat(4), ip: fc.nat(4) })
    fc.assert(
      fc.property(limits, fc.nat(3), fc.array(caller, { maxLength: 60 }), (limits, gatewayLimitPerSecond, calls) => {
        const policy: Throttle = { ...throttle({ api: 1 }), unit: 'second', intervalCount: 2, limits }
        const plan = compileThrottle(policy, { counters: memory(), environment: 'e', api: 'a', gatewayLimitPerSecond })
        const counted = new Map<string, number>()
        let nowMs = T0
        for (const { ip, user, app, stepMs } of calls) {
          nowMs += stepMs
          const rules = [
            ['ip', limits.ip, `ip${ip}`, 2000],
            ['user', user === null ? 0 : limits.user, `user${user}`, 2000],
            ['app', app === null ? 0 : limits.app, `app${app}`, 2000],
            ['api', limits.api, 'api', 2000],
            ['allenv', gatewayLimitPerSecond, 'allenv', 1000],
          ] as const
          const applying = rules.filter(([, limit]) => limit > 0)
          const places = applying.map(([, , key, lengthMs]) => `${key} ${Math.floor(nowMs / lengthMs)}`)
          const first = applying.findIndex(([, limit], i) => (counted.get(places[i]!) ?? 0) >= limit)
          if (first < 0) for (const place of places) counted.set(place, (counted.get(place) ?? 0) + 1)
          if (plan === null) {
            expect(applying).toEqual([])
            continue
          }
          const state = ThrottleState.acquire()
          const admitted = plan.take(
            state,
            nowMs,
            `${ip}`,
            user === null ? null : `${user}`,
            app === null ? null : `${app}`,
          )
          expect(admitted).toBe(first < 0)
          expect(state.breached).toBe(first < 0 ? null : applying[first]![0])
          for (const [i, [dimension, limit]] of applying.entries()) {
            expect(state.limit(dimension)).toBe(limit)
            expect(state.remaining(dimension)).toBe(limit - (counted.get(places[i]!) ?? 0))
          }
          state.release()
        }
      }),
    )
  })
})
