import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CA_CERT, CLIENT_CERT, CLIENT_KEY, SERVER_KEY } from '../../src/wire/test-certificates.ts'
import { call } from '../kit/backend.ts'
import { Postern } from '../kit/postern.ts'

// Edge's management API, what belongs to the environment: shared flows, flow hooks, key stores, references, virtual hosts, caches.

const data = mkdtempSync(join(tmpdir(), 'postern-environment-'))
let postern: Postern

const zip = (files: Record<string, string>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])))

const say = (text: string): string =>
  `<AssignMessage name="Say"><Set><Headers><Header name="X-Flow">${text}</Header></Headers></Set></AssignMessage>`
const flow = (text: string): Uint8Array =>
  zip({
    'sharedflowbundle/logging.xml': '<SharedFlowBundle name="logging"/>',
    'sharedflowbundle/policies/Say.xml': say(text),
    'sharedflowbundle/sharedflows/default.xml': '<SharedFlow name="default"><Step><Name>Say</Name></Step></SharedFlow>',
  })
const proxy = (policy = ''): Uint8Array =>
  zip({
    'apiproxy/p.xml': '<APIProxy name="p"/>',
    ...(policy !== '' && { 'apiproxy/policies/P.xml': policy }),
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request>${policy === '' ? '' : '<Step><Name>P</Name></Step>'}</Request></PreFlow>
      <HTTPProxyConnection><BasePath>/p</BasePath><VirtualHost>default</VirtualHost></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
  })

async function ask(method: string, path: string, body?: object | Uint8Array<ArrayBuffer> | FormData | URLSearchParams) {
  const raw = body instanceof Uint8Array || body instanceof FormData || body instanceof URLSearchParams
  const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json'
  const answer = await fetch(`${postern.admin}/v1/o/postern${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`ada:${postern.token}`).toString('base64')}`,
      ...(body !== undefined && (!raw || body instanceof Uint8Array) && { 'content-type': type }),
    },
    ...(body !== undefined && { body: raw ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: /^[{[]/.test(text) ? JSON.parse(text) : text }
}

const bytes = (array: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(array)
const override = (): URLSearchParams => new URLSearchParams({ override: 'true' })
const header = async (): Promise<string> => (await call(`${postern.gateway}/p`)).headers['x-flow']?.toString() ?? ''
const start = (): Promise<Postern> => Postern.start(['--config', join(data, 'postern.yaml')], { data, workers: 2 })

beforeAll(async () => {
  writeFileSync(join(data, 'postern.yaml'), 'version: 1\napis: []\n')
  postern = await start()
  await ask('POST', '/apis?action=import&name=p', bytes(proxy()))
  expect((await ask('POST', '/e/test/apis/p/revisions/1/deployments', override())).status).toBe(200)
})

afterAll(async () => {
  await postern.stop()
  rmSync(data, { recursive: true, force: true })
})

test('a shared flow is imported, deployed, hooked in, replaced, and there after a restart', async () => {
  const made = await ask('POST', '/sharedflows?action=import&name=logging', bytes(flow('one')))
  expect([made.status, made.body]).toMatchObject([201, { name: 'logging', revision: '1', policies: ['Say'] }])
  expect((await ask('PUT', '/e/test/flowhooks/PreProxyFlowHook', { sharedFlow: 'logging' })).status).toBe(404)
  const deployments = '/e/test/sharedflows/logging/revisions/1/deployments'
  expect((await ask('POST', deployments, override())).body).toMatchObject({ sharedFlow: 'logging', state: 'deployed' })
  expect((await ask('PUT', '/e/test/flowhooks/PreProxyFlowHook', { sharedFlow: 'logging' })).body.state).toBe(
    'deployed',
  )
  for (let i = 0; i < 10; i++) expect(await header()).toBe('one')

  await ask('POST', '/sharedflows?action=import&name=logging', bytes(flow('two')))
  expect((await ask('POST', '/e/test/sharedflows/logging/revisions/2/deployments')).body.code).toMatch(
    /AlreadyDeployed$/,
  )
  await ask('POST', '/e/test/sharedflows/logging/revisions/2/deployments', override())
  expect(await header()).toBe('two')
  expect((await ask('GET', '/sharedflows/logging/revisions')).body).toEqual(['1', '2'])
  expect((await ask('GET', '/sharedflows/logging/deployments')).body.environment[0].revision[0].name).toBe('2')
  await postern.stop()
  postern = await start()
  expect(await header()).toBe('two')

  // What is in use cannot go; what is wrong changes nothing.
  expect((await ask('DELETE', '/e/test/sharedflows/logging/revisions/2/deployments')).status).toBe(400)
  const broken = zip({
    'sharedflowbundle/x.xml': '<SharedFlowBundle name="x"/>',
    'sharedflowbundle/policies/Say.xml': say('x'),
  })
  expect((await ask('POST', '/sharedflows?action=import&name=broken', bytes(broken))).body.message).toContain(
    'SharedFlowMissing',
  )
  expect((await ask('GET', '/e/test/flowhooks/PreProxyFlowHook')).body.sharedFlow).toBe('logging')
  expect((await ask('GET', '/e/test/flowhooks/None')).status).toBe(404)
  expect((await ask('DELETE', '/e/test/flowhooks/PreProxyFlowHook')).status).toBe(200)
  expect(await header()).toBe('')
  expect((await ask('DELETE', '/e/test/sharedflows/logging/revisions/2/deployments')).body.state).toBe('undeployed')
  expect((await ask('DELETE', '/sharedflows/logging')).status).toBe(200)
  expect((await ask('GET', '/sharedflows')).body).toEqual([])
})

test('piece by piece, as apigeetool does it', async () => {
  const made = await ask(
    'POST',
    '/apis?action=import&name=pieces',
    bytes(zip({ 'apiproxy/pieces.xml': '<APIProxy name="pieces"/>' })),
  )
  expect([made.status, made.body.revision]).toEqual([201, '1'])
  const deploy = () => ask('POST', '/e/test/apis/pieces/revisions/1/deployments', override())
  expect((await deploy()).body.message).toContain('ProxyEndpointMissing')
  const put = (path: string, text: string) => ask('POST', `/apis/pieces/revisions/1/${path}`, bytes(strToU8(text)))
  expect(
    (await put('resources?type=jsc&name=a.js', "context.setVariable('response.header.X-Flow', 'piece');")).status,
  ).toBe(201)
  expect(
    (await put('policies', '<Javascript name="JS"><ResourceURL>jsc://a.js</ResourceURL></Javascript>')).body.name,
  ).toBe('JS')
  const endpoint = `<ProxyEndpoint name="default"><PreFlow><Response><Step><Name>JS</Name></Step></Response></PreFlow>
    <HTTPProxyConnection><BasePath>/pieces</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`
  expect((await put('proxies?name=default', endpoint)).status).toBe(201)
  expect((await put('resources?type=..&name=a.js', 'x')).status).toBe(400)
  expect((await put('resources?type=jsc&name=..%2Fa.js', 'x')).status).toBe(400)
  expect((await deploy()).status).toBe(200)
  expect((await call(`${postern.gateway}/pieces`)).headers['x-flow']).toBe('piece')
  expect((await put('proxies?name=default', endpoint)).body.message).toContain('is deployed; undeploy it first')
})

test('a revision is replaced in place, and served at once', async () => {
  expect(
    (await ask('POST', '/apis/p/revisions/1?validate=true', bytes(proxy(say('new').replaceAll('"Say"', '"P"')))))
      .status,
  ).toBe(200)
  const { headers } = await call(`${postern.gateway}/p`, { headers: { 'X-Flow': 'mine' } })
  expect(headers['x-flow']).toBe('new')
  const bad = await ask('POST', '/apis/p/revisions/1', bytes(proxy('<Quota name="P"><Allow count="x"/></Quota>')))
  expect(bad.status).toBe(400)
  expect((await call(`${postern.gateway}/p`)).headers['x-flow']).toBe('new')
  expect((await ask('GET', '/apis/p/revisions/1/policies')).body).toEqual(['P'])
  expect((await ask('GET', '/apis/p/revisions/1/proxies')).body).toEqual(['default'])
  expect((await ask('GET', '/apis/p/revisions/1/proxies/default')).body.connection).toMatchObject({ basePath: '/p' })
  await ask('POST', '/apis/p/revisions/1', bytes(proxy()))
})

test('key stores, aliases, references: what they hold is used and never shown', async () => {
  expect((await ask('POST', '/e/test/keystores', { name: 'keys' })).status).toBe(201)
  const alias = (files: Record<string, string>): FormData => {
    const form = new FormData()
    for (const [name, text] of Object.entries(files)) form.set(name, new File([text], `${name}.pem`))
    return form
  }
  const path = '/e/test/keystores/keys/aliases'
  const good = alias({ certFile: CLIENT_CERT, keyFile: CLIENT_KEY })
  const made = await ask('POST', `${path}?alias=me&format=keycertfile`, good)
  expect([made.status, made.body.alias, made.body.keyName]).toEqual([201, 'me', 'me'])
  expect(made.body.certsInfo.certInfo[0]).toMatchObject({ isValid: 'Yes', subject: 'CN=client' })
  expect(JSON.stringify(made.body)).not.toContain('PRIVATE')
  const wrong = async (files: Record<string, string>, query = 'alias=x&format=keycertfile') =>
    (await ask('POST', `${path}?${query}`, alias(files))).body.message
  expect(await wrong({ certFile: CLIENT_CERT, keyFile: SERVER_KEY })).toContain('is not the key of the certificate')
  expect(await wrong({ certFile: 'x' })).toContain('no PEM certificate')
  expect(await wrong({ certFile: CLIENT_CERT, keyFile: 'x' })).toContain('no PEM private key')
  expect(await wrong({ file: 'x' }, 'alias=x&format=pkcs12')).toContain('format pkcs12 is not supported')
  expect(await wrong({ certFile: CA_CERT }, 'format=keycertfile')).toContain('alias is missing')
  expect((await ask('GET', path)).body).toEqual(['me'])
  const reference = { name: 'ref', refers: 'keys', resourceType: 'KeyStore' }
  expect(await ask('POST', '/e/test/references', reference)).toEqual({ status: 201, body: reference })

  const ssl =
    '<SSLInfo><Enabled>true</Enabled><ClientAuthEnabled>true</ClientAuthEnabled><KeyStore>ref://ref</KeyStore><KeyAlias>me</KeyAlias></SSLInfo>'
  const callout = `<ServiceCallout name="P"><HTTPTargetConnection><URL>https://127.0.0.1:1</URL>${ssl}</HTTPTargetConnection></ServiceCallout>`
  await ask('POST', '/apis?action=import&name=q', bytes(proxy(callout)))
  const deploy = () => ask('POST', '/e/test/apis/q/revisions/1/deployments', new URLSearchParams({ basepath: '/q' }))
  expect((await deploy()).status).toBe(200)
  expect((await ask('DELETE', '/e/test/references/ref')).body.message).toContain('ReferenceMissing')
  await ask('DELETE', '/e/test/apis/q/revisions/1/deployments')
  expect((await ask('DELETE', '/e/test/references/ref')).status).toBe(200)
  expect((await deploy()).body.message).toContain('ReferenceMissing')
  const secret = CLIENT_KEY.split('\n')[1]!
  for (const file of readdirSync(data).filter((name) => statSync(join(data, name)).isFile())) {
    expect(readFileSync(join(data, file)).includes(secret), file).toBe(false)
  }
})

test('undeploying in the older form, as apigeetool does it', async () => {
  const form = (env: string): URLSearchParams => new URLSearchParams({ action: 'undeploy', revision: '1', env })
  expect((await ask('POST', '/apis/pieces/deployments', form('prod'))).status).toBe(404)
  expect((await ask('POST', '/apis/pieces/deployments', form('test'))).body.state).toBe('undeployed')
  expect((await call(`${postern.gateway}/pieces`)).status).toBe(404)
})

test('mask configurations of the organisation and of a proxy', async () => {
  for (const path of ['/maskconfigs', '/apis/p/maskconfigs']) {
    expect((await ask('GET', `${path}/default`)).status).toBe(404)
    const config = {
      name: 'default',
      variables: ['a'],
      jSONPathsRequest: ['$.card'],
      namespaces: [{ prefix: 's', value: 'u' }],
    }
    expect(await ask('POST', path, config)).toMatchObject({ status: 200, body: config })
    expect((await ask('PUT', `${path}/default`, { ...config, variables: ['b'] })).body.variables).toEqual(['b'])
    expect((await ask('GET', path)).body).toEqual(['default'])
    expect((await ask('PUT', `${path}/default`, { jSONPathsRequest: ['$.a['] })).status).toBe(400)
    expect((await ask('GET', `${path}/default`)).body).toMatchObject({ variables: ['b'], jSONPathsRequest: ['$.card'] })
    expect((await ask('DELETE', `${path}/default`)).status).toBe(204)
    expect((await ask('GET', path)).body).toEqual([])
  }
})

test('environments, virtual hosts, clearing a cache', async () => {
  expect((await ask('GET', '/environments')).body).toEqual(['test'])
  expect((await ask('GET', '/e/test/virtualhosts')).body).toEqual(['default', 'secure'])
  const { port } = new URL(postern.gateway)
  expect((await ask('GET', '/e/test/virtualhosts/default')).body).toMatchObject({ hostAliases: ['127.0.0.1'], port })
  await ask('POST', '/e/test/caches?name=c', {})
  expect((await ask('POST', '/e/test/caches/c/entries?action=clear')).body).toEqual({
    action: 'clear',
    resourceName: 'c',
  })
  expect((await ask('POST', '/e/test/caches/none/entries?action=clear')).status).toBe(404)
})
