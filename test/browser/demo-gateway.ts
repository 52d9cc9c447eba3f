import type { AdminLog, AdminOptions, RecentCallsSource } from '../../src/admin/options.ts'
import { latencyBucket } from '../../src/analytics/latency.ts'
import type { Analytics } from '../../src/analytics/ports.ts'
import type { AnsweredBy } from '../../src/analytics/record.ts'
import type { BatchRow } from '../../src/analytics/rollup.ts'
import { type Clock, ManualClock } from '../../src/core/clock.ts'
import { bareService, type Service } from '../../src/model/service.ts'
import { MemoryAnalytics } from '../../src/stores/memory/analytics.ts'

// A gateway that never ran, for tests of the admin door and of the pages: its analytics are filled by hand.

export const demoToken = 'demo-token-of-the-admin-door'

export const demoNowMs: number = Date.parse('2026-11-22T11:12:13Z')

export const demoServices: readonly Service[] = [
  { ...bareService('42', 'weather', 'Weather'), providerKey: 'pk-weather', serviceToken: 'tok-42' },
  { ...bareService('43', 'maps', 'Maps'), providerKey: 'pk-maps' },
  bareService('44', 'odd', '<script>document.title="owned"</script>'),
]

export const silentLog: AdminLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Gateway threads that remember nothing. */
const noRecentCalls: RecentCallsSource = {
  settings: () => ({ max: 10_000, hours: 24, bodies: false }),
  page: () => Promise.resolve({ answers: [], silent: 0 }),
  find: () => Promise.resolve(null),
}

const apigeeProxy = { dialect: 'apigee', deployedAtMs: null, policies: 2 } as const

/** Options for `startAdmin` and `buildAdmin`, with an empty store unless told otherwise. */
export function demoOptions(part: Partial<AdminOptions> = {}): AdminOptions {
  const clock = part.clock ?? new ManualClock(demoNowMs)
  return {
    host: '127.0.0.1',
    port: 0,
    token: demoToken,
    analytics: new MemoryAnalytics(clock),
    services: () => demoServices,
    proxies: () => [
      { ...apigeeProxy, name: 'weather', revision: 3, basePaths: ['/v1/weather'], serviceId: '42' },
      { ...apigeeProxy, name: 'maps', revision: 1, basePaths: ['/v1/maps', '/v2/maps'], serviceId: '43' },
      { ...apigeeProxy, name: 'orders', revision: 12, basePaths: ['/orders'], serviceId: null },
    ],
    proxy: () => null,
    throttles: () => Promise.resolve([]),
    accounts: null,
    edge: null,
    apig: null,
    metrics: {
      totals: () => ({
        workers: 2,
        workerRestarts: 1,
        counterSlotsUsed: 12,
        counterSlots: 65_536,
        countersNoRoom: 0,
        doorAnswers: [],
        backendCalls: [],
        reportsWaiting: 0,
        reportsLost: 0,
        connections: 4,
      }),
    },
    recentCalls: noRecentCalls,
    trace: null,
    debugToken: () => '',
    readiness: () => ({ ready: true }),
    dashboardFolder: null,
    clock,
    log: silentLog,
    ...part,
  }
}

/** Calls of one kind in one minute; what is not named is a good answer of the target. */
export function callsOf(part: Partial<BatchRow> & { readonly minuteMs: number; readonly calls: number }): BatchRow {
  const totalMs = part.totalMs ?? 20
  return {
    environment: 'test',
    proxy: 'weather',
    revision: 3,
    serviceId: '42',
    application: '',
    account: '',
    method: 'GET',
    pathTemplate: '/v1/weather',
    status: 200,
    targetStatus: part.status ?? 200,
    answeredBy: 'target',
    errorCode: '',
    authorized: true,
    bytesIn: 0,
    bytesOut: 0,
    targetMs: 0,
    policyMs: 0,
    ...part,
    totalMs: totalMs * part.calls,
    latency: [latencyBucket(totalMs), part.calls],
  }
}

type Kind = readonly [
  share: number,
  status: number,
  answeredBy: AnsweredBy,
  proxy: string,
  errorCode: string,
  ms: number,
]

const kinds: readonly Kind[] = [
  [0.52, 200, 'target', 'weather', '', 24],
  [0.2, 200, 'target', 'maps', '', 61],
  [0.09, 201, 'target', 'orders', '', 40],
  [0.05, 304, 'target', 'maps', '', 9],
  [0.032, 404, 'target', 'maps', '', 14],
  [0.03, 429, 'policy', 'weather', 'APIG.0308', 1],
  [0.022, 401, 'policy', 'orders', 'steps.verifyapikey.FailedToResolveAPIKey', 1],
  [0.014, 422, 'callout', 'weather', 'steps.servicecallout.ExecutionFailed', 130],
  [0.01, 404, 'gateway', '', 'messaging.runtime.RouteNotFound', 0.4],
  [0.008, 499, 'client', 'maps', '', 2100],
  [0.006, 503, 'target', 'orders', '', 300],
  [0.005, 502, 'gateway', 'orders', 'messaging.adaptors.http.flow.UnexpectedEOF', 40],
  [0.003, 504, 'gateway', 'maps', 'messaging.adaptors.http.flow.GatewayTimeout', 9000],
]

export interface DemoTraffic {
  readonly days: number
  /** The last hours have their calls per minute, the ones before per hour. */
  readonly hoursByMinute: number
}

/** Believable traffic up to now: a day's and a week's rhythm, noise, and one bad hour this morning. The same at every call. */
export function fillDemo(analytics: Analytics, { days, hoursByMinute }: DemoTraffic): void {
  const nowMs = demoNowMs
  const random = seeded(7)
  const hourMs = 3_600_000
  const minuteMs = 60_000
  const thisMinute = Math.floor(nowMs / minuteMs) * minuteMs
  const thisHour = Math.floor(nowMs / hourMs) * hourMs
  const rows: BatchRow[] = []
  for (let atMs = thisHour - days * 24 * hourMs; atMs < thisHour - hoursByMinute * hourMs; atMs += hourMs) {
    rows.push(...traffic(atMs, nowMs, 3_600 * (1 - (nowMs - atMs) / (600 * 24 * hourMs)), random))
  }
  for (let atMs = thisHour - hoursByMinute * hourMs; atMs <= thisMinute; atMs += minuteMs)
    rows.push(...traffic(atMs, nowMs, 60, random))
  for (let from = 0; from < rows.length; from += 5_000) {
    void analytics.write({ rows: rows.slice(from, from + 5_000), droppedCalls: 0 })
  }
}

function traffic(atMs: number, nowMs: number, most: number, random: () => number): BatchRow[] {
  const date = new Date(atMs)
  const hour = date.getUTCHours() + date.getUTCMinutes() / 60
  const weekend = date.getUTCDay() % 6 === 0 ? 0.55 : 1
  const level = most * weekend * (0.32 + 0.68 * Math.exp(-(((hour - 13.5) / 5) ** 2))) * (0.9 + 0.2 * random())
  const agoMs = nowMs - atMs
  const bad = agoMs > 170 * 60_000 && agoMs < 232 * 60_000
  return kinds.flatMap(([share, status, answeredBy, proxy, errorCode, ms]) => {
    const worse = bad && status >= 500 ? 16 : bad && status === 200 ? 0.82 : 1
    const expected = level * share * worse * (0.75 + 0.5 * random())
    const calls = Math.floor(expected) + (random() < expected % 1 ? 1 : 0)
    if (calls === 0) return []
    const serviceId = proxy === 'weather' ? '42' : proxy === 'maps' ? '43' : ''
    const authorized = serviceId !== '' && answeredBy !== 'policy'
    return [
      callsOf({ minuteMs: atMs, calls, status, answeredBy, proxy, errorCode, serviceId, authorized, totalMs: ms }),
    ]
  })
}

/** The same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}

/** A clock that goes on from the demo's moment. */
export function runningClock(): Clock {
  const startedMs = Date.now()
  return { now: () => demoNowMs + Date.now() - startedMs }
}
