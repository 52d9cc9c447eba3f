import type { Registry } from '../../../accounts/registry.ts'
import { type BackendVersion, bareService, HITS, type Metric, type Service } from '../../../model/service.ts'
import { created, type Entity, gone, ok } from './answer.ts'
import { type Call, id, metricOf, paged, type Route, randomKey, serviceOf } from './context.ts'
import { Fields, InvalidFields, NotFound, SYSTEM_NAME, systemNameOf } from './input.ts'

function serviceEntity(service: Service): Entity {
  return {
    type: 'service',
    fields: {
      id: id(service.id),
      name: service.name,
      state: service.state === 'active' ? 'incomplete' : 'suspended',
      system_name: service.systemName,
      backend_version: service.backendVersion,
      deployment_option: 'self_managed',
      support_email: '',
      description: service.description,
      intentions_required: false,
      buyers_manage_apps: true,
      buyers_manage_keys: true,
      referrer_filters_required: service.referrerFiltersRequired,
      custom_keys_enabled: true,
      buyer_key_regenerate_enabled: true,
      mandatory_app_key: false,
      buyer_can_select_plan: false,
      buyer_plan_change_permission: 'request',
      links: [{ rel: 'self', href: `/admin/api/services/${service.id}` }],
    },
  }
}

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
  fields.check()
  return (service) => ({
    ...service,
    name: name ?? service.name,
    systemName: before === null ? (systemName ?? systemNameOf(name!)) : service.systemName,
    backendVersion: version === undefined ? service.backendVersion : version === 'oidc' ? 'oauth' : version,
    description: description ?? service.description,
    referrerFiltersRequired: filters ?? service.referrerFiltersRequired,
    providerKey: providerKey ?? service.providerKey,
    serviceToken: serviceToken ?? service.serviceToken,
  })
}

function metricEntity(metric: Metric, service: Service): Entity {
  const parent = metric.parent === null ? null : service.metrics.find(({ systemName }) => systemName === metric.parent)
  const isMethod = parent !== null && parent !== undefined
  return {
    type: isMethod ? 'method' : 'metric',
    fields: {
      id: id(metric.id),
      name: metric.systemName,
      system_name: metric.systemName,
      friendly_name: metric.friendlyName,
      description: metric.description,
      ...(isMethod ? { parent_id: id(parent.id) } : { unit: metric.unit }),
      links: [
        { rel: 'service', href: `/admin/api/services/${service.id}` },
        { rel: 'self', href: `/admin/api/services/${service.id}/metrics/${metric.id}` },
      ],
    },
  }
}

async function createMetric(call: Call, parent: Metric | null): Promise<Entity> {
  const service = serviceOf(call)
  const fields = new Fields(call.input)
  const friendlyName = fields.text('friendly_name', { required: true })
  const unit = parent === null ? fields.text('unit', { required: true }) : parent.unit
  const systemName = fields.text('system_name', { pattern: SYSTEM_NAME }) ?? systemNameOf(friendlyName ?? '')
  const description = fields.text('description', { max: 10_000 }) ?? ''
  if (service.metrics.some((metric) => metric.systemName === systemName)) {
    fields.error('system_name', 'has already been taken')
  }
  fields.check()
  const metric: Metric = {
    id: call.context.registry.nextId(),
    systemName,
    friendlyName: friendlyName!,
    unit: unit!,
    description,
    parent: parent?.systemName ?? null,
  }
  const after = await change(call.context.registry, service.id, (one) => ({
    ...one,
    metrics: [...one.metrics, metric],
  }))
  return metricEntity(metric, after)
}

async function changeMetric(call: Call, key: string): Promise<Entity> {
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
          }
        : metric,
    ),
  }))
  return metricEntity(metricOf(after, metricId), after)
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
      const { registry } = call.context
      const make = readService(call, null)
      const serviceId = registry.nextId()
      // One provider for all: the key that the first service has.
      const providerKey = registry.services.find((service) => service.providerKey !== null)?.providerKey ?? randomKey()
      const bare = {
        ...bareService(serviceId, '', ''),
        providerKey,
        serviceToken: randomKey(),
        metrics: [{ ...HITS, id: registry.nextId() }],
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
  ['PUT', 'services/:s/metrics/:m', async (call) => ok(await changeMetric(call, call.path['m']!))],
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
          methods.map((method) => metricEntity(method, service)),
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
    (call) => ok(metricEntity(metricOf(serviceOf(call), call.path['x']!), serviceOf(call))),
  ],
  ['PUT', 'services/:s/metrics/:m/methods/:x', async (call) => ok(await changeMetric(call, call.path['x']!))],
  [
    'DELETE',
    'services/:s/metrics/:m/methods/:x',
    async (call) => {
      await removeMetric(call, call.path['x']!)
      return gone
    },
  ],
]
