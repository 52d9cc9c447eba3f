import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../kit/backend.ts'
import { Postern } from '../kit/postern.ts'

// The calls of apigee-deploy-maven-plugin and apigee-config-maven-plugin, replayed: they are not on npm. Source: their RestUtil and Mojos.

const folder = mkdtempSync(join(tmpdir(), 'postern-maven-'))
let postern: Postern
let authorization = ''

beforeAll(async () => {
  writeFileSync(join(folder, 'postern.yaml'), 'version: 1\norganization: acme\nenvironment: test\napis: []\n')
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { data: join(folder, 'data'), workers: 1 })
}, 60_000)

afterAll(async () => {
  await postern.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function send(method: string, path: string, body?: Uint8Array | FormData | string, type?: string) {
  const answer = await fetch(`${postern.admin}/v1/organizations/acme${path}`, {
    method,
    headers: { authorization, accept: 'application/json', ...(type !== undefined && { 'content-type': type }) },
    ...(body !== undefined && { body: body as string | FormData | Uint8Array<ArrayBuffer> }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as ReturnType<typeof JSON.parse>) }
}

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'
const text = async (): Promise<string> => (await call(`${postern.gateway}/weather`)).text

function bundle(said: string): Uint8Array {
  const files = {
    'apiproxy/weather.xml': '<APIProxy name="weather"/>',
    'apiproxy/policies/Say.xml': `<AssignMessage name="Say"><Set><Payload contentType="text/plain">${said}</Payload></Set></AssignMessage>`,
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Response><Step><Name>Say</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>/weather</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
  }
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, content]) => [name, strToU8(content)])))
}

test('the login of -Dapigee.authtype=oauth', async () => {
  const login = await fetch(`${postern.admin}/oauth/token`, {
    method: 'POST',
    headers: { authorization: 'Basic ZWRnZWNsaTplZGdlY2xpc2VjcmV0', 'content-type': FORM },
    body: `grant_type=password&username=me%40example.com&password=${postern.token}`,
  })
  const token = (await login.json()) as { access_token: string; token_type: string; expires_in: number }
  expect(token).toMatchObject({ token_type: 'bearer', refresh_token: expect.any(String), scope: expect.any(String) })
  expect(token.expires_in).toBeGreaterThan(60)
  authorization = `Bearer ${token.access_token}`
  expect((await send('GET', '')).status).toBe(200)
})

test('apigee.options=override: import, deploy in place of the one before; parameters are in the query', async () => {
  authorization = `Basic ${Buffer.from(`me@example.com:${postern.token}`).toString('base64')}`
  expect((await send('GET', '/apis/weather/revisions')).status).toBe(404)
  const made = await send('POST', '/apis?action=import&name=weather', bundle('one'), 'application/octet-stream')
  expect([made.status, made.body.revision]).toEqual([201, '1'])
  const path = '/environments/test/apis/weather/revisions/1/deployments?override=true&delay=10'
  expect((await send('POST', path, '', FORM)).body).toMatchObject({ state: 'deployed', revision: '1' })
  expect(await text()).toBe('one')
  // Newer plugins send the zip as a file of a form.
  const form = new FormData()
  form.set('file', new Blob([bundle('two') as Uint8Array<ArrayBuffer>]), 'weather-1.0-SNAPSHOT.zip')
  expect((await send('POST', '/apis?action=import&name=weather', form)).body.revision).toBe('2')
  await send('POST', '/environments/test/apis/weather/revisions/2/deployments?override=true&delay=10', '', FORM)
  expect(await text()).toBe('two')
  const { body } = await send('GET', '/apis/weather/deployments')
  expect(body.environment[0]).toMatchObject({ name: 'test', revision: [{ name: '2', state: 'deployed' }] })
})

test('apigee.options=update: the deployed revision itself is another; with validate an error changes nothing', async () => {
  const { body: revisions } = await send('GET', '/apis/weather/revisions')
  expect(revisions).toEqual(['1', '2'])
  const update = (zip: Uint8Array, method = 'POST') =>
    send(method, '/apis/weather/revisions/2?validate=true', zip, 'application/octet-stream')
  expect((await update(bundle('three'))).status).toBe(200)
  expect(await text()).toBe('three')
  expect((await update(bundle('four'), 'PUT')).status).toBe(200)
  expect(await text()).toBe('four')
  expect((await update(zipSync({ 'apiproxy/x.xml': strToU8('<Nothing/>') }))).status).toBe(400)
  expect(await text()).toBe('four')
})

test('apigee.options=inactive, validate and clean: undeployed, then deleted', async () => {
  const path = '/environments/test/apis/weather/revisions/2/deployments'
  expect((await send('DELETE', path)).body.state).toBe('undeployed')
  expect((await call(`${postern.gateway}/weather`)).status).toBe(404)
  expect((await send('DELETE', '/apis/weather/revisions/2')).status).toBe(200)
  expect((await send('DELETE', '/apis/weather')).status).toBe(200)
})

test('the config plugin: made when it is not there, replaced when it is', async () => {
  const things: [collection: string, name: string, body: object][] = [
    ['/environments/test/targetservers', 'back', { name: 'back', host: 'h', port: 443, isEnabled: true }],
    ['/environments/test/caches', 'c', { name: 'c', expirySettings: { timeoutInSec: { value: '60' } } }],
    ['/apiproducts', 'p', { name: 'p', displayName: 'P', approvalType: 'auto', apiResources: ['/'], proxies: [] }],
    ['/developers', 'a@b.c', { email: 'a@b.c', firstName: 'A', lastName: 'B', userName: 'ab' }],
    ['/maskconfigs', 'default', { name: 'default', variables: ['request.header.pin'] }],
  ]
  for (const [collection, name, body] of things) {
    expect((await send('GET', `${collection}/${name}`)).status).toBe(404)
    expect((await send('POST', collection, JSON.stringify(body), JSON_TYPE)).status).toBeLessThan(300)
    expect((await send('PUT', `${collection}/${name}`, JSON.stringify(body), JSON_TYPE)).status).toBe(200)
    expect((await send('GET', `${collection}/${name}`)).status).toBe(200)
  }
  const map = { name: 'm', entry: [{ name: 'k', value: 'v' }] }
  expect((await send('POST', '/environments/test/keyvaluemaps', JSON.stringify(map), JSON_TYPE)).status).toBe(201)
  const entries = '/environments/test/keyvaluemaps/m/entries'
  expect((await send('POST', `${entries}/k`, '{"name": "k", "value": "w"}', JSON_TYPE)).body.value).toBe('w')
  const app = { name: 'app', apiProducts: ['p'], callbackUrl: 'http://x' }
  const made = await send('POST', '/developers/a@b.c/apps', JSON.stringify(app), JSON_TYPE)
  expect(made.body.credentials).toHaveLength(1)
  // Sent again as it was, it keeps its key.
  const again = await send('PUT', '/developers/a@b.c/apps/app', JSON.stringify(app), JSON_TYPE)
  expect(again.body.credentials).toEqual(made.body.credentials)
})
