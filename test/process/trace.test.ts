import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// Debug sessions on the real program with two gateway threads: Edge's API, ours, and what masks hide.

const SECRET = 'opensesame-4711'
const CARD = '4111-1111-2222'
const data = mkdtempSync(join(tmpdir(), 'postern-trace-'))
let target: Backend
let postern: Postern

const policy = {
  'AM-Private.xml': `<AssignMessage name="AM-Private"><AssignVariable><Name>private.password</Name><Value>${SECRET}</Value></AssignVariable></AssignMessage>`,
  'BA.xml': `<BasicAuthentication name="BA"><Operation>Encode</Operation><User ref="who"/><Password ref="private.password"/>
    <AssignTo createNew="true">request.header.Authorization</AssignTo></BasicAuthentication>`,
  'AM-Who.xml':
    '<AssignMessage name="AM-Who"><AssignVariable><Name>who</Name><Value>ada</Value></AssignVariable></AssignMessage>',
  'SC.xml': `<ServiceCallout name="SC"><Request><Set><Headers><Header name="Authorization">Bearer {private.password}</Header></Headers></Set></Request>
    <Response>told</Response><HTTPTargetConnection><URL>TARGET/callout</URL></HTTPTargetConnection></ServiceCallout>`,
  'EV.xml': `<ExtractVariables name="EV"><Source>told</Source><JSONPayload><Variable name="city"><JSONPath>$.city</JSONPath></Variable></JSONPayload></ExtractVariables>`,
  'AM-City.xml':
    '<AssignMessage name="AM-City"><Set><Headers><Header name="X-City">{city}</Header></Headers></Set></AssignMessage>',
  'RF.xml': '<RaiseFault name="RF"><FaultResponse><Set><StatusCode>418</StatusCode></Set></FaultResponse></RaiseFault>',
}

const step = (name: string, condition?: string): string =>
  `<Step><Name>${name}</Name>${condition === undefined ? '' : `<Condition>${condition}</Condition>`}</Step>`

const endpoint = (name: string): string => `<ProxyEndpoint name="default">
  <PreFlow><Request>${step('AM-Private')}${step('AM-Who')}${step('BA')}${step('SC', 'request.queryparam.callout != null')}${step('RF', 'request.queryparam.fault != null')}</Request></PreFlow>
  <Flows>
    <Flow name="posts"><Request>${step('AM-Who')}</Request><Condition>request.verb = "POST"</Condition></Flow>
    <Flow name="cities"><Response>${step('EV')}${step('AM-City')}</Response><Condition>request.queryparam.callout != null</Condition></Flow>
  </Flows>
  <HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection>
  <RouteRule name="r"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`

const files = (name: string): Record<string, string> => ({
  [`apiproxy/${name}.xml`]: `<APIProxy name="${name}" revision="1"/>`,
  ...Object.fromEntries(
    Object.entries(policy).map(([file, xml]) => [`apiproxy/policies/${file}`, xml.replace('TARGET', target.url)]),
  ),
  'apiproxy/proxies/default.xml': endpoint(name),
  'apiproxy/targets/default.xml': `<TargetEndpoint name="default"><HTTPTargetConnection><URL>${target.url}/t</URL></HTTPTargetConnection></TargetEndpoint>`,
})

/** An API of the apig dialect, whose throttle refuses the second call. */
const APIG = `apig:
  throttles: [{name: once, time_interval: 1, time_unit: HOUR, api_call_limits: 1}]
  groups:
    - name: things
      apis: [{name: mock, req_method: GET, req_uri: /mock, throttle: once, backend_type: MOCK, mock_info: {result_content: made up}}]
`

async function ask(method: string, path: string, body?: object | string | Uint8Array, type = 'application/json') {
  const answer = await fetch(`${postern.admin}${path}`, {
    method,
    headers: { authorization: `Bearer ${postern.token}`, ...(body !== undefined && { 'content-type': type }) },
    ...(body !== undefined && {
      body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    }),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    text,
    headers: answer.headers,
    body: /^[{[]/.test(text) ? JSON.parse(text) : text,
  }
}

const sessions = (proxy = 'traced', revision = 1): string =>
  `/v1/o/acme/e/prod/apis/${proxy}/revisions/${revision}/debugsessions`
/** As Edge's documentation has it, the type of a form that is none. */
const create = (name: string, more = '', proxy = 'traced', revision = 1) =>
  ask('POST', `${sessions(proxy, revision)}?session=${name}${more}`, '', 'application/x-www-url-form-encoded')
const get = (path: string, headers: Record<string, string> = {}) => call(`${postern.gateway}${path}`, { headers })
const ids = async (session: string): Promise<string[]> => (await ask('GET', `${sessions()}/${session}/data`)).body

interface Point {
  readonly id: string
  readonly results: readonly {
    readonly ActionResult: string
    readonly properties?: { readonly property: readonly { readonly name: string; readonly value: string }[] }
    readonly [more: string]: unknown
  }[]
}
const property = (point: Point, name: string): string | undefined =>
  point.results[0]?.properties?.property.find((one) => one.name === name)?.value

beforeAll(async () => {
  target = await Backend.start((request, response) => {
    if (request.url.startsWith('/slow')) return
    response.setHeader('content-type', 'application/json')
    response.end(request.url.startsWith('/callout') ? '{"city":"Bern"}' : `{"card":"${CARD}","ok":true}`)
  })
  writeFiles(data, {
    'postern.yaml': `version: 1\norganization: acme\nenvironment: prod\napis: [{name: plain, basePath: /plain, target: "${target.url}"}]\n${APIG}`,
  })
  writeFiles(join(data, 'traced'), files('traced'))
  postern = await Postern.start(['--config', join(data, 'postern.yaml'), join(data, 'traced')], { data, workers: 2 })
  const masks = { name: 'default', jSONPathsResponse: ['$.card'], variables: ['request.header.x-none'] }
  expect((await ask('POST', '/v1/o/acme/apis/traced/maskconfigs', masks)).status).toBe(200)
})

afterAll(async () => {
  await postern.stop()
  await target.stop()
  rmSync(data, { recursive: true, force: true })
})

describe("Edge's debug sessions", () => {
  test('calls that fit the filters are recorded, in whichever thread; others are not', async () => {
    const made = await create('mine', '&header_X-Me=ada&qparam_n=1')
    expect(made).toMatchObject({ status: 201, body: { session: 'mine', revision: '1', timeout: '600', count: 20 } })
    expect((await ask('GET', sessions())).body).toEqual(['mine'])
    for (let i = 0; i < 8; i++) {
      await get('/traced?n=1', { 'X-Me': 'ada' })
      await get('/traced?n=2', { 'X-Me': 'ada' })
      await get('/traced?n=1')
    }
    const all = await until(async () => {
      const found = await ids('mine')
      return found.length >= 8 && found
    })
    expect(all).toHaveLength(8)
    expect((await ask('GET', `${sessions()}/mine/data?limit=3`)).body).toEqual(all.slice(-3))
  })

  test('a transaction has the points of Edge, in its order', async () => {
    const [id] = await ids('mine')
    const { body, status } = await ask('GET', `${sessions()}/mine/data/${id}`)
    expect(status).toBe(200)
    expect(body.completed).toBe(true)
    const points = body.point as Point[]
    expect(points.filter(({ id }) => id === 'StateChange').map((point) => property(point, 'To'))).toEqual([
      'REQ_HEADERS_PARSED',
      'PROXY_REQ_FLOW',
      'TARGET_REQ_FLOW',
      'REQ_SENT',
      'RESP_START',
      'TARGET_RESP_FLOW',
      'PROXY_RESP_FLOW',
      'RESP_SENT',
      'END',
    ])
    const executions = points.filter(({ id }) => id === 'Execution')
    expect(executions.map((point) => [property(point, 'stepDefinition-name'), property(point, 'type')])).toEqual([
      ['AM-Private', 'AssignMessageExecution'],
      ['AM-Who', 'AssignMessageExecution'],
      ['BA', 'BasicAuthenticationExecution'],
      ['SC', 'ServiceCalloutExecution'],
      ['RF', 'RaiseFaultExecution'],
    ])
    expect(executions[3]!.results.map((one) => one.ActionResult)).toEqual(['DebugInfo', 'VariableAccess'])
    expect(property(executions[3]!, 'expression')).toBe('(request.queryparam.callout notequals null)')
    expect(property(executions[3]!, 'expressionResult')).toBe('false')
    expect(points.filter(({ id }) => id === 'Condition').map((point) => property(point, 'Tree'))).toEqual([
      'PROXY_default',
      'PROXY_default',
      'PROXY_default',
      'PROXY_default',
    ])
    expect(points[0]!.results[0]).toMatchObject({
      timestamp: expect.stringMatching(/^\d\d-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}$/),
    })
    expect(points[0]!.results[1]).toMatchObject({ ActionResult: 'RequestMessage', verb: 'GET', uRI: '/traced?n=1' })
    // The answer streamed through, and is there.
    const sent = points.find((point) => property(point, 'To') === 'RESP_SENT')!
    expect(JSON.parse(String(sent.results[1]!['content']))).toEqual({ card: '*****', ok: true })
    const mask = points.at(-1)!
    expect(mask.id).toBe('DebugMask')
    expect(property(mask, 'SuccessFullyMaskedConfigs')).toBe('$.card, private.*')
    expect(property(mask, 'NotMatchedConfigs')).toBe('request.header.x-none')
  })

  test('the XML of an offline trace', async () => {
    const [id] = await ids('mine')
    const { text, headers } = await ask('GET', `${sessions()}/mine/data/${id}?format=xml`)
    expect(headers.get('content-type')).toContain('application/xml')
    const accepted = await fetch(`${postern.admin}${sessions()}/mine/data`, {
      headers: { authorization: `Bearer ${postern.token}`, accept: 'application/xml' },
    })
    expect((await accepted.text()).match(/<DebugId>/g)).toHaveLength(8)
    expect(text).toMatch(/^<\?xml[^>]*>\s*<DebugSession><Retrieved>.*<Organization>acme<\/Organization>/)
    expect(text).toContain(
      `<DebugId>${id}</DebugId><Data><Completed>true</Completed><Point id="StateChange"><DebugInfo>`,
    )
    expect(text).toContain('<Property name="stepDefinition-name">AM-Who</Property>')
    expect(text).toContain('<Set name="who" value="ada" success="true"/>')
  })

  test('twenty calls are enough, over all threads', async () => {
    await create('full')
    await Promise.all(Array.from({ length: 60 }, () => get('/traced')))
    await until(async () => (await ids('full')).length === 20)
    await get('/traced')
    expect((await ask('GET', `${sessions()}/full`)).body).toMatchObject({ state: 'full', transactions: 20 })
    expect(await ids('full')).toHaveLength(20)
    expect((await ask('DELETE', `${sessions()}/full`)).status).toBe(200)
    expect((await ask('GET', `${sessions()}/full/data`)).status).toBe(404)
  })

  test('what is wrong is said, and nothing is made', async () => {
    const before = (await ask('GET', sessions())).body
    const wrong: [string, number, string][] = [
      ['', 400, 'session=NAME is missing'],
      ['?session=a&timeout=9999', 400, 'timeout is a number of seconds from 1 to 600'],
      ['?session=a&header=x', 400, 'there is no parameter "header"'],
      ['?session=a%2Fb', 400, 'session must be given once'],
      ['?session=mine', 409, 'a session called mine records revision 1 of traced already'],
    ]
    for (const [query, status, message] of wrong) {
      const answer = await ask('POST', `${sessions()}${query}`)
      expect(answer, query).toMatchObject({ status, body: { code: expect.stringContaining('.') } })
      expect(answer.body.message).toContain(message)
    }
    const undeployed = await create('x', '', 'traced', 7)
    expect(undeployed.status).toBe(400)
    expect(undeployed.body.message).toContain('revision 7 of traced is not deployed in environment prod')
    expect((await ask('GET', `${sessions()}/none/data`)).status).toBe(404)
    expect((await ask('GET', `${sessions()}/mine/data/none`)).status).toBe(404)
    expect((await ask('GET', sessions())).body).toEqual(before)
  })
})

describe('sessions without limits', () => {
  test('a callout, a fault and its place; found by request id; stopped and exported', async () => {
    const made = await ask('POST', '/api/trace/sessions', { proxy: 'traced', name: 'long', query: { long: '1' } })
    expect(made).toMatchObject({
      status: 201,
      body: { state: 'recording', count: null, expiresAtMs: null, revision: 1 },
    })
    const session = `/api/trace/sessions/${made.body.id}`
    const answer = await get('/traced?long=1&callout=1')
    expect(answer.headers['x-city']).toBe('Bern')
    const id = String(answer.headers['x-request-id'])
    const found = await until(async () => {
      const traced = await ask('GET', `/api/trace/calls/${id}`)
      return traced.status === 200 && traced.body
    })
    const callout = found.points.find((point: { name?: string }) => point.name === 'SC')
    expect(callout).toMatchObject({ waited: true, outcome: 'done', callouts: [{ error: null }] })
    expect(found.messages[callout.callouts[0].answer]).toMatchObject({ name: 'told', content: '{"city":"Bern"}' })
    expect(found.messages[callout.callouts[0].request].headers).toEqual([['Authorization', 'Bearer *****']])

    // Explain has the times of its steps.
    const explained = (await ask('GET', `/api/calls/${id}`)).body
    expect(explained.steps.map((one: { name: string }) => one.name)).toEqual([
      'AM-Private',
      'AM-Who',
      'BA',
      'SC',
      'EV',
      'AM-City',
    ])

    expect((await get('/traced?long=1&fault=1')).status).toBe(418)
    const { body } = await until(async () => {
      const shown = await ask('GET', session)
      return shown.body.calls.length === 2 && shown
    })
    expect(body.calls.map((one: { status: number }) => one.status)).toEqual([418, 200])
    expect(body.calls[0]).toMatchObject({ errorCode: 'steps.raisefault.RaiseFault', uri: '/traced?long=1&fault=1' })
    expect(body.session.unmatchedMasks).toEqual(['request.header.x-none'])

    expect((await ask('POST', `${session}/stop`)).body.state).toBe('stopped')
    await get('/traced?long=1')
    for (const format of ['json', 'xml']) {
      const file = await ask('GET', `${session}/export?format=${format}`)
      expect(file.headers.get('content-disposition')).toBe(`attachment; filename="trace-traced-1-long.${format}"`)
      expect(file.text.match(/DebugId/g)!.length).toBe(format === 'json' ? 2 : 4)
    }
    expect((await ask('DELETE', session)).status).toBe(204)
    expect((await ask('GET', session)).status).toBe(404)
  })

  test('bodies that stream through are seen and stay as they are; a client that leaves is told of', async () => {
    const made = await ask('POST', '/api/trace/sessions', { proxy: 'plain' })
    const rows = async (): Promise<{ id: string; status: number }[]> =>
      (await ask('GET', `/api/trace/sessions/${made.body.id}`)).body.calls
    const body = 'x'.repeat(100_000)
    await call(`${postern.gateway}/plain`, { method: 'POST', body })
    expect(target.received.at(-1)).toMatchObject({ method: 'POST', body })
    const [row] = await until(async () => {
      const found = await rows()
      return found.length === 1 && found
    })
    const traced = (await ask('GET', `/api/trace/sessions/${made.body.id}/calls/${row!.id}`)).body
    expect(traced.messages[0]).toMatchObject({
      name: 'request',
      contentBytes: 100_000,
      note: 'the first 16384 characters',
    })
    expect(traced.messages[0].content).toHaveLength(16_384)
    expect(traced.messages.at(-1)).toMatchObject({ name: 'response', status: 200 })

    const gone = fetch(`${postern.gateway}/plain/slow`, { signal: AbortSignal.timeout(300) })
    await expect(gone).rejects.toThrow()
    await until(async () => (await rows())[0]!.status === 499)
  })

  test('an API of the apig dialect: stages, throttles, steps in groups', async () => {
    const made = await ask('POST', '/api/trace/sessions', { proxy: 'things/mock' })
    expect(made).toMatchObject({ status: 201, body: { environment: 'RELEASE', revision: 1 } })
    await get('/mock')
    await get('/mock')
    const [refused, answered] = await until(async () => {
      const { calls } = (await ask('GET', `/api/trace/sessions/${made.body.id}`)).body
      return calls.length === 2 && calls
    })
    expect([answered.status, refused.status, refused.errorCode]).toEqual([200, 429, 'APIG.0308'])
    const { points } = (await ask('GET', `/api/trace/sessions/${made.body.id}/calls/${refused.id}`)).body
    const steps = points.filter((point: { kind: string }) => point.kind === 'step')
    expect(steps.map(({ name, outcome }: { name: string; outcome: string }) => [name, outcome])).toEqual([
      ['Access', 'done'],
      ['Throttle', 'fault'],
    ])
  })

  test('a call that went in a circle is there, with its way', async () => {
    const made = await ask('POST', '/api/trace/sessions', { proxy: 'traced', query: { circle: '1' } })
    const looped = await get('/traced?circle=1', { 'X-Apig-count': '10', Via: '1.1 a, 1.1 b, 1.1 c, 1.1 b' })
    expect(looped.text).toContain('APIG.0612')
    const [row] = await until(async () => {
      const { calls } = (await ask('GET', `/api/trace/sessions/${made.body.id}`)).body
      return calls.length === 1 && calls
    })
    const { points, status } = (await ask('GET', `/api/trace/sessions/${made.body.id}/calls/${row.id}`)).body
    expect(status).toBe(looped.status)
    const error = points.find((point: { kind: string }) => point.kind === 'error')
    expect(error.fault.code).toBe('APIG.0612')
    expect(error.properties).toContainEqual(['cycle', '1.1 c -> 1.1 b'])
  })

  test('a new deployment of its revision goes on; of another revision nothing is recorded', async () => {
    const zip = zipSync(Object.fromEntries(Object.entries(files('again')).map(([name, text]) => [name, strToU8(text)])))
    const deploy = (revision: number) =>
      ask('POST', `/v1/o/acme/e/prod/apis/again/revisions/${revision}/deployments?override=true`)
    for (let i = 0; i < 2; i++)
      await ask('POST', '/v1/o/acme/apis?action=import&name=again', zip, 'application/octet-stream')
    expect((await deploy(1)).status).toBe(200)
    expect((await create('keeps', '', 'again', 1)).status).toBe(201)
    const count = async (): Promise<number> => (await ask('GET', `${sessions('again')}/keeps/data`)).body.length
    await get('/again')
    await until(async () => (await count()) === 1)
    await deploy(1)
    await get('/again')
    await until(async () => (await count()) === 2)
    await deploy(2)
    await get('/again')
    expect((await ask('GET', `${sessions('again')}/keeps`)).body).toMatchObject({
      state: 'undeployed',
      transactions: 2,
    })
    await deploy(1)
    await get('/again')
    await until(async () => (await count()) === 3)
  })

  test('a proxy that is not there, or a body that is wrong', async () => {
    const none = await ask('POST', '/api/trace/sessions', { proxy: 'none' })
    expect(none).toMatchObject({ status: 404, body: { error: { code: 'not_deployed' } } })
    expect((await ask('POST', '/api/trace/sessions', { proxy: 'traced', count: 0 })).status).toBe(400)
    expect((await ask('POST', '/api/trace/sessions', { proxy: 'traced', more: 1 })).status).toBe(400)
    const open = await fetch(`${postern.admin}/api/trace/sessions`)
    expect(open.status).toBe(401)
  })
})

test('no secret in anything that was kept', async () => {
  const made = await ask('POST', '/api/trace/sessions', { proxy: 'traced', query: { secret: '1' } })
  await get('/traced?secret=1&callout=1')
  const id = made.body.id
  await until(async () => (await ask('GET', `/api/trace/sessions/${id}`)).body.calls.length === 1)
  const [{ id: row }] = (await ask('GET', `/api/trace/sessions/${id}`)).body.calls
  const answers = [
    await ask('GET', `/api/trace/sessions/${id}`),
    await ask('GET', `/api/trace/sessions/${id}/calls/${row}`),
    await ask('GET', `/api/trace/sessions/${id}/export?format=xml`),
    await ask('GET', `/api/trace/sessions/${id}/export?format=json`),
    await ask('GET', `${sessions()}/mine/data?format=xml`),
  ]
  const basic = Buffer.from(`ada:${SECRET}`).toString('base64')
  for (const { status, text } of answers) {
    expect(status).toBe(200)
    for (const secret of [SECRET, CARD, basic]) expect(text.includes(secret)).toBe(false)
  }
  // It was there to be hidden.
  expect(target.received.some(({ headers }) => headers.authorization === `Basic ${basic}`)).toBe(true)
})
