import { describe, expect, test } from 'vitest'
import type { Counters } from '../core/counters.ts'
import { parseThrottle } from '../model/throttle.ts'
import { delayed } from '../stores/conformance/delayed.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { compileThrottle } from './throttle.ts'
import { ThrottleState } from './throttle-state.ts'
import { type ThrottleBinding, throttleViews } from './throttle-windows.ts'

const NOW = Date.parse('2026-11-22T11:12:13Z')
const MINUTE = 60_000

const throttle = (name: string, shared: boolean) =>
  parseThrottle({
    name,
    intervalCount: 1,
    unit: 'minute',
    shared,
    limits: { api: 100, user: 50, app: 10, ip: 20 },
    specials: [{ type: 'app', id: 'vip', limit: 40 }],
  }).throttle!

const owners = { users: ['ada', 'bob'], apps: ['app', 'vip'], ips: ['10.0.0.1', '10.0.0.2'] }

for (const [name, wrap] of [
  ['memory', (counters: Counters) => counters],
  ['delayed memory', (counters: Counters) => delayed(counters)],
] as const) {
  describe(`windows of throttles over ${name}`, () => {
    async function used(bindings: readonly ThrottleBinding[], windowsMax = 200) {
      const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 1 << 12 }), 1)
      for (const { throttle: one, environment, api } of bindings) {
        const compiled = compileThrottle(one, { counters, environment, api, gatewayLimitPerSecond: 0 })!
        for (let i = 0; i < 8; i++) {
          const state = ThrottleState.acquire()
          expect(compiled.take(state, NOW, '10.0.0.1', 'ada', i < 4 ? 'app' : 'vip')).toBe(true)
          state.release()
        }
      }
      return throttleViews([throttle('idle', false)], bindings, wrap(counters), owners, NOW, windowsMax)
    }

    test('each API has its own, the fullest first; who did not call has none', async () => {
      const gold = throttle('gold', false)
      const [idle, view] = await used([
        { throttle: gold, environment: 'test', api: 'a' },
        { throttle: gold, environment: 'test', api: 'b' },
      ])
      expect([idle!.throttle.name, idle!.apis, idle!.windows]).toEqual(['idle', [], []])
      expect([view!.windowMs, view!.apis]).toEqual([MINUTE, ['a', 'b']])
      const endMs = Math.ceil(NOW / MINUTE) * MINUTE
      const shown = view!.windows.map(({ dimension, key, used: n, limit, resetsAtMs }) => {
        expect(resetsAtMs).toBe(endMs)
        return `${dimension} ${key} ${n}/${limit}`
      })
      expect(new Set(shown)).toEqual(
        new Set(['ip 10.0.0.1 8/20', 'app app 4/10', 'user ada 8/50', 'app vip 4/40', 'api a 8/100', 'api b 8/100']),
      )
      expect(shown).toHaveLength(10)
      expect(view!.windows.map(({ api }) => api).toSorted()).toEqual([...'aaaaabbbbb'])
      expect(shown.slice(0, 4).toSorted()).toEqual([
        'app app 4/10',
        'app app 4/10',
        'ip 10.0.0.1 8/20',
        'ip 10.0.0.1 8/20',
      ])
    })

    test('what is shared is one, and no more are shown than may be', async () => {
      const gold = throttle('gold', true)
      const bindings = ['a', 'b'].map((api) => ({ throttle: gold, environment: 'test', api }))
      const [, view] = await used(bindings)
      expect(view!.windows.find(({ dimension }) => dimension === 'api')).toMatchObject({
        key: 'gold',
        api: '',
        used: 16,
      })
      expect(view!.windows).toHaveLength(5)
      const [, few] = await used(bindings, 2)
      expect(few!.windows).toHaveLength(2)
    })

    test('looking counts nothing', async () => {
      const gold = throttle('gold', false)
      const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 1 << 12 }), 1)
      const bindings = [{ throttle: gold, environment: 'test', api: 'a' }]
      for (let i = 0; i < 3; i++) {
        const [view] = await throttleViews([], bindings, wrap(counters), owners, NOW, 200)
        expect(view!.windows).toEqual([])
      }
    })
  })
}
