// A made-up past for the demo: what the gateway would have kept had the kinds of calls been made all day.
import { latencyBucket } from '../../src/analytics/latency.ts'
import type { BatchRow } from '../../src/analytics/rollup.ts'
import { type Log, silentLog } from '../../src/core/log.ts'
import type { UsageAmount } from '../../src/model/usage.ts'
import { openStore } from '../../src/stores/sqlite/store.ts'
import { callsPerSecond, isBadHour, KINDS, type Kind, shareOf } from './kinds.ts'

const MINUTE_MS = 60_000
const ROWS_AT_ONCE = 2_000

const SERVICES: Readonly<Record<string, string>> = { weather: '42', shop: '43' }

/** Who refused a call that no service is asked to count. */
const isRefused = (kind: Kind): boolean => kind.errorCode.startsWith('steps.authrep.') || kind.proxy === ''

/** The rows of one kind in one minute. */
export function rowOf(kind: Kind, minuteMs: number, calls: number): BatchRow {
  const { proxy, status, targetStatus, answeredBy, errorCode, ms } = kind
  return {
    minuteMs,
    environment: 'test',
    proxy,
    revision: proxy === '' ? 0 : 1,
    serviceId: SERVICES[proxy] ?? '',
    application: kind.caller?.application ?? '',
    account: kind.caller?.account ?? '',
    method: kind.method ?? 'GET',
    pathTemplate: proxy === '' ? '' : `/${proxy}`,
    status,
    targetStatus,
    answeredBy,
    errorCode,
    authorized: !isRefused(kind),
    calls,
    bytesIn: 180 * calls,
    bytesOut: 640 * calls,
    totalMs: ms * calls,
    targetMs: targetStatus === 0 ? 0 : ms * 0.8 * calls,
    policyMs: ms * 0.15 * calls,
    latency: [latencyBucket(ms), calls],
  }
}

function usageOf(kind: Kind, atMs: number, value: number): UsageAmount[] {
  const service = SERVICES[kind.proxy]
  if (service === undefined || isRefused(kind)) return []
  const application = kind.caller?.application ?? ''
  const names = kind.metric === undefined ? ['hits'] : ['hits', kind.metric]
  return names.map((name) => ({ service, application, kind: 'metric', name, atMs, value, set: false }))
}

/** What happened in `hours` up to `nowMs`: the same for the same hours, but for the dice. */
export function dayOf(nowMs: number, hours: number, dice: () => number): { rows: BatchRow[]; amounts: UsageAmount[] } {
  const rows: BatchRow[] = []
  const amounts: UsageAmount[] = []
  const thisMinute = nowMs - (nowMs % MINUTE_MS)
  for (let minuteMs = thisMinute - hours * 60 * MINUTE_MS; minuteMs < thisMinute; minuteMs += MINUTE_MS) {
    const all = callsPerSecond(minuteMs) * 60 * (0.9 + 0.2 * dice())
    const isBad = isBadHour(nowMs - minuteMs)
    for (const kind of KINDS) {
      const expected = (all * shareOf(kind, isBad)) / 10_000
      const calls = Math.floor(expected) + (dice() < expected % 1 ? 1 : 0)
      if (calls === 0) continue
      rows.push(rowOf(kind, minuteMs, calls))
      amounts.push(...usageOf(kind, minuteMs, calls))
    }
  }
  return { rows, amounts }
}

/**
 * Writes that past into a data folder in which nothing was counted yet. Gives the number of calls; 0: there were some, and it is left
 * alone. The gateway must not run.
 */
export async function writeHistory(dataFolder: string, hours: number, log: Log = silentLog): Promise<number> {
  const store = await openStore({ dataFolder, log })
  try {
    if ((await store.analytics.firstAndLast({ kind: 'all' })) !== null) return 0
    const { rows, amounts } = dayOf(Date.now(), hours, Math.random)
    const parts = Math.ceil(rows.length / ROWS_AT_ONCE)
    const usageAtOnce = Math.ceil(amounts.length / parts)
    for (let part = 0; part < parts; part++) {
      await store.analytics.write({
        rows: rows.slice(part * ROWS_AT_ONCE, (part + 1) * ROWS_AT_ONCE),
        droppedCalls: 0,
        usage: { amounts: amounts.slice(part * usageAtOnce, (part + 1) * usageAtOnce), errors: [] },
      })
    }
    return rows.reduce((sum, row) => sum + row.calls, 0)
  } finally {
    await store.close()
  }
}
