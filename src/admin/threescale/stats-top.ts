import { missing, topRange, type UsageParameters } from '../../analytics/threescale-usage.ts'
import type { AdminOptions } from '../options.ts'
import { topApplicationsOf } from '../top-applications.ts'
import { shownId, statsApplication } from './stats-application.ts'
import { metricOf, type ShownMetric, shownMetric } from './stats-metric.ts'
import type { Subject } from './stats-subject.ts'

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
  const top = await topApplicationsOf(options, { service: service.id, metric: metric.systemName, sinceMs, untilMs })
  const applications = top.map(({ application, account, value }): TopApplication => {
    const shown = statsApplication(application, service, account)
    return {
      name: shown.name,
      id: shown.id,
      value: String(value),
      account: { id: shownId(application.accountId), name: account?.name ?? '' },
      plan: shown.plan ?? { id: shownId(application.planId), name: '' },
      service: shown.service,
    }
  })
  return { applications, metric: shownMetric(metric), period }
}
