import type { FastifyInstance, FastifyRequest } from 'fastify'
import { pairs, readApp, readKey, readKeyChange } from '../../catalog/consumer-kinds.ts'
import { CatalogError } from '../../catalog/error.ts'
import type { ApiProduct, Approval, ConsumerKey, Developer, DeveloperApp } from '../../model/consumers.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext } from './context.ts'

interface AppParams {
  readonly name: string
  readonly app: string
  readonly key: string
  readonly product: string
}

const paramsOf = (request: FastifyRequest): AppParams => request.params as AppParams

/** What `?action=` may say of an app, a key, a product of a key. */
const APPROVALS: Readonly<Record<string, Approval>> = { approve: 'approved', revoke: 'revoked' }

/** `/developers/{d}/apps` and their keys. Each change replaces the developer that has them. */
export function appRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  const products = (): readonly ApiProduct[] => catalog.entities('apiproducts') as readonly ApiProduct[]
  const developerOf = (request: FastifyRequest): Developer =>
    catalog.entity('developers', paramsOf(request).name) as Developer

  /** Changes one app of the developer in the path; gives it as it is then. */
  async function changeApp(request: FastifyRequest, change: (app: DeveloperApp) => DeveloperApp): Promise<unknown> {
    const { name, app } = paramsOf(request)
    const developer = (await catalog.changeEntity('developers', name, (entity) => {
      const before = entity as Developer
      const changed = change(appOf(before, app))
      return { ...before, apps: before.apps.map((one) => (one.name === app ? changed : one)) }
    })) as Developer
    return appAnswer(developer, appOf(developer, app))
  }

  const changeKey = (request: FastifyRequest, change: (key: ConsumerKey) => ConsumerKey): Promise<unknown> =>
    changeApp(request, (app) => {
      const { key } = paramsOf(request)
      keyOf(app, key)
      return { ...app, keys: app.keys.map((one) => (one.key === key ? change(one) : one)) }
    })

  const apps = '/developers/:name/apps'
  scope.get(
    apps,
    answering((request) => {
      const developer = developerOf(request)
      const { expand } = request.query as { expand?: string }
      return expand === 'true'
        ? { app: developer.apps.map((app) => appAnswer(developer, app)) }
        : developer.apps.map(({ name }) => name)
    }),
  )
  scope.post(
    apps,
    answering(async (request, reply) => {
      const app = readApp(request.body, products(), Date.now())
      const developer = (await catalog.changeEntity('developers', paramsOf(request).name, (entity) => {
        const before = entity as Developer
        if (before.apps.some(({ name }) => name === app.name)) {
          const text = `App named ${app.name} of developer ${before.email} is there already`
          throw new CatalogError('conflict', 'developer.service.AppAlreadyExists', text)
        }
        return { ...before, apps: [...before.apps, app] }
      })) as Developer
      reply.code(201)
      return appAnswer(developer, app)
    }),
  )
  scope.get(
    `${apps}/:app`,
    answering((request) => {
      const developer = developerOf(request)
      return appAnswer(developer, appOf(developer, paramsOf(request).app))
    }),
  )
  scope.put(
    `${apps}/:app`,
    answering((request) => {
      const body = { name: paramsOf(request).app, ...(request.body as object | null) }
      return changeApp(request, (app) => readApp(body, products(), Date.now(), app))
    }),
  )
  scope.post(
    `${apps}/:app`,
    answering(async (request, reply) => {
      const { action } = request.query as { action?: string }
      if (action === undefined) {
        const body = { name: paramsOf(request).app, ...(request.body as object | null) }
        return changeApp(request, (app) => readApp(body, products(), Date.now(), app))
      }
      const status = approvalOf(action)
      await changeApp(request, (app) => ({ ...app, status }))
      return reply.code(204).send()
    }),
  )
  scope.delete(
    `${apps}/:app`,
    answering(async (request) => {
      const { name, app } = paramsOf(request)
      const gone = appAnswer(developerOf(request), appOf(developerOf(request), app))
      await catalog.changeEntity('developers', name, (entity) => {
        const before = entity as Developer
        return { ...before, apps: before.apps.filter((one) => one.name !== app) }
      })
      return gone
    }),
  )

  const keys = `${apps}/:app/keys`
  scope.post(
    `${keys}/create`,
    answering(async (request, reply) => {
      const key = readKey(request.body, Date.now())
      await changeApp(request, (app) => ({ ...app, keys: [...app.keys, key] }))
      reply.code(201)
      return keyAnswer(key)
    }),
  )
  scope.get(
    `${keys}/:key`,
    answering((request) => keyAnswer(keyOf(appOf(developerOf(request), paramsOf(request).app), paramsOf(request).key))),
  )
  const updateKey = async (request: FastifyRequest): Promise<unknown> => {
    const { app, key } = paramsOf(request)
    await changeKey(request, (before) => readKeyChange(request.body, products(), before))
    return keyAnswer(keyOf(appOf(developerOf(request), app), key))
  }
  scope.put(`${keys}/:key`, answering(updateKey))
  scope.post(
    `${keys}/:key`,
    answering(async (request, reply) => {
      const { action } = request.query as { action?: string }
      if (action === undefined) return updateKey(request)
      const status = approvalOf(action)
      await changeKey(request, (before) => ({ ...before, status }))
      return reply.code(204).send()
    }),
  )
  scope.delete(
    `${keys}/:key`,
    answering(async (request) => {
      const { app, key } = paramsOf(request)
      const gone = keyAnswer(keyOf(appOf(developerOf(request), app), key))
      await changeApp(request, (before) => ({ ...before, keys: before.keys.filter((one) => one.key !== key) }))
      return gone
    }),
  )
  scope.post(
    `${keys}/:key/apiproducts/:product`,
    answering(async (request, reply) => {
      const status = approvalOf((request.query as { action?: string }).action)
      const { product } = paramsOf(request)
      await changeKey(request, (before) => {
        if (!before.products.some(({ name }) => name === product)) throw noAssociation(product)
        return {
          ...before,
          products: before.products.map((one) => (one.name === product ? { ...one, status } : one)),
        }
      })
      return reply.code(204).send()
    }),
  )
  scope.delete(
    `${keys}/:key/apiproducts/:product`,
    answering(async (request) => {
      const { app, key, product } = paramsOf(request)
      await changeKey(request, (before) => {
        if (!before.products.some(({ name }) => name === product)) throw noAssociation(product)
        return { ...before, products: before.products.filter(({ name }) => name !== product) }
      })
      return keyAnswer(keyOf(appOf(developerOf(request), app), key))
    }),
  )
}

function approvalOf(action: string | undefined): Approval {
  const status = APPROVALS[action ?? '']
  if (status !== undefined) return status
  throw new AdminError(400, 'messaging.config.beans.InvalidAction', 'action must be approve or revoke')
}

export function appOf(developer: Developer, name: string): DeveloperApp {
  const app = developer.apps.find((one) => one.name === name)
  if (app !== undefined) return app
  const text = `App named ${name} does not exist under ${developer.email}`
  throw new CatalogError('missing', 'developer.service.AppDoesNotExist', text)
}

function keyOf(app: DeveloperApp, key: string): ConsumerKey {
  const found = app.keys.find((one) => one.key === key)
  if (found !== undefined) return found
  throw new CatalogError(
    'missing',
    'keymanagement.service.InvalidClientIdForGivenApp',
    `App ${app.name} has no such key`,
  )
}

function noAssociation(product: string): CatalogError {
  const text = `The key does not have the ApiProduct ${product}`
  return new CatalogError('missing', 'keymanagement.service.apiproduct_doesnot_exist', text)
}

export function appAnswer(developer: Developer, app: DeveloperApp): unknown {
  return {
    appFamily: 'default',
    appId: app.id,
    attributes: pairs(app.attributes),
    callbackUrl: app.callbackUrl,
    credentials: app.keys.map(keyAnswer),
    developerId: developer.id,
    name: app.name,
    scopes: [],
    status: app.status,
  }
}

function keyAnswer(key: ConsumerKey): unknown {
  return {
    apiProducts: key.products.map(({ name, status }) => ({ apiproduct: name, status })),
    attributes: pairs(key.attributes ?? {}),
    consumerKey: key.key,
    consumerSecret: key.secret,
    expiresAt: key.expiresAtMs ?? -1,
    issuedAt: key.issuedAtMs ?? -1,
    scopes: key.scopes ?? [],
    status: key.status,
  }
}
