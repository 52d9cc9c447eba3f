import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern } from '../kit/postern.ts'

// Several environments in one gateway: each with its deployments, target servers, caches and host names.

const data = mkdtempSync(join(tmpdir(), 'postern-environments-'))
let postern: Postern
let backends: Backend[]

const start = (): Promise<Postern> =>
  Postern.start(['--config', join(data, 'postern.yaml')], { data: join(data, 'data'), workers: 2 })

beforeAll(async () => {
  writeFileSync(join(data, 'postern.yaml'), 'version: 1\norganization: acme\nenvironment: test\napis: []\n')
  backends = await Promise.all(['of test', 'of prod'].map((text) => Backend.start((_, response) => response.end(text))))
  postern = await start()
})

afterAll(async () => {
  await postern.stop()
  await Promise.all(backends.map((backend) => backend.stop()))
  rmSync(data, { recursive: true, force: true })
})

async function ask(method: string, path: string, body?: object | Uint8Array | string) {
  const isText = typeof body === 'string'
  const isZip = body instanceof Uint8Array
  const type = isZip ? 'application/octet-stream' : isText ? 'application/x-www-form-urlencoded' : 'application/json'
  const answer = await fetch(`${postern.admin}/v1/o/acme${path}`, {
    method,
    headers: { authorization: `Bearer ${postern.token}`, ...(body !== undefined && { 'content-type': type }) },
    ...(body !== undefined && {
      body: isZip || isText ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body),
    }),
  })
  return { status: answer.status, body: JSON.parse((await answer.text()) || 'null') }
}

function bundle(revision: string): Uint8Array {
  const files = {
    'apiproxy/shop.xml': '<APIProxy name="shop"/>',
    'apiproxy/policies/Say.xml': `<AssignMessage name="Say"><Set><Headers><Header name="x-said">{environment.name} ${revision} {word}</Header></Headers></Set><AssignTo type="response"/></AssignMessage>`,
    'apiproxy/policies/KV.xml':
      '<KeyValueMapOperations name="KV" mapIdentifier="words"><Get assignTo="word"><Key><Parameter>w</Parameter></Key></Get></KeyValueMapOperations>',
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>KV</Name></Step></Request><Response><Step><Name>Say</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>/shop</BasePath><VirtualHost>default</VirtualHost></HTTPProxyConnection>
      <RouteRule name="r"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'apiproxy/targets/default.xml':
      '<TargetEndpoint name="default"><HTTPTargetConnection><LoadBalancer><Server name="back"/></LoadBalancer></HTTPTargetConnection></TargetEndpoint>',
  }
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])))
}

const deploy = (environment: string, revision: number, more = '') =>
  ask('POST', `/e/${environment}/apis/shop/revisions/${revision}/deployments`, `override=true${more}`)
const shop = async (host?: string) => {
  const answer = await call(`${postern.gateway}/shop`, host === undefined ? {} : { headers: { Host: host } })
  return `${answer.status} ${answer.headers['x-said']} ${answer.text}`
}

test('an environment is made, with host names of its own; each serves its revision with what is its own', async () => {
  expect((await ask('POST', '/environments', { name: 'prod' })).status).toBe(201)
  expect((await ask('POST', '/environments', { name: 'prod' })).body.code).toMatch(/EnvironmentAlreadyExists$/)
  expect((await ask('GET', '/environments')).body).toEqual(['test', 'prod'])
  for (const [i, environment] of ['test', 'prod'].entries()) {
    const { hostname, port } = new URL(backends[i]!.url)
    expect((await ask('POST', `/e/${environment}/targetservers`, { name: 'back', host: hostname, port })).status).toBe(
      201,
    )
    const map = { name: 'words', entry: [{ name: 'w', value: `word-of-${environment}` }] }
    expect((await ask('POST', `/e/${environment}/keyvaluemaps`, map)).status).toBe(201)
  }
  for (const revision of ['one', 'two']) {
    expect((await ask('POST', '/apis?action=import&name=shop', bundle(revision))).status).toBe(201)
  }
  expect((await deploy('test', 1)).body).toMatchObject({ environment: 'test', state: 'deployed' })

  const taken = await deploy('prod', 2)
  expect([taken.status, taken.body.code]).toEqual([400, 'messaging.config.beans.ConflictingBasePaths'])
  expect(taken.body.message).toContain('in environment test too; give the virtual hosts that it names host names')
  expect((await deploy('prod', 2, '&basepath=/v2')).status).toBe(200)
  expect((await call(`${postern.gateway}/v2/shop`)).headers['x-said']).toBe('prod two word-of-prod')

  const host = { name: 'default', hostAliases: ['shop.example.com'], port: '443', interfaces: [] }
  expect((await ask('POST', '/e/prod/virtualhosts', host)).body).toMatchObject({ hostAliases: ['shop.example.com'] })
  expect((await deploy('prod', 2)).status).toBe(200)
  expect(await shop()).toBe('200 test one word-of-test of test')
  expect(await shop('shop.example.com')).toBe('200 prod two word-of-prod of prod')

  const { environment } = (await ask('GET', '/apis/shop/deployments')).body
  expect(environment).toMatchObject([
    { name: 'test', revision: [{ name: '1' }] },
    { name: 'prod', revision: [{ name: '2' }] },
  ])
  expect((await ask('DELETE', '/apis/shop/revisions/2')).body.message).toContain('deployed in environment prod')
})

test('a rollback in one environment leaves the other alone; all of it is there after a restart', async () => {
  expect((await deploy('prod', 1)).status).toBe(200)
  expect(await shop('shop.example.com')).toBe('200 prod one word-of-prod of prod')
  await postern.stop()
  postern = await start()
  expect(await shop('shop.example.com')).toBe('200 prod one word-of-prod of prod')
  expect(await shop()).toBe('200 test one word-of-test of test')
  expect((await ask('GET', '/e/prod/targetservers')).body).toEqual(['back'])
  expect((await ask('GET', '/e/prod/virtualhosts/default')).body.hostAliases).toEqual(['shop.example.com'])
})

test('an environment goes when nothing is deployed in it, with what was set there', async () => {
  expect((await ask('DELETE', '/e/prod')).body.message).toContain('has deployments')
  expect((await ask('DELETE', '/e/prod/apis/shop/revisions/1/deployments')).body.state).toBe('undeployed')
  expect((await ask('DELETE', '/e/prod')).status).toBe(200)
  expect((await ask('GET', '/e/prod/targetservers')).body.code).toMatch(/EnvironmentDoesNotExist$/)
  expect(await shop()).toBe('200 test one word-of-test of test')
  expect((await ask('DELETE', '/e/test')).status).toBe(400)
  expect((await ask('POST', '/environments', { name: '../x' })).status).toBe(400)
  expect((await ask('POST', '/environments', { name: 'prod' })).status).toBe(201)
  expect((await ask('GET', '/e/prod/targetservers')).body).toEqual([])
})
