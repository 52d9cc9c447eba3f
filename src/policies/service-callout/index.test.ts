import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { Message } from '../../engine/message.ts'
import { type OutboundAnswer, OutboundError, type OutboundRequest } from '../../engine/policy.ts'
import assignMessage from '../assign-message/index.ts'
import { messageOf, outboundStub, type RunOptions, runPolicy } from '../test-kit.ts'
import serviceCallout from './index.ts'

const URL = 'http://up.test/base'
const connection = (url = URL, properties = ''): string =>
  `<HTTPTargetConnection><URL>${url}</URL>${properties}</HTTPTargetConnection>`
const policy = (body: string, name = 'SC'): string => `<ServiceCallout name="${name}">${body}</ServiceCallout>`

interface CalloutOptions extends RunOptions {
  readonly answer?: Parameters<typeof outboundStub>[0]
  readonly later?: boolean
}

async function run(body: string | readonly string[], options: CalloutOptions = {}) {
  const stub = outboundStub(options.answer, options.later)
  const xml = typeof body === 'string' ? policy(body) : body
  const done = await runPolicy([serviceCallout, assignMessage], xml, { outbound: stub.outbound, ...options })
  return Object.assign(done, { requests: stub.requests })
}

function only(requests: readonly OutboundRequest[]): OutboundRequest {
  expect(requests).toHaveLength(1)
  return requests[0]!
}

const failed = (reason: string): object => ({
  code: 'steps.servicecallout.ExecutionFailed',
  name: 'ExecutionFailed',
  status: 500,
  text: `Execution of ServiceCallout SC failed. Reason: ${reason}`,
  by: 'callout',
})

const RESPONSE = '<Response>answer</Response>'
describe('the request', () => {
  test('without <Request> it is an empty GET, and nothing of the client goes out', async () => {
    const { requests, exchange, problemLines } = await run(RESPONSE + connection(), {
      request: { verb: 'POST', uri: '/test/x?a=1', headers: { Authorization: 'secret', Cookie: 'c' }, content: 'body' },
    })
    expect(problemLines).toEqual([])
    expect(only(requests)).toEqual({
      url: URL,
      method: 'GET',
      ...{ local: null, tls: null, headers: [], body: null },
      timeoutMs: 55_000,
      connectTimeoutMs: 3_000,
      ioTimeoutMs: 55_000,
      answerBytesMax: 10 * 1024 * 1024,
      messages: { request: 'servicecallout.request', response: 'answer' },
    })
    expect(exchange.get('servicecallout.request')).toBeInstanceOf(Message)
  })

  test('inline style: path, query and content as the children say', async () => {
    const { requests } = await run(
      `<Request variable="mine"><Set>
         <Headers><Header name="Accept">application/json</Header></Headers>
         <QueryParams><QueryParam name="address">{request.queryparam.postcode} &amp; é</QueryParam></QueryParams>
         <Payload contentType="application/json">{"message":"{v}"}</Payload><Verb>POST</Verb><Path>/a b/c</Path>
       </Set></Request>${RESPONSE}${connection('http://up.test/base/?key=1')}`,
      { request: { uri: '/test?postcode=08008' }, variables: { v: 'V' } },
    )
    const { url, method, headers, body } = only(requests)
    expect(url).toBe('http://up.test/base/a%20b/c?key=1&address=08008%20%26%20%C3%A9')
    expect([method, headers, String(body)]).toEqual([
      'POST',
      ['Accept', 'application/json', 'Content-Type', 'application/json'],
      '{"message":"V"}',
    ])
  })

  test('form parameters are its body', async () => {
    const { requests } = await run(
      `<Request><Set><FormParams><FormParam name="grant type">a&amp;b</FormParam></FormParams><Verb>POST</Verb></Set></Request>${RESPONSE}${connection()}`,
    )
    const { headers, body } = only(requests)
    expect(headers).toEqual(['Content-Type', 'application/x-www-form-urlencoded'])
    expect(String(body)).toBe('grant%20type=a%26b')
  })

  test('one that another policy made is sent as it is', async () => {
    const { requests } = await run(
      [
        '<AssignMessage name="AM"><AssignTo createNew="true" type="request">mine</AssignTo><Set><Path>/json</Path></Set></AssignMessage>',
        policy(`<Request variable="mine"/>${RESPONSE}${connection('http://up.test')}`),
      ],
      { request: { headers: { Cookie: 'c' } } },
    )
    expect(only(requests)).toMatchObject({ url: 'http://up.test/json', method: 'GET', headers: [] })
  })

  test('Copy without source takes from the message of the segment', async () => {
    const { requests } = await run(
      `<Request><Copy><Headers><Header name="Accept"/></Headers></Copy></Request>${RESPONSE}${connection()}`,
      { request: { headers: { Accept: 'a', Cookie: 'c' } } },
    )
    expect(only(requests).headers).toEqual(['Accept', 'a'])
  })

  test("the client's own request goes out whole but for its path, and stays whole", async () => {
    const { requests, exchange } = await run(`<Request variable="request"/>${RESPONSE}${connection()}`, {
      request: { verb: 'POST', uri: '/test/x?a=1', headers: { A: '1' }, content: 'body' },
    })
    expect(only(requests)).toMatchObject({
      url: `${URL}?a=1`,
      method: 'POST',
      headers: ['A', '1'],
      body: Buffer.from('body'),
    })
    expect(exchange.request).toMatchObject({ content: 'body', spent: false, path: '/test/x' })
  })

  test('retain lists count whatever .enabled says, over several lines', async () => {
    const properties = `<Properties><Property name="request.retain.headers">
        User-Agent,
        accept-Language</Property><Property name="retain.queryparams">b</Property>
        <Property name="response.retain.headers.enabled">false</Property></Properties>`
    const { requests, exchange } = await run(
      `<Request variable="request"/>${RESPONSE}${connection(`${URL}?own=1`, properties)}`,
      {
        request: {
          uri: '/?a=1&b=2',
          headers: { 'user-agent': 'u', Cookie: 'c', 'Accept-Language': 'fr', 'Content-Type': 't' },
        },
        answer: { headers: ['Server', 's', 'Content-Type', 'text/plain'] },
      },
    )
    expect(only(requests)).toMatchObject({
      url: `${URL}?own=1&b=2`,
      headers: ['user-agent', 'u', 'Accept-Language', 'fr', 'Content-Type', 't'],
    })
    expect((exchange.get('answer') as Message).headers.raw).toEqual(['Content-Type', 'text/plain'])
  })

  test('time-outs', async () => {
    const properties = `<Properties><Property name="connect.timeout.millis">70</Property><Property name="io.timeout.millis">80</Property></Properties>`
    const { requests } = await run(`<Timeout> 90 </Timeout>${RESPONSE}${connection(URL, properties)}`)
    expect(only(requests)).toMatchObject({ timeoutMs: 90, connectTimeoutMs: 70, ioTimeoutMs: 80 })
  })
})

describe('the request variable', () => {
  const named = `<Request variable="mine"/>${RESPONSE}${connection()}`
  test.each([
    ['does not exist', null],
    ['holds text', 'text'],
  ])('that %s is RequestVariableNotMessageType', async (_, mine) => {
    const { outcome, requests, exchange } = await run(named, { variables: { mine } })
    expect(outcome).toMatchObject({
      code: 'steps.servicecallout.RequestVariableNotMessageType',
      status: 500,
      text: 'ServiceCallout[SC]: request variable mine value is not of type Message',
    })
    expect(requests).toEqual([])
    expect(exchange.get('servicecallout.SC.failed')).toBe(true)
  })

  test('that holds a response is RequestVariableNotRequestMessageType', async () => {
    const { outcome } = await run(named, { variables: { mine: messageOf('response', {}) } })
    expect(outcome).toMatchObject({
      code: 'steps.servicecallout.RequestVariableNotRequestMessageType',
      text: 'ServiceCallout[SC]: request variable mine value is not of type Request Message',
    })
  })

  test('that holds text is refused whatever children would build', async () => {
    const { outcome } = await run(`<Request variable="mine"><Set><Verb>PUT</Verb></Set></Request>${connection()}`, {
      variables: { mine: 'text' },
    })
    expect(outcome).toMatchObject({ name: 'RequestVariableNotMessageType' })
  })

  test.each(['response', 'error'])('cannot be the %s of the flow', async (name) => {
    const { outcome, exchange } = await run(
      `<Request variable="${name}"><Set><Verb>PUT</Verb></Set></Request>${connection()}`,
    )
    expect(outcome).toMatchObject({ name: 'RequestVariableNotMessageType' })
    expect(exchange.response).toBeNull()
  })

  test('is not left behind half made when a child of <Request> fails', async () => {
    const { outcome, exchange } = await run(
      `<Request variable="mine"><Set><Verb>PUT</Verb><Path>{none}</Path></Set></Request>${connection()}`,
    )
    expect(outcome).toMatchObject({ code: 'entities.UnresolvedVariable' })
    expect(exchange.has('mine')).toBe(false)
  })

  test('that does not exist is an empty GET where unresolved variables are ignored', async () => {
    const { requests } = await run(
      `<Request variable="mine"><IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables></Request>${RESPONSE}${connection()}`,
    )
    expect(only(requests)).toMatchObject({ method: 'GET', headers: [], body: null })
  })
})

describe('clearPayload', () => {
  const mine = (): Message => messageOf('request', { verb: 'PUT', uri: '/p?q=1', headers: { A: '1' }, content: 'body' })
  const callout = (name: string, attribute = ''): string =>
    policy(`<Request variable="mine"${attribute}/>${RESPONSE}${connection()}`, name)

  test('true: the payload goes after sending, the headers can be read, the next call begins anew', async () => {
    const variables = { mine: mine() }
    const once = await run([callout('A')], { variables })
    expect(only(once.requests).body).toEqual(Buffer.from('body'))
    expect(variables.mine.content).toBe('')
    expect(variables.mine.headers.get('a')).toBe('1')
    const twice = await run([callout('A'), callout('B')], { variables: { mine: mine() } })
    expect(twice.requests.map(({ url, method, headers }) => [url, method, headers])).toEqual([
      [`${URL}/p?q=1`, 'PUT', ['A', '1']],
      [URL, 'GET', []],
    ])
  })

  test('true: a policy that writes in between keeps the message', async () => {
    const write = '<AssignMessage name="AM"><AssignTo>mine</AssignTo><Set><Payload>new</Payload></Set></AssignMessage>'
    const { requests } = await run([callout('A'), write, callout('B')], { variables: { mine: mine() } })
    expect(requests[1]).toMatchObject({ method: 'PUT', headers: ['A', '1'], body: Buffer.from('new') })
  })

  test('false: the message stays', async () => {
    const no = ' clearPayload="false"'
    const { requests } = await run([callout('A', no), callout('B', no)], { variables: { mine: mine() } })
    expect(requests[1]).toEqual(requests[0])
  })

  test('inline requests are built anew each time', async () => {
    const add = (name: string): string =>
      policy(
        `<Request><Add><Headers><Header name="A">1</Header></Headers></Add></Request>${RESPONSE}${connection()}`,
        name,
      )
    const { requests } = await run([add('A'), add('B')])
    expect(requests.map(({ headers }) => headers)).toEqual([
      ['A', '1'],
      ['A', '1'],
    ])
  })
})

describe('the URL', () => {
  test.each([
    ['http://{request.header.to}/{v}', 'http://up.test:81/V', '/V'],
    ['http://up.test/x?w=&#36;{v}', 'http://up.test/x?w=V', '/x?w=V'],
    ['http://up.test/{request.resourcePath}?w=&#36;{v}#f', 'http://up.test/R?w=V', '/R?w=V'],
    ['https://up.test', 'https://up.test', '/'],
    ['https://up.test?a=1', 'https://up.test?a=1', '/?a=1'],
  ])('%s', async (url, expected, uri) => {
    const { requests, exchange } = await run(RESPONSE + connection(url), {
      request: { headers: { to: 'up.test:81' } },
      variables: { v: 'V', 'request.resourcePath': 'R' },
    })
    expect(only(requests).url).toBe(expected)
    expect(exchange.get('servicecallout.SC.target.url')).toBe(expected)
    expect(exchange.get('servicecallout.requesturi')).toBe(uri)
    expect(exchange.get('servicecallout.SC.expectedcn')).toBe(url.startsWith('https') ? 'up.test' : null)
  })

  test('an unresolved variable in it is a fault, and nothing is sent', async () => {
    const { outcome, requests } = await run(RESPONSE + connection('http://{none}/'))
    expect(outcome).toMatchObject({ code: 'entities.UnresolvedVariable', text: 'Unresolved variable : none' })
    expect(requests).toEqual([])
  })

  test('servicecallout.<P>.target.url, set before, is where the call goes', async () => {
    const set = `<Request><Set><Path>/p</Path></Set></Request>${RESPONSE}${connection()}`
    const { requests } = await run(set, { variables: { 'servicecallout.SC.target.url': 'http://other.test/o' } })
    expect(only(requests).url).toBe('http://other.test/o/p')
  })

  test('what the policy itself wrote there is not taken for a setting', async () => {
    const callout = policy(RESPONSE + connection('http://up.test/{v}'))
    const next =
      '<AssignMessage name="AM"><AssignVariable><Name>v</Name><Value>b</Value></AssignVariable></AssignMessage>'
    const stub = outboundStub()
    const first = await runPolicy([serviceCallout, assignMessage], [callout, next], {
      outbound: stub.outbound,
      variables: { v: 'a' },
    })
    await first.again()
    expect(stub.requests.map(({ url }) => url)).toEqual(['http://up.test/a', 'http://up.test/b'])
  })
})

describe('the answer', () => {
  const answer = { status: 201, reason: 'Made', headers: ['A', '1'], body: 'content' }
  test.each([true, false])('is in its variable (later: %s)', async (later) => {
    const { exchange, outcome } = await run(RESPONSE + connection(), { answer, later })
    expect(outcome).toBeUndefined()
    expect(exchange.get('answer')).toMatchObject({ kind: 'response', status: 201, reason: 'Made', content: 'content' })
    expect((exchange.get('answer') as Message).headers.raw).toEqual(['A', '1'])
    expect(exchange.get('servicecallout.SC.failed')).toBe(false)
  })

  test('`response` is legal and is the response of the flow; `request` gives its headers and content to the request', async () => {
    const asResponse = await run(`<Response>response</Response>${connection()}`, { answer })
    expect(asResponse.exchange.response).toMatchObject({ status: 201, content: 'content' })
    const asRequest = await run(`<Response>request</Response>${connection()}`, { answer, request: { verb: 'PUT' } })
    expect(asRequest.exchange.request).toMatchObject({ verb: 'PUT', content: 'content' })
  })

  test.each([
    [404, undefined, 'ResponseCode 404 is treated as error'],
    [500, undefined, 'ResponseCode 500 is treated as error'],
    [302, undefined, null],
    [304, undefined, null],
    [404, '2xx, 4xx, 5xx', null],
    [404, '2XX,404', null],
    [302, '2xx', 'ResponseCode 302 is treated as error'],
  ])('status %d with success.codes %s', async (status, codes, reason) => {
    const properties =
      codes === undefined ? '' : `<Properties><Property name="success.codes">${codes}</Property></Properties>`
    const { outcome, exchange } = await run(RESPONSE + connection(URL, properties), { answer: { status, body: 'why' } })
    if (reason === null) expect(outcome).toBeUndefined()
    else expect(outcome).toMatchObject(failed(reason))
    // Fault rules read it, so it is there in both cases.
    expect(exchange.get('answer')).toMatchObject({ status, content: 'why' })
    expect(exchange.get('servicecallout.SC.failed')).toBe(reason !== null)
  })

  test.each([
    ['unreachable', 'Host not reachable'],
    ['url', 'Host not reachable'],
    ['timeout', 'timed out'],
    ['broken', 'Unexpected EOF at target'],
    ['tls', 'SSL Handshake failed why'],
    ['too-big', 'why'],
  ] as const)('%s: the variable stays unset and the policy fails', async (kind, reason) => {
    const { outcome, exchange } = await run(RESPONSE + connection(), { answer: new OutboundError(kind, 'why') })
    expect(outcome).toMatchObject(failed(reason))
    expect(exchange.has('answer')).toBe(false)
    expect(exchange.get('servicecallout.SC.failed')).toBe(true)
  })

  test('enabled="false": nothing is sent, and its mistakes show all the same', async () => {
    const off = (inside: string): string => `<ServiceCallout name="SC" enabled="false">${inside}</ServiceCallout>`
    const { outcome, requests } = await run([off(RESPONSE + connection())])
    expect([outcome, requests]).toEqual([undefined, []])
    expect((await run([off('')])).problems.map(({ code }) => code)).toEqual(['ConnectionInfoMissing'])
  })

  test('continueOnError goes on, with the failure in the variables', async () => {
    const xml = `<ServiceCallout name="SC" continueOnError="true">${RESPONSE}${connection()}</ServiceCallout>`
    const { outcome, exchange } = await run([xml], { answer: { status: 404 } })
    expect(outcome).toBeUndefined()
    expect(exchange.get('servicecallout.SC.failed')).toBe(true)
    expect(exchange.get('fault.name')).toBe('ExecutionFailed')
    expect(exchange.get('answer')).toMatchObject({ status: 404 })
  })
})

describe('without <Response>', () => {
  function pending() {
    const resolvers: ((answer: OutboundAnswer | OutboundError) => void)[] = []
    const call = (): Promise<OutboundAnswer | OutboundError> => new Promise((resolve) => resolvers.push(resolve))
    return { outbound: { call }, resolvers }
  }

  test('the flow goes on at once, and errors are invisible', async () => {
    const { outbound, resolvers } = pending()
    const { outcome, exchange } = await runPolicy(serviceCallout, policy(connection()), { outbound })
    expect(outcome).toBeUndefined()
    expect(resolvers).toHaveLength(1)
    resolvers[0]!(new OutboundError('unreachable', 'down'))
    await Promise.resolve()
    expect(exchange.has('servicecallout.SC.failed')).toBe(false)
  })

  test('what is sent is what the message held then', async () => {
    const set = '<Request variable="mine" clearPayload="false"/>'
    const change =
      '<AssignMessage name="AM"><AssignTo>mine</AssignTo><Set><Headers><Header name="A">2</Header></Headers></Set></AssignMessage>'
    const { requests } = await run([policy(set + connection()), change], {
      variables: { mine: messageOf('request', { headers: { A: '1' } }) },
    })
    expect(only(requests).headers).toEqual(['A', '1'])
  })

  test('a thousand may be in flight; one more is not made, which its variable says', async () => {
    const { outbound, resolvers } = pending()
    const first = await runPolicy(serviceCallout, policy(connection()), { outbound })
    for (let i = 1; i < 1000; i++) await first.again()
    expect(first.exchange.has('servicecallout.SC.failed')).toBe(false)
    await first.again()
    expect(resolvers).toHaveLength(1000)
    expect(first.exchange.get('servicecallout.SC.failed')).toBe(true)
    resolvers[0]!(new OutboundError('timeout', ''))
    await Promise.resolve()
    await first.again()
    expect(resolvers).toHaveLength(1001)
  })
})

describe('deployment', () => {
  const http = connection()
  test.each([
    [
      '',
      'ConnectionInfoMissing: a ServiceCallout needs <HTTPTargetConnection> with a <URL>, or <LocalTargetConnection>',
    ],
    ['<LocalTargetConnection><APIProxy/></LocalTargetConnection>', 'ConnectionInfoMissing'],
    ['<HTTPTargetConnection/>', 'URLMissing'],
    ['<HTTPTargetConnection><URL> </URL></HTTPTargetConnection>', 'URLMissing'],
    [connection('{protocol}://up.test'), 'InvalidURL'],
    [
      '<HTTPTargetConnection><LoadBalancer><Server name="a"/></LoadBalancer></HTTPTargetConnection>',
      'TargetServerNotFound',
    ],
    [connection(URL, '<LoadBalancer><Server name="a"/></LoadBalancer>'), 'ConnectionConflict'],
    [
      connection('https://up.test', '<SSLInfo><Enabled>true</Enabled><KeyStore>ref://k</KeyStore></SSLInfo>'),
      'ReferenceMissing',
    ],
    [
      '<LocalTargetConnection><Path>no-slash</Path></LocalTargetConnection>',
      'InvalidURL: a <Path> begins with a slash',
    ],
    [
      `${http}<LocalTargetConnection><Path>/a</Path></LocalTargetConnection>`,
      'ConnectionConflict: <LocalTargetConnection> together with',
    ],
    [
      '<LocalTargetConnection><APIProxy>a</APIProxy><Path>/a</Path></LocalTargetConnection>',
      'ConnectionConflict: <APIProxy> together',
    ],
    [`${http}<Response>a b</Response>`, 'InvalidVariableName'],
    ...['{t}', '0', '-1', '1.5', '1e3', '99999999999', '3s'].map((t) => [
      `${http}<Timeout>${t}</Timeout>`,
      'InvalidTimeoutValue: Timeout must be milliseconds',
    ]),
  ] as [string, string][])('%s is an error', async (body, expected) => {
    const { problems, problemLines } = await run(body)
    const errors = problemLines.filter((_, i) => problems[i]!.severity === 'error')
    expect(errors.join('\n')).toContain(`error: ${expected}`)
  })

  test.each([
    ['<Request variable="request"/>', "ClientRequestSent: the client's own headers"],
    ['<Request><Copy source="request"><Headers/></Copy></Request>', 'ClientRequestSent: all headers of the client'],
    ['<Timeout>1</Timeout><Timeout>2</Timeout>', 'DuplicateElement: a second <Timeout> has no effect'],
    ['<Response variable="a"/>', 'UnknownAttribute: <Response> has no attribute variable'],
    [
      '<Respons>a</Respons>',
      'UnknownElement: <Respons> is not known in ServiceCallout and has no effect (did you mean Response?)',
    ],
    [
      '<Request><AssignVariable><Name>a</Name><Value>1</Value></AssignVariable></Request>',
      'MisplacedElement: <AssignVariable>',
    ],
  ])('%s is a warning', async (body, expected) => {
    const { problemLines } = await run(body + http)
    expect(problemLines).toHaveLength(1)
    expect(problemLines[0]).toContain(`warning: ${expected}`)
  })

  test('all mistakes show at once, each with its place', async () => {
    const { problems } = await run('\n<Timeout>0</Timeout>\n<Response>a b</Response>\n<HTTPTargetConnection/>')
    expect(problems.map(({ code, at }) => [code, at.file, at.line])).toEqual([
      ['InvalidVariableName', 'apiproxy/policies/p0.xml', 3],
      ['InvalidTimeoutValue', 'apiproxy/policies/p0.xml', 2],
      ['URLMissing', 'apiproxy/policies/p0.xml', 4],
    ])
  })

  test("every element of the page's syntax block, empty, has no problems", async () => {
    const { problemLines, requests } = await run(
      `<DisplayName>label</DisplayName><Properties/>
       <Request clearPayload="true" variable="mine">
         <IgnoreUnresolvedVariables>false</IgnoreUnresolvedVariables>
         <Remove><ReasonPhrase/><StatusCode/><Path/><Version/><Verb/></Remove>
         <Copy><ReasonPhrase/><StatusCode/><Path/><Version/><Verb/></Copy>
         <Add><Headers/><QueryParams/><FormParams/></Add>
         <Set><Headers/><QueryParams/><FormParams/><Payload/><ReasonPhrase/><StatusCode/><Path/><Version/><Verb/></Set>
       </Request>
       <Response>answer</Response><Timeout>30000</Timeout>
       <HTTPTargetConnection><URL>http://example.com</URL><LoadBalancer/><SSLInfo/><Properties/></HTTPTargetConnection>
       <LocalTargetConnection><APIProxy/><ProxyEndpoint/><Path/></LocalTargetConnection>`,
      { variables: { mine: messageOf('request', {}) } },
    )
    expect(problemLines).toEqual([])
    expect(only(requests).timeoutMs).toBe(30_000)
  })

  test('a fault carries the name of the policy', async () => {
    const { outcome } = await run([policy(RESPONSE + http, 'SC-GetMockResponse')], { answer: { status: 404 } })
    expect(outcome).toBeInstanceOf(Fault)
    expect((outcome as Fault).text).toBe(
      'Execution of ServiceCallout SC-GetMockResponse failed. Reason: ResponseCode 404 is treated as error',
    )
  })
})
