import { describe, expect, it } from 'vitest'
import type { CounterKeys } from '../core/counter-keys.ts'
import type { Counters } from '../core/counters.ts'
import { type Application, bareService, HITS, type Limit, type Service } from '../model/service.ts'
import { delayed } from '../stores/conformance/delayed.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { type ApplicationView, credentialKey, Directory, DOCUMENT } from './directory.ts'
import { Limits } from './limits.ts'
import type { StoredUsage } from './ports.ts'
import { readUsage, type Usage } from './usage.ts'

const NOW = Date.parse('2026-03-04T10:11:12Z')

function service(limits: readonly Omit<Limit, 'id'>[]): Service {
  const plan = { id: '7', systemName: 'basic', name: 'Basic', state: 'published' as const }
  return {
    ...bareService('42', 'api', 'API'),
    metrics: [HITS, { ...HITS, id: '2', systemName: 'sub', parent: 'hits' }],
    plans: [{ ...plan, limits: limits.map((limit, i) => ({ id: String(i), ...limit })) }],
  }
}

const application: Application = {
  id: 'app',
  accountId: 'a',
  serviceId: '42',
  planId: '7',
  name: '',
  description: '',
  state: 'live',
  appId: 'app',
  userKey: null,
  keys: [],
  referrerFilters: [],
  redirectUrl: null,
  createdAtMs: 0,
  updatedAtMs: 0,
}

function view(keys: CounterKeys, limits: readonly Omit<Limit, 'id'>[]): ApplicationView {
  const documents = new Map<string, unknown>([
    [`${DOCUMENT.service} 42`, service(limits)],
    [`${DOCUMENT.application} app`, application],
    [`${DOCUMENT.appId} ${credentialKey('42', 'app')}`, 'app'],
  ])
  const read = (kind: string, key: string): Uint8Array | null => {
    const value = documents.get(`${kind} ${key}`)
    return value === undefined ? null : Buffer.from(JSON.stringify(value))
  }
  return new Directory({ read }, keys).byAppId('42', 'app')!
}

const use = (app: ApplicationView, raw: Record<string, string>): Usage =>
  readUsage(Object.entries(raw), app.service.tree, false) as Usage

const nothingKept: StoredUsage = { value: () => 0 }

for (const [name, wrap] of [
  ['memory', (port: Counters) => port],
  ['delayed memory', (port: Counters) => delayed(port)],
] as const) {
  describe(`limits on ${name}`, () => {
    const make = (limits: readonly Omit<Limit, 'id'>[], stored: StoredUsage = nothingKept) => {
      const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 4_096, shards: 64 }), 1)
      return { limits: new Limits(wrap(counters), stored), app: view(counters.keys, limits) }
    }

    it('counts all limits that a usage touches, or none', async () => {
      const { limits, app } = make([
        { metric: 'hits', period: 'day', value: 5 },
        { metric: 'sub', period: 'minute', value: 2 },
      ])
      const first = await limits.take(app, use(app, { sub: '2' }), NOW)
      expect([first.fits, [...first.values], [...first.before]]).toEqual([true, [2, 2], [0, 0]])
      const second = await limits.take(app, use(app, { sub: '1' }), NOW)
      expect([second.fits, [...second.values]]).toEqual([false, [2, 2]])
      expect((await limits.take(app, use(app, { hits: '3' }), NOW)).fits).toBe(true)
      expect((await limits.take(app, use(app, { hits: '1' }), NOW)).fits).toBe(false)
      // Of the next minute, and the same day.
      expect((await limits.take(app, use(app, { sub: '1' }), NOW + 60_000)).fits).toBe(false)
      expect([...(await limits.read(app, null, null, NOW + 60_000)).values]).toEqual([5, 0])
    })

    it('goes on with what is kept, asked once a period', async () => {
      const asked: string[] = []
      const value = (id: string, service: string, metric: string, period: string, startMs: number): number => {
        asked.push(`${id} ${service} ${metric} ${period} ${new Date(startMs).toISOString()}`)
        return 3
      }
      const { limits, app } = make([{ metric: 'hits', period: 'month', value: 5 }], { value })
      expect([...(await limits.read(app, null, null, NOW)).values]).toEqual([3])
      expect((await limits.take(app, use(app, { hits: '2' }), NOW)).values[0]).toBe(5)
      expect((await limits.take(app, use(app, { hits: '1' }), NOW)).fits).toBe(false)
      expect(asked).toEqual(['app 42 hits month 2026-03-01T00:00:00.000Z'])
    })

    it('#n sets, within the limit', async () => {
      const { limits, app } = make([{ metric: 'hits', period: 'eternity', value: 10 }])
      await limits.take(app, use(app, { hits: '9' }), NOW)
      expect((await limits.take(app, use(app, { hits: '#2' }), NOW)).values[0]).toBe(2)
      expect((await limits.take(app, use(app, { hits: '#11' }), NOW)).fits).toBe(false)
      expect((await limits.take(app, use(app, { hits: '8' }), NOW)).values[0]).toBe(10)
    })

    it('without a usage: refused only above a limit', async () => {
      const { limits, app } = make([{ metric: 'hits', period: 'day', value: 2 }])
      await limits.count(app, use(app, { hits: '2' }), NOW, NOW)
      expect((await limits.take(app, null, NOW)).fits).toBe(true)
      await limits.count(app, use(app, { hits: '1' }), NOW, NOW)
      expect((await limits.take(app, null, NOW)).fits).toBe(false)
    })

    it('what was used in another period does not count in this one', async () => {
      const { limits, app } = make([
        { metric: 'hits', period: 'minute', value: 9 },
        { metric: 'hits', period: 'day', value: 9 },
      ])
      await limits.count(app, use(app, { hits: '4' }), NOW - 3_600_000, NOW)
      expect([...(await limits.read(app, null, null, NOW)).values]).toEqual([0, 4])
    })

    it('a decision that is longer than the counters take is exact all the same', async () => {
      const metrics = Array.from({ length: 40 }, (_, i) => `m${i}`)
      const { limits, app } = make([{ metric: 'hits', period: 'day', value: 1 }])
      const periods = ['minute', 'hour', 'day'] as const
      const many = metrics.flatMap((metric) => periods.map((period) => ({ metric, period, value: 5 })))
      const big: ApplicationView = {
        ...app,
        plan: { ...app.plan, limits: many.map(({ period }) => ({ metric: 'hits', place: 0, period, max: 5 })) },
        counterKeys: Int32Array.from({ length: many.length * 2 }, (_, i) => i + 1),
      }
      big.plan.limits.at(-1)
      expect((await limits.take(big, use(app, { hits: '4' }), NOW)).fits).toBe(true)
      const last = {
        ...big,
        plan: {
          ...big.plan,
          limits: big.plan.limits.map((one, i) => (i === many.length - 1 ? one : { ...one, max: 99 })),
        },
      }
      expect((await limits.take(last, use(app, { hits: '4' }), NOW)).fits).toBe(false)
      expect(new Set((await limits.read(big, null, null, NOW)).values)).toEqual(new Set([4]))
    })
  })
}
