import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../kit/backend.ts'
import { Postern } from '../kit/postern.ts'

// What somebody sends to Edge's management API who means no good, or errs: 4xx in Edge's shape, nothing left behind, all goes on.

let postern: Postern

beforeAll(async () => {
  postern = await Postern.start([], { workers: 1 })
})

afterAll(async () => {
  await postern.stop()
})

async function send(method: string, path: string, body?: Uint8Array | string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${postern.admin}/v1/o/postern${path}`, {
    method,
    headers: { authorization: `Bearer ${postern.token}`, ...headers },
    ...(body !== undefined && { body: body as string | Uint8Array<ArrayBuffer> }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as ReturnType<typeof JSON.parse>) }
}

const OCTETS = { 'content-type': 'application/octet-stream' }
const JSON_TYPE = { 'content-type': 'application/json' }
const importZip = (zip: Uint8Array, name = 'bad') => send('POST', `/apis?action=import&name=${name}`, zip, OCTETS)

const ENDPOINT =
  '<ProxyEndpoint name="default"><HTTPProxyConnection><BasePath>/bad</BasePath></HTTPProxyConnection><RouteRule name="r"/></ProxyEndpoint>'

function bundle(files: Record<string, string | Uint8Array> = {}): Record<string, Uint8Array> {
  const all = { 'apiproxy/bad.xml': '<APIProxy name="bad"/>', 'apiproxy/proxies/default.xml': ENDPOINT, ...files }
  return Object.fromEntries(
    Object.entries(all).map(([name, content]) => [name, typeof content === 'string' ? strToU8(content) : content]),
  )
}

/** Ten levels of ten: ten billion times the text. */
function laughs(root: string): string {
  const levels = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`)
  return `<?xml version="1.0"?><!DOCTYPE ${root} [<!ENTITY l0 "ha">${levels.join('')}]><${root} name="bad">&l10;</${root}>`
}

/** What there is of proxies, flows and entities. */
async function everything(): Promise<unknown> {
  const paths = ['/apis', '/sharedflows', '/e/test/targetservers', '/apiproducts', '/developers', '/resourcefiles']
  return Promise.all(paths.map(async (path) => (await send('GET', path)).body))
}

describe('bundles', () => {
  test.each<[string, () => Uint8Array]>([
    ['a path that leads out of the zip', () => zipSync(bundle({ 'apiproxy/policies/../../../x.xml': '<X/>' }))],
    ['an absolute path', () => zipSync(bundle({ '/etc/passwd': 'x' }))],
    ['backslashes', () => zipSync(bundle({ 'apiproxy\\..\\..\\x.xml': '<X/>' }))],
    ['a zip bomb', () => zipSync(bundle({ 'apiproxy/resources/jsc/big.js': new Uint8Array(100 * 1024 * 1024) }))],
    [
      'many files',
      () =>
        zipSync(
          bundle(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`apiproxy/policies/${i}.xml`, '']))),
        ),
    ],
    ['16 MB', () => zipSync(bundle({ 'apiproxy/resources/jsc/x.js': noise(16 * 1024 * 1024) }), { level: 0 })],
    ['a zip that is cut off', () => zipSync(bundle()).subarray(0, 200)],
    ['an entity bomb as a policy', () => zipSync(bundle({ 'apiproxy/policies/bad.xml': laughs('AssignMessage') }))],
    ['an entity bomb as the descriptor', () => zipSync(bundle({ 'apiproxy/bad.xml': laughs('APIProxy') }))],
    [
      'an external entity',
      () =>
        zipSync(
          bundle({
            'apiproxy/policies/P.xml':
              '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><AssignMessage name="P"><Set><Payload>&f;</Payload></Set></AssignMessage>',
          }),
        ),
    ],
    [
      'elements in elements without end',
      () => zipSync(bundle({ 'apiproxy/policies/P.xml': `${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}` })),
    ],
    ['an empty body', () => new Uint8Array()],
  ])(
    '%s',
    async (_, make) => {
      const before = await everything()
      const zip = make()
      // Connections that were closed meanwhile are noticed.
      await new Promise((resolve) => setImmediate(resolve))
      const began = performance.now()
      const { status, body } = await importZip(zip)
      expect([status, body.contexts]).toEqual([400, []])
      expect(body.code).toMatch(/^messaging\.config\.beans\./)
      expect(body.message.length).toBeGreaterThan(10)
      expect(await everything()).toEqual(before)
      expect(performance.now() - began).toBeLessThan(15_000)
    },
    60_000,
  )

  test('a body that is more than is read', async () => {
    const answer = await importZip(new Uint8Array(40 * 1024 * 1024)).catch(() => null)
    // It may be cut off while it is sent.
    if (answer !== null) expect([answer.status, answer.body.contexts]).toEqual([413, []])
    expect((await send('GET', '/apis')).body).toEqual([])
  })

  test('names that are paths', async () => {
    for (const name of ['../x', '..', '.x', 'a/b', `${'x'.repeat(300)}`, 'a\u0000b']) {
      expect((await importZip(zipSync(bundle()), encodeURIComponent(name))).status).toBe(400)
    }
    await importZip(zipSync(bundle()), 'good')
    for (const query of ['type=../jsc&name=x.js', 'type=jsc&name=../x.js', 'type=jsc', 'name=x.js']) {
      const { status } = await send('POST', `/apis/good/revisions/1/resources?${query}`, 'x', OCTETS)
      expect(status).toBe(400)
    }
    expect(
      (
        await send('POST', '/apis/good/revisions/1/policies', laughs('AssignMessage'), {
          'content-type': 'application/xml',
        })
      ).status,
    ).toBe(201)
    // What is wrong with a piece shows when the whole is deployed.
    const { status, body } = await send('POST', '/e/test/apis/good/revisions/1/deployments')
    expect([status, body.message]).toEqual([400, expect.stringMatching(/policies\/bad\.xml:1:\d+: error/)])
    expect((await call(`${postern.gateway}/bad`)).status).toBe(404)
    expect((await send('DELETE', '/apis/good')).status).toBe(200)
  })
})

const noise = (bytes: number): Uint8Array => {
  const content = new Uint8Array(bytes)
  for (let i = 0, seed = 1; i < bytes; i++) {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
    content[i] = seed >> 16
  }
  return content
}

describe('entities', () => {
  test.each([
    ['/e/test/targetservers', { name: 'x', host: 'h', port: 80, colour: 'red' }, 'has no field "colour"'],
    ['/e/test/targetservers', { name: 'x', host: ['h'], port: 80 }, 'host must be text'],
    ['/e/test/targetservers', [], 'must be a JSON object'],
    ['/e/test/targetservers', 'text', 'must be a JSON object'],
    ['/e/test/targetservers', { name: 'x', host: 'h', port: 1e99 }, 'port must be a whole number'],
    ['/e/test/keystores', { name: 'x', password: 'secret' }, 'has no field "password"'],
    ['/e/test/caches', { name: 'x', expirySettings: { timeoutInSec: { value: -1 } } }, 'must be a whole number'],
    ['/apiproducts', { name: 'x', proxies: 'all' }, 'proxies must be a list of texts'],
    ['/developers', { email: 'x@y', attributes: [{ name: 1 }] }, 'name must be text'],
    ['/keyvaluemaps', { name: 'x', entry: [{ name: 'k' }] }, 'value must be text'],
    ['/keyvaluemaps', { name: 'x', encrypted: 'perhaps' }, 'encrypted must be true or false'],
    ['/environments', { name: 'x', kind: 'y' }, 'has no field "kind"'],
    ['/e/test/virtualhosts', { name: 'x', hostAliases: ['http://x/'] }, 'hostAliases must be'],
    ['/maskconfigs', { name: 'default', jSONPathsRequest: ['$..['] }, 'InvalidMask'],
    ['/e/test/keystores/none/aliases?format=selfsignedcert', { alias: 'a', subject: {} }, 'commonName must be text'],
    ['/e/test/keystores/none/aliases?alias=a&format=pkcs12', {}, 'openssl pkcs12'],
    ['/resourcefiles?type=java&name=x.jar', 'x', 'Java and Node code is never run'],
  ])('%s %j', async (path, body, message) => {
    await send('POST', '/e/test/keystores', JSON.stringify({ name: 'none' }), JSON_TYPE)
    const before = await everything()
    const isFile = path.startsWith('/resourcefiles')
    const text = isFile ? String(body) : JSON.stringify(body)
    const answer = await send('POST', path, text, isFile ? OCTETS : JSON_TYPE)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ code: expect.any(String), contexts: [] })
    expect(answer.body.message).toContain(message)
    expect(await everything()).toEqual(before)
  })

  test('what is no JSON, or of a type that nobody reads', async () => {
    const broken = await send('POST', '/developers', '{"email": ', JSON_TYPE)
    expect([broken.status, broken.body.contexts]).toEqual([400, []])
    expect((await send('POST', '/developers', '<x/>', { 'content-type': 'text/html' })).status).toBe(415)
    const polluted = '{"email": "a@b", "__proto__": {"status": "inactive"}}'
    expect((await send('POST', '/developers', polluted, JSON_TYPE)).status).toBe(400)
    expect((await send('GET', '/developers')).body).toEqual([])
  })
})

describe('what is not there', () => {
  test.each([
    ['POST', '/e/test/apis/none/revisions/1/deployments', 404],
    ['DELETE', '/e/test/apis/none/revisions/1/deployments', 404],
    ['POST', '/e/none/apis/none/revisions/1/deployments', 404],
    ['POST', '/e/test/sharedflows/none/revisions/1/deployments', 404],
    ['GET', '/apis/none/revisions/1?format=bundle', 404],
    ['GET', '/apis/none/revisions/0', 400],
    ['DELETE', '/apis/none', 404],
    ['GET', '/apps/none', 404],
    ['GET', '/developers/none@example.com/apps', 404],
    ['POST', '/e/test/caches/none/entries?action=clear', 404],
    ['PUT', '/e/test/flowhooks/NoHook', 404],
    ['DELETE', '/e/test/resourcefiles/jsc/none.js', 404],
  ])('%s %s', async (method, path, wanted) => {
    const { status, body } = await send(method, path)
    expect([status, body.contexts]).toEqual([wanted, []])
    expect(body.code).not.toBe('')
  })
})

describe('who may not', () => {
  const ask = (headers: Record<string, string>, method = 'POST') =>
    fetch(`${postern.admin}/v1/o/postern/apis?action=import&name=bad`, {
      method,
      headers: { ...OCTETS, ...headers },
      ...(method === 'POST' && { body: zipSync(bundle()) as Uint8Array<ArrayBuffer> }),
    })

  test('without a token, with a wrong one, with a session from a page, and from a page of another origin', async () => {
    expect((await ask({})).status).toBe(401)
    expect((await ask({ authorization: 'Bearer wrong' })).status).toBe(401)
    const basic = Buffer.from('admin@example.com:password').toString('base64')
    const refused = await ask({ authorization: `Basic ${basic}` })
    expect(refused.status).toBe(401)
    expect(await refused.json()).toMatchObject({ contexts: [] })
    const page = await fetch(`${postern.admin}/?token=${postern.token}`, { redirect: 'manual' })
    const cookie = page.headers.get('set-cookie')!.split(';')[0]!
    // The dashboard's session reads for pages of ours, and never writes.
    expect((await ask({ cookie, 'sec-fetch-site': 'same-origin' }, 'GET')).status).toBe(200)
    expect((await ask({ cookie, 'sec-fetch-site': 'same-origin' })).status).toBe(403)
    expect((await ask({ cookie, origin: 'http://evil.example' }, 'GET')).status).toBe(403)
    expect((await ask({ cookie, 'sec-fetch-site': 'cross-site' }, 'GET')).status).toBe(403)
    // Nor with the right token: a page of another site is no program.
    const token = { authorization: `Bearer ${postern.token}` }
    const elsewhere = await ask({ ...token, origin: 'http://evil.example' })
    expect(elsewhere.status).toBe(403)
    expect(await elsewhere.json()).toMatchObject({ message: expect.stringContaining('another site'), contexts: [] })
    expect((await ask({ ...token, 'sec-fetch-site': 'cross-site' }, 'GET')).status).toBe(403)
    const preflight = await fetch(`${postern.admin}/v1/o/postern/apis`, {
      method: 'OPTIONS',
      headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
    expect((await send('GET', '/apis')).body).toEqual([])
  })
})

test('lists come in parts, by count and startKey', async () => {
  for (const name of ['list-a', 'list-b', 'list-c']) {
    expect((await importZip(zipSync(bundle({ 'apiproxy/bad.xml': `<APIProxy name="${name}"/>` })), name)).status).toBe(
      201,
    )
  }
  expect((await send('GET', '/apis?count=2&startKey=list-b')).body).toEqual(['list-b', 'list-c'])
  expect((await send('GET', '/apis?count=1')).body).toHaveLength(1)
  for (const wrong of ['0', 'x', '-1', '1&count=2']) {
    expect((await send('GET', `/apis?count=${wrong}`)).body).toMatchObject({
      message: 'count must be a whole number from 1',
    })
  }
  for (const name of ['list-a', 'list-b', 'list-c']) expect((await send('DELETE', `/apis/${name}`)).status).toBe(200)
})

describe('deployments', () => {
  test.each([
    ['action=dance', 'action must be deploy or undeploy'],
    ['override=maybe', 'override must be true or false'],
    ['delay=abc', 'delay must be a whole number of seconds'],
    ['delay=-5', 'delay must be a whole number of seconds'],
    ['override=true&override=false', 'override must be true or false, given once'],
    ['overide=true', 'there is no parameter overide'],
  ])('%s deploys nothing', async (query, message) => {
    for (const path of ['/e/test/apis/nope/revisions/1', '/e/test/sharedflows/nope/revisions/1']) {
      const { status, body } = await send('POST', `${path}/deployments?${query}`)
      expect([status, body.code]).toEqual([400, 'messaging.config.beans.InvalidParameter'])
      expect(body.message).toContain(message)
    }
  })
})

test('changes of proxies are in the log, and why one was refused; what may hold a secret is not', async () => {
  const own = await Postern.start([], { workers: 1 })
  const post = (path: string, body?: Uint8Array | string, headers: Record<string, string> = OCTETS) =>
    fetch(`${own.admin}/v1/o/postern${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${own.token}`, ...headers },
      ...(body !== undefined && { body: body as string | Uint8Array<ArrayBuffer> }),
    })
  const broken = zipSync(bundle({ 'apiproxy/policies/P.xml': '<RaiseFault name="P"><Nonsense/>' }))
  expect((await post('/apis?action=import&name=bad', broken)).status).toBe(400)
  expect((await post('/apis?action=import&name=bad', zipSync(bundle()))).status).toBe(201)
  expect((await post('/e/test/apis/bad/revisions/1/deployments?override=true', undefined, {})).status).toBe(200)
  const map = JSON.stringify({ name: 'm', entry: [{ name: 'a', value: 'a-secret-value' }] })
  expect((await post('/apis/bad/keyvaluemaps', map, JSON_TYPE)).status).toBe(201)
  const { stderr } = await own.stop()
  expect(stderr).toMatch(/apiproxy\/policies\/P\.xml:1:\d+.*a change was refused/)
  expect(stderr).toMatch(/"path":"\/v1\/o\/postern\/apis","action":"import","name":"bad","status":201/)
  expect(stderr).toMatch(/revisions\/1\/deployments","status":200,"msg":"a change over the management API"/)
  expect(stderr).not.toContain('secret')
})
