import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallsAnswer, ExplainAnswer } from '../../src/admin/native/answers.ts'
import { Backend, call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// What the dashboard's Explain asks for, of the real program with several threads.

let folder: string
let backend: Backend
let postern: Postern

const proxyXml = (name: string, steps: string, rest = ''): string =>
  `<ProxyEndpoint name="default">${rest}<PreFlow name="PreFlow"><Request>${steps}</Request></PreFlow>
   <Flows><Flow name="report"><Condition>proxy.pathsuffix MatchesPath "/report"</Condition>
   <Request><Step><Name>AM-Seen</Name></Step></Request></Flow></Flows>
   <HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection>
   <RouteRule name="always"><TargetEndpoint>main</TargetEndpoint></RouteRule></ProxyEndpoint>`

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-explain-'))
  backend = await Backend.start((request, response) => {
    response.statusCode = request.url?.includes('broken') ? 503 : 200
    response.setHeader('content-type', 'application/json')
    response.end('{"card":"4711","name":"Ada"}')
  })
  const target = (url: string): string =>
    `<TargetEndpoint name="main"><HTTPTargetConnection><URL>${url}</URL></HTTPTargetConnection></TargetEndpoint>`
  writeFiles(folder, {
    'quota/apiproxy/quota.xml': '<APIProxy name="quota" revision="1"/>',
    'quota/apiproxy/policies/Q-Plan.xml':
      '<Quota name="Q-Plan"><Allow count="1"/><Interval>1</Interval><TimeUnit>month</TimeUnit></Quota>',
    'quota/apiproxy/policies/AM-Sorry.xml':
      '<AssignMessage name="AM-Sorry"><Set><Payload>sorry</Payload></Set></AssignMessage>',
    'quota/apiproxy/policies/AM-Seen.xml':
      '<AssignMessage name="AM-Seen"><AssignVariable><Name>seen</Name><Value>1</Value></AssignVariable></AssignMessage>',
    'quota/apiproxy/proxies/default.xml': proxyXml(
      'quota',
      '<Step><Name>Q-Plan</Name></Step>',
      `<FaultRules><FaultRule name="over"><Step><Name>AM-Sorry</Name></Step>
       <Condition>fault.name = "QuotaViolation"</Condition></FaultRule></FaultRules>`,
    ),
    'quota/apiproxy/targets/main.xml': target(backend.url),
    'postern.yaml': `
version: 1
recentCalls: {max: 400, bodies: true}
masks: [{jsonPathsRequest: ["$.pin"], jsonPathsResponse: ["$.card"], variables: [request.queryparam.iban]}]
throttles: [{name: gold, per: {unit: day}, ip: 2, api: 100}]
apis:
  - bundle: ./quota
  - {name: free, basePath: /free, target: "${backend.url}"}
  - {name: echo, basePath: /echo, target: "${backend.url}/base", throttle: gold}
services:
  - id: 42
    systemName: weather
    name: Weather
    backendVersion: "1"
    metrics: [{systemName: hits, friendlyName: Hits, unit: hit}]
    plans: [{id: 7, name: Basic, limits: [{metric: hits, period: day, value: 1}]}]
    proxy:
      hosts: [service.example]
      apiBackend: ${backend.url}
      mappingRules: [{method: GET, pattern: /, metric: hits, delta: 1}]
accounts:
  - id: acme
    name: ACME
    applications: [{id: app1, service: 42, plan: Basic, userKey: SECRET1}]
`,
  })
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { workers: 3 })
})

afterAll(async () => {
  await postern?.stop()
  await backend?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function explained(requestId: string | undefined): Promise<ExplainAnswer> {
  const { status, body } = await postern.ask(`/api/calls/${requestId}`)
  expect([status, body]).toMatchObject([200, { found: true }])
  return body as ExplainAnswer
}

const idOf = (answer: { headers: unknown }): string => (answer.headers as Record<string, string>)['x-request-id']!

describe('explain', () => {
  test('a call that the target answered: where it went, its stages, its secrets hidden', async () => {
    const answer = await call(`${postern.gateway}/quota/report?units=metric&access_token=SECRET&iban=DE99`)
    expect(answer.status).toBe(200)
    const { call: it, stages, refusedBy, steps } = await explained(idOf(answer))
    expect(it).toMatchObject({
      requestId: idOf(answer),
      method: 'GET',
      path: '/quota/report',
      query: 'units=metric&access_token=*****&iban=*****',
      proxy: 'quota',
      revision: 1,
      environment: 'test',
      basePath: '/quota',
      pathSuffix: '/report',
      flow: 'report',
      route: 'always',
      targetName: 'main',
      targetUrl: `${backend.url}/report?units=metric&access_token=*****&iban=*****`,
      status: 200,
      targetStatus: 200,
      answeredBy: 'target',
      clientAddress: '127.0.0.1',
      requestBody: null,
      responseBody: '{"card":"*****","name":"Ada"}',
    })
    expect(stages.map(({ name }) => name)).toEqual(['request flows', 'target', 'response flows', 'send answer'])
    for (const [i, stage] of stages.entries()) {
      expect(stage.endMs).toBeGreaterThanOrEqual(stage.startMs)
      expect(stage.startMs).toBe(i === 0 ? 0 : stages[i - 1]!.endMs)
    }
    expect([refusedBy, steps]).toEqual([null, null])
  })

  test('a quota that refused: the policy, the fault rule, the count and when it starts anew', async () => {
    const answer = await call(`${postern.gateway}/quota`)
    expect([answer.status, answer.text]).toEqual([429, 'sorry'])
    const { call: it, stages, refusedBy } = await explained(idOf(answer))
    expect(it).toMatchObject({
      status: 429,
      targetStatus: 0,
      answeredBy: 'policy',
      targetUrl: '',
      responseBody: 'sorry',
    })
    expect(stages.map(({ name }) => name)).toEqual(['response flows', 'send answer'])
    const now = new Date()
    expect(refusedBy).toMatchObject({
      step: 'Q-Plan',
      policyType: 'Quota',
      rule: 'over',
      errorCode: 'policies.ratelimit.QuotaViolation',
      limitName: 'Quota Q-Plan',
      used: 1,
      limit: 1,
    })
    expect(refusedBy!.resetsAtMs).toBeGreaterThan(now.getTime())
  })

  test('a throttle, and a target that is broken', async () => {
    const broken = await call(`${postern.gateway}/echo/broken`)
    await call(`${postern.gateway}/echo/x`)
    const refused = await call(`${postern.gateway}/echo/x`)
    expect([broken.status, refused.status]).toEqual([503, 429])
    expect(await explained(idOf(broken))).toMatchObject({
      call: { answeredBy: 'target', targetStatus: 503, targetUrl: `${backend.url}/base/broken`, pathSuffix: '/broken' },
      refusedBy: {
        step: '',
        errorCode: 'messaging.adaptors.http.flow.ErrorResponseCode',
        message: 'The target answered 503',
        limit: null,
      },
    })
    expect(await explained(idOf(refused))).toMatchObject({
      refusedBy: { errorCode: 'APIG.0308', limitName: 'throttle gold, ip', used: 2, limit: 2 },
    })
  })

  test('bodies that stream by, masked; steps where a debug session recorded the call', async () => {
    const started = await fetch(`${postern.admin}/api/trace/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${postern.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ proxy: 'quota' }),
    })
    expect(started.status).toBe(201)
    const post = (path: string) =>
      call(`${postern.gateway}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"pin":"0000","who":"Ada"}',
      })
    const answer = await post('/quota/report')
    expect(answer.status).toBe(429)
    const traced = await until(async () => {
      const { body } = await postern.ask(`/api/calls/${idOf(answer)}`)
      return (body as ExplainAnswer).steps !== null && (body as ExplainAnswer)
    })
    expect(traced.steps!.map(({ name }) => name)).toEqual(['Q-Plan', 'AM-Sorry'])
    const echoed = await post('/free/x')
    expect((await explained(idOf(echoed))).call).toMatchObject({
      requestBody: '{"pin":"*****","who":"Ada"}',
      responseBody: '{"card":"*****","name":"Ada"}',
      bytesIn: 26,
    })
    expect(backend.received.at(-1)!.body).toBe('{"pin":"0000","who":"Ada"}')
  })

  test('the limit of a plan, and whose it is', async () => {
    const url = `${postern.gateway}/x?user_key=SECRET1`
    const headers = { host: 'service.example' }
    await call(url, { headers })
    const refused = await call(url, { headers })
    expect(refused.status).toBe(429)
    const answer = await explained(idOf(refused))
    expect(answer).toMatchObject({
      call: { application: 'app1', account: 'acme', service: '42', query: 'user_key=*****', host: 'service.example' },
      refusedBy: { policyType: 'AuthRep', limitName: 'plan Basic: hits per day', used: 1, limit: 1 },
    })
    expect(answer.refusedBy!.resetsAtMs! % 86_400_000).toBe(0)
    expect(JSON.stringify(answer)).not.toContain('SECRET')
  })

  test('what no proxy took, and what never was a request', async () => {
    const none = await call(`${postern.gateway}/nowhere?token=SECRET2`)
    const unknown = await explained(idOf(none))
    expect(JSON.stringify(unknown)).not.toContain('SECRET2')
    expect(unknown).toMatchObject({
      call: { status: 404, proxy: '', answeredBy: 'gateway', path: '/nowhere' },
      refusedBy: { errorCode: 'messaging.adaptors.http.flow.ApplicationNotFound' },
    })
    const text = await raw('GET / HTTP/1.1\r\nbad header\r\n\r\n')
    const id = /x-request-id: (\w+)/i.exec(text)![1]
    expect(await explained(id)).toMatchObject({ call: { status: 400, method: 'OTHER' } })
  })
})

describe('recent calls', () => {
  test('of all threads, the latest first, by what they are told apart by', async () => {
    const ids: string[] = []
    for (let i = 0; i < 30; i++) ids.push(idOf(await call(`${postern.gateway}/nowhere/${i}`)))
    const of = async (query: string): Promise<CallsAnswer> =>
      (await postern.ask(`/api/calls?${query}`)).body as CallsAnswer
    const latest = await of('proxy=&status=404&limit=30')
    expect(latest.calls.map(({ requestId }) => requestId)).toEqual(ids.reverse())
    expect(latest).toMatchObject({ heldMax: 400, hoursMax: 24, silentThreads: 0 })
    expect(latest.held).toBeGreaterThan(30)
    expect((await of('class=5XX')).calls.map(({ path }) => path)).toEqual(['/echo/broken'])
    expect((await of('application=app1&service=weather')).calls.map(({ status }) => status)).toEqual([429, 200])
    expect((await of('answeredBy=policy&errorCode=policies.ratelimit.QuotaViolation')).calls).toHaveLength(2)
    expect((await of('since=2001-01-01&until=2001-01-02')).calls).toEqual([])
  })

  test('a call that is not known, and filters that make no sense', async () => {
    const unknown = await postern.ask(`/api/calls/${'0'.repeat(32)}`)
    expect(unknown.status).toBe(404)
    expect(unknown.body).toMatchObject({
      error: { code: 'unknown_call', message: expect.stringContaining('The last 400 calls are kept') },
    })
    for (const [query, message] of [
      ['limit=0', 'limit must be >= 1.'],
      ['class=6XX', 'class must be one of 1XX, 2XX, 3XX, 4XX, 499, 5XX, other.'],
      ['colour=red', 'There is no parameter "colour" for this call.'],
      ['since=yesterday', 'since must be a date or an instant as in 2026-11-22 or 2026-11-22T10:30:00Z.'],
    ]) {
      expect(await postern.ask(`/api/calls?${query}`)).toMatchObject({ status: 400, body: { error: { message } } })
    }
    expect((await fetch(`${postern.admin}/api/calls`)).status).toBe(401)
  })
})

function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(postern.gateway)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer)).on('error', reject)
  })
}
