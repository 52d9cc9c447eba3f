import type { Account, Application } from '../model/service.ts'
import type { AdminOptions } from './options.ts'

/** What is asked: one metric of a service, over all time between two instants. */
export interface TopQuestion {
  readonly service: string
  readonly metric: string
  readonly sinceMs: number
  readonly untilMs: number
}

export interface TopApplication {
  readonly application: Application
  readonly account: Account | null
  readonly value: number
}

const TOP_MAX = 10
/** More are asked for: some may have been deleted meanwhile. */
const ASKED_MAX = 100

/** The applications that used most, the first the most; none where there are no accounts. */
export async function topApplicationsOf(
  { accounts }: AdminOptions,
  { service, metric, sinceMs, untilMs }: TopQuestion,
): Promise<TopApplication[]> {
  if (accounts === null) return []
  const { registry, usage } = accounts
  const top = await usage.topApplications({ service, name: metric, sinceMs, untilMs, count: ASKED_MAX })
  return top
    .flatMap(({ application: id, value }): TopApplication[] => {
      const application = registry.application(id)
      return application === null ? [] : [{ application, account: registry.account(application.accountId), value }]
    })
    .slice(0, TOP_MAX)
}
