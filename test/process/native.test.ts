import { mkdtempSync, rmSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  LiveSecond,
  ProxiesAnswer,
  ProxyPageAnswer,
  StatisticsAnswer,
  ThrottlesAnswer,
} from '../../src/admin/native/answers.ts'
import { Backend, call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// The native API of the real program: what is deployed, what is limited, and what happens now.

let folder: string
let backend: Backend
let postern: Postern

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-native-'))
  backend = await Backend.start((_, response) => response.end('ok'))
  writeFiles(folder, {
    'shop/apiproxy/shop.xml': '<APIProxy name="shop"><DisplayName>The shop</DisplayName></APIProxy>',
    'shop/apiproxy/policies/AM-One.xml':
      '<AssignMessage name="AM-One" continueOnError="true"><DisplayName>One</DisplayName><Set><Headers><Header name="x">1</Header></Headers></Set></AssignMessage>',
    'shop/apiproxy/policies/RF-No.xml':
      '<RaiseFault name="RF-No" enabled="false"><FaultResponse><Set><StatusCode>418</StatusCode></Set></FaultResponse></RaiseFault>',
    'shop/apiproxy/proxies/default.xml': `<ProxyEndpoint name="default">
      <FaultRules><FaultRule name="bad"><Condition>fault.name = "X"</Condition><Step><Name>AM-One</Name></Step></FaultRule></FaultRules>
      <DefaultFaultRule name="rest"><Step><Name>AM-One</Name></Step></DefaultFaultRule>
      <PreFlow name="PreFlow"><Request><Step><Name>AM-One</Name><Condition>request.verb = "GET"</Condition></Step></Request></PreFlow>
      <Flows><Flow name="list"><Condition>proxy.pathsuffix = "/list"</Condition><Request/><Response><Step><Name>RF-No</Name></Step></Response></Flow></Flows>
      <PostClientFlow><Response><Step><Name>AM-One</Name></Step></Response></PostClientFlow>
      <HTTPProxyConnection><BasePath>/shop</BasePath></HTTPProxyConnection>
      <RouteRule name="never"><Condition>request.verb = "TRACE"</Condition></RouteRule>
      <RouteRule name="always"><TargetEndpoint>main</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'shop/apiproxy/targets/main.xml': `<TargetEndpoint name="main"><HTTPTargetConnection><URL>${backend.url}/a?key=SECRET</URL></HTTPTargetConnection></TargetEndpoint>`,
    'postern.yaml': `
version: 1
throttles:
  - {name: gold, per: {unit: day}, ip: 50, api: 100, shared: true}
  - {name: idle, per: {interval: 5, unit: minute}, api: 10}
apis:
  - {bundle: ./shop, throttle: gold}
  - {name: echo, basePath: /echo, target: "${backend.url}", throttle: gold}
apig:
  groups:
    - name: things
      apis: [{name: list, req_method: GET, req_uri: "/things/{id}", backend_type: MOCK}]
`,
  })
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { workers: 2 })
})

afterAll(async () => {
  await postern?.stop()
  await backend?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const ask = async <Answer>(path: string): Promise<Answer> => (await postern.ask(path)).body as Answer

describe('/api/proxies', () => {
  test('lists proxies and APIs', async () => {
    const { proxies } = await ask<ProxiesAnswer>('/api/proxies')
    expect(proxies).toMatchObject([
      { name: 'shop', revision: 1, basePaths: ['/shop'], dialect: 'apigee', deployedAtMs: null, policies: 2 },
      { name: 'echo', policies: 0 },
      { name: 'things/list', basePaths: ['/things/{id}'], dialect: 'apig' },
    ])
  })

  test('one with its flows, policies, routes and targets, without what is secret', async () => {
    const page = await ask<ProxyPageAnswer>('/api/proxies/shop')
    expect(page).toMatchObject({
      name: 'shop',
      displayName: 'The shop',
      revisions: [1],
      basePaths: ['/shop'],
      throttle: 'gold',
      service: null,
      routes: [
        { endpoint: 'default', name: 'never', condition: 'request.verb = "TRACE"', target: null },
        { endpoint: 'default', name: 'always', condition: null, target: 'main' },
      ],
      targets: [{ name: 'main', url: `${backend.url}/a`, loadBalancer: null }],
      policies: [
        { name: 'AM-One', displayName: 'One', type: 'AssignMessage', enabled: true, continueOnError: true },
        { name: 'RF-No', displayName: 'RF-No', type: 'RaiseFault', enabled: false, continueOnError: false },
      ],
    })
    const [proxy, target] = page.flows
    expect(proxy).toEqual({
      endpoint: 'proxy',
      name: 'default',
      preFlow: {
        name: 'PreFlow',
        condition: null,
        request: [{ step: 'AM-One', condition: 'request.verb = "GET"' }],
        response: [],
      },
      flows: [
        {
          name: 'list',
          condition: 'proxy.pathsuffix = "/list"',
          request: [],
          response: [{ step: 'RF-No', condition: null }],
        },
      ],
      postFlow: null,
      faultRules: [
        { name: 'bad', condition: 'fault.name = "X"', request: [{ step: 'AM-One', condition: null }], response: [] },
        { name: 'rest', condition: null, request: [{ step: 'AM-One', condition: null }], response: [] },
      ],
      postClientFlow: {
        name: expect.any(String),
        condition: null,
        request: [],
        response: [{ step: 'AM-One', condition: null }],
      },
    })
    expect(target).toMatchObject({ endpoint: 'target', name: 'main', preFlow: null, postClientFlow: null })
    expect(JSON.stringify(page)).not.toContain('SECRET')
    const api = await ask<ProxyPageAnswer>(`/api/proxies/${encodeURIComponent('things/list')}`)
    expect(api).toMatchObject({ dialect: 'apig', displayName: 'list', routes: [{ name: 'GET' }], policies: [] })
    const unknown = await postern.ask('/api/proxies/nope')
    expect([unknown.status, unknown.body]).toMatchObject([404, { error: { code: 'unknown_proxy' } }])
  })
})

test('/api/throttles has what is used now, over all threads', async () => {
  for (let i = 0; i < 5; i++) await call(`${postern.gateway}/echo`)
  const { nowMs, throttles } = await ask<ThrottlesAnswer>('/api/throttles')
  expect(throttles.map(({ name, period, seconds, bindings }) => [name, period, seconds, bindings])).toEqual([
    ['gold', '1 day', 86_400, ['shop', 'echo']],
    ['idle', '5 minutes', 300, []],
  ])
  expect(throttles[0]).toMatchObject({ shared: true, limits: { api: 100, user: 0, app: 0, ip: 50 } })
  expect(throttles[0]!.windows).toMatchObject([
    { dimension: 'ip', key: '127.0.0.1', used: 5, limit: 50 },
    { dimension: 'api', key: 'gold', used: 5, limit: 100 },
  ])
  for (const { resetsAtMs } of throttles[0]!.windows) {
    expect(resetsAtMs).toBeGreaterThan(nowMs)
    expect(resetsAtMs % 86_400_000).toBe(0)
  }
})

test('/api/statistics and /api/response-codes see the calls within a second', async () => {
  await call(`${postern.gateway}/nowhere`)
  await until(async () => {
    const { rows } = await ask<StatisticsAnswer>('/api/statistics?by=status&last=1h')
    return rows.some(({ value }) => value === '404') && rows.some(({ value, calls }) => value === '200' && calls === 5)
  })
  const { rows } = await ask<StatisticsAnswer>('/api/statistics?by=proxy&last=1h')
  expect(rows.map(({ value }) => value)).toContain('')
})

test('/api/live tells each second; the door closes in spite of who listens', async () => {
  const seconds: LiveSecond[] = []
  let ended = false
  const request = httpGet(
    `${postern.admin}/api/live`,
    { headers: { authorization: `Bearer ${postern.token}` } },
    (answer) => {
      expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8')
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        const events = text.split('\n\n')
        text = events.pop()!
        for (const event of events) {
          const match = /^event: second\ndata: (.*)$/.exec(event)
          if (match !== null) seconds.push(JSON.parse(match[1]!) as LiveSecond)
        }
      })
      answer.on('end', () => {
        ended = true
      })
    },
  )
  // It begins with the seconds before: the calls of the tests above are there.
  await until(() => seconds.length > 0)
  const sum = (): number => seconds.reduce((all, second) => all + second.byClass['4XX'], 0)
  const before = sum()
  for (let i = 0; i < 3; i++) await call(`${postern.gateway}/nowhere`)
  await until(() => sum() === before + 3)
  expect(seconds.at(-1)).toMatchObject({ errorShare: 0, lostCalls: 0 })
  expect(seconds.at(-1)!.topErrors).toContainEqual(
    expect.objectContaining({
      proxy: '',
      errorCode: 'messaging.adaptors.http.flow.ApplicationNotFound',
      status: 404,
    }),
  )
  const { code } = await postern.stop()
  expect(code).toBe(0)
  await until(() => ended)
  request.destroy()
})
