import type { Registry } from '../../../accounts/registry.ts'
import { type BackendVersion, bareService, HITS, type Metric, type Service } from '../../../model/service.ts'
import { created, type Entity, gone, ok } from './answer.ts'
import { type Call, id, metricOf, paged, type Route, randomKey, serviceOf, stamps } from './context.ts'
import { Fields, InvalidFields, NotFound, SYSTEM_NAME, systemNameOf } from './input.ts'
import { readPortal, SERVICE_PORTAL, shownPortal } from './portal-fields.ts'

function serviceEntity(service: Service): Entity {
  return {
    type: 'service',
    fields: {
      id: id(service.id),
      name: service.name,
      state: service.state === 'active' ? 'incomplete' : 'suspended',
      system_name: service.systemName,
      // The two are the same for the accounts; the portal tells them apart.
      backend_version: service.portal?.[IS_OIDC] === true ? 'oidc' : service.backendVersion,
      description: service.description,
      referrer_filters_required: service.referrerFiltersRequired,
      ...shownPortal(SERVICE_PORTAL, service.portal),
      ...stamps(service),
      links: [{ rel: 'self', href: `/admin/api/services/${service.id}` }],
    },
  }
}

const IS_OIDC = 'is_oidc'

const VERSIONS: readonly (BackendVersion | 'oidc')[] = ['1', '2', 'oauth', 'oidc']

function readService(call: Call, before: Service | null): (before: Service) => Service {
  const fields = new Fields(call.input)
  const name = fields.text('name', { required: before === null })
  const systemName = fields.text('system_name', { pattern: SYSTEM_NAME })
  const version = fields.choice('backend_version', VERSIONS)
  const description = fields.text('description', { max: 10_000 })
  const filters = fields.flag('referrer_filters_required')
  const providerKey = fields.text('provider_key')
  const serviceToken = fields.text('service_token')
  const portal = readPortal(fields, SERVICE_PORTAL, before?.portal)
  fields.check()
  const { clock, registry } = call.context
  const nowMs = clock.now()
  const isTaken = (key: string): boolean => registry.services.some((other) => other.systemName === key)
  return (service) => ({
    ...service,
    name: name ?? service.name,
    systemName: before === null ? (systemName ?? systemNameOf(name!, isTaken)) : service.systemName,
    backendVersion: version === undefined ? service.backendVersion : version === 'oidc' ? 'oauth' : version,
    description: description ?? service.description,
    referrerFiltersRequired: filters ?? service.referrerFiltersRequired,
    providerKey: providerKey ?? service.providerKey,
    serviceToken: serviceToken ?? service.serviceToken,
    portal: version === undefined ? portal : { ...portal, [IS_OIDC]: version === 'oidc' },
    createdAtMs: service.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  })
}

/** Methods stand among the metrics too, and are called so there; `type` says where it is shown. */
function metricEntity(metric: Metric, service: Service, type: 'metric' | 'method' = 'metric'): Entity {
  const parent = service.metrics.find(({ systemName }) => systemName === metric.parent)
  const below = `/admin/api/services/${service.id}/metrics`
  return {
    type,
    fields: {
      id: id(metric.id),
      name: metric.systemName,
      system_name: metric.systemName,
      friendly_name: metric.friendlyName,
      description: metric.description,
      ...(type === 'metric' && { unit: metric.unit }),
      ...(parent !== undefined && { parent_id: id(parent.id) }),
      ...stamps(metric),
      links: [
        { rel: 'service', href: `/admin/api/services/${service.id}` },
        {
          rel: 'self',
          href:
            type === 'method' && parent !== undefined
              ? `${below}/${parent.id}/methods/${metric.id}`
              : `${below}/${metric.id}`,
        },
      ],
    },
  }
}

async function createMetric(call: Call, parent: Metric | null): Promise<Entity> {
  const service = serviceOf(call)
  const fields = new Fields(call.input)
  const friendlyName = fields.text('friendly_name', { required: true })
  const unit = parent === null ? fields.text('unit', { required: true }) : parent.unit
  const isTaken = (key: string): boolean => service.metrics.some((metric) => metric.systemName === key)
  const chosen = fields.text('system_name', { pattern: SYSTEM_NAME })
  const description = fields.text('description', { max: 10_000 }) ?? ''
  if (chosen !== undefined && isTaken(chosen)) fields.error('system_name', 'has already been taken')
  fields.check()
  const nowMs = call.context.clock.now()
  const metric: Metric = {
    id: call.context.registry.nextId(),
    systemName: chosen ?? systemNameOf(friendlyName!, isTaken),
    friendlyName: friendlyName!,
    unit: unit!,
    description,
    parent: parent?.systemName ?? null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
  const after = await change(call.context.registry, service.id, (one) => ({
    ...one,
    metrics: [...one.metrics, metric],
  }))
  return metricEntity(metric, after, parent === null ? 'metric' : 'method')
}

async function changeMetric(call: Call, key: string, type: 'metric' | 'method'): Promise<Entity> {
  const service = serviceOf(call)
  const { id: metricId } = metricOf(service, key)
  const fields = new Fields(call.input)
  const friendlyName = fields.text('friendly_name')
  const unit = fields.text('unit')
  const description = fields.text('description', { max: 10_000 })
  fields.check()
  const after = await change(call.context.registry, service.id, (one) => ({
    ...one,
    metrics: one.metrics.map((metric) =>
      metric.id === metricId
        ? {
            ...metric,
            friendlyName: friendlyName ?? metric.friendlyName,
            unit: unit ?? metric.unit,
            description: description ?? metric.description,
            updatedAtMs: call.context.clock.now(),
          }
        : metric,
    ),
  }))
  return metricEntity(metricOf(after, metricId), after, type)
}

/** With everything below it, and their limits. */
async function removeMetric(call: Call, key: string): Promise<void> {
  const service = serviceOf(call)
  const doomed = new Set([metricOf(service, key).systemName])
  if (doomed.has(HITS.systemName)) throw new InvalidFields({ base: ['the metric hits cannot be deleted'] })
  for (let size = -1; size !== doomed.size; ) {
    size = doomed.size
    for (const { systemName, parent } of service.metrics)
      if (parent !== null && doomed.has(parent)) doomed.add(systemName)
  }
  await change(call.context.registry, service.id, (one) => ({
    ...one,
    metrics: one.metrics.filter(({ systemName }) => !doomed.has(systemName)),
    plans: one.plans.map((plan) => ({ ...plan, limits: plan.limits.filter(({ metric }) => !doomed.has(metric)) })),
  }))
}

export function change(registry: Registry, serviceId: string, make: (service: Service) => Service): Promise<Service> {
  return registry.putService(serviceId, (before) => {
    if (before === null) throw new NotFound()
    return make(before)
  })
}

/** Services, metrics, methods. */
export const SERVICE_ROUTES: readonly Route[] = [
  [
    'GET',
    'services',
    ({ context, input }) => ok(paged('services', context.registry.services.map(serviceEntity), input)),
  ],
  [
    'POST',
    'services',
    async (call) => {
      const { registry, clock } = call.context
      const make = readService(call, null)
      const serviceId = registry.nextId()
      // One provider for all: the key that the first service has.
      const providerKey = registry.services.find((service) => service.providerKey !== null)?.providerKey ?? randomKey()
      const bare = {
        ...bareService(serviceId, '', ''),
        providerKey,
        serviceToken: randomKey(),
        metrics: [{ ...HITS, id: registry.nextId(), createdAtMs: clock.now(), updatedAtMs: clock.now() }],
      }
      return created(serviceEntity(await registry.putService(serviceId, () => make(bare))))
    },
  ],
  ['GET', 'services/:s', (call) => ok(serviceEntity(serviceOf(call)))],
  [
    'PUT',
    'services/:s',
    async (call) => {
      const service = serviceOf(call)
      return ok(serviceEntity(await change(call.context.registry, service.id, readService(call, service))))
    },
  ],
  [
    'DELETE',
    'services/:s',
    async (call) => {
      const { id: serviceId } = serviceOf(call)
      await call.context.registry.removeService(serviceId)
      call.context.proxies.remove(serviceId)
      return gone
    },
  ],
  [
    'GET',
    'services/:s/metrics',
    (call) => {
      const service = serviceOf(call)
      return ok(
        paged(
          'metrics',
          service.metrics.map((metric) => metricEntity(metric, service)),
          call.input,
        ),
      )
    },
  ],
  ['POST', 'services/:s/metrics', async (call) => created(await createMetric(call, null))],
  [
    'GET',
    'services/:s/metrics/:m',
    (call) => ok(metricEntity(metricOf(serviceOf(call), call.path['m']!), serviceOf(call))),
  ],
  ['PUT', 'services/:s/metrics/:m', async (call) => ok(await changeMetric(call, call.path['m']!, 'metric'))],
  [
    'DELETE',
    'services/:s/metrics/:m',
    async (call) => {
      await removeMetric(call, call.path['m']!)
      return gone
    },
  ],
  [
    'GET',
    'services/:s/metrics/:m/methods',
    (call) => {
      const service = serviceOf(call)
      const { systemName } = metricOf(service, call.path['m']!)
      const methods = service.metrics.filter(({ parent }) => parent === systemName)
      return ok(
        paged(
          'methods',
          methods.map((method) => metricEntity(method, service, 'method')),
          call.input,
        ),
      )
    },
  ],
  [
    'POST',
    'services/:s/metrics/:m/methods',
    async (call) => created(await createMetric(call, metricOf(serviceOf(call), call.path['m']!))),
  ],
  [
    'GET',
    'services/:s/metrics/:m/methods/:x',
    (call) => ok(metricEntity(metricOf(serviceOf(call), call.path['x']!), serviceOf(call), 'method')),
  ],
  ['PUT', 'services/:s/metrics/:m/methods/:x', async (call) => ok(await changeMetric(call, call.path['x']!, 'method'))],
  [
    'DELETE',
    'services/:s/metrics/:m/methods/:x',
    async (call) => {
      await removeMetric(call, call.path['x']!)
      return gone
    },
  ],
]
