import { describe, expect, test } from 'vitest'
import { resourceTest } from '../../engine/applications.ts'
import { Fault } from '../../engine/fault.ts'
import type { ApiProduct, Approval, Developer } from '../../model/consumers.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import verifyApiKey from './index.ts'

const XML = '<VerifyAPIKey name="VA"><APIKey ref="request.queryparam.apikey"/></VerifyAPIKey>'

function product(name: string, changes: Partial<ApiProduct> = {}): ApiProduct {
  return {
    name,
    displayName: `The ${name}`,
    proxies: ['test'],
    environments: ['test'],
    resources: [],
    scopes: [],
    quota: { limit: 5, interval: 2, unit: 'hour' },
    approvalType: 'auto',
    attributes: { tier: 'gold' },
    ...changes,
  }
}

interface Given {
  readonly developerActive?: boolean
  readonly app?: Approval
  readonly key?: Approval
  readonly expiresAtMs?: number
  readonly products?: readonly { name: string; status: Approval }[]
}

function developer(given: Given): Developer {
  const key = {
    key: 'KEY',
    secret: 'SECRET',
    status: given.key ?? ('approved' as const),
    expiresAtMs: given.expiresAtMs ?? null,
    products: given.products ?? [{ name: 'basic', status: 'approved' as const }],
  }
  return {
    email: 'ada@example.com',
    id: 'dev-1',
    firstName: 'Ada',
    lastName: 'L',
    userName: 'ada',
    active: given.developerActive ?? true,
    attributes: {},
    apps: [
      {
        name: 'app',
        id: 'app-1',
        callbackUrl: '',
        status: given.app ?? 'approved',
        attributes: { team: 'blue' },
        keys: [key],
      },
    ],
  }
}

async function verify(given: Given & { products?: Given['products'] } = {}, options: RunOptions = {}) {
  return runPolicy(verifyApiKey, XML, {
    request: { uri: '/test?apikey=KEY' },
    entities: { products: [product('basic')], developers: [developer(given)] },
    ...options,
  })
}

async function codeOf(run: ReturnType<typeof verify>): Promise<string | undefined> {
  const { outcome } = await run
  return outcome instanceof Fault ? `${outcome.status} ${outcome.code} ${outcome.text}` : undefined
}

test('an approved key passes and tells who calls', async () => {
  const { exchange, outcome } = await verify()
  expect(outcome).toBeUndefined()
  const values = {
    client_id: 'KEY',
    'apiproduct.name': 'basic',
    'developer.email': 'ada@example.com',
    'developer.app.name': 'app',
    'apiproduct.developer.quota.limit': '5',
    'apiproduct.developer.quota.interval': '2',
    'apiproduct.developer.quota.timeunit': 'hour',
    'verifyapikey.VA.client_secret': 'SECRET',
    'verifyapikey.VA.developer.firstName': 'Ada',
    'verifyapikey.VA.apiproduct.name': 'basic',
    'verifyapikey.VA.apiproduct.tier': 'gold',
    'verifyapikey.VA.app.team': 'blue',
    'verifyapikey.VA.app.status': 'approved',
  }
  for (const [name, value] of Object.entries(values)) expect([name, exchange.get(name)]).toEqual([name, value])
})

describe('refused', () => {
  const noKey = '401 steps.oauth.v2.FailedToResolveAPIKey Failed to resolve API Key variable request.queryparam.apikey'
  test.each<[string, Given, RunOptions, string]>([
    ['no key', {}, { request: { uri: '/test' } }, noKey],
    ['an empty key', {}, { request: { uri: '/test?apikey=' } }, noKey],
    ['a wrong key', {}, { request: { uri: '/test?apikey=no' } }, '401 oauth.v2.InvalidApiKey Invalid ApiKey'],
    ['an expired key', { expiresAtMs: 1 }, {}, '401 oauth.v2.InvalidApiKey Invalid ApiKey'],
    ['a revoked key', { key: 'revoked' }, {}, '401 oauth.v2.ApiKeyNotApproved ApiKey is not approved'],
    [
      'a pending app',
      { app: 'pending' },
      {},
      '401 keymanagement.service.invalid_client-app_not_approved Invalid client identifier KEY',
    ],
    [
      'an inactive developer',
      { developerActive: false },
      {},
      '401 keymanagement.service.DeveloperStatusNotActive Developer Status is not Active',
    ],
    [
      'a key without a product',
      { products: [] },
      {},
      '400 keymanagement.service.consumer_key_missing_api_product_association Consumer key is missing an API product association',
    ],
    [
      'a product that is not approved for the key',
      { products: [{ name: 'basic', status: 'pending' }] },
      {},
      '401 oauth.v2.ApiKeyNotApproved ApiKey is not approved',
    ],
    ...(
      [
        ['another proxy', { proxies: ['other'] }],
        ['another environment', { environments: ['prod'] }],
        ['another path', { resources: ['/a'] }],
      ] as const
    ).map(([name, changes]): [string, Given, RunOptions, string] => [
      `a product for ${name}`,
      {},
      { entities: { products: [product('basic', changes)], developers: [developer({})] }, pathSuffix: '/b' },
      '401 oauth.v2.InvalidApiKeyForGivenResource Invalid ApiKey for given resource',
    ]),
  ])('%s', async (_, given, options, wanted) => {
    expect(await codeOf(verify(given, options))).toBe(wanted)
  })

  test('the variable failed is set', async () => {
    const { exchange } = await verify({}, { request: { uri: '/test' } })
    expect(exchange.get('oauthV2.VA.failed')).toBe(true)
  })
})

test('the second product opens what the first does not', async () => {
  const { exchange, outcome } = await verify(
    {},
    {
      entities: {
        products: [product('narrow', { resources: ['/a'] }), product('wide')],
        developers: [developer({ products: ['narrow', 'wide'].map((name) => ({ name, status: 'approved' })) })],
      },
      pathSuffix: '/b',
    },
  )
  expect(outcome).toBeUndefined()
  expect(exchange.get('apiproduct.name')).toBe('wide')
})

test.each([
  [[], '/x', true],
  [['/'], '/x/y', true],
  [['/**'], '', true],
  [['/a'], '/a', true],
  [['/a'], '/a/', true],
  [['/a'], '/a/b', false],
  [['/a/*'], '/a/b', true],
  [['/a/*'], '/a', false],
  [['/a/*'], '/a/b/c', false],
  [['/a/**'], '/a/b/c', true],
  [['/a/**'], '/a', false],
  [['/a/*/c'], '/a/b/c', true],
  [['/a.b'], '/axb', false],
  [['/x', '/y'], '/y', true],
])('resources %j and %s: %s', (resources, path, opens) => {
  expect(resourceTest(resources)(path)).toBe(opens)
})

test.each([
  ['<VerifyAPIKey name="VA"/>', 'SpecifyValueOrRefApiKey'],
  ['<VerifyAPIKey name="VA"><APIKey/></VerifyAPIKey>', 'SpecifyValueOrRefApiKey'],
  ['<VerifyAPIKey name="VA"><APIKey ref="a"/><Extra/></VerifyAPIKey>', 'UnknownElement'],
])('%s: %s', async (xml, code) => {
  expect((await runPolicy(verifyApiKey, xml)).problemLines[0]).toContain(code)
})
