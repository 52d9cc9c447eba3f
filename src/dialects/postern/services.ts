import type { Period } from '../../core/calendar.ts'
import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import {
  type BackendVersion,
  bareService,
  HITS,
  type Limit,
  type Metric,
  type Plan,
  type Service,
} from '../../model/service.ts'
import type { RawServiceProxy } from './service-proxy.ts'
import type { Places } from './shape.ts'

type List<T> = readonly (T | undefined)[]

export interface RawService {
  readonly id?: string
  readonly systemName?: string
  readonly name?: string
  readonly backendVersion?: BackendVersion
  readonly state?: 'active' | 'suspended'
  readonly referrerFiltersRequired?: boolean
  readonly providerKey?: string
  readonly serviceToken?: string
  readonly metrics?: List<RawMetric>
  readonly plans?: List<RawPlan>
  readonly proxy?: RawServiceProxy
}

interface RawMetric {
  readonly systemName?: string
  readonly friendlyName?: string
  readonly unit?: string
  readonly parent?: string
  readonly methods?: List<RawMetric>
}

interface RawPlan {
  readonly id?: string
  readonly name?: string
  readonly limits?: List<{ readonly metric?: string; readonly period?: Period; readonly value?: number }>
}

const ID = /^[A-Za-z0-9_-]{1,64}$/
const SYSTEM_NAME = /^[A-Za-z0-9_./-]{1,255}$/
const ID_RULE = 'letters, digits, _ and -, at most 64 of them'
const SYSTEM_NAME_RULE = 'letters, digits and _ - . /, at most 255 of them'

/** The services that have an id and a name; ids and system names differ within a file, metrics within a service. */
export function readServices(raws: List<RawService>, places: Places, problems: Problems): Service[] {
  const services: Service[] = []
  const taken = new Map<string, string>()
  for (const [index, raw] of raws.entries()) {
    const path = `services.${index}`
    if (raw?.id === undefined || raw.systemName === undefined) continue
    checkText(ID, raw.id, `${path}.id`, ID_RULE, places, problems)
    checkText(SYSTEM_NAME, raw.systemName, `${path}.systemName`, SYSTEM_NAME_RULE, places, problems)
    // An api refers to a service by either, so they share one space of names.
    for (const key of new Set([raw.id, raw.systemName])) {
      const other = taken.get(key)
      if (other !== undefined) {
        problems.error('DuplicateName', places.at(path), `${key} is the id or systemName of ${other} already`)
      }
      taken.set(key, path)
    }
    const metrics = new MetricReading(places, problems).read(raw.metrics ?? [], `${path}.metrics`)
    services.push({
      ...bareService(raw.id, raw.systemName, raw.name ?? raw.systemName),
      backendVersion: raw.backendVersion ?? '1',
      state: raw.state ?? 'active',
      referrerFiltersRequired: raw.referrerFiltersRequired ?? false,
      providerKey: raw.providerKey ?? null,
      serviceToken: raw.serviceToken ?? null,
      metrics,
      plans: readPlans(raw.plans ?? [], metrics, `${path}.plans`, places, problems),
    })
  }
  return services
}

/** 3scale gives every service the metric hits, first. */
class MetricReading {
  readonly #places: Places
  readonly #problems: Problems
  readonly #metrics: Metric[] = []
  readonly #taken = new Set<string>()

  constructor(places: Places, problems: Problems) {
    this.#places = places
    this.#problems = problems
  }

  read(raws: List<RawMetric>, path: string): Metric[] {
    this.#list(raws, path, null, 'hit')
    const all = this.#taken.has(HITS.systemName) ? this.#metrics : [HITS, ...this.#metrics]
    const metrics = all.map((metric, index) => ({ ...metric, id: String(index + 1) }))
    for (const metric of metrics) this.#checkParent(metric, metrics, path)
    return metrics
  }

  #list(raws: List<RawMetric>, path: string, parent: string | null, unit: string): void {
    for (const [index, raw] of raws.entries()) {
      if (raw?.systemName === undefined) continue
      const metric = this.#metric(raw, raw.systemName, `${path}.${index}`, parent, unit)
      this.#metrics.push(metric)
      this.#list(raw.methods ?? [], `${path}.${index}.methods`, metric.systemName, metric.unit)
    }
  }

  #metric(raw: RawMetric, systemName: string, path: string, parent: string | null, unit: string): Metric {
    checkText(SYSTEM_NAME, systemName, `${path}.systemName`, SYSTEM_NAME_RULE, this.#places, this.#problems)
    if (this.#taken.has(systemName)) {
      const text = `a metric or method called ${systemName} is there already; names must differ within a service`
      this.#problems.error('DuplicateName', this.#places.at(`${path}.systemName`), text)
    }
    this.#taken.add(systemName)
    return {
      id: '',
      systemName,
      friendlyName: raw.friendlyName ?? systemName,
      unit: raw.unit ?? unit,
      description: '',
      parent: parent ?? raw.parent ?? null,
    }
  }

  #checkParent({ systemName, parent }: Metric, metrics: readonly Metric[], path: string): void {
    const seen = new Set([systemName])
    for (let at = parent; at !== null; ) {
      const found = metrics.find((metric) => metric.systemName === at)
      if (found === undefined || seen.has(at)) {
        const names = metrics.map((metric) => metric.systemName)
        const text =
          found === undefined
            ? `${at}, the parent of ${systemName}, is no metric of this service${didYouMean(at, names)}`
            : `${systemName} is its own parent, through ${[...seen].join(', ')}`
        this.#problems.error(found === undefined ? 'UnknownReference' : 'BadValue', this.#places.at(path), text)
        return
      }
      seen.add(at)
      at = found.parent
    }
  }
}

function readPlans(
  raws: List<RawPlan>,
  metrics: readonly Metric[],
  path: string,
  places: Places,
  problems: Problems,
): Plan[] {
  const taken = new Set<string>()
  return raws.flatMap((raw, index): Plan[] => {
    if (raw?.id === undefined || raw.name === undefined) return []
    const place = `${path}.${index}`
    checkText(ID, raw.id, `${place}.id`, ID_RULE, places, problems)
    for (const key of new Set([raw.id, raw.name])) {
      if (taken.has(key))
        problems.error('DuplicateName', places.at(place), `${key} is the id or name of a plan already`)
      taken.add(key)
    }
    const limits = readLimits(raw.limits ?? [], metrics, raw.id, `${place}.limits`, places, problems)
    return [{ id: raw.id, systemName: raw.name, name: raw.name, state: 'published', limits }]
  })
}

function readLimits(
  raws: NonNullable<RawPlan['limits']>,
  metrics: readonly Metric[],
  plan: string,
  path: string,
  places: Places,
  problems: Problems,
): Limit[] {
  const taken = new Set<string>()
  return raws.flatMap((raw, index): Limit[] => {
    if (raw?.metric === undefined || raw.period === undefined || raw.value === undefined) return []
    const at = places.at(`${path}.${index}`)
    const names = metrics.map(({ systemName }) => systemName)
    if (!names.includes(raw.metric)) {
      const text = `no metric of this service is called ${raw.metric}${didYouMean(raw.metric, names)}`
      problems.error('UnknownReference', at, text)
    }
    const key = `${raw.metric} per ${raw.period}`
    if (taken.has(key)) problems.error('DuplicateName', at, `this plan has a limit of ${key} already`)
    taken.add(key)
    return [{ id: `${plan}-${index + 1}`, metric: raw.metric, period: raw.period, value: raw.value }]
  })
}

function checkText(
  pattern: RegExp,
  text: string,
  path: string,
  rule: string,
  places: Places,
  problems: Problems,
): void {
  if (pattern.test(text)) return
  problems.error('BadValue', places.at(path), `${path} must be ${rule}, not ${JSON.stringify(text.slice(0, 100))}`)
}
