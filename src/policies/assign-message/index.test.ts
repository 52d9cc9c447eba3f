import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { Message } from '../../engine/message.ts'
import { messageOf, type RunOptions, runPolicy } from '../test-kit.ts'
import assignMessage from './index.ts'

const policy = (body: string): string => `<AssignMessage name="AM">${body}</AssignMessage>`
const run = (body: string, options: RunOptions = {}) => runPolicy(assignMessage, policy(body), options)

/** What a test looks at: everything of a message that a policy can write. */
function seen(message: unknown): object {
  if (!(message instanceof Message)) throw new Error(`no message: ${String(message)}`)
  const { headers, content } = message
  const common = { headers: [...headers.raw], content }
  if (message.kind === 'response') return { ...common, status: message.status, reason: message.reason }
  return { ...common, verb: message.verb, uri: message.uri }
}

const CLIENT = {
  request: {
    verb: 'POST',
    uri: '/test/a?w=1&w=2&u=c',
    headers: { 'Content-Type': 'application/json', 'X-Many': 'one, two, three', Accept: '*/*' },
    content: '{"a":1}',
  },
}

describe('which message', () => {
  test.each([
    ['without AssignTo: that of the segment', '', 'proxy-request', 'request'],
    ['the type does not matter then', '<AssignTo createNew="false" type="response"/>', 'target-request', 'request'],
    ['on the way out the response', '<AssignTo type="request"/>', 'proxy-response', 'response'],
    ['a named one', '<AssignTo>request</AssignTo>', 'proxy-response', 'request'],
  ] as const)('%s', async (_, assignTo, phase, expected) => {
    const { exchange } = await run(`${assignTo}<Set><Headers><Header name="X">1</Header></Headers></Set>`, {
      phase,
      response: {},
    })
    expect(exchange.request.headers.get('x')).toBe(expected === 'request' ? '1' : undefined)
    expect(exchange.response?.headers.get('x')).toBe(expected === 'response' ? '1' : undefined)
  })

  test('in a fault flow it is the error', async () => {
    const fault = new Fault('a.B', 500, 'broken', 'policy')
    const { exchange } = await run('<AssignTo type="request"/><Set><StatusCode>911</StatusCode></Set>', { fault })
    expect(exchange.error?.status).toBe(911)
    expect(exchange.request.headers.raw).toEqual([])
  })

  test('createNew makes one, of the given type and with nothing in it', async () => {
    const { exchange } = await run(
      '<AssignTo createNew="true" type="request">mine</AssignTo><Set><Verb>PUT</Verb><Path>/p</Path></Set>',
      { ...CLIENT, variables: { mine: messageOf('request', { headers: { Old: '1' }, content: 'old' }) } },
    )
    expect(seen(exchange.get('mine'))).toEqual({ headers: [], content: '', verb: 'PUT', uri: '/p' })
  })

  test('createNew without a name replaces the message of the segment, and Copy still finds the old one', async () => {
    const { exchange } = await run(
      `<AssignTo createNew="true" type="request"/>
       <Copy source="request"><Headers><Header name="Accept"/></Headers><Verb>true</Verb></Copy>
       <AssignVariable><Name>request.header.B</Name><Value>2</Value></AssignVariable>`,
      CLIENT,
    )
    expect(seen(exchange.request)).toEqual({
      headers: ['Accept', '*/*', 'B', '2'],
      content: '',
      verb: 'POST',
      uri: '/test/a',
    })
  })

  test('a fault leaves the old message in place', async () => {
    const old = messageOf('request', { headers: { Old: '1' } })
    const { exchange, outcome } = await run(
      '<AssignTo createNew="true" type="request">mine</AssignTo><Set><Path>{none}</Path></Set>',
      { variables: { mine: old } },
    )
    expect(outcome).toMatchObject({ code: 'entities.UnresolvedVariable', text: 'Unresolved variable : none' })
    expect(exchange.get('mine')).toBe(old)
  })

  test('a named one that is not there is made where its type is given', async () => {
    const set = '<Set><StatusCode>201</StatusCode></Set>'
    const made = await run(`<AssignTo type="response">mine</AssignTo>${set}`)
    expect(seen(made.exchange.get('mine'))).toMatchObject({ status: 201, reason: 'Created' })
    const { outcome } = await run(`<AssignTo>mine</AssignTo>${set}`)
    expect(outcome).toMatchObject({
      code: 'steps.assignmessage.UnresolvedVariable',
      text: 'AssignMessage[AM]: unable to resolve variable mine',
    })
  })

  test('a variable that holds no message is a fault', async () => {
    const { outcome } = await run('<AssignTo>mine</AssignTo><Set><Verb>PUT</Verb></Set>', {
      variables: { mine: 'text' },
    })
    expect(outcome).toMatchObject({
      code: 'steps.assignmessage.VariableOfNonMsgType',
      status: 500,
      text: 'AssignMessage[AM]: value of variable mine is not of type Message',
    })
  })

  test('a message that was sent with clearPayload counts as new once it is written to', async () => {
    const mine = messageOf('request', {})
    mine.spent = true
    await run('<AssignTo>mine</AssignTo><Set><Verb>PUT</Verb></Set>', { variables: { mine } })
    expect(mine.spent).toBe(false)
  })
})

describe('Set and Add', () => {
  const cases: [name: string, blocks: string, expected: object][] = [
    [
      'headers are replaced or added; two of one name are two values',
      `<Set><Headers><Header name="accept">text/{v}</Header><Header name="N">1</Header><Header name="n">2</Header></Headers></Set>
       <Add><Headers><Header name="Accept">also</Header></Headers></Add>`,
      {
        headers: [
          'Content-Type',
          'application/json',
          'X-Many',
          'one, two, three',
          'Accept',
          'text/V',
          'N',
          '1',
          'n',
          '2',
          'Accept',
          'also',
        ],
      },
    ],
    [
      'an index names one of several values',
      `<Set><Headers><Header name="X-Many.2">TWO</Header></Headers>
       <QueryParams><QueryParam name="w.2">9</QueryParam></QueryParams></Set>`,
      {
        headers: ['Content-Type', 'application/json', 'X-Many', 'one, TWO, three', 'Accept', '*/*'],
        uri: '/test/a?w=1&w=9&u=c',
      },
    ],
    [
      'query parameters are encoded',
      `<Set><QueryParams><QueryParam name="u">{v} &amp; é</QueryParam></QueryParams></Set>
       <Add><QueryParams><QueryParam name="w">3</QueryParam></QueryParams></Add>`,
      { uri: '/test/a?w=1&w=2&u=V%20%26%20%C3%A9&w=3' },
    ],
    [
      'form parameters leave a content of another type alone',
      '<Set><FormParams><FormParam name="a">1</FormParam></FormParams></Set>',
      {
        content: '{"a":1}',
      },
    ],
    [
      'Payload is taken to the letter',
      '<Set><Payload contentType="text/plain">\n a {v} {"b": {v}}</Payload></Set>',
      {
        content: '\n a V {"b": V}',
        headers: ['Content-Type', 'text/plain', 'X-Many', 'one, two, three', 'Accept', '*/*'],
      },
    ],
    [
      'elements in a Payload stay markup',
      '<Set><Payload><a b="1">{v}</a></Payload></Set>',
      { content: '<a b="1">V</a>' },
    ],
    [
      'other delimiters',
      '<Set><Payload variablePrefix="@" variableSuffix="#">{"v": "@v#"}</Payload></Set>',
      {
        content: '{"v": "V"}',
      },
    ],
    ['an escaped brace is a brace', '<Set><Payload>\\{"v": 1}</Payload></Set>', { content: '{"v": 1}' }],
    [
      'Verb and Version; empty ones count as absent',
      '<Set><Verb> PATCH </Verb><Path/><Payload/><QueryParams/></Set>',
      {
        verb: 'PATCH',
        content: '{"a":1}',
        uri: '/test/a?w=1&w=2&u=c',
      },
    ],
    [
      'Path has no effect on the request of the client',
      '<Set><Path>/other</Path></Set>',
      { uri: '/test/a?w=1&w=2&u=c' },
    ],
    [
      'blocks act in document order',
      '<Set><Verb>A</Verb></Set><Remove><Verb>true</Verb></Remove><Set><Version>2</Version></Set>',
      {
        verb: 'GET',
      },
    ],
  ]
  test.each(cases)('%s', async (_, blocks, expected) => {
    const { exchange, outcome, problemLines } = await run(blocks, { ...CLIENT, variables: { v: 'V' } })
    expect(problemLines).toEqual([])
    expect(outcome).toBeUndefined()
    expect(seen(exchange.request)).toMatchObject(expected)
  })

  test('form parameters make the content of a new request', async () => {
    const { exchange } = await run(
      `<AssignTo createNew="true" type="request">mine</AssignTo>
       <Set><FormParams><FormParam name="a">{v}&amp;=</FormParam><FormParam name="a">2</FormParam></FormParams><Verb>POST</Verb></Set>
       <Add><FormParams><FormParam name="b">3</FormParam></FormParams></Add>`,
      { variables: { v: 'V' } },
    )
    expect(seen(exchange.get('mine'))).toEqual({
      headers: ['Content-Type', 'application/x-www-form-urlencoded'],
      content: 'a=V%26%3D&a=2&b=3',
      verb: 'POST',
      uri: '',
    })
  })

  test('status and reason of a response; the reason follows a status that is set alone', async () => {
    const { exchange } = await run('<Set><StatusCode>{s}</StatusCode></Set>', {
      phase: 'proxy-response',
      response: { status: 200 },
      variables: { s: '404' },
    })
    expect(seen(exchange.response)).toMatchObject({ status: 404, reason: 'Not Found' })
  })

  test('parts of the other kind are left alone', async () => {
    const { exchange } = await run('<Set><Verb>PUT</Verb><Path>/x</Path></Set>', {
      phase: 'proxy-response',
      response: {},
    })
    expect(seen(exchange.response)).toEqual({ headers: [], content: '', status: 200, reason: 'OK' })
  })

  test('a new payload takes the Content-Encoding of the old one away', async () => {
    const { exchange } = await run('<Set><Payload>plain</Payload></Set>', {
      request: { headers: { 'Content-Encoding': 'gzip' } },
    })
    expect(seen(exchange.request)).toMatchObject({ headers: [], content: 'plain' })
  })

  test('a header value can neither end its line nor leave latin1', async () => {
    const { exchange } = await run(
      '<Set><Headers><Header name="A">{v}</Header><Header name="B">東</Header></Headers></Set>',
      {
        variables: { v: 'x\r\nSet-Cookie: a=1' },
      },
    )
    expect(exchange.request.headers.raw).toEqual(['A', 'x Set-Cookie: a=1', 'B', Buffer.from('東').toString('latin1')])
  })

  test.each([
    [
      'StatusCode',
      '<StatusCode>{v}</StatusCode>',
      'AssignMessage[AM]: failed to set variable StatusCode: "abc d" is no status',
    ],
    ['Verb', '<Verb>{v}</Verb>', 'AssignMessage[AM]: failed to set variable Verb: "abc d" is not a verb'],
  ])('%s that cannot be is SetVariableFailed', async (part, set, text) => {
    const phase = part === 'Verb' ? 'proxy-request' : 'proxy-response'
    const { outcome } = await run(`<Set>${set}</Set>`, { phase, response: {}, variables: { v: 'abc d' } })
    expect(outcome).toMatchObject({ code: 'steps.assignmessage.SetVariableFailed', status: 500, text })
  })

  test('an unresolved variable is a fault, or nothing where they are ignored', async () => {
    const set = '<Set><Headers><Header name="A">[{none}]</Header></Headers></Set>'
    expect((await run(set)).outcome).toMatchObject({ code: 'entities.UnresolvedVariable' })
    const { exchange } = await run(`<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>${set}`)
    expect(exchange.request.headers.get('a')).toBe('[]')
  })
})

describe('Remove', () => {
  test.each([
    ['all headers', '<Headers/>', { headers: [] }],
    [
      'one header',
      '<Headers><Header name="x-MANY"/></Headers>',
      { headers: ['Content-Type', 'application/json', 'Accept', '*/*'] },
    ],
    [
      'values of a header by index, as they were',
      '<Headers><Header name="X-Many.1"/><Header name="X-Many.2"/></Headers>',
      { headers: ['Content-Type', 'application/json', 'X-Many', 'three', 'Accept', '*/*'] },
    ],
    ['all query parameters', '<QueryParams/>', { uri: '/test/a' }],
    ['one value of a parameter', '<QueryParams><QueryParam name="w.1"/></QueryParams>', { uri: '/test/a?w=2&u=c' }],
    ['the payload', '<Payload>true</Payload>', { content: '' }],
    [
      'not what is false or empty',
      '<Payload>false</Payload><Verb/><Path/><Headers>false</Headers>',
      { content: '{"a":1}', verb: 'POST' },
    ],
  ])('%s', async (_, children, expected) => {
    const { exchange, problemLines } = await run(`<Remove>${children}</Remove>`, CLIENT)
    expect(problemLines).toEqual([])
    expect(seen(exchange.request)).toMatchObject(expected)
  })

  test('form parameters', async () => {
    const { exchange } = await run('<Remove><FormParams><FormParam name="b"/></FormParams></Remove>', {
      request: { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, content: 'a=1&b=2&c=%33' },
    })
    expect(exchange.request.content).toBe('a=1&c=%33')
  })
})

describe('Copy', () => {
  const NEW = '<AssignTo createNew="true" type="request">mine</AssignTo>'
  test.each([
    [
      'all headers',
      '<Headers/>',
      { headers: ['Content-Type', 'application/json', 'X-Many', 'one, two, three', 'Accept', '*/*'] },
    ],
    [
      'named ones, and values by index',
      '<Headers><Header name="accept"/><Header name="x-many.3"/><Header name="No"/></Headers>',
      {
        headers: ['accept', '*/*', 'x-many', 'three'],
      },
    ],
    ['query parameters', '<QueryParams><QueryParam name="w"/></QueryParams>', { uri: '?w=1&w=2' }],
    ['a value of one', '<QueryParams><QueryParam name="w.2"/></QueryParams>', { uri: '?w=2' }],
    [
      'the payload, verb, path',
      '<Payload>true</Payload><Verb>true</Verb><Path>true</Path>',
      {
        content: '{"a":1}',
        verb: 'POST',
        uri: '/test/a',
      },
    ],
    [
      'not what is false or empty',
      '<Payload/><Verb>false</Verb><QueryParams>false</QueryParams>',
      { content: '', verb: 'GET', uri: '' },
    ],
    ['no status from a request', '<StatusCode>true</StatusCode><ReasonPhrase>true</ReasonPhrase>', { verb: 'GET' }],
  ])('%s', async (_, children, expected) => {
    for (const source of [' source="request"', '']) {
      const { exchange, problemLines } = await run(`${NEW}<Copy${source}>${children}</Copy>`, CLIENT)
      expect(problemLines).toEqual([])
      expect(seen(exchange.get('mine'))).toMatchObject(expected)
    }
  })

  test('with a source and without children it copies all', async () => {
    const { exchange } = await run(`${NEW}<Copy source="request"/>`, CLIENT)
    expect(seen(exchange.get('mine'))).toEqual(seen(exchange.request))
    ;(exchange.get('mine') as Message).headers.set('Accept', 'changed')
    expect(exchange.request.headers.get('accept')).toBe('*/*')
  })

  test('a source that is not there or no message is a fault, unless unresolved ones are ignored', async () => {
    const copy = '<Copy source="v"><Headers/></Copy>'
    expect((await run(copy)).outcome).toMatchObject({ code: 'steps.assignmessage.UnresolvedVariable' })
    expect((await run(copy, { variables: { v: 1 } })).outcome).toMatchObject({
      text: 'AssignMessage[AM]: value of variable v is not of type Message',
    })
    expect((await run(`<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>${copy}`)).outcome).toBeUndefined()
  })

  test('replaces headers of the same name and keeps the others', async () => {
    const mine = messageOf('request', { headers: { Accept: 'old', Kept: '1' } })
    await run('<AssignTo>mine</AssignTo><Copy source="request"><Headers/></Copy>', { ...CLIENT, variables: { mine } })
    expect(mine.headers.raw).toEqual([
      'Accept',
      '*/*',
      'Kept',
      '1',
      'Content-Type',
      'application/json',
      'X-Many',
      'one, two, three',
    ])
  })
})

describe('deployment', () => {
  test.each([
    ['<Remove><Headers><Header name="a.0"/></Headers></Remove>', 'error: InvalidIndex: the index in a.0 counts from 1'],
    [
      '<Copy source="request"><QueryParams><QueryParam name="q.-1"/></QueryParams></Copy>',
      'error: InvalidIndex: the index in q.-1',
    ],
    [
      '<AssignVariable><Value>1</Value></AssignVariable>',
      'error: InvalidVariableName: <AssignVariable> needs the name',
    ],
    [
      '<Set><Payload variablePrefix="@@">x</Payload></Set>',
      'error: InvalidPayload: variablePrefix must be one character',
    ],
    ['<Set><StatusCode>20</StatusCode></Set>', 'error: InvalidStatusCode: 20 is no status'],
    ['<Set><Headers><Header>x</Header></Headers></Set>', 'error: MissingName: a <Header> needs the attribute name'],
    [
      '<Set><Headers><Header name="a b">x</Header></Headers></Set>',
      'error: InvalidHeaderName: "a b" is not a header name',
    ],
    [
      '<AssignVariable><Name>a</Name><ResourceURL>jsc://b.js</ResourceURL></AssignVariable>',
      'error: NoResourceForURL: the bundle has no',
    ],
    ['<AssignTo type="error"/>', 'warning: InvalidType: type of AssignTo must be request or response, not error'],
    [
      '<Add><Header name="A">1</Header></Add>',
      'warning: UnknownElement: <Header> is not known in Add and has no effect (did you mean Headers?)',
    ],
    ['<Ad/>', 'warning: UnknownElement: <Ad> is not known in AssignMessage and has no effect (did you mean Add?)'],
    ['<Remove/>', 'warning: EmptyElement: <Remove> without children removes nothing'],
    ['<Copy/>', 'warning: EmptyElement: <Copy> without source and without children copies nothing'],
    ['<AssignVariable><Name>a</Name></AssignVariable>', 'warning: NothingToAssign: a is set to null'],
    ['<AssignVariable><Name>a</Name><Ref>{b}</Ref></AssignVariable>', 'warning: SuspectRef: <Ref> takes the name'],
    [
      '<IgnoreUnresolvedVariables>yes</IgnoreUnresolvedVariables>',
      'warning: InvalidBoolean: IgnoreUnresolvedVariables must be',
    ],
  ])('%s', async (body, expected) => {
    const { problemLines } = await run(body)
    expect(problemLines).toHaveLength(1)
    expect(problemLines[0]).toContain(expected)
  })

  test('what the editor of Edge writes has no problems and does nothing', async () => {
    const { problemLines, outcome, exchange } = await run(
      `<DisplayName>x</DisplayName><FaultRules/><Properties/>
       <Copy source="request"><Headers/><QueryParams/><FormParams/><Payload/><Verb/><StatusCode/><ReasonPhrase/><Path/></Copy>
       <Set><Headers/><QueryParams/><FormParams/><Payload/><Verb/><Path/><StatusCode/><ReasonPhrase/></Set>
       <Add><Headers/><QueryParams/><FormParams/></Add>
       <AssignTo createNew="false" transport="http" type="request"/>`,
      CLIENT,
    )
    expect(problemLines).toEqual([])
    expect(outcome).toBeUndefined()
    expect(seen(exchange.request)).toMatchObject({ verb: 'POST', content: '{"a":1}', uri: '/test/a?w=1&w=2&u=c' })
  })
})
