import type { Problems } from '../../model/problem.ts'
import type { Metric, Service } from '../../model/service.ts'
import type { Places } from './shape.ts'

export interface RawService {
  readonly id?: string
  readonly systemName?: string
  readonly name?: string
  readonly providerKey?: string
  readonly serviceToken?: string
  readonly metrics?: readonly (RawMetric | undefined)[]
}

interface RawMetric {
  readonly systemName?: string
  readonly friendlyName?: string
  readonly unit?: string
  readonly methods?: readonly (RawMetric | undefined)[]
}

const ID = /^[A-Za-z0-9_-]{1,64}$/
const SYSTEM_NAME = /^[A-Za-z0-9_./-]{1,255}$/
const HITS: Metric = { systemName: 'hits', friendlyName: 'Hits', unit: 'hit', methods: [] }

/** The services that have an id and a name; ids and system names differ within a file, metrics within a service. */
export function readServices(raws: readonly (RawService | undefined)[], places: Places, problems: Problems): Service[] {
  const services: Service[] = []
  const taken = new Map<string, string>()
  for (const [index, raw] of raws.entries()) {
    const path = `services.${index}`
    if (raw?.id === undefined || raw.systemName === undefined) continue
    checkText(ID, raw.id, `${path}.id`, 'letters, digits, _ and -, at most 64 of them', places, problems)
    checkText(SYSTEM_NAME, raw.systemName, `${path}.systemName`, SYSTEM_NAME_RULE, places, problems)
    // An api refers to a service by either, so they share one space of names.
    for (const key of new Set([raw.id, raw.systemName])) {
      const other = taken.get(key)
      if (other !== undefined) {
        problems.error('DuplicateName', places.at(path), `${key} is the id or systemName of ${other} already`)
      }
      taken.set(key, path)
    }
    services.push({
      id: raw.id,
      systemName: raw.systemName,
      name: raw.name ?? raw.systemName,
      providerKey: raw.providerKey ?? null,
      serviceToken: raw.serviceToken ?? null,
      metrics: readMetrics(raw.metrics ?? [], `${path}.metrics`, places, problems),
    })
  }
  return services
}

const SYSTEM_NAME_RULE = 'letters, digits and _ - . /, at most 255 of them'

/** 3scale gives every service the metric hits, first. */
function readMetrics(
  raws: readonly (RawMetric | undefined)[],
  path: string,
  places: Places,
  problems: Problems,
): Metric[] {
  const taken = new Set<string>()
  const metrics: Metric[] = []
  for (const [index, raw] of raws.entries()) {
    if (raw?.systemName === undefined) continue
    const methodsPath = `${path}.${index}.methods`
    const metric = metricOf(raw, raw.systemName, `${path}.${index}`, 'hit', taken, places, problems)
    const methods: Metric[] = []
    for (const [i, method] of (raw.methods ?? []).entries()) {
      if (method?.systemName === undefined) continue
      methods.push(metricOf(method, method.systemName, `${methodsPath}.${i}`, metric.unit, taken, places, problems))
    }
    metrics.push({ ...metric, methods })
  }
  return taken.has(HITS.systemName) ? metrics : [HITS, ...metrics]
}

function metricOf(
  raw: RawMetric,
  systemName: string,
  path: string,
  unit: string,
  taken: Set<string>,
  places: Places,
  problems: Problems,
): Metric {
  checkText(SYSTEM_NAME, systemName, `${path}.systemName`, SYSTEM_NAME_RULE, places, problems)
  if (taken.has(systemName)) {
    const text = `a metric or method called ${systemName} is there already; names must differ within a service`
    problems.error('DuplicateName', places.at(`${path}.systemName`), text)
  }
  taken.add(systemName)
  return { systemName, friendlyName: raw.friendlyName ?? systemName, unit: raw.unit ?? unit, methods: [] }
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
