import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../kit/backend.ts'
import { Postern } from '../kit/postern.ts'

// Key value maps on the real program: policies in two threads, Edge's management API, restarts, and what is on the disk.

const data = mkdtempSync(join(tmpdir(), 'postern-maps-'))
const SECRET = 'a-secret-nobody-may-read'
let postern: Postern

const policy = (name: string, map: string, body: string): [string, string] => [
  `apiproxy/policies/${name}.xml`,
  `<KeyValueMapOperations name="${name}" mapIdentifier="${map}">${body}</KeyValueMapOperations>`,
]
const KEY = '<Key><Parameter ref="request.queryparam.key"/></Key>'
const GET = `<Get assignTo="private.got">${KEY}</Get>`
const step = (name: string, verb: string): string =>
  `<Step><Name>${name}</Name><Condition>request.queryparam.do = "${verb}"</Condition></Step>`

const bundle = zipSync(
  Object.fromEntries(
    Object.entries({
      'apiproxy/maps.xml': '<APIProxy name="maps"/>',
      ...Object.fromEntries([
        policy('Put', 'seen', `<Put>${KEY}<Value ref="request.queryparam.value"/></Put>`),
        policy('Get', 'seen', GET),
        policy('File', 'settings', GET),
        policy('Locked', 'locked', GET),
        policy('Shown', 'locked', GET.replace('private.', '')),
        policy(
          'Start',
          'start',
          `${GET}<InitialEntries><Entry><Key><Parameter>a</Parameter></Key><Value>first</Value></Entry></InitialEntries>`,
        ),
      ]),
      'apiproxy/policies/Say.xml':
        '<AssignMessage name="Say"><Set><Payload contentType="text/plain">{private.got}</Payload></Set></AssignMessage>',
      'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request>
        ${step('Put', 'put')}${step('Get', 'get')}${step('File', 'file')}${step('Locked', 'locked')}${step('Shown', 'shown')}${step('Start', 'start')}
        </Request><Response><Step><Name>Say</Name></Step></Response></PreFlow>
        <HTTPProxyConnection><BasePath>/maps</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>`,
    }).map(([name, content]) => [name, strToU8(content)]),
  ),
)

async function ask(method: string, path: string, body?: object) {
  const answer = await fetch(`${postern.admin}/v1/o/acme${path}`, {
    method,
    headers: {
      authorization: `Bearer ${postern.token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: JSON.parse(await answer.text()) }
}

const said = async (verb: string, key: string, value = ''): Promise<string> => {
  const answer = await call(`${postern.gateway}/maps?do=${verb}&key=${key}&value=${value}`)
  return answer.status === 200 ? answer.text : `${answer.status} ${answer.text}`
}
const start = (): Promise<Postern> => Postern.start(['--config', join(data, 'postern.yaml')], { data, workers: 2 })

beforeAll(async () => {
  writeFileSync(join(data, 'maps.zip'), bundle)
  writeFileSync(
    join(data, 'postern.yaml'),
    `version: 1
organization: acme
apis: [{bundle: ./maps.zip}]
keyValueMaps:
  - {name: settings, entries: {region: eu}}
  - {name: locked, encrypted: true}
`,
  )
  postern = await start()
})

afterAll(async () => {
  await postern.stop()
  rmSync(data, { recursive: true, force: true })
})

test('what one call puts every later one gets, whichever thread answers, and after a SIGKILL', async () => {
  for (let i = 0; i < 20; i++) {
    await said('put', 'k', `v${i}`)
    expect(await Promise.all([said('get', 'k'), said('get', 'k')])).toEqual([`v${i}`, `v${i}`])
  }
  await said('put', 'kept', 'yes')
  await postern.kill()
  postern = await start()
  expect(await said('get', 'kept')).toBe('yes')
})

test('entries of the file and of InitialEntries are there from the start', async () => {
  expect(await said('file', 'region')).toBe('eu')
  expect(await said('start', 'a')).toBe('first')
  expect((await ask('GET', '/e/test/keyvaluemaps')).body).toEqual(['locked', 'seen', 'settings', 'start'])
})

test('Edge: a map is made, read, changed entry by entry and dropped, in every scope', async () => {
  for (const place of ['', '/e/test', '/environments/test', '/apis/maps', '/apis/maps/revisions/1']) {
    const maps = `${place}/keyvaluemaps`
    const map = { name: 'made', entry: [{ name: 'a', value: '1' }] }
    expect(await ask('POST', maps, map)).toEqual({ status: 201, body: { encrypted: false, ...map } })
    expect((await ask('POST', maps, map)).body.code).toBe('keyvaluemap.service.keyvaluemap_already_exists')
    expect((await ask('POST', `${maps}/made/entries`, { name: 'b', value: '2' })).status).toBe(201)
    expect((await ask('POST', `${maps}/made/entries`, { name: 'b', value: '3' })).status).toBe(400)
    expect((await ask('POST', `${maps}/made/entries/b`, { name: 'b', value: '3' })).body).toEqual({
      name: 'b',
      value: '3',
    })
    expect((await ask('POST', `${maps}/made`, { entry: [{ name: 'c', value: '4' }] })).body.entry).toHaveLength(3)
    expect((await ask('GET', `${maps}/made/keys?count=2&startkey=b`)).body).toEqual(['b', 'c'])
    expect((await ask('DELETE', `${maps}/made/entries/a`)).body).toEqual({ name: 'a', value: '1' })
    expect((await ask('GET', `${maps}/made/entries/a`)).status).toBe(404)
    expect((await ask('DELETE', `${maps}/made`)).body.entry).toHaveLength(2)
    expect((await ask('GET', `${maps}/made`)).body.code).toBe('keyvaluemap.service.keyvaluemap_doesnot_exist')
  }
  await ask('POST', '/e/test/keyvaluemaps/settings/entries/region', { name: 'region', value: 'us' })
  expect(await said('file', 'region')).toBe('us')
})

test('an encrypted map: hidden in answers, private in flows, sealed on the disk', async () => {
  expect((await ask('POST', '/e/test/keyvaluemaps/locked/entries', { name: 'a', value: SECRET })).body.value).toBe(
    '*****',
  )
  expect((await ask('GET', '/e/test/keyvaluemaps/locked')).body.entry).toEqual([{ name: 'a', value: '*****' }])
  expect(await said('locked', 'a')).toBe(SECRET)
  expect(await said('shown', 'a')).toMatch(/^500 .*SetVariableFailed/)
  await postern.stop()
  for (const file of readdirSync(data).filter((name) => statSync(join(data, name)).isFile())) {
    expect(readFileSync(join(data, file)).includes(SECRET), file).toBe(false)
  }
  postern = await start()
  expect(await said('locked', 'a')).toBe(SECRET)
})

test.each([
  ['a value is missing', { name: 'x', entry: [{ name: 'a' }] }, 'KeyValueMap.entry[0].value must be text'],
  ['entries are no list', { name: 'x', entry: 'a' }, 'KeyValueMap.entry must be a list'],
  ['no name of a map', { name: '../x' }, 'KeyValueMap.name must be letters'],
  ['an unknown field', { name: 'x', colour: 'red' }, 'KeyValueMap has no field "colour"'],
  ['a long key', { name: 'x', entry: [{ name: 'k'.repeat(3_000), value: '' }] }, 'larger than 2048 bytes'],
])('refused, and nothing is left: %s', async (_, body, message) => {
  const answer = await ask('POST', '/e/test/keyvaluemaps', body)
  expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining(message)])
  expect((await ask('GET', '/e/test/keyvaluemaps/x')).status).toBe(404)
})
