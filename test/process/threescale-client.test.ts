import { mkdtempSync, rmSync } from 'node:fs'
import { globalAgent } from 'node:https'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { CA_CERT, SERVER_CERT, SERVER_KEY } from '../../src/wire/test-certificates.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// 3scale's own client for Node, against the backend door over TLS.

interface ClientResponse {
  readonly status_code: number
  is_success(): boolean
  readonly plan?: string
  readonly error_code?: string
  readonly error_message?: string
  readonly usage_reports?: readonly { metric: string; period: string; current_value: string; max_value: string }[]
}
type Callback = (response: ClientResponse) => void
interface Client {
  authorize(query: object, callback: Callback): void
  authrep(query: object, callback: Callback): void
  authrep_with_user_key(query: object, callback: Callback): void
  oauth_authorize(query: object, callback: Callback): void
  report(service: string, transactions: readonly object[], callback: Callback): void
}

const { Client } = createRequire(import.meta.url)('3scale') as { Client: new (key: string, options: object) => Client }

let postern: Postern
let client: Client
let data: string

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'postern-client-'))
  const plans = [{ id: 7, name: 'Basic', limits: [{ metric: 'hits', period: 'day', value: 5 }] }]
  writeFiles(data, {
    'server.pem': SERVER_CERT,
    'server.key': SERVER_KEY,
    'postern.yaml': stringify({
      version: 1,
      services: [
        { id: '42', systemName: 'api', backendVersion: '2', providerKey: 'pk-test', plans },
        { id: '43', systemName: 'keys', backendVersion: '1', providerKey: 'pk-test', plans },
        { id: '44', systemName: 'oauth', backendVersion: 'oauth', providerKey: 'pk-test', plans },
      ],
      accounts: [
        {
          id: 'a',
          applications: [
            { service: 42, plan: 7, appId: 'app1', appKeys: ['k1'] },
            { service: 43, plan: 7, userKey: 'uk1' },
            { service: 44, plan: 7, clientId: 'client', appKeys: ['secret'] },
          ],
        },
      ],
    }),
  })
  const files = ['--tls-cert', join(data, 'server.pem'), '--tls-key', join(data, 'server.key')]
  const args = ['--config', join(data, 'postern.yaml'), '--backend-tls-port', '0', ...files]
  postern = await Postern.start(args, { data, workers: 2 })
  globalAgent.options.ca = CA_CERT
  client = new Client('pk-test', { host: '127.0.0.1', port: new URL(postern.backendTls).port })
})
afterAll(async () => {
  delete globalAgent.options.ca
  globalAgent.destroy()
  await postern.stop()
  rmSync(data, { recursive: true, force: true })
})

const done = (ask: (callback: Callback) => void): Promise<ClientResponse> => new Promise(ask)

test('authorize, authrep and report', async () => {
  const app = { service_id: '42', app_id: 'app1', app_key: 'k1' }
  const authorized = await done((answer) => client.authorize(app, answer))
  expect([authorized.is_success(), authorized.plan, authorized.usage_reports]).toEqual([
    true,
    'Basic',
    [expect.objectContaining({ metric: 'hits', period: 'day', current_value: '0', max_value: '5' })],
  ])
  const counted = await done((answer) => client.authrep({ ...app, usage: { hits: 3 } }, answer))
  expect(counted.usage_reports?.[0]?.current_value).toBe('3')
  const reported = await done((answer) => client.report('42', [{ app_id: 'app1', usage: { hits: 1 } }], answer))
  expect(reported.is_success()).toBe(true)
  await until(async () => {
    const now = await done((answer) => client.authorize(app, answer))
    return now.usage_reports?.[0]?.current_value === '4'
  })
  const denied = await done((answer) => client.authrep({ ...app, usage: { hits: 2 } }, answer))
  expect([denied.is_success(), denied.status_code, denied.error_message]).toEqual([
    false,
    409,
    'usage limits are exceeded',
  ])
})

test('user keys and OAuth', async () => {
  const byKey = await done((answer) => client.authrep_with_user_key({ service_id: '43', user_key: 'uk1' }, answer))
  expect([byKey.is_success(), byKey.usage_reports?.[0]?.current_value]).toEqual([true, '1'])
  const byClient = await done((answer) => client.oauth_authorize({ service_id: '44', app_id: 'client' }, answer))
  expect(byClient.is_success()).toBe(true)
})

test('errors have codes and texts', async () => {
  const unknown = await done((answer) => client.authorize({ service_id: '42', app_id: 'nobody' }, answer))
  expect([unknown.is_success(), unknown.error_code, unknown.error_message]).toEqual([
    false,
    'application_not_found',
    'application with id="nobody" was not found',
  ])
  const stranger = new Client('pk-nobody', { host: '127.0.0.1', port: new URL(postern.backendTls).port })
  const refused = await done((answer) => stranger.report('42', [{ app_id: 'app1', usage: { hits: 1 } }], answer))
  expect([refused.is_success(), refused.error_code]).toEqual([false, 'provider_key_invalid'])
})
