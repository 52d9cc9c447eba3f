import type { Registry } from '../../../accounts/registry.ts'
import { isPeriod, PERIODS } from '../../../core/calendar.ts'
import {
  type BackendVersion,
  bareService,
  HITS,
  type Limit,
  type Metric,
  type Plan,
  type Service,
} from '../../../model/service.ts'
import { created, type Entity, gone, ok } from './answer.ts'
import { type Call, id, metricOf, paged, planOf, type Route, randomKey, serviceOf } from './context.ts'
import { Fields, InvalidFields, NotFound, systemNameOf } from './input.ts'

const SYSTEM_NAME = /^[A-Za-z0-9_./-]{1,255}$/

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

export function planEntity(plan: Plan, service: Service): Entity {
  return {
    type: 'application_plan',
    fields: {
      id: id(plan.id),
      name: plan.name,
      state: plan.state,
      setup_fee: 0,
      cost_per_month: 0,
      trial_period_days: 0,
      cancellation_period: 0,
      approval_required: false,
      default: service.plans[0]?.id === plan.id,
      custom: false,
      system_name: plan.systemName,
      links: [
        { rel: 'service', href: `/admin/api/services/${service.id}` },
        { rel: 'self', href: `/admin/api/services/${service.id}/application_plans/${plan.id}` },
      ],
    },
  }
}

function planIn(service: Service, key: string): Plan {
  const found = service.plans.find((plan) => plan.id === key)
  if (found === undefined) throw new NotFound()
  return found
}

async function createPlan(call: Call): Promise<Entity> {
  const service = serviceOf(call)
  const fields = new Fields(call.input)
  const name = fields.text('name', { required: true })
  const systemName = fields.text('system_name', { pattern: SYSTEM_NAME }) ?? systemNameOf(name ?? '')
  const event = fields.choice('state_event', ['publish', 'hide'])
  if (service.plans.some((plan) => plan.systemName === systemName))
    fields.error('system_name', 'has already been taken')
  fields.check()
  const planId = call.context.registry.nextId()
  const state = event === 'publish' ? 'published' : 'hidden'
  const plan: Plan = { id: planId, systemName, name: name!, state, limits: [] }
  const after = await change(call.context.registry, service.id, (one) => ({ ...one, plans: [...one.plans, plan] }))
  return planEntity(plan, after)
}

async function changePlan(call: Call): Promise<Entity> {
  const service = serviceOf(call)
  planIn(service, call.path['p']!)
  const fields = new Fields(call.input)
  const name = fields.text('name')
  const event = fields.choice('state_event', ['publish', 'hide'])
  fields.check()
  const after = await changePlanOf(call, service, (plan) => ({
    ...plan,
    name: name ?? plan.name,
    state: event === undefined ? plan.state : event === 'publish' ? 'published' : 'hidden',
  }))
  return planEntity(planIn(after, call.path['p']!), after)
}

function changePlanOf(call: Call, service: Service, make: (plan: Plan) => Plan): Promise<Service> {
  return change(call.context.registry, service.id, (one) => ({
    ...one,
    plans: one.plans.map((plan) => (plan.id === call.path['p'] ? make(plan) : plan)),
  }))
}

function limitEntity(limit: Limit, plan: Plan, service: Service): Entity {
  const metric = metricOf(service, limit.metric)
  return {
    type: 'limit',
    fields: {
      id: id(limit.id),
      metric_id: id(metric.id),
      plan_id: id(plan.id),
      period: limit.period,
      value: limit.value,
      links: [
        { rel: 'application_plan', href: `/admin/api/services/${service.id}/application_plans/${plan.id}` },
        { rel: 'self', href: `/admin/api/application_plans/${plan.id}/metrics/${metric.id}/limits/${limit.id}` },
      ],
    },
  }
}

/** The metric may be one of the service, by id or name. */
async function writeLimit(call: Call, before: Limit | null): Promise<Entity> {
  const { service, plan } = planOf(call)
  const metric = metricOf(service, call.path['m']!)
  const fields = new Fields(call.input)
  const period = fields.choice('period', PERIODS, before === null)
  const value = fields.number('value', { required: before === null, min: 0 })
  const wanted = period ?? before?.period
  const taken = plan.limits.some(
    (other) => other.metric === metric.systemName && other.period === wanted && other.id !== before?.id,
  )
  if (taken) fields.error('period', 'has already been taken')
  fields.check()
  if (!isPeriod(wanted)) throw new InvalidFields({ period: ["can't be blank"] })
  const limit: Limit = {
    id: before?.id ?? call.context.registry.nextId(),
    metric: metric.systemName,
    period: wanted,
    value: value ?? before?.value ?? 0,
  }
  const after = await changePlanOf(call, service, (one) => ({
    ...one,
    limits:
      before === null ? [...one.limits, limit] : one.limits.map((other) => (other.id === limit.id ? limit : other)),
  }))
  return limitEntity(limit, plan, after)
}

function limitOf(call: Call): Limit {
  const { service, plan } = planOf(call)
  const { systemName } = metricOf(service, call.path['m']!)
  const found = plan.limits.find(({ id: limitId, metric }) => limitId === call.path['l'] && metric === systemName)
  if (found === undefined) throw new NotFound()
  return found
}

function change(registry: Registry, serviceId: string, make: (service: Service) => Service): Promise<Service> {
  return registry.putService(serviceId, (before) => {
    if (before === null) throw new NotFound()
    return make(before)
  })
}

/** Services, metrics, methods, plans and limits. */
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
  [
    'GET',
    'application_plans',
    ({ context, input }) => {
      const plans = context.registry.services.flatMap((service) =>
        service.plans.map((plan) => planEntity(plan, service)),
      )
      return ok(paged('plans', plans, input))
    },
  ],
  [
    'GET',
    'services/:s/application_plans',
    (call) => {
      const service = serviceOf(call)
      return ok(
        paged(
          'plans',
          service.plans.map((plan) => planEntity(plan, service)),
          call.input,
        ),
      )
    },
  ],
  ['POST', 'services/:s/application_plans', async (call) => created(await createPlan(call))],
  [
    'GET',
    'services/:s/application_plans/:p',
    (call) => ok(planEntity(planIn(serviceOf(call), call.path['p']!), serviceOf(call))),
  ],
  ['PUT', 'services/:s/application_plans/:p', async (call) => ok(await changePlan(call))],
  [
    'PUT',
    'services/:s/application_plans/:p/default',
    async (call) => {
      const service = serviceOf(call)
      const plan = planIn(service, call.path['p']!)
      const after = await change(call.context.registry, service.id, (one) => ({
        ...one,
        plans: [plan, ...one.plans.filter((other) => other.id !== plan.id)],
      }))
      return ok(planEntity(plan, after))
    },
  ],
  [
    'DELETE',
    'services/:s/application_plans/:p',
    async (call) => {
      const service = serviceOf(call)
      const plan = planIn(service, call.path['p']!)
      if (call.context.registry.applications.some(({ planId }) => planId === plan.id)) {
        throw new InvalidFields({ base: ['This application plan cannot be deleted: applications use it'] })
      }
      await change(call.context.registry, service.id, (one) => ({
        ...one,
        plans: one.plans.filter((other) => other.id !== plan.id),
      }))
      return gone
    },
  ],
  [
    'GET',
    'application_plans/:p/limits',
    (call) => {
      const { service, plan } = planOf(call)
      return ok(
        paged(
          'limits',
          plan.limits.map((limit) => limitEntity(limit, plan, service)),
          call.input,
        ),
      )
    },
  ],
  [
    'GET',
    'application_plans/:p/metrics/:m/limits',
    (call) => {
      const { service, plan } = planOf(call)
      const { systemName } = metricOf(service, call.path['m']!)
      const limits = plan.limits.filter(({ metric }) => metric === systemName)
      return ok(
        paged(
          'limits',
          limits.map((limit) => limitEntity(limit, plan, service)),
          call.input,
        ),
      )
    },
  ],
  ['POST', 'application_plans/:p/metrics/:m/limits', async (call) => created(await writeLimit(call, null))],
  [
    'GET',
    'application_plans/:p/metrics/:m/limits/:l',
    (call) => {
      const { service, plan } = planOf(call)
      return ok(limitEntity(limitOf(call), plan, service))
    },
  ],
  ['PUT', 'application_plans/:p/metrics/:m/limits/:l', async (call) => ok(await writeLimit(call, limitOf(call)))],
  [
    'DELETE',
    'application_plans/:p/metrics/:m/limits/:l',
    async (call) => {
      const { service } = planOf(call)
      const limit = limitOf(call)
      await changePlanOf(call, service, (plan) => ({
        ...plan,
        limits: plan.limits.filter((other) => other.id !== limit.id),
      }))
      return gone
    },
  ],
]
