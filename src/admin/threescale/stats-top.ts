import { missing, topRange, type UsageParameters } from '../../analytics/threescale-usage.ts'
import type { AdminOptions } from '../options.ts'
import { shownId, statsApplication } from './stats-application.ts'
import { metricOf, type ShownMetric, shownMetric } from './stats-metric.ts'
import type { Subject } from './stats-subject.ts'

const TOP_MAX = 10
/** More are asked for: some may have been deleted meanwhile. */
const ASKED_MAX = 100

type Id = number | string

/** The body of `top_applications`, keys in the vendor's order. */
export interface TopApplications {
  readonly applications: readonly TopApplication[]
  readonly metric: ShownMetric
  readonly period: { readonly name: string; readonly since: string; readonly until: string }
}

export interface TopApplication {
  readonly name: string
  readonly id: Id
  /** A number as text, as the vendor has it. */
  readonly value: string
  readonly account: { readonly id: Id; readonly name: string }
  readonly plan: { readonly id: Id; readonly name: string }
  readonly service: { readonly id: Id }
}

/** Answers `/stats/services/{id}/top_applications`: at most ten, of the calendar period that holds `since`. Throws UsageError. */
export async function topApplications(
  options: AdminOptions,
  { service }: Subject,
  parameters: UsageParameters,
  nowMs: number,
): Promise<TopApplications> {
  const name = parameters['metric_name'] ?? ''
  if (name === '') throw missing('metric_name')
  const { period, sinceMs, untilMs } = topRange(parameters, { clock: { now: () => nowMs } })
  const metric = metricOf(service, name)
  const accounts = options.accounts
  const top =
    accounts === null
      ? []
      : await accounts.usage.topApplications({
          service: service.id,
          name: metric.systemName,
          sinceMs,
          untilMs,
          count: ASKED_MAX,
        })
  const applications = top.flatMap(({ application: id, value }): TopApplication[] => {
    const application = accounts?.registry.application(id) ?? null
    if (application === null) return []
    const account = accounts?.registry.account(application.accountId) ?? null
    const shown = statsApplication(application, service, account)
    return [
      {
        name: shown.name,
        id: shown.id,
        value: String(value),
        account: { id: shownId(application.accountId), name: account?.name ?? '' },
        plan: shown.plan ?? { id: shownId(application.planId), name: '' },
        service: shown.service,
      },
    ]
  })
  return { applications: applications.slice(0, TOP_MAX), metric: shownMetric(metric), period }
}
