import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SERVER_CERT, SERVER_KEY } from '../../src/wire/test-certificates.ts'
import { call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// The real apigee-edge-js, as scripts use it: a login first, then calls with the token.

const folder = mkdtempSync(join(tmpdir(), 'postern-edge-js-'))
let postern: Postern
let org: ReturnType<typeof JSON.parse>

const text = async (path: string): Promise<string> => (await call(`${postern.gateway}${path}`)).text

function bundleAt(name: string, greeting: string, steps = '', more: Record<string, string> = {}): string {
  const path = join(folder, name)
  rmSync(path, { recursive: true, force: true })
  writeFiles(path, {
    [`apiproxy/${name}.xml`]: `<APIProxy name="${name}"/>`,
    'apiproxy/policies/Say.xml': `<AssignMessage name="Say"><Set><Payload contentType="text/plain">${greeting}</Payload></Set></AssignMessage>`,
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request>${steps}</Request><Response><Step><Name>Say</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
    ...more,
  })
  return path
}

beforeAll(async () => {
  writeFileSync(join(folder, 'postern.yaml'), 'version: 1\norganization: acme\nenvironment: test\napis: []\n')
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { data: join(folder, 'data'), workers: 1 })
  // It keeps its tokens in the home folder.
  process.env['HOME'] = folder
  const { apigee } = createRequire(import.meta.url)('apigee-edge-js')
  org = await apigee.connect({
    org: 'acme',
    user: 'ada@example.com',
    password: postern.token,
    mgmtServer: postern.admin,
    ssoUrl: postern.admin,
  })
})

afterAll(async () => {
  await postern.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('apigee-edge-js', () => {
  test('logs in, and calls with the token; a new one for a refresh token; none for a wrong password', async () => {
    expect(org.conn.requestHeaders.authorization).toMatch(/^Bearer postern-access-/)
    expect(await org.environments.get({})).toEqual(['test'])
    const before = org.conn.requestHeaders.authorization
    const stash = await org.conn.getExistingToken()
    await org.conn.refreshToken(stash)
    expect(org.conn.requestHeaders.authorization).toMatch(/^Bearer postern-access-/)
    expect(await org.environments.get({})).toEqual(['test'])
    expect(before).not.toContain(postern.token)
    const login = (form: string) =>
      fetch(`${postern.admin}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) })
    expect((await login('grant_type=password&username=eve&password=wrong')).status).toBe(401)
    expect((await login('grant_type=refresh_token&refresh_token=x')).status).toBe(401)
    expect((await login('grant_type=magic')).status).toBe(400)
    // What a refresh token opens is the login, no call.
    const { refresh_token } = (await (await login(`grant_type=password&password=${postern.token}`)).json()) as {
      refresh_token: string
    }
    const headers = { authorization: `Bearer ${refresh_token}` }
    expect((await fetch(`${postern.admin}/v1/o/acme`, { headers })).status).toBe(401)
  })

  test('imports from a folder and from a zip, deploys, lists, exports, undeploys, deletes', async () => {
    const made = await org.proxies.import({ name: 'hello', source: bundleAt('hello', 'one') })
    expect(made).toMatchObject({ name: 'hello', revision: '1' })
    const deployed = await org.proxies.deploy({ name: 'hello', environment: 'test', revision: '1' })
    expect(deployed).toMatchObject({ state: 'deployed', environment: 'test' })
    expect(await text('/hello')).toBe('one')
    const { buffer, filename } = await org.proxies.export({ name: 'hello', revision: '1' })
    expect(filename).toMatch(/^apiproxy-acme-hello-r1-/)
    writeFileSync(join(folder, 'hello.zip'), buffer)
    expect(await org.proxies.import({ name: 'hello', source: join(folder, 'hello.zip') })).toMatchObject({
      revision: '2',
    })
    await org.proxies.deploy({ name: 'hello', environment: 'test' })
    expect(await org.proxies.getRevisions({ name: 'hello' })).toEqual([1, 2])
    const where = await org.proxies.getDeployments({ name: 'hello' })
    expect(where.environment).toMatchObject([{ name: 'test', revision: [{ name: '2', state: 'deployed' }] }])
    expect(await org.proxies.getEndpoints({ name: 'hello', revision: '2' })).toEqual(['default'])
    expect(await org.proxies.getPoliciesForRevision({ name: 'hello', revision: '2' })).toEqual(['Say'])
    expect(await org.proxies.getPolicyForRevision({ name: 'hello', revision: '2', policy: 'Say' })).toMatchObject({
      name: 'Say',
      policyType: 'AssignMessage',
    })
    await org.proxies.undeploy({ name: 'hello', environment: 'test', revision: '2' })
    expect((await call(`${postern.gateway}/hello`)).status).toBe(404)
    await org.proxies.del({ name: 'hello' })
    await expect(org.proxies.get({ name: 'hello' })).rejects.toThrow()
  })

  test('products, developers, apps and credentials open what they should', async () => {
    const guard = '<VerifyAPIKey name="VK"><APIKey ref="request.queryparam.apikey"/></VerifyAPIKey>'
    const source = bundleAt('guarded', 'in', '<Step><Name>VK</Name></Step>', { 'apiproxy/policies/VK.xml': guard })
    await org.proxies.import({ name: 'guarded', source })
    await org.proxies.deploy({ name: 'guarded', environment: 'test' })
    const status = async (key: string) => (await call(`${postern.gateway}/guarded?apikey=${key}`)).status
    await org.products.create({ productName: 'basic', proxies: ['guarded'], approvalType: 'auto' })
    await org.products.update({ name: 'basic', attributes: [{ name: 'tier', value: 'gold' }] })
    expect((await org.products.get({ name: 'basic' })).proxies).toEqual(['guarded'])
    expect((await org.products.get({ name: 'basic' })).attributes).toContainEqual({
      name: 'tier',
      value: 'gold',
    })
    const developerEmail = 'ada@example.com'
    const person = { developerEmail, firstName: 'Ada', lastName: 'L', userName: 'ada' }
    const { developerId } = await org.developers.create({ ...person, attributes: { team: 'x' } })
    expect((await org.developers.get({ id: developerId })).email).toBe(developerEmail)
    const app = await org.developerapps.create({ developerEmail, appName: 'app', apiProduct: 'basic' })
    const [own] = app.credentials
    expect(own.issuedAt).toBeGreaterThan(Date.now() - 60_000)
    expect(await status(own.consumerKey)).toBe(200)
    const known = { developerEmail, appName: 'app', apiProduct: 'basic', clientId: 'KEY1', clientSecret: 'S1' }
    expect(await org.appcredentials.add(known)).toMatchObject({ consumerKey: 'KEY1' })
    const found = await org.appcredentials.find({ key: 'KEY1' })
    expect(found).toMatchObject({ appName: 'app', developerId, developer: { email: developerEmail } })
    expect((await org.apps.get({ id: found.appId })).name).toBe('app')
    await org.appcredentials.revoke({ key: 'KEY1' })
    expect(await status('KEY1')).toBe(401)
    await org.appcredentials.approve({ key: 'KEY1' })
    expect(await status('KEY1')).toBe(200)
    const grown = await org.appcredentials.add({ developerEmail, appName: 'app', apiProduct: 'basic', expiry: '60m' })
    expect(grown.credentials).toHaveLength(3)
    const attributes = { developerEmail, appName: 'app', key: 'KEY1', attributes: { colour: 'red' } }
    expect((await org.appcredentials.update(attributes)).attributes).toEqual([{ name: 'colour', value: 'red' }])
    await org.products.create({ productName: 'more', proxies: ['guarded'], approvalType: 'auto' })
    await org.appcredentials.addProduct({ developerEmail, appName: 'app', key: 'KEY1', product: 'more' })
    await org.appcredentials.removeProduct({ developerEmail, appName: 'app', key: 'KEY1', product: 'more' })
    await org.appcredentials.del({ developerEmail, appName: 'app', key: 'KEY1' })
    expect(await status('KEY1')).toBe(401)
    await org.developers.revoke({ developerEmail })
    expect(await status(own.consumerKey)).toBe(401)
    await org.developers.approve({ developerEmail })
    await org.developerapps.revoke({ developerEmail, appName: 'app' })
    expect(await status(own.consumerKey)).toBe(401)
    await org.developerapps.del({ developerEmail, appName: 'app' })
    await org.developers.del({ developerEmail })
    await org.products.del({ productName: 'basic' })
  })

  test('key value maps', async () => {
    await org.kvms.create({ env: 'test', name: 'words', entries: { hello: 'bonjour' } })
    await org.kvms.put({ env: 'test', name: 'words', key: 'hello', value: 'salut' })
    await org.kvms.put({ env: 'test', name: 'words', key: 'bye', value: 'adieu' })
    await org.kvms.removeEntry({ env: 'test', name: 'words', key: 'bye' })
    expect((await org.kvms.get({ env: 'test', name: 'words' })).entry).toEqual([{ name: 'hello', value: 'salut' }])
    await org.kvms.create({ name: 'secrets', encrypted: true, entries: { pin: '1234' } })
    expect((await org.kvms.get({ name: 'secrets' })).entry).toEqual([{ name: 'pin', value: '*****' }])
    await org.kvms.del({ name: 'secrets' })
  })

  test('key stores with a certificate that is sent and one that is made; references; target servers; caches; flow hooks', async () => {
    const [cert, key] = [SERVER_CERT, SERVER_KEY]
    await org.keystores.create({ environment: 'test', name: 'store' })
    const sent = await org.keystores.importCert({ environment: 'test', name: 'store', alias: 'sent', cert, key })
    expect(sent.certsInfo.certInfo[0]).toMatchObject({ isValid: 'Yes' })
    const spec = { subject: { commonName: 'postern.test', organization: 'Acme' }, lifetime: 30 }
    const self = await org.keystores.newSelfSignedCert({ environment: 'test', name: 'store', alias: 'self', spec })
    expect(self.certsInfo.certInfo[0].subject).toContain('CN=postern.test')
    expect(await org.keystores.getAliases({ environment: 'test', name: 'store' })).toEqual(['sent', 'self'])
    const shown = JSON.stringify(await org.keystores.getAlias({ environment: 'test', name: 'store', alias: 'sent' }))
    expect(shown).not.toContain('PRIVATE KEY')
    await org.references.create({ environment: 'test', name: 'ref', refers: 'store', resourceType: 'KeyStore' })
    expect(await org.references.get({ environment: 'test', name: 'ref' })).toMatchObject({ refers: 'store' })
    await org.references.del({ environment: 'test', name: 'ref' })
    await org.keystores.del({ environment: 'test', name: 'store' })
    const target = { name: 'back', host: '127.0.0.1', port: 8091, isEnabled: true }
    await org.targetservers.create({ environment: 'test', target })
    await org.targetservers.disable({ environment: 'test', name: 'back' })
    expect(await org.targetservers.get({ environment: 'test', name: 'back' })).toMatchObject({ isEnabled: false })
    await org.caches.create({ environment: 'test', cacheName: 'tokens' })
    await org.caches.clear({ environment: 'test', cacheName: 'tokens' })
    expect(await org.flowhooks.get({ environment: 'test' })).toContain('PreProxyFlowHook')
  })

  test('mask configurations and resource files', async () => {
    await org.maskconfigs.set({ name: 'default', json: '$.password' })
    expect(await org.maskconfigs.get({ name: 'default' })).toMatchObject({ jSONPathsRequest: ['$.password'] })
    await org.maskconfigs.add({ variables: 'request.header.pin' })
    expect(await org.maskconfigs.get({ name: 'default' })).toMatchObject({
      jSONPathsRequest: ['$.password'],
      variables: ['request.header.pin'],
    })
    const file = join(folder, 'tools.js')
    writeFileSync(file, 'function mark(value) { context.setVariable("response.header.x-mark", value) }')
    await org.resourcefiles.create({ environment: 'test', file })
    expect((await org.resourcefiles.get({ environment: 'test' })).resourceFile).toEqual([
      { name: 'tools.js', type: 'jsc' },
    ])
    const script =
      '<Javascript name="JS"><IncludeURL>jsc://tools.js</IncludeURL><ResourceURL>jsc://main.js</ResourceURL></Javascript>'
    const source = bundleAt('script', 'js', '', {
      'apiproxy/policies/JS.xml': script,
      'apiproxy/resources/jsc/main.js': 'mark("shared")',
      'apiproxy/proxies/default.xml':
        '<ProxyEndpoint name="default"><PreFlow><Response><Step><Name>JS</Name></Step></Response></PreFlow><HTTPProxyConnection><BasePath>/script</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>',
    })
    await org.proxies.import({ name: 'script', source })
    await org.proxies.deploy({ name: 'script', environment: 'test' })
    expect((await call(`${postern.gateway}/script`)).headers['x-mark']).toBe('shared')
    await expect(org.resourcefiles.del({ environment: 'test', name: 'tools.js', type: 'jsc' })).rejects.toThrow()
    await org.proxies.undeploy({ name: 'script', environment: 'test', revision: '1' })
    await org.resourcefiles.del({ environment: 'test', name: 'tools.js', type: 'jsc' })
  })

  test('statistics', async () => {
    const options = { environment: 'test', dimension: 'apis', metric: 'sum(message_count)', timeUnit: 'hour' }
    const [startTime, endTime] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 3_600_000)]
    await expect
      .poll(async () => {
        const { data } = await org.stats.get({ ...options, startTime, endTime })
        return data.environments[0].dimensions.map((one: { name: string }) => one.name)
      })
      .toContain('guarded')
  })

  test('a trace over its connection: it has no function for debug sessions, so scripts take its address and its token', async () => {
    await org.proxies.import({ name: 'traced', source: bundleAt('traced', 'hello') })
    await org.proxies.deploy({ name: 'traced', environment: 'test', revision: '1' })
    const ask = async (method: string, path: string) => {
      const answer = await fetch(`${org.conn.urlBase}/environments/test/apis/traced/revisions/1/debugsessions${path}`, {
        method,
        headers: { ...org.conn.requestHeaders, 'content-type': 'application/x-www-url-form-encoded' },
      })
      return { status: answer.status, body: JSON.parse(await answer.text()) }
    }
    expect((await ask('POST', '?session=s1&timeout=60&header_x-me=ada')).status).toBe(201)
    await call(`${postern.gateway}/traced`)
    await call(`${postern.gateway}/traced`, { headers: { 'x-me': 'ada', pin: '1234' } })
    const [id] = await until(async () => {
      const { body } = await ask('GET', '/s1/data')
      return body.length === 1 && body
    })
    const { body } = await ask('GET', `/s1/data/${id}`)
    const names = body.point.flatMap(
      (point: { results: { properties?: { property: { name: string; value: string }[] } }[] }) =>
        point.results.flatMap(({ properties }) => properties?.property ?? []),
    )
    expect(names).toContainEqual({ name: 'stepDefinition-name', value: 'Say' })
    expect(names).toContainEqual({ name: 'SuccessFullyMaskedConfigs', value: 'request.header.pin' })
    expect(JSON.stringify(body)).not.toContain('1234')
    expect((await ask('DELETE', '/s1')).status).toBe(200)
    expect((await ask('GET', '/s1/data')).status).toBe(404)
  })
})
