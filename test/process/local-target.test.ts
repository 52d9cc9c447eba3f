import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, runPostern } from '../kit/postern.ts'

// LocalTargetConnection on the real program: from proxy to proxy without a connection, in targets and callouts.

const folder = mkdtempSync(join(tmpdir(), 'postern-local-'))
let postern: Postern
let backend: Backend
let hanging = 0

function write(name: string, options: { target?: string; policies?: Record<string, string>; steps?: string }): string {
  const files: Record<string, string> = {
    [`${name}.xml`]: `<APIProxy name="${name}"/>`,
    'proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request>${options.steps ?? ''}</Request></PreFlow>
      <HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection>
      <RouteRule name="r">${options.target === undefined ? '' : '<TargetEndpoint>default</TargetEndpoint>'}</RouteRule></ProxyEndpoint>`,
  }
  if (options.target !== undefined) {
    files['targets/default.xml'] = `<TargetEndpoint name="default">${options.target}</TargetEndpoint>`
  }
  for (const [policy, text] of Object.entries(options.policies ?? {})) files[`policies/${policy}.xml`] = text
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, name, 'apiproxy', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return `  - {bundle: ./${name}}\n`
}

const local = (inside: string): string => `<LocalTargetConnection>${inside}</LocalTargetConnection>`
const http = (url: string): string => `<HTTPTargetConnection><URL>${url}</URL></HTTPTargetConnection>`

function callout(name: string, inside: string, more = ''): string {
  const policies = {
    SC: `<ServiceCallout name="SC">${more}<Response>answer</Response>${local(inside)}</ServiceCallout>`,
    Say: `<AssignMessage name="Say"><AssignTo type="response" createNew="true">response</AssignTo><Set><StatusCode>{answer.status.code}</StatusCode>
      <Payload contentType="text/plain">{answer.content} {servicecallout.SC.target.url}</Payload></Set></AssignMessage>`,
  }
  const text = write(name, { policies, steps: '<Step><Name>SC</Name></Step>' })
  writeFileSync(
    join(folder, name, 'apiproxy', 'proxies', 'default.xml'),
    `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>SC</Name></Step></Request>
     <Response><Step><Name>Say</Name></Step></Response></PreFlow>
     <HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection><RouteRule name="r"/></ProxyEndpoint>`,
  )
  return text
}

beforeAll(async () => {
  backend = await Backend.start((received, response) => {
    if (received.url.startsWith('/hang')) {
      hanging++
      response.on('close', () => hanging--)
      return
    }
    const length = Number(new URL(received.url, 'http://x').searchParams.get('bytes') ?? 0)
    response.setHeader('X-From', 'backend')
    if (length > 0) response.setHeader('Content-Length', length)
    response.end(length > 0 ? 'y'.repeat(length) : `${received.method} ${received.url} ${received.body.length}`)
  })
  const apis = [
    write('inner', { target: http(`${backend.url}/base`) }),
    write('hang', { target: http(`${backend.url}/hang`) }),
    write('byname', { target: local('<APIProxy>inner</APIProxy><ProxyEndpoint>default</ProxyEndpoint>') }),
    write('bypath', { target: local('<Path>/inner/more</Path>') }),
    write('outer', { target: local('<APIProxy>byname</APIProxy>') }),
    write('tohang', { target: local('<APIProxy>hang</APIProxy>') }),
    write('loop', { target: local('<APIProxy>loop</APIProxy>') }),
    write('nowhere', { target: local('<Path>/nobody/is/here</Path>') }),
    write('gone', { target: local('<APIProxy>inne</APIProxy>') }),
    callout(
      'cname',
      '<APIProxy>inner</APIProxy>',
      '<Request><Set><Path>/c</Path><QueryParams><QueryParam name="q">1</QueryParam></QueryParams></Set></Request>',
    ),
    callout(
      'cpath',
      '<Path>/{request.queryparam.to}/x</Path>',
      '<Request><Set><Verb>POST</Verb><Payload>12345</Payload></Set></Request>',
    ),
    callout('cgone', '<APIProxy>nobody</APIProxy>'),
    callout('cslow', '<APIProxy>hang</APIProxy>', '<Timeout>200</Timeout>'),
  ]
  writeFileSync(join(folder, 'postern.yaml'), `version: 1\napis:\n${apis.join('')}`)
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { workers: 1 })
})

afterAll(async () => {
  await postern.stop()
  await backend.stop()
  rmSync(folder, { recursive: true, force: true })
})

const get = (path: string, options = {}) => call(`${postern.gateway}/${path}`, options)
const last = () => backend.received.at(-1)!

test.each([
  ['byname/a?b=1', '/base/a?b=1', '2'],
  ['byname', '/base', '2'],
  ['bypath/a?b=1', '/base/more/a?b=1', '2'],
  ['outer/a', '/base/a', '3'],
])('%s reaches %s', async (path, url, count) => {
  const answer = await get(path, { headers: { 'X-Own': 'kept' } })
  expect([answer.status, answer.text, answer.headers['x-from']]).toEqual([200, `GET ${url} 0`, 'backend'])
  expect(last().headers).toMatchObject({ 'x-own': 'kept', 'x-apig-count': count })
  expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
  expect(answer.rawHeaders.filter((name) => name.toLowerCase() === 'x-request-id')).toHaveLength(1)
})

test('large bodies pass both ways; a body without length too', async () => {
  const body = 'x'.repeat(3_000_000)
  expect((await get('outer/a', { method: 'POST', body })).text).toBe('POST /base/a 3000000')
  const chunked = { method: 'PUT', headers: { 'Transfer-Encoding': 'chunked' }, body }
  expect((await get('byname/a', chunked)).text).toBe('PUT /base/a 3000000')
  expect((await get('outer/a?bytes=5000000')).text).toHaveLength(5_000_000)
})

test('HEAD keeps the length and has no body', async () => {
  const direct = await get('inner/a?bytes=77', { method: 'HEAD' })
  expect(direct.headers['content-length']).toBe('77')
  const answer = await get('byname/a?bytes=77', { method: 'HEAD' })
  expect([answer.status, answer.headers['content-length'], answer.text]).toEqual([200, '77', ''])
})

test('callouts by name and by path', async () => {
  expect((await get('cname')).text).toBe('GET /base/c?q=1 0 /c?q=1')
  expect((await get('cpath?to=inner')).text).toBe('POST /base/x 5 /inner/x')
})

test('a proxy that calls itself is stopped', async () => {
  const { status, text } = await get('loop')
  expect([status, text]).toEqual([500, expect.stringContaining('APIG.0612')])
})

test('what is not there: 503 for a target, ExecutionFailed for a callout', async () => {
  for (const path of ['nowhere', 'gone']) {
    const { status, text } = await get(path)
    expect([status, JSON.parse(text).fault.detail.errorcode]).toEqual([
      503,
      'messaging.adaptors.http.flow.ServiceUnavailable',
    ])
  }
  expect(JSON.parse((await get('cgone')).text).fault).toMatchObject({
    faultstring: 'Execution of ServiceCallout SC failed. Reason: Host not reachable',
  })
})

test('Timeout ends a local callout, and with it the call behind it', async () => {
  expect((await get('cslow')).text).toContain('Reason: timed out')
  await vi.waitFor(() => expect(hanging).toBe(0), { timeout: 10_000 })
})

test('a client that goes away ends the whole chain', async () => {
  const outgoing = request(`${postern.gateway}/tohang`).on('error', () => undefined)
  outgoing.end()
  await vi.waitFor(() => expect(hanging).toBe(1), { timeout: 10_000 })
  outgoing.destroy()
  await vi.waitFor(() => expect(hanging).toBe(0), { timeout: 10_000 })
})

test('check warns of proxies that are not loaded', async () => {
  const { stdout } = await runPostern(['check', join(folder, 'postern.yaml')])
  expect(stdout).toContain('LocalTargetMissing: no proxy called inne is loaded (did you mean inner?)')
  expect(stdout).toContain('LocalTargetMissing: no proxy called nobody is loaded')
  expect(stdout.match(/LocalTargetMissing/g)).toHaveLength(2)
})
