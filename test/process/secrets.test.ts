import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SERVER_CERT, SERVER_KEY } from '../../src/wire/test-certificates.ts'
import { call } from '../kit/backend.ts'
import { Postern, type Run } from '../kit/postern.ts'

// What is secret is in no file of the data folder, no log line and no answer that need not have it.

const TOKEN = 'admin-token-of-the-secrets-test-7f3a'
const PIN = 'pin-4711-of-a-map'
const CONSUMER_SECRET = 'consumer-secret-0815'
const KEY = 'consumer-key-visible'
const BUNDLE_SECRET = 'backend-password-in-a-bundle'
const PASSWORD = 'password-of-a-key-file'
/** The middle of the key: no line of it is anywhere. */
const PRIVATE_KEY = SERVER_KEY.split('\n')[1]!

const folder = mkdtempSync(join(tmpdir(), 'postern-secrets-'))
const data = join(folder, 'data')
let postern: Postern

beforeAll(async () => {
  writeFileSync(join(folder, 'postern.yaml'), 'version: 1\norganization: acme\nenvironment: test\napis: []\n')
  postern = await Postern.start(['--config', join(folder, 'postern.yaml'), '--log-level', 'debug'], {
    data,
    workers: 1,
    env: { POSTERN_ADMIN_TOKEN: TOKEN },
  })
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const answers: string[] = []

async function ask(method: string, path: string, body?: object | Uint8Array | FormData | string): Promise<string> {
  const plain = body instanceof FormData || body instanceof Uint8Array || typeof body === 'string'
  const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json'
  const answer = await fetch(`${postern.admin}/v1/o/acme${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body !== undefined && !(body instanceof FormData) && { 'content-type': type }),
    },
    ...(body !== undefined && { body: plain ? (body as string) : JSON.stringify(body) }),
  })
  const text = await answer.text()
  answers.push(text)
  return `${answer.status} ${text}`
}

function filesBelow(path: string): string[] {
  return readdirSync(path).flatMap((name) => {
    const file = join(path, name)
    return statSync(file).isDirectory() ? filesBelow(file) : [file]
  })
}

const SECRETS = { TOKEN, PIN, CONSUMER_SECRET, BUNDLE_SECRET, PASSWORD, PRIVATE_KEY }

test('secrets that are used are in no file, log line or answer', async () => {
  await ask('POST', '/e/test/keyvaluemaps', { name: 'pins', encrypted: true, entry: [{ name: 'pin', value: PIN }] })
  expect(await ask('GET', '/e/test/keyvaluemaps/pins')).toContain('*****')
  await ask('POST', '/e/test/keystores', { name: 'store' })
  const form = new FormData()
  form.set('certFile', new Blob([SERVER_CERT]), 'cert.pem')
  form.set('keyFile', new Blob([SERVER_KEY]), 'key.pem')
  form.set('password', PASSWORD)
  expect(await ask('POST', '/e/test/keystores/store/aliases?alias=a&format=keycertfile', form)).toMatch(/^201/)
  await ask('GET', '/e/test/keystores/store')
  const broken = new FormData()
  broken.set('certFile', new Blob([SERVER_CERT]), 'cert.pem')
  broken.set('keyFile', new Blob([SERVER_KEY.replace('PRIVATE', 'BROKEN')]), 'key.pem')
  broken.set('password', PASSWORD)
  expect(await ask('POST', '/e/test/keystores/store/aliases?alias=b', broken)).toMatch(/^400/)

  await ask('POST', '/apiproducts', { name: 'basic' })
  await ask('POST', '/developers', { email: 'ada@example.com', firstName: 'A', lastName: 'L', userName: 'ada' })
  await ask('POST', '/developers/ada@example.com/apps', { name: 'app', apiProducts: ['basic'] })
  const keys = '/developers/ada@example.com/apps/app/keys'
  const path = `${keys}/create`
  // The one answer that has the secret of a key is that to who brings it.
  await ask('POST', path, { consumerKey: KEY, consumerSecret: CONSUMER_SECRET })
  answers.pop()
  await ask('POST', `${keys}/${KEY}`, { apiProducts: ['basic'] })
  answers.pop()

  const bundle = {
    'apiproxy/safe.xml': '<APIProxy name="safe"/>',
    'apiproxy/policies/KV.xml':
      '<KeyValueMapOperations name="KV" mapIdentifier="pins"><Get assignTo="private.pin"><Key><Parameter>pin</Parameter></Key></Get></KeyValueMapOperations>',
    'apiproxy/policies/VK.xml': '<VerifyAPIKey name="VK"><APIKey ref="request.queryparam.apikey"/></VerifyAPIKey>',
    'apiproxy/policies/Set.xml': `<AssignMessage name="Set"><AssignVariable><Name>private.password</Name><Value>${BUNDLE_SECRET}</Value></AssignVariable></AssignMessage>`,
    'apiproxy/policies/Say.xml':
      '<AssignMessage name="Say"><Set><Headers><Header name="x-length">{private.pin}</Header></Headers></Set><AssignTo type="request"/></AssignMessage>',
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request>${['VK', 'KV', 'Set', 'Say'].map((name) => `<Step><Name>${name}</Name></Step>`).join('')}</Request></PreFlow>
      <HTTPProxyConnection><BasePath>/safe</BasePath></HTTPProxyConnection><RouteRule name="r"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'apiproxy/targets/default.xml':
      '<TargetEndpoint name="default"><HTTPTargetConnection><URL>http://127.0.0.1:1</URL></HTTPTargetConnection></TargetEndpoint>',
  }
  const zip = zipSync(Object.fromEntries(Object.entries(bundle).map(([name, text]) => [name, strToU8(text)])))
  expect(await ask('POST', '/apis?action=import&name=safe', zip)).toMatch(/^201/)
  expect(await ask('POST', '/e/test/apis/safe/revisions/1/deployments?override=true')).toMatch(/^200/)
  expect((await call(`${postern.gateway}/safe?apikey=${KEY}`)).status).toBe(503)
  await ask('GET', '/apis/safe/revisions/1')
  await ask('GET', '/nonsense')

  const run: Run = await postern.stop()
  const files = filesBelow(data)
  expect(files.length).toBeGreaterThan(2)
  const places = [
    ...files.map((file) => ({ place: file, text: readFileSync(file, 'latin1') })),
    { place: 'standard error', text: run.stderr },
    // The link to the dashboard is what it prints for its operator.
    { place: 'standard output', text: run.stdout.replace(/^dashboard: .*$/m, '') },
    { place: 'answers', text: answers.join('\n') },
  ]
  const found = places.flatMap(({ place, text }) =>
    Object.entries(SECRETS).flatMap(([name, secret]) => (text.includes(secret) ? [`${name} in ${place}`] : [])),
  )
  expect(found).toEqual([])
  // The search finds what is there.
  expect(places.some(({ text }) => text.includes('ada@example.com'))).toBe(true)
  if (process.platform !== 'win32') {
    const open = files.filter((file) => (statSync(file).mode & 0o077) !== 0 && /secret-key|catalog\.db$/.test(file))
    expect(open).toEqual([])
  }
}, 120_000)
