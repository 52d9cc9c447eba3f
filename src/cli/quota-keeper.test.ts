import { expect, test } from 'vitest'
import { quotaEndMs, quotaKey, quotaLengthMs, quotaPrefix } from '../apig/limits.ts'
import { Decision } from '../core/counters.ts'
import { openLog } from '../core/log.ts'
import type { ApigApp, CredentialQuota } from '../model/apig.ts'
import { MemoryCounters } from '../stores/memory/counters.ts'
import { MemoryDocuments } from '../stores/memory/documents.ts'
import { QuotaKeeper } from './quota-keeper.ts'

const T0 = Date.UTC(2026, 0, 1, 12)
const DAY = 86_400_000
const QUOTA: CredentialQuota = { id: 'q', calls: 3, intervalCount: 1, unit: 'day', resetAtMs: Date.UTC(2026, 0, 1) }
const appOf = (id: string, quota: CredentialQuota | null): ApigApp => ({
  id,
  name: id,
  user: 'u',
  key: id,
  secret: id,
  codes: [],
  addresses: null,
  quota,
})

/** One life of a process over the same documents. */
function life(documents: MemoryDocuments, apps: readonly ApigApp[], nowMs = T0) {
  const counters = new MemoryCounters(MemoryCounters.allocate({ slots: 1024 }), 1)
  const log = openLog('silent', 'test')
  const keeper = new QuotaKeeper({ documents, counters, apps: () => apps, now: () => nowMs, log })
  const take = (app: string, quota: CredentialQuota): boolean => {
    const decision = new Decision(1)
    const check = decision.add(quotaEndMs(quota, nowMs), quotaLengthMs(quota), quota.calls, 1)
    quotaPrefix(counters).writeWith(quotaKey(quota, app), decision.keys, check)
    return counters.take(decision, nowMs)
  }
  keeper.start()
  return { keeper, take }
}

test('what is used goes on in the next life, each credential its own, and begins anew with the next cycle', () => {
  const documents = new MemoryDocuments()
  const apps = [appOf('a', QUOTA), appOf('b', QUOTA), appOf('c', null)]
  const first = life(documents, apps)
  expect([first.take('a', QUOTA), first.take('a', QUOTA), first.take('b', QUOTA)]).toEqual([true, true, true])
  first.keeper.stop()
  const second = life(documents, apps)
  expect([second.take('a', QUOTA), second.take('a', QUOTA)]).toEqual([true, false])
  second.keeper.stop()
  const tomorrow = life(documents, apps, T0 + DAY)
  expect([1, 2, 3, 4].map(() => tomorrow.take('a', QUOTA))).toEqual([true, true, true, false])
  tomorrow.keeper.stop()
})

test('a quota with another period counts from nothing; what nobody needs is removed; nonsense is passed over', () => {
  const documents = new MemoryDocuments()
  const first = life(documents, [appOf('a', QUOTA)])
  first.take('a', QUOTA)
  first.keeper.stop()
  expect(documents.list('apig-quota-used')).toHaveLength(1)
  documents.write([{ kind: 'apig-quota-used', key: 'x', body: Buffer.from('{') }], T0)
  const hourly: CredentialQuota = { ...QUOTA, calls: 1, unit: 'hour' }
  const second = life(documents, [appOf('a', hourly)])
  expect([second.take('a', hourly), second.take('a', hourly)]).toEqual([true, false])
  second.keeper.stop()
  expect(documents.list('apig-quota-used').map(({ key }) => key)).toEqual(['x', quotaKey(hourly, 'a')].sort())
})
