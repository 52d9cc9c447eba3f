import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { type Stock, startStock } from '../../examples/shop/backend.ts'
import { dayOf, rowOf, writeHistory } from '../../examples/traffic/history.ts'
import { isBadSpell, KINDS } from '../../examples/traffic/kinds.ts'
import { callOf, kindAt } from '../../examples/traffic/live.ts'
import { type Backends, startBackends } from '../../examples/weather/backends.ts'
import type { Analytics, Scope } from '../../src/analytics/ports.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLog } from '../../src/core/log.ts'
import { MemoryAnalytics } from '../../src/stores/memory/analytics.ts'
import { openStore } from '../../src/stores/sqlite/store.ts'
import { Postern, until } from '../kit/postern.ts'

const CONFIG = fileURLToPath(new URL('../../examples/shop/postern.yaml', import.meta.url))
const SCOPES: readonly Scope[] = [
  { kind: 'all' },
  ...['weather', 'shop'].map((name): Scope => ({ kind: 'proxy', name })),
  ...['42', '43'].map((id): Scope => ({ kind: 'service', id })),
  ...['101', '102', '103', '104'].map((id): Scope => ({ kind: 'application', id })),
]

let data: string | null = null
let backends: Backends | null = null
let stock: Stock | null = null
afterEach(() => {
  backends?.close()
  stock?.close()
  if (data !== null) rmSync(data, { recursive: true, force: true })
})

/** What a question about each scope tells, without the times and sizes, which are made up. */
async function told(analytics: Analytics): Promise<object[]> {
  return Promise.all(
    SCOPES.map(async (scope) => {
      const summary = await analytics.summary({ scope, sinceMs: 0, untilMs: Date.now() + 60_000 })
      const { calls, authorizedCalls, byAnsweredBy, byStatus, byErrorCode } = summary
      const sorted = <Row>(rows: readonly Row[]): string[] => rows.map((row) => JSON.stringify(row)).sort()
      return {
        scope,
        calls,
        authorizedCalls,
        byAnsweredBy: sorted(byAnsweredBy),
        byStatus: sorted(byStatus),
        byErrorCode: sorted(byErrorCode),
      }
    }),
  )
}

test('each kind of made-up call is kept as the gateway keeps a real one', async () => {
  data = mkdtempSync(join(tmpdir(), 'postern-demo-traffic-'))
  backends = await startBackends(0, 0)
  stock = await startStock(0)
  const env = {
    WEATHER_GEOCODER_PORT: String(backends.geocoder),
    WEATHER_FORECAST_PORT: String(backends.forecast),
    SHOP_STOCK_PORT: String(stock.port),
  }
  const postern = await Postern.start(['--config', CONFIG], { data, env, workers: 2 })
  const agent = new Agent({ keepAlive: true })
  const statuses = await Promise.all(KINDS.map((kind) => callOf(kind, postern.gateway, agent)))
  expect(statuses).toEqual(KINDS.map(({ leaves, status }) => (leaves ? 0 : status)))
  await until(async () => {
    const { body } = await postern.ask('/api/response-codes?last=24h')
    return (body as { calls: number }).calls === KINDS.length
  })
  agent.destroy()
  await postern.stop()

  const store = await openStore({ dataFolder: data, log: silentLog })
  const real = await told(store.analytics)
  await store.close()
  const madeUp = new MemoryAnalytics(systemClock)
  const minuteMs = Math.floor(Date.now() / 60_000) * 60_000
  await madeUp.write({ rows: KINDS.map((kind) => rowOf(kind, minuteMs, 1)), droppedCalls: 0 })
  expect(real).toEqual(await told(madeUp))
})

test('a made-up past is written once, and not into a folder that has calls', async () => {
  data = mkdtempSync(join(tmpdir(), 'postern-demo-traffic-'))
  const calls = await writeHistory(data, 5)
  expect(calls).toBeGreaterThan(1_000)
  expect(await writeHistory(data, 5)).toBe(0)
  const store = await openStore({ dataFolder: data, log: silentLog })
  const { calls: kept } = await store.analytics.summary({ scope: { kind: 'all' }, sinceMs: 0, untilMs: Date.now() })
  await store.close()
  expect(kept).toBe(calls)
})

test('servers fail in the bad hour, and usage agrees with the calls', () => {
  const nowMs = Date.parse('2026-06-03T15:00:00Z')
  const { rows, amounts } = dayOf(nowMs, 24, () => 0.5)
  const share = (isIn: (agoHours: number) => boolean): number => {
    const of = rows.filter((row) => isIn((nowMs - row.minuteMs) / 3_600_000))
    const sum = (list: typeof rows): number => list.reduce((all, row) => all + row.calls, 0)
    return sum(of.filter((row) => row.status >= 500)) / sum(of)
  }
  expect(share((ago) => ago > 3 && ago < 4)).toBeGreaterThan(5 * share((ago) => ago < 3))
  const hits = amounts.filter(({ service, name }) => service === '43' && name === 'hits')
  const authorized = rows.filter(({ serviceId, authorized }) => serviceId === '43' && authorized)
  expect(hits.reduce((sum, { value }) => sum + value, 0)).toBe(authorized.reduce((sum, { calls }) => sum + calls, 0))
})

test('while it runs, servers fail at times: there are failed calls that can be explained', () => {
  const failed = (isBad: boolean): number => {
    const kinds = Array.from({ length: 10_000 }, (_, i) => kindAt(i / 10_000, isBad))
    return kinds.filter(({ status }) => status >= 500).length
  }
  expect(failed(false)).toBeGreaterThan(0)
  expect(failed(true)).toBeGreaterThan(10 * failed(false))
  const minutes = [0, 1, 2, 3, 14, 15, 16, 17, 18]
  expect(minutes.filter((minute) => isBadSpell(minute * 60_000))).toEqual([1, 2, 16, 17])
})
