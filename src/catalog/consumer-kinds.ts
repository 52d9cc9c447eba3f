import { randomBytes, randomUUID } from 'node:crypto'
import type { ApiProduct, ConsumerKey, Developer, DeveloperApp, QuotaUnit } from '../model/consumers.ts'
import type { EntityKind } from './entity-kinds.ts'
import { CatalogError } from './error.ts'
import { Fields } from './fields.ts'

const QUOTA_MAX = 1_000_000_000_000

/** Edge's API products: what keys open. */
export const apiProducts: EntityKind<ApiProduct> = {
  noun: 'ApiProduct',
  scope: 'organization',
  missing: 'keymanagement.service.apiproduct_doesnot_exist',
  key: ({ name }) => name,
  keepsUnsaid: true,
  read(body) {
    const fields = new Fields('ApiProduct', body)
    const name = fields.name()
    const product: ApiProduct = {
      name,
      displayName: fields.textOrNull('displayName') ?? name,
      proxies: fields.texts('proxies'),
      environments: fields.texts('environments'),
      resources: fields.texts('apiResources'),
      scopes: fields.texts('scopes').filter((scope) => scope !== ''),
      quota: quotaOf(fields),
      approvalType: fields.choice('approvalType', ['auto', 'manual'], 'auto'),
      attributes: fields.attributes('attributes'),
    }
    fields.ignore('description', 'createdAt', 'createdBy', 'lastModifiedAt', 'lastModifiedBy')
    fields.end()
    return product
  },
  show: ({ name, displayName, proxies, environments, resources, scopes, quota, approvalType, attributes }) => ({
    apiResources: resources,
    approvalType,
    attributes: pairs(attributes),
    displayName,
    environments,
    name,
    proxies,
    ...(quota !== null && {
      quota: String(quota.limit),
      quotaInterval: String(quota.interval),
      quotaTimeUnit: quota.unit,
    }),
    scopes,
  }),
  of: (entities) => entities.products,
  with: (entities, list) => ({ ...entities, products: list }),
}

/** Three fields, all or none; clients send empty texts for none. */
function quotaOf(fields: Fields): ApiProduct['quota'] {
  const given = ['quota', 'quotaInterval', 'quotaTimeUnit'].map((name) => fields.textLike(name))
  if (given.every((text) => text === '')) return null
  return {
    limit: fields.whole('quota', 0, QUOTA_MAX),
    interval: given[1] === '' ? 1 : fields.whole('quotaInterval', 1, 1_000_000),
    unit: fields.choice<QuotaUnit>('quotaTimeUnit', ['minute', 'hour', 'day', 'week', 'month'], 'minute'),
  }
}

/** Edge's developers, with their apps and keys. */
export const developers: EntityKind<Developer> = {
  noun: 'Developer',
  scope: 'organization',
  missing: 'developer.service.DeveloperDoesNotExist',
  key: ({ email }) => email,
  otherKey: ({ id }) => id,
  keepsUnsaid: true,
  read(body, before) {
    const fields = new Fields('Developer', body)
    const email = fields.text('email')
    if (!/^[^\s@/]+@[^\s@/]+$/.test(email)) {
      throw new CatalogError('invalid', 'developer.service.InvalidEmail', 'Developer.email is no address')
    }
    const developer: Developer = {
      email,
      id: before?.id ?? randomUUID(),
      firstName: fields.textOrNull('firstName') ?? '',
      lastName: fields.textOrNull('lastName') ?? '',
      userName: fields.textOrNull('userName') ?? email,
      active: fields.choice('status', ['active', 'inactive'], 'active') === 'active',
      attributes: fields.attributes('attributes'),
      apps: before?.apps ?? [],
    }
    fields.ignore('apps', 'companies', 'developerId', 'organizationName', 'createdAt', 'createdBy')
    fields.ignore('lastModifiedAt', 'lastModifiedBy', 'name')
    fields.end()
    return developer
  },
  show: ({ email, id, firstName, lastName, userName, active, attributes, apps }) => ({
    apps: apps.map(({ name }) => name),
    attributes: pairs(attributes),
    developerId: id,
    email,
    firstName,
    lastName,
    status: active ? 'active' : 'inactive',
    userName,
  }),
  of: (entities) => entities.developers,
  with: (entities, list) => ({ ...entities, developers: list }),
  actions: ['active', 'inactive'],
  act: (developer, action) => ({ ...developer, active: action === 'active' }),
}

/**
 * Reads the JSON of an app. A new one gets an id and a key of its own; one that is there gets another key when it names products that no
 * key of it opens together, or says when a key is to end (Edge: "Update developer app").
 */
export function readApp(
  body: unknown,
  products: readonly ApiProduct[],
  nowMs: number,
  before?: DeveloperApp,
): DeveloperApp {
  const fields = new Fields('App', body)
  const name = fields.name()
  const wanted = fields.texts('apiProducts')
  const expiresInMs = fields.textLike('keyExpiresIn') === '-1' ? -1 : fields.wholeOr('keyExpiresIn', -1)
  const wantsKey =
    before === undefined || (wanted.length > 0 && (fields.has('keyExpiresIn') || !before.keys.some(opens(wanted))))
  const made = (): ConsumerKey => ({
    ...newKey(randomText(32), randomText(16), nowMs),
    products: associations(wanted, products),
    expiresAtMs: expiresInMs < 0 ? null : nowMs + expiresInMs,
  })
  const app: DeveloperApp = {
    name,
    id: before?.id ?? randomUUID(),
    callbackUrl: fields.textOrNull('callbackUrl') ?? before?.callbackUrl ?? '',
    status: before?.status ?? 'approved',
    attributes: fields.has('attributes') ? fields.attributes('attributes') : (before?.attributes ?? {}),
    keys: wantsKey ? [...(before?.keys ?? []), made()] : before.keys,
  }
  fields.ignore('scopes', 'appFamily', 'appId', 'developerId', 'credentials', 'status', 'createdAt', 'createdBy')
  fields.ignore('lastModifiedAt', 'lastModifiedBy')
  fields.end()
  return app
}

const opens =
  (wanted: readonly string[]) =>
  (key: ConsumerKey): boolean =>
    wanted.every((name) => key.products.some((product) => product.name === name))

/** Reads `{consumerKey, consumerSecret}`: a key that another gateway gave out. */
export function readKey(body: unknown, nowMs: number): ConsumerKey {
  const fields = new Fields('Key', body)
  const key = newKey(fields.text('consumerKey'), fields.textOrNull('consumerSecret') ?? '', nowMs)
  fields.ignore('status', 'expiresAt', 'issuedAt', 'scopes', 'attributes', 'apiProducts')
  fields.end()
  return key
}

/** Reads `{apiProducts, attributes, scopes}`: what a key is to open besides, and what replaces its attributes and scopes. */
export function readKeyChange(body: unknown, products: readonly ApiProduct[], before: ConsumerKey): ConsumerKey {
  const fields = new Fields('Key', body)
  const named = fields.texts('apiProducts')
  const added = associations(
    named.filter((name) => !before.products.some((one) => one.name === name)),
    products,
  )
  const key = {
    ...before,
    products: [...before.products, ...added],
    ...(fields.has('attributes') && { attributes: fields.attributes('attributes') }),
    ...(fields.has('scopes') && { scopes: fields.texts('scopes') }),
  }
  fields.ignore('consumerKey', 'consumerSecret', 'status', 'expiresAt', 'issuedAt')
  fields.end()
  return key
}

function associations(names: readonly string[], products: readonly ApiProduct[]): ConsumerKey['products'] {
  return names.map((name) => {
    const product = products.find((one) => one.name === name)
    if (product === undefined) {
      throw new CatalogError(
        'missing',
        apiProducts.missing,
        `ApiProduct named ${name} does not exist in this organization`,
      )
    }
    return { name, status: product.approvalType === 'manual' ? 'pending' : 'approved' }
  })
}

const newKey = (key: string, secret: string, issuedAtMs: number): ConsumerKey => ({
  key,
  secret,
  status: 'approved',
  expiresAtMs: null,
  products: [],
  issuedAtMs,
})

/** Letters and digits, as Edge's keys are. */
function randomText(length: number): string {
  let text = ''
  while (text.length < length) text += randomBytes(length).toString('base64').replace(/[+/=]/g, '')
  return text.slice(0, length)
}

export function pairs(attributes: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(attributes).map(([name, value]) => ({ name, value }))
}
