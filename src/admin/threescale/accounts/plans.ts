import { isPeriod, PERIODS } from '../../../core/calendar.ts'
import type { Limit, Plan, Service } from '../../../model/service.ts'
import { created, type Entity, gone, ok } from './answer.ts'
import { type Call, id, metricOf, paged, planOf, type Route, serviceOf, stamps } from './context.ts'
import { Fields, InvalidFields, NotFound, SYSTEM_NAME, systemNameOf } from './input.ts'
import { PLAN_PORTAL, readPortal, shownPortal } from './portal-fields.ts'
import { change } from './services.ts'

export function planEntity(plan: Plan, service: Service): Entity {
  return {
    type: 'application_plan',
    fields: {
      id: id(plan.id),
      name: plan.name,
      state: plan.state,
      ...shownPortal(PLAN_PORTAL, plan.portal),
      default: service.plans[0]?.id === plan.id,
      custom: plan.customOf !== undefined,
      system_name: plan.systemName,
      ...stamps(plan),
      links: [
        { rel: 'service', href: `/admin/api/services/${service.id}` },
        { rel: 'self', href: `/admin/api/services/${service.id}/application_plans/${plan.id}` },
      ],
    },
  }
}

/** Without those that one application has for itself. */
const stockPlans = (service: Service): Plan[] => service.plans.filter(({ customOf }) => customOf === undefined)

function planIn(service: Service, key: string): Plan {
  const found = service.plans.find((plan) => plan.id === key)
  if (found === undefined) throw new NotFound()
  return found
}

async function createPlan(call: Call): Promise<Entity> {
  const service = serviceOf(call)
  const fields = new Fields(call.input)
  const name = fields.text('name', { required: true })
  const isTaken = (key: string): boolean => service.plans.some((plan) => plan.systemName === key)
  const chosen = fields.text('system_name', { pattern: SYSTEM_NAME })
  const event = fields.choice('state_event', ['publish', 'hide'])
  const portal = readPortal(fields, PLAN_PORTAL)
  if (chosen !== undefined && isTaken(chosen)) fields.error('system_name', 'has already been taken')
  fields.check()
  const nowMs = call.context.clock.now()
  const state = event === 'publish' ? 'published' : 'hidden'
  const plan: Plan = {
    id: call.context.registry.nextId(),
    systemName: chosen ?? systemNameOf(name!, isTaken),
    name: name!,
    state,
    limits: [],
    portal,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
  const after = await change(call.context.registry, service.id, (one) => ({ ...one, plans: [...one.plans, plan] }))
  return planEntity(plan, after)
}

async function changePlan(call: Call): Promise<Entity> {
  const service = serviceOf(call)
  const { portal: kept } = planIn(service, call.path['p']!)
  const fields = new Fields(call.input)
  const name = fields.text('name')
  const event = fields.choice('state_event', ['publish', 'hide'])
  const portal = readPortal(fields, PLAN_PORTAL, kept)
  fields.check()
  const after = await changePlanOf(call, service, (plan) => ({
    ...plan,
    name: name ?? plan.name,
    state: event === undefined ? plan.state : event === 'publish' ? 'published' : 'hidden',
    portal,
    updatedAtMs: call.context.clock.now(),
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
      ...stamps(limit),
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
  const nowMs = call.context.clock.now()
  const limit: Limit = {
    id: before?.id ?? call.context.registry.nextId(),
    metric: metric.systemName,
    period: wanted,
    value: value ?? before?.value ?? 0,
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
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

/** Plans and their limits. */
export const PLAN_ROUTES: readonly Route[] = [
  [
    'GET',
    'application_plans',
    ({ context, input }) => {
      const plans = context.registry.services.flatMap((service) =>
        stockPlans(service).map((plan) => planEntity(plan, service)),
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
          stockPlans(service).map((plan) => planEntity(plan, service)),
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
