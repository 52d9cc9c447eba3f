import { UsageError } from '../../analytics/threescale-usage.ts'
import type { Metric, Service } from '../../model/service.ts'
import { shownId } from './stats-application.ts'

type Id = number | string

/** A metric as answers about usage name it. */
export interface ShownMetric {
  readonly id: Id
  readonly name: string
  readonly system_name: string
  readonly unit: string
}

export function shownMetric({ id, friendlyName, systemName, unit }: Metric): ShownMetric {
  return { id: shownId(id), name: friendlyName, system_name: systemName, unit }
}

/** By system name. Throws UsageError for one that the service does not have. */
export function metricOf(service: Service, name: string): Metric {
  const metric = service.metrics.find(({ systemName }) => systemName === name)
  if (metric !== undefined) return metric
  const names = service.metrics.map(({ systemName }) => systemName).join(', ')
  throw new UsageError(`metric ${name} not found`, `the metrics of this service are ${names}`)
}

/** One metric of a summary. */
export interface SummaryMetric {
  readonly metric: {
    readonly id: Id
    readonly system_name: string
    readonly friendly_name: string
    readonly description: string
    readonly unit: string
    readonly service_id: Id
    readonly parent_id: Id | null
  }
}

/** Of a service: the methods of its hits. Of an application: all metrics, and all methods, of its service. */
export function summaryOf(service: Service, ofApplication: boolean): readonly SummaryMetric[] | object {
  const shown = (metric: Metric): SummaryMetric => ({
    metric: {
      id: shownId(metric.id),
      system_name: metric.systemName,
      friendly_name: metric.friendlyName,
      description: metric.description,
      unit: metric.unit,
      service_id: shownId(service.id),
      parent_id: parentId(service, metric),
    },
  })
  const methods = service.metrics.filter(({ parent }) => parent !== null)
  if (!ofApplication) return methods.filter(({ parent }) => parent === 'hits').map(shown)
  return {
    metrics: service.metrics.filter(({ parent }) => parent === null).map(shown),
    methods: methods.map(shown),
  }
}

function parentId(service: Service, { parent }: Metric): Id | null {
  const found = service.metrics.find(({ systemName }) => systemName === parent)
  return found === undefined ? null : shownId(found.id)
}
