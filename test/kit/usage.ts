import type { FileAccounts } from '../../src/accounts/registry.ts'
import type { Application, Service } from '../../src/model/service.ts'
import { bareService, HITS } from '../../src/model/service.ts'
import type { UsageAmount } from '../../src/model/usage.ts'

/** A service with a metric, a method and a plan, and twelve applications of two accounts. */
export function usageFixture(): FileAccounts & { readonly service: Service } {
  const service: Service = {
    ...bareService('42', 'weather', 'Weather'),
    providerKey: 'pk-weather',
    metrics: [
      HITS,
      {
        id: '2',
        systemName: 'forecast',
        friendlyName: 'Forecast',
        unit: 'hit',
        description: 'Days ahead',
        parent: 'hits',
      },
      { id: '3', systemName: 'transfer', friendlyName: 'Transfer', unit: 'byte', description: '', parent: null },
    ],
    plans: [
      {
        id: '7',
        systemName: 'basic',
        name: 'Basic',
        state: 'published',
        limits: [
          { id: '1', metric: 'hits', period: 'day', value: 100 },
          { id: '2', metric: 'transfer', period: 'eternity', value: 5_000 },
        ],
      },
    ],
  }
  const account = (id: string, name: string) =>
    ({ id, name, state: 'approved', users: [], createdAtMs: 0, updatedAtMs: 0 }) as const
  const application = (n: number): Application => ({
    id: String(100 + n),
    accountId: n % 2 === 0 ? '5' : '6',
    serviceId: '42',
    planId: '7',
    name: n === 0 ? '=cmd|"x"' : `App ${n}`,
    description: n === 0 ? '<b>first</b>' : '',
    state: n === 11 ? 'suspended' : 'live',
    appId: null,
    userKey: `user-key-of-${n}-secret`,
    keys: [],
    referrerFilters: [],
    redirectUrl: null,
    createdAtMs: 0,
    updatedAtMs: 0,
  })
  return {
    service,
    services: [service, { ...bareService('43', 'maps', 'Maps'), providerKey: 'pk-maps' }],
    accounts: [account('5', 'ACME & Sons'), account('6', 'Globex')],
    applications: Array.from({ length: 12 }, (_, n) => application(n)),
  }
}

export const amount = (part: Partial<UsageAmount> & { readonly atMs: number }): UsageAmount => ({
  service: '42',
  application: '100',
  kind: 'metric',
  name: 'hits',
  value: 1,
  set: false,
  ...part,
})
