import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../kit/backend.ts'
import { Postern } from '../kit/postern.ts'

// Edge's management API on the real program, with the calls that its clients make.

const data = mkdtempSync(join(tmpdir(), 'postern-management-'))
let postern: Postern

/** A proxy that answers by itself: a message with its text. */
function bundle(text: string, options: { basePath?: string; policy?: string; target?: string } = {}): Uint8Array {
  const { basePath = '/greet', target = '' } = options
  const policy =
    options.policy ??
    `<AssignMessage name="AM"><Set><Payload contentType="text/plain">${text}</Payload></Set></AssignMessage>`
  const route = target === '' ? '' : '<TargetEndpoint>default</TargetEndpoint>'
  const files: Record<string, string> = {
    'apiproxy/greet.xml': '<APIProxy name="other"><DisplayName>Greeting</DisplayName></APIProxy>',
    'apiproxy/policies/AM.xml': policy,
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Response><Step><Name>AM</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>${basePath}</BasePath></HTTPProxyConnection><RouteRule name="r">${route}</RouteRule></ProxyEndpoint>`,
  }
  if (target !== '') files['apiproxy/targets/default.xml'] = target
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, content]) => [name, strToU8(content)])))
}

async function ask(method: string, path: string, body?: Uint8Array | string | object, type?: string) {
  const isJson = body !== undefined && typeof body === 'object' && !(body instanceof Uint8Array)
  const answer = await fetch(`${postern.admin}/v1/o/acme${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`ada@example.com:${postern.token}`).toString('base64')}`,
      ...(body !== undefined && { 'content-type': type ?? (isJson ? 'application/json' : 'application/octet-stream') }),
    },
    ...(body !== undefined && { body: isJson ? JSON.stringify(body) : (body as string | Uint8Array<ArrayBuffer>) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text }
}

const FORM = 'application/x-www-form-urlencoded'
const importZip = (zip: Uint8Array, name = 'greet') => ask('POST', `/apis?action=import&name=${name}`, zip)
const deploy = (revision: number, form = 'action=deploy&override=true&delay=60', name = 'greet') =>
  ask('POST', `/e/prod/apis/${name}/revisions/${revision}/deployments`, form, FORM)
const text = async (path: string): Promise<string> => (await call(`${postern.gateway}${path}`)).text

async function start(): Promise<Postern> {
  const config = join(data, 'postern.yaml')
  return Postern.start(['--config', config], { data, workers: 2 })
}

beforeAll(async () => {
  writeFileSync(
    join(data, 'postern.yaml'),
    'version: 1\norganization: acme\nenvironment: prod\napis: [{name: fixed, basePath: /fixed, target: "http://127.0.0.1:1"}]\n',
  )
  postern = await start()
})

afterAll(async () => {
  await postern.stop()
  rmSync(data, { recursive: true, force: true })
})

describe('import and deploy', () => {
  test('a revision is imported, deployed, replaced, listed, and served again after a restart', async () => {
    const first = await importZip(bundle('one'))
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({ name: 'greet', revision: '1', basepaths: ['/greet'], policies: ['AM'] })
    expect((await call(`${postern.gateway}/greet`)).status).toBe(404)

    const deployed = await deploy(1)
    expect(deployed).toMatchObject({ status: 200, body: { aPIProxy: 'greet', revision: '1', state: 'deployed' } })
    expect(deployed.body.server[0].status).toBe('deployed')
    expect(await text('/greet')).toBe('one')

    expect((await importZip(bundle('two'))).body.revision).toBe('2')
    expect((await deploy(2, 'action=deploy')).body).toMatchObject({
      code: 'messaging.config.beans.ApplicationAlreadyDeployed',
    })
    expect(await text('/greet')).toBe('one')
    expect((await deploy(2)).status).toBe(200)
    // In force in every thread when the answer is here.
    for (let i = 0; i < 20; i++) expect(await text('/greet')).toBe('two')

    expect((await ask('GET', '/apis')).body).toEqual(['fixed', 'greet'])
    expect((await ask('GET', '/apis/greet')).body).toMatchObject({ name: 'greet', revision: ['1', '2'] })
    expect((await ask('GET', '/apis/greet/revisions')).body).toEqual(['1', '2'])
    expect((await ask('GET', '/environments/prod/deployments')).body.aPIProxy).toMatchObject([
      { name: 'fixed' },
      { name: 'greet', revision: [{ name: '2', state: 'deployed' }] },
    ])

    await postern.stop()
    postern = await start()
    expect(await text('/greet')).toBe('two')
    expect((await ask('DELETE', '/apis/greet/revisions/2')).body.code).toMatch(/ApplicationIsDeployed$/)
    expect((await ask('DELETE', '/e/prod/apis/greet/revisions/2/deployments')).body.state).toBe('undeployed')
    expect((await call(`${postern.gateway}/greet`)).status).toBe(404)
    expect((await ask('DELETE', '/apis/greet/revisions/2')).status).toBe(200)
    expect((await ask('GET', '/apis/greet/revisions')).body).toEqual(['1'])
    expect((await ask('DELETE', '/apis/greet')).status).toBe(200)
    expect((await ask('GET', '/apis/greet')).status).toBe(404)
  })

  test('a zip may come as the field file of a form, as curl -F sends it', async () => {
    const form = async (fields: FormData | string, type?: string) => {
      const request = new Response(fields, type === undefined ? {} : { headers: { 'content-type': type } })
      const bytes = new Uint8Array(await request.arrayBuffer())
      return ask('POST', '/apis?action=import&name=upload', bytes, request.headers.get('content-type')!)
    }
    const fields = new FormData()
    fields.set('file', new Blob([bundle('form') as Uint8Array<ArrayBuffer>]), 'upload.zip')
    expect(await form(fields)).toMatchObject({ status: 201, body: { name: 'upload', policies: ['AM'] } })
    fields.set('file', 'text')
    expect(await form(fields)).toMatchObject({ status: 400, body: { code: 'messaging.config.beans.InvalidBundle' } })
    const cutOff = await form('--b\r\nContent-Disposition: form-da', 'multipart/form-data; boundary=b')
    expect(cutOff).toMatchObject({ status: 400, body: { code: 'messaging.config.beans.InvalidForm' } })
    expect((await ask('DELETE', '/apis/upload')).status).toBe(200)
  })

  test('a base path is put before those of the bundle', async () => {
    await importZip(bundle('moved', { basePath: '/m' }), 'moved')
    expect((await deploy(1, 'override=true&basepath=/v9', 'moved')).body.configuration.basePath).toBe('/v9')
    expect(await text('/v9/m')).toBe('moved')
  })

  test('exported, a revision is the zip that came', async () => {
    const zip = bundle('same', { basePath: '/same' })
    await importZip(zip, 'same')
    const answer = await fetch(`${postern.admin}/v1/organizations/acme/apis/same/revisions/1?format=bundle`, {
      headers: { authorization: `Bearer ${postern.token}` },
    })
    expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(zip))).toBe(true)
  })
})

describe('refused, and nothing is changed', () => {
  test('a bundle with errors: all of them, with file, line and rule', async () => {
    const zip = bundle('', { policy: '<ServiceCallout name="AM"><Timeout>0</Timeout></ServiceCallout>' })
    const { status, body } = await importZip(zip, 'broken')
    expect(status).toBe(400)
    expect(body.code).toBe('messaging.config.beans.InvalidBundle')
    expect(body.message).toContain('apiproxy/policies/AM.xml:1:27: error: InvalidTimeoutValue')
    expect(body.message).toContain('ConnectionInfoMissing')
    expect((await ask('GET', '/apis/broken')).status).toBe(404)
  })

  test.each([
    ['no zip', Buffer.from('hello')],
    ['an empty zip', zipSync({})],
    ['a zip with .. in it', zipSync({ '../apiproxy/x.xml': strToU8('<APIProxy/>') })],
  ])('%s', async (_, zip) => {
    const { status, body } = await importZip(zip, 'broken')
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'messaging.config.beans.InvalidBundle', contexts: [] })
  })

  test('more than 15 MB', async () => {
    const { status, body } = await importZip(new Uint8Array(16 * 1024 * 1024), 'broken')
    expect([status, body.code]).toEqual([400, 'messaging.config.beans.InvalidBundle'])
  })

  test('what is not there', async () => {
    expect((await deploy(1, '', 'nobody')).status).toBe(404)
    expect((await deploy(7, '', 'moved')).body.code).toMatch(/ApplicationRevisionDoesNotExist$/)
    expect((await ask('POST', '/e/nowhere/apis/moved/revisions/1/deployments', '', FORM)).body.code).toMatch(
      /EnvironmentDoesNotExist$/,
    )
    expect((await ask('GET', '/apis/moved/revisions/x')).status).toBe(400)
    expect((await ask('GET', '/nonsense')).body).toMatchObject({ code: 'not_found', contexts: [] })
  })

  test('what a file names, and a base path that is taken', async () => {
    expect((await importZip(bundle('x'), 'fixed')).status).toBe(409)
    await importZip(bundle('x', { basePath: '/fixed' }), 'thief')
    const { status, body } = await deploy(1, '', 'thief')
    expect(status).toBe(400)
    expect(body.code).toBe('messaging.config.beans.ConflictingBasePaths')
    expect((await ask('GET', '/apis/thief/deployments')).body.environment).toEqual([])
  })

  test('without the token', async () => {
    const answer = await fetch(`${postern.admin}/v1/o/acme/apis`)
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ contexts: [] })
  })
})

describe('entities', () => {
  test('a target server is made, read, changed, listed and removed', async () => {
    const server = { name: 'back', host: '127.0.0.1', port: '8090', isEnabled: 'true' }
    expect(await ask('POST', '/e/prod/targetservers', server)).toEqual({
      status: 201,
      body: { name: 'back', host: '127.0.0.1', port: 8090, isEnabled: true },
    })
    expect((await ask('POST', '/e/prod/targetservers', server)).body.code).toMatch(/TargetServerAlreadyExists$/)
    const ssl = { enabled: 'true', clientAuthEnabled: 'false', ignoreValidationErrors: false, protocols: ['TLSv1.2'] }
    expect((await ask('PUT', '/e/prod/targetservers/back', { host: 'b', port: 443, sSLInfo: ssl })).status).toBe(200)
    expect((await ask('GET', '/environments/prod/targetservers/back')).body).toMatchObject({
      host: 'b',
      sSLInfo: { enabled: 'true', protocols: ['TLSv1.2'] },
    })
    expect((await ask('GET', '/e/prod/targetservers')).body).toEqual(['back'])
    expect((await ask('DELETE', '/e/prod/targetservers/back')).status).toBe(200)
    expect((await ask('GET', '/e/prod/targetservers/back')).status).toBe(404)
  })

  test.each([
    [{ name: 'x', port: 1 }, 'TargetServer.host must be text of 1 to 4096 characters'],
    [{ name: 'x', host: 'h', port: 0 }, 'TargetServer.port must be a whole number from 1 to 65535'],
    [{ name: 'x', host: 'h', port: 1, isEnabled: 'maybe' }, 'TargetServer.isEnabled must be true or false'],
    [{ name: 'x', host: 'h', port: 1, colour: 'red' }, 'TargetServer has no field "colour"'],
    [{ name: '../x', host: 'h', port: 1 }, 'TargetServer.name must be letters'],
    [{ name: 'x', host: 'h', port: 1, sSLInfo: [] }, 'TargetServer.sSLInfo must be a JSON object'],
  ])('%j', async (body, message) => {
    const answer = await ask('POST', '/e/prod/targetservers', body)
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain(message)
  })

  test('products, developers, apps and keys open what VerifyAPIKey guards', async () => {
    const guard = '<VerifyAPIKey name="AM"><APIKey ref="request.queryparam.apikey"/></VerifyAPIKey>'
    const zip = bundle('', { basePath: '/guarded', policy: guard })
    await importZip(zip, 'guarded')
    expect((await deploy(1, 'override=true', 'guarded')).status).toBe(200)
    const status = async (key: string) => (await call(`${postern.gateway}/guarded?apikey=${key}`)).status
    expect(await status('KEY1')).toBe(401)

    const product = {
      name: 'basic',
      displayName: 'Basic',
      approvalType: 'auto',
      proxies: ['guarded'],
      environments: ['prod'],
      apiResources: ['/', '/**'],
      scopes: [''],
      quota: '5',
      quotaInterval: 1,
      quotaTimeUnit: 'hour',
      attributes: [{ name: 'tier', value: 'gold' }],
    }
    expect(await ask('POST', '/apiproducts', product)).toMatchObject({
      status: 201,
      body: { quota: '5', name: 'basic' },
    })
    const ada = { email: 'ada@example.com', firstName: 'Ada', lastName: 'L', userName: 'ada' }
    expect((await ask('POST', '/developers', ada)).body).toMatchObject({ status: 'active', apps: [] })
    const made = await ask('POST', '/developers/ada@example.com/apps', { name: 'app', apiProducts: ['basic'] })
    expect(made.status).toBe(201)
    const [own] = made.body.credentials
    expect(await status(own.consumerKey)).toBe(200)

    const key = { consumerKey: 'KEY1', consumerSecret: 'S1' }
    const keys = '/developers/ada@example.com/apps/app/keys'
    expect((await ask('POST', `${keys}/create`, key)).status).toBe(201)
    expect(await status('KEY1')).toBe(400)
    expect((await ask('POST', `${keys}/KEY1`, { apiProducts: ['basic'] })).body.apiProducts).toEqual([
      { apiproduct: 'basic', status: 'approved' },
    ])
    expect(await status('KEY1')).toBe(200)
    expect((await ask('POST', `${keys}/KEY1?action=revoke`, '')).status).toBe(204)
    expect(await status('KEY1')).toBe(401)
    await ask('POST', `${keys}/KEY1?action=approve`, '')
    expect((await ask('POST', '/developers/ada@example.com?action=inactive', '')).status).toBe(204)
    expect(await status('KEY1')).toBe(401)
    await ask('POST', '/developers/ada@example.com?action=active', '')

    await postern.stop()
    postern = await start()
    expect(await status('KEY1')).toBe(200)
    expect((await ask('GET', '/developers/ada@example.com/apps/app')).body.credentials).toHaveLength(2)
    expect((await ask('DELETE', `${keys}/KEY1`)).status).toBe(200)
    expect(await status('KEY1')).toBe(401)
    expect((await ask('GET', '/apiproducts')).body).toEqual(['basic'])
    expect((await ask('DELETE', '/developers/ada@example.com')).status).toBe(200)
    expect(await status(own.consumerKey)).toBe(401)
  })

  test('a product that is approved by hand keeps its keys waiting', async () => {
    await ask('POST', '/apiproducts', { name: 'slow', approvalType: 'manual' })
    await ask('POST', '/developers', { email: 'bob@example.com', firstName: 'B', lastName: 'B', userName: 'b' })
    const app = await ask('POST', '/developers/bob@example.com/apps', { name: 'app', apiProducts: ['slow'] })
    const { consumerKey, apiProducts } = app.body.credentials[0]
    expect(apiProducts).toEqual([{ apiproduct: 'slow', status: 'pending' }])
    const path = `/developers/bob@example.com/apps/app/keys/${consumerKey}`
    expect((await ask('POST', `${path}/apiproducts/slow?action=approve`, '')).status).toBe(204)
    expect((await ask('GET', path)).body.apiProducts[0].status).toBe('approved')
  })

  test.each([
    ['/apiproducts', { name: 'p', quota: 'x' }, 'ApiProduct.quota must be a whole number'],
    ['/apiproducts', { name: 'p', approvalType: 'never' }, 'ApiProduct.approvalType must be one of auto, manual'],
    ['/apiproducts', { name: 'p', attributes: { a: 1 } }, 'ApiProduct.attributes must be a list of {name, value}'],
    ['/developers', { email: 'nobody' }, 'Developer.email is no address'],
    ['/developers/none@example.com/apps', { name: 'a' }, 'Developer named none@example.com does not exist'],
    ['/developers/bob@example.com/apps', { name: 'b', apiProducts: ['none'] }, 'ApiProduct named none does not exist'],
    [
      '/developers/bob@example.com/apps',
      { name: 'app' },
      'App named app of developer bob@example.com is there already',
    ],
    ['/developers/bob@example.com?action=dance', {}, 'Developer has no action "dance"; it has active, inactive'],
  ])('%s %j', async (path, body, message) => {
    const answer = await ask('POST', path, body)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.body.message).toContain(message)
  })

  test('a cache', async () => {
    const settings = { description: 'd', expirySettings: { timeoutInSec: { value: '60' }, valuesNull: false } }
    expect((await ask('POST', '/e/prod/caches?name=tokens', settings)).status).toBe(201)
    expect((await ask('GET', '/e/prod/caches/tokens')).body.expirySettings.timeoutInSec.value).toBe('60')
  })
})
