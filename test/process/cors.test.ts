import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, writeFiles } from '../kit/postern.ts'

// CORS and XMLToJSON on the real program: the policy runs in the request, its headers are in every answer.

const APP = 'https://app.test'
const folder = mkdtempSync(join(tmpdir(), 'postern-cors-'))
let backend: Backend
let postern: Postern

beforeAll(async () => {
  backend = await Backend.start((request, response) => {
    const headers = { 'Content-Type': 'text/xml', Vary: 'Accept', 'Access-Control-Allow-Origin': 'https://wrong.test' }
    response.writeHead(request.url.includes('fail') ? 503 : 200, headers).end('<a><b>1</b></a>')
  })
  writeFiles(join(folder, 'app', 'apiproxy'), {
    'app.xml': '<APIProxy name="app"/>',
    'policies/C.xml': `<CORS name="C"><AllowOrigins>${APP}</AllowOrigins></CORS>`,
    'policies/RF.xml':
      '<RaiseFault name="RF"><FaultResponse><Set><StatusCode>418</StatusCode></Set></FaultResponse></RaiseFault>',
    'policies/XJ.xml': '<XMLToJSON name="XJ"><Format>yahoo</Format></XMLToJSON>',
    'proxies/default.xml': `<ProxyEndpoint name="default">
      <PreFlow><Request><Step><Name>C</Name></Step>
        <Step><Name>RF</Name><Condition>request.queryparam.raise = "1"</Condition></Step></Request>
        <Response><Step><Name>XJ</Name></Step></Response></PreFlow>
      <HTTPProxyConnection><BasePath>/app</BasePath></HTTPProxyConnection>
      <RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'targets/default.xml': `<TargetEndpoint name="default"><HTTPTargetConnection><URL>${backend.url}</URL></HTTPTargetConnection></TargetEndpoint>`,
  })
  postern = await Postern.start([join(folder, 'app')], { workers: 1 })
})

afterAll(async () => {
  await postern.stop()
  await backend.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('a preflight does not reach the target', async () => {
  const headers = { Origin: APP, 'Access-Control-Request-Method': 'POST' }
  const answer = await call(`${postern.gateway}/app`, { method: 'OPTIONS', headers })
  expect([answer.status, answer.text, backend.received.length]).toEqual([200, '', 0])
  expect(answer.headers).toMatchObject({ 'access-control-allow-origin': APP, 'access-control-max-age': '1800' })
})

test.each([
  ['the answer of the target, made JSON', '', 200, '{"a":{"b":1}}'],
  ['an error of the target', '/fail', 503, '<a><b>1</b></a>'],
  ['a fault', '?raise=1', 418, expect.stringContaining('steps.raisefault.RaiseFault')],
])('%s has the headers', async (_, rest, status, text) => {
  const answer = await call(`${postern.gateway}/app${rest}`, { headers: { Origin: APP } })
  expect([answer.status, answer.text]).toEqual([status, text])
  expect(answer.headers['access-control-allow-origin']).toBe(APP)
  expect(answer.headers.vary).toBe(status === 418 ? 'Origin' : 'Accept, Origin')
})
