import type { Registry } from '../../../accounts/registry.ts'
import type { Account, Application, Plan, Service } from '../../../model/service.ts'
import { created, type Entity, gone, ok } from './answer.ts'
import { accountOf, applicationOf, type Call, id, paged, type Route, randomKey, stamp } from './context.ts'
import { forgetCustomPlan } from './custom-plans.ts'
import { Fields, InvalidFields, NotFound } from './input.ts'

function accountEntity(account: Account): Entity {
  return {
    type: 'account',
    fields: {
      id: id(account.id),
      state: account.state,
      org_name: account.name,
      created_at: stamp(account.createdAtMs),
      updated_at: stamp(account.updatedAtMs),
      links: [{ rel: 'self', href: `/admin/api/accounts/${account.id}` }],
    },
  }
}

function applicationEntity(application: Application, call: Call): Entity {
  const { registry } = call.context
  const service = registry.service(application.serviceId)
  const plan = service?.plans.find((one) => one.id === application.planId)
  const account = registry.account(application.accountId)
  return {
    type: 'application',
    fields: {
      id: id(application.id),
      state: application.state,
      enabled: application.state === 'live',
      service_id: id(application.serviceId),
      service_name: service?.name ?? '',
      plan_id: id(application.planId),
      plan_name: plan?.name ?? '',
      account_id: id(application.accountId),
      org_name: account?.name ?? '',
      name: application.name,
      description: application.description,
      first_traffic_at: null,
      first_daily_traffic_at: null,
      ...CREDENTIALS[service?.backendVersion ?? '1'](application),
      created_at: stamp(application.createdAtMs),
      updated_at: stamp(application.updatedAtMs),
      links: [
        { rel: 'self', href: `/admin/api/accounts/${application.accountId}/applications/${application.id}` },
        { rel: 'account', href: `/admin/api/accounts/${application.accountId}` },
      ],
    },
  }
}

const CREDENTIALS: Readonly<Record<Service['backendVersion'], (app: Application) => Entity['fields']>> = {
  '1': ({ userKey }) => ({ user_key: userKey, provider_verification_key: '' }),
  '2': ({ appId }) => ({ application_id: appId }),
  oauth: ({ appId, keys, redirectUrl }) => ({
    client_id: appId,
    client_secret: keys[0] ?? null,
    redirect_url: redirectUrl,
  }),
}

const CREDENTIAL = /^[\x21-\x7e]{1,255}$/

async function createApplication(call: Call): Promise<Entity> {
  const { registry } = call.context
  const account = accountOf(call)
  const fields = new Fields(call.input)
  const planId = fields.text('plan_id', { required: true })
  const name = fields.text('name', { required: true })
  const description = fields.text('description', { max: 10_000, required: true })
  const userKey = fields.text('user_key', { pattern: CREDENTIAL })
  const appId = fields.text('application_id', { pattern: CREDENTIAL }) ?? fields.text('app_id', { pattern: CREDENTIAL })
  const appKey = fields.text('application_key', { pattern: CREDENTIAL })
  const redirectUrl = fields.text('redirect_url', { max: 2_048 })
  const place = planId === undefined || planId === '' ? undefined : placeOf(registry, planId)
  if (planId !== undefined && planId !== '' && place === undefined) fields.error('plan', "can't be blank")
  fields.check()
  const offered = { name: name!, description: description!, userKey, appId, appKey, redirectUrl }
  const application = newApplication(call, account, place!, offered)
  return applicationEntity(await registry.putApplication(application.id, () => application), call)
}

/** A plan for everybody, and its service. */
interface Place {
  readonly service: Service
  readonly plan: Plan
}

function placeOf(registry: Registry, planId: string): Place | undefined {
  for (const service of registry.services) {
    const plan = service.plans.find(({ id: own, customOf }) => own === planId && customOf === undefined)
    if (plan !== undefined) return { service, plan }
  }
  return undefined
}

interface Offered {
  readonly name: string
  readonly description: string
  readonly userKey?: string | undefined
  readonly appId?: string | undefined
  readonly appKey?: string | undefined
  readonly redirectUrl?: string | undefined
}

/** With the credentials of its service's version: those that were offered, else made up. */
function newApplication(call: Call, account: Account, { service, plan }: Place, offered: Offered): Application {
  const { registry, clock } = call.context
  const { userKey, appId, appKey, redirectUrl } = offered
  const isVersion1 = service.backendVersion === '1'
  const nowMs = clock.now()
  return {
    id: registry.nextId(),
    accountId: account.id,
    serviceId: service.id,
    planId: plan.id,
    name: offered.name,
    description: offered.description,
    state: plan.portal?.['approval_required'] === true ? 'pending' : 'live',
    appId: isVersion1 ? null : (appId ?? randomKey().slice(0, 8)),
    userKey: isVersion1 ? (userKey ?? randomKey()) : null,
    keys: isVersion1 ? [] : appKey !== undefined ? [appKey] : service.backendVersion === 'oauth' ? [randomKey()] : [],
    referrerFilters: [],
    redirectUrl: redirectUrl ?? null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
}

/** Changes the application of the path; its entity. */
async function change(call: Call, make: (before: Application) => Application): Promise<Entity> {
  const { id: applicationId } = applicationOf(call)
  const after = await call.context.registry.putApplication(applicationId, (before) => {
    if (before === null) throw new NotFound()
    return { ...make(before), updatedAtMs: call.context.clock.now() }
  })
  return applicationEntity(after, call)
}

async function changeApplication(call: Call): Promise<Entity> {
  applicationOf(call)
  const fields = new Fields(call.input)
  const name = fields.text('name')
  const description = fields.text('description', { max: 10_000 })
  const userKey = fields.text('user_key', { pattern: CREDENTIAL })
  const redirectUrl = fields.text('redirect_url', { max: 2_048 })
  fields.check()
  return change(call, (before) => ({
    ...before,
    name: name ?? before.name,
    description: description ?? before.description,
    userKey: before.userKey === null ? null : (userKey ?? before.userKey),
    redirectUrl: redirectUrl ?? before.redirectUrl,
  }))
}

async function changePlan(call: Call): Promise<Entity> {
  const application = applicationOf(call)
  const fields = new Fields(call.input)
  const planId = fields.text('plan_id', { required: true })
  const service = call.context.registry.service(application.serviceId)
  if (planId !== undefined && !service?.plans.some((plan) => plan.id === planId && plan.customOf === undefined))
    fields.error('plan', 'is not of this service')
  fields.check()
  const changed = await change(call, (before) => ({ ...before, planId: planId! }))
  await forgetCustomPlan(call.context.registry, application.serviceId, application.planId)
  return changed
}

const setState =
  (state: Application['state'], from: readonly Application['state'][]) =>
  async (call: Call): Promise<Entity> => {
    const application = applicationOf(call)
    if (!from.includes(application.state)) {
      throw new InvalidFields({ state: [`cannot transition from ${application.state} to ${state}`] })
    }
    return change(call, (before) => ({ ...before, state }))
  }

function filterApplications(call: Call): Entity[] {
  const { service_id: serviceId, plan_id: planId } = call.input
  return call.context.registry.applications
    .filter((one) => serviceId === undefined || one.serviceId === String(serviceId))
    .filter((one) => planId === undefined || one.planId === String(planId))
    .map((one) => applicationEntity(one, call))
}

/** By id, user_key or app_id. */
function findApplication(call: Call): Entity {
  const { application_id: byId, user_key: byKey, app_id: byAppId, service_id: serviceId } = call.input
  const found = call.context.registry.applications.find(
    (one) =>
      (serviceId === undefined || one.serviceId === String(serviceId)) &&
      ((byId !== undefined && one.id === String(byId)) ||
        (byKey !== undefined && one.userKey === String(byKey)) ||
        (byAppId !== undefined && one.appId === String(byAppId))),
  )
  if (found === undefined) throw new NotFound()
  return applicationEntity(found, call)
}

const keyEntity = (value: string): Entity => ({ type: 'key', fields: { value } })

/** The answer is the application, not the key. */
async function createKey(call: Call): Promise<Entity> {
  const { keys } = applicationOf(call)
  const fields = new Fields(call.input)
  const value = fields.text('key', { required: true, pattern: CREDENTIAL })
  if (value !== undefined && keys.includes(value)) fields.error('value', 'has already been taken')
  if (keys.length >= KEYS_MAX) fields.error('base', `an application has at most ${KEYS_MAX} keys`)
  fields.check()
  return change(call, (before) => ({ ...before, keys: [...before.keys, value!] }))
}

const KEYS_MAX = 256

const filterEntity = (filter: Application['referrerFilters'][number]): Entity => ({
  type: 'referrer_filter',
  fields: { id: id(filter.id), value: filter.value },
})

async function createFilter(call: Call): Promise<Entity> {
  applicationOf(call)
  const fields = new Fields(call.input)
  const value = fields.text('referrer_filter', { required: true, pattern: /^[^\s]+$/ })
  fields.check()
  const filter = { id: call.context.registry.nextId(), value: value! }
  return change(call, (before) => ({ ...before, referrerFilters: [...before.referrerFilters, filter] }))
}

/** A new account with its first user; with `application_plan_id`, an application of that plan too. */
async function signup(call: Call): Promise<Entity> {
  const { registry, clock } = call.context
  const fields = new Fields(call.input)
  const planId = fields.text('application_plan_id')
  const place = planId === undefined || planId === '' ? null : placeOf(registry, planId)
  if (place === undefined) fields.error('application_plan_id', 'is no application plan')
  const name = fields.text('org_name', { required: true })
  const username = fields.text('username', { required: true })
  const email = fields.text('email') ?? ''
  fields.check()
  const nowMs = clock.now()
  const account: Account = {
    id: registry.nextId(),
    name: name!,
    state: 'approved',
    users: [{ id: registry.nextId(), username: username!, email }],
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
  const entity = accountEntity(await registry.putAccount(account.id, () => account))
  if (place !== null && place !== undefined) {
    const description = 'Default application created on signup.'
    const application = newApplication(call, account, place, { name: `${account.name}'s App`, description })
    await registry.putApplication(application.id, () => application)
  }
  return entity
}

/** By one of its users. */
function findAccount(call: Call): Entity {
  const { username, email, user_id: userId } = call.input
  const found = call.context.registry.accounts.find(({ users }) =>
    users.some(
      (user) =>
        (username !== undefined && user.username === String(username)) ||
        (email !== undefined && user.email === String(email)) ||
        (userId !== undefined && user.id === String(userId)),
    ),
  )
  if (found === undefined) throw new NotFound()
  return accountEntity(found)
}

/** Accounts, applications, their keys and referrer filters. */
export const APPLICATION_ROUTES: readonly Route[] = [
  ['POST', 'signup', async (call) => created(await signup(call))],
  [
    'GET',
    'accounts',
    ({ context, input }) => ok(paged('accounts', context.registry.accounts.map(accountEntity), input)),
  ],
  ['GET', 'accounts/find', (call) => ok(findAccount(call))],
  ['GET', 'accounts/:a', (call) => ok(accountEntity(accountOf(call)))],
  [
    'PUT',
    'accounts/:a',
    async (call) => {
      const account = accountOf(call)
      const fields = new Fields(call.input)
      const name = fields.text('org_name')
      fields.check()
      const updatedAtMs = call.context.clock.now()
      const changed = { ...account, name: name ?? account.name, updatedAtMs }
      return ok(accountEntity(await call.context.registry.putAccount(account.id, () => changed)))
    },
  ],
  [
    'DELETE',
    'accounts/:a',
    async (call) => {
      await call.context.registry.removeAccount(accountOf(call).id)
      return gone
    },
  ],
  ['GET', 'applications', (call) => ok(paged('applications', filterApplications(call), call.input))],
  ['GET', 'applications/find', (call) => ok(findApplication(call))],
  [
    'GET',
    'accounts/:a/applications',
    (call) => {
      const { id: accountId } = accountOf(call)
      const own = call.context.registry.applications.filter((one) => one.accountId === accountId)
      return ok(
        paged(
          'applications',
          own.map((one) => applicationEntity(one, call)),
          call.input,
        ),
      )
    },
  ],
  ['POST', 'accounts/:a/applications', async (call) => created(await createApplication(call))],
  ['GET', 'accounts/:a/applications/:app', (call) => ok(applicationEntity(applicationOf(call), call))],
  ['PUT', 'accounts/:a/applications/:app', async (call) => ok(await changeApplication(call))],
  [
    'DELETE',
    'accounts/:a/applications/:app',
    async (call) => {
      const application = applicationOf(call)
      await call.context.registry.removeApplication(application.id)
      await forgetCustomPlan(call.context.registry, application.serviceId, application.planId)
      return gone
    },
  ],
  ['PUT', 'accounts/:a/applications/:app/accept', async (call) => ok(await setState('live', ['pending'])(call))],
  ['PUT', 'accounts/:a/applications/:app/suspend', async (call) => ok(await setState('suspended', ['live'])(call))],
  ['PUT', 'accounts/:a/applications/:app/resume', async (call) => ok(await setState('live', ['suspended'])(call))],
  ['PUT', 'accounts/:a/applications/:app/change_plan', async (call) => ok(await changePlan(call))],
  [
    'GET',
    'accounts/:a/applications/:app/keys',
    (call) => ok(paged('keys', applicationOf(call).keys.map(keyEntity), call.input)),
  ],
  ['POST', 'accounts/:a/applications/:app/keys', async (call) => created(await createKey(call))],
  [
    'DELETE',
    'accounts/:a/applications/:app/keys/:key',
    async (call) => {
      const value = call.path['key']!
      if (!applicationOf(call).keys.includes(value)) throw new NotFound()
      await change(call, (before) => ({ ...before, keys: before.keys.filter((key) => key !== value) }))
      return gone
    },
  ],
  [
    'GET',
    'accounts/:a/applications/:app/referrer_filters',
    (call) => ok(paged('referrer_filters', applicationOf(call).referrerFilters.map(filterEntity), call.input)),
  ],
  ['POST', 'accounts/:a/applications/:app/referrer_filters', async (call) => created(await createFilter(call))],
  [
    'DELETE',
    'accounts/:a/applications/:app/referrer_filters/:f',
    async (call) => {
      if (!applicationOf(call).referrerFilters.some((filter) => filter.id === call.path['f'])) throw new NotFound()
      await change(call, (before) => ({
        ...before,
        referrerFilters: before.referrerFilters.filter((filter) => filter.id !== call.path['f']),
      }))
      return gone
    },
  ],
]
