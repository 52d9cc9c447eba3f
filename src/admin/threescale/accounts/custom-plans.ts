import type { Registry } from '../../../accounts/registry.ts'
import type { Application, Plan, Service } from '../../../model/service.ts'
import { type Entity, ok } from './answer.ts'
import { applicationOf, type Call, type Route } from './context.ts'
import { InvalidFields, NotFound } from './input.ts'
import { planEntity } from './plans.ts'
import { change } from './services.ts'

/** The plan that an application has now. */
function planOfApplication(registry: Registry, application: Application): { service: Service; plan: Plan } {
  const service = registry.service(application.serviceId)
  const plan = service?.plans.find(({ id }) => id === application.planId)
  if (service === null || service === undefined || plan === undefined) throw new NotFound()
  return { service, plan }
}

/** A copy of its plan for the application alone, to change limits in; its entity. Source: porta, "customize_plan". */
async function customize(call: Call): Promise<Entity> {
  const { registry, clock } = call.context
  const application = applicationOf(call)
  const { service, plan } = planOfApplication(registry, application)
  if (plan.customOf !== undefined) throw new InvalidFields({ plan: ['is customized already'] })
  const nowMs = clock.now()
  const custom: Plan = {
    ...plan,
    id: registry.nextId(),
    systemName: `${plan.systemName}_custom_${application.id}`,
    name: `${plan.name} (custom)`,
    limits: plan.limits.map((limit) => ({ ...limit, id: registry.nextId() })),
    customOf: plan.id,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
  const after = await change(registry, service.id, (one) => ({ ...one, plans: [...one.plans, custom] }))
  await usePlan(call, custom.id)
  return planEntity(custom, after)
}

/** Back to the plan that was copied; its entity. */
async function decustomize(call: Call): Promise<Entity> {
  const { registry } = call.context
  const { service, plan } = planOfApplication(registry, applicationOf(call))
  const original = service.plans.find(({ id }) => id === plan.customOf)
  if (original === undefined) throw new InvalidFields({ plan: ['is not customized'] })
  await usePlan(call, original.id)
  await forgetCustomPlan(registry, service.id, plan.id)
  return planEntity(original, registry.service(service.id)!)
}

async function usePlan(call: Call, planId: string): Promise<void> {
  await call.context.registry.putApplication(applicationOf(call).id, (before) => {
    if (before === null) throw new NotFound()
    return { ...before, planId, updatedAtMs: call.context.clock.now() }
  })
}

/** What was made for an application goes when it has another plan, or is gone itself. Plans for everybody stay. */
export async function forgetCustomPlan(registry: Registry, serviceId: string, planId: string): Promise<void> {
  const plan = registry.service(serviceId)?.plans.find(({ id }) => id === planId)
  if (plan?.customOf === undefined) return
  await change(registry, serviceId, (one) => ({ ...one, plans: one.plans.filter(({ id }) => id !== planId) }))
}

/** Plans for single applications. */
export const CUSTOM_PLAN_ROUTES: readonly Route[] = [
  ['PUT', 'accounts/:a/applications/:app/customize_plan', async (call) => ok(await customize(call))],
  ['PUT', 'accounts/:a/applications/:app/decustomize_plan', async (call) => ok(await decustomize(call))],
]
