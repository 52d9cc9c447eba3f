import { beforeAll, describe, expect, test } from 'vitest'
import { CLIENT, engineServices } from '../../../test/kit/engine.ts'
import { prepareXml } from '../../core/xml-document.ts'
import { readBundle } from '../../dialects/apigee/index.ts'
import { readSharedFlow } from '../../dialects/apigee/shared-flow.ts'
import { defaultSettings } from '../../model/deployment.ts'
import { type EnvironmentEntities, type MaskConfig, noEntities, noMask } from '../../model/entities.ts'
import type { StepPoint, TracedCall, TracePoint } from '../../model/traced-call.ts'
import { POLICY_KINDS } from '../../policies/index.ts'
import { compileProxy } from '../compile.ts'
import { Fault } from '../fault.ts'
import { takeFaultPath } from '../fault-path.ts'
import { Masker } from '../masking.ts'
import { Message } from '../message.ts'
import { run } from '../runner.ts'
import { CallRecorder, RAW_CHARS_MAX } from './call-recorder.ts'
import { recording } from './index.ts'
import { maskedCall } from './masked-call.ts'
import { TracedExchange } from './traced-exchange.ts'

// Runs the request flow of a proxy (and its fault path) with a recording plan; what the gateway adds is tested with it.

interface Asked {
  readonly uri?: string
  readonly headers?: readonly string[]
  readonly body?: string
  readonly masks?: Partial<MaskConfig>
  readonly answer?: string
  readonly entities?: Partial<EnvironmentEntities>
}

const ANSWER = { status: 200, reason: 'OK', headers: ['Content-Type', 'application/json'] }

async function traced(proxy: string, policies: readonly string[], asked: Asked = {}): Promise<TracedCall> {
  const files = new Map<string, string>([
    ['apiproxy/p.xml', '<APIProxy name="p"/>'],
    ...policies.map((xml, i) => [`apiproxy/policies/${i}.xml`, xml] as const),
    [
      'apiproxy/proxies/default.xml',
      `<ProxyEndpoint name="default">${proxy}<HTTPProxyConnection><BasePath>/p</BasePath></HTTPProxyConnection>
       <RouteRule name="none"/></ProxyEndpoint>`,
    ],
  ])
  const read = readBundle(files, POLICY_KINDS)
  if (read.proxy === null) throw new Error(JSON.stringify(read.problems))
  const services = engineServices({ ...ANSWER, body: Buffer.from(asked.answer ?? '{"ok":true}') })
  const deployed = { proxy: read.proxy, serviceId: null, throttle: null }
  const settings = { ...defaultSettings, entities: { ...noEntities, ...asked.entities } }
  const { plan, problems } = compileProxy(deployed, settings, POLICY_KINDS, services, recording)
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(JSON.stringify(errors))
  const endpoint = plan.endpoints[0]!
  const request = Message.streaming('request', asked.headers ?? ['Host', 'h'], null)
  request.uri = asked.uri ?? '/p'
  if (asked.body !== undefined) request.body.set(Buffer.from(asked.body))
  const recorder = new CallRecorder(RAW_CHARS_MAX, performance.now())
  const x = new TracedExchange(recorder, 'id', endpoint, CLIENT, request, '/p', '', 1, 0, performance.now())
  const outcome = await run(endpoint.request ?? [], x)
  if (outcome instanceof Fault) await takeFaultPath(x, outcome)
  const masker = new Masker(asked.masks === undefined ? [] : [{ ...noMask, ...asked.masks }], 'p')
  return maskedCall(x, recorder, masker, { status: x.error?.status ?? 200, totalMs: 1 })
}

const step = (name: string, condition = ''): string =>
  `<Step><Name>${name}</Name>${condition === '' ? '' : `<Condition>${condition}</Condition>`}</Step>`
const preFlow = (...steps: string[]): string => `<PreFlow><Request>${steps.join('')}</Request></PreFlow>`
const assign = (name: string, variable: string, value: string): string =>
  `<AssignMessage name="${name}"><AssignVariable><Name>${variable}</Name><Value>${value}</Value></AssignVariable></AssignMessage>`

const stepsOf = (call: TracedCall): StepPoint[] => call.points.filter((point) => point.kind === 'step')
const ofKind = <K extends TracePoint['kind']>(call: TracedCall, kind: K): Extract<TracePoint, { kind: K }>[] =>
  call.points.filter((point) => point.kind === kind) as Extract<TracePoint, { kind: K }>[]

beforeAll(() => prepareXml())

describe('what a recording plan tells', () => {
  test('steps in their order, with what they read and wrote', async () => {
    const call = await traced(preFlow(step('A'), step('B')), [
      assign('A', 'color', 'blue'),
      '<AssignMessage name="B"><AssignVariable><Name>shade</Name><Ref>color</Ref></AssignVariable></AssignMessage>',
    ])
    const [a, b] = stepsOf(call)
    expect(stepsOf(call)).toHaveLength(2)
    expect(a).toMatchObject({ name: 'A', type: 'AssignMessage', outcome: 'done', side: 'request', depth: 0 })
    expect(a!.accesses).toEqual([{ do: 'set', name: 'color', value: 'blue', success: true }])
    expect(b!.accesses).toEqual([
      { do: 'get', name: 'color', value: 'blue', success: true },
      { do: 'set', name: 'shade', value: 'blue', success: true },
    ])
    expect(b!.atMs).toBeGreaterThanOrEqual(a!.atMs + a!.tookMs)
  })

  test('a step whose condition does not hold is there, with what the condition read', async () => {
    const call = await traced(preFlow(step('A', 'request.verb = "POST"')), [assign('A', 'a', '1')])
    expect(stepsOf(call)).toMatchObject([
      {
        name: 'A',
        outcome: 'skipped',
        condition: {
          expression: '(request.verb equals "POST")',
          result: false,
          accesses: [{ do: 'get', name: 'request.verb', value: 'GET', success: true }],
        },
        accesses: [],
      },
    ])
  })

  test('a policy that is switched off is there too', async () => {
    const call = await traced(preFlow(step('A')), [
      '<AssignMessage name="A" enabled="false"><Set><Payload>x</Payload></Set></AssignMessage>',
    ])
    expect(stepsOf(call)).toMatchObject([{ name: 'A', enabled: false, outcome: 'disabled' }])
  })

  test('the conditions of flows up to the one that is taken, and its name', async () => {
    const flow = (name: string, path: string): string =>
      `<Flow name="${name}"><Request>${step('A')}</Request><Condition>proxy.pathsuffix MatchesPath "${path}"</Condition></Flow>`
    const call = await traced(`<Flows>${flow('one', '/one')}${flow('two', '')}${flow('three', '/three')}</Flows>`, [
      assign('A', 'a', '1'),
    ])
    expect(ofKind(call, 'condition').map(({ tree, of, condition }) => [tree, of, condition.result])).toEqual([
      ['PROXY_default', 'one', false],
      ['PROXY_default', 'two', true],
    ])
    expect(ofKind(call, 'flow').at(-1)!.properties).toContainEqual(['proxy.flow.name', 'two'])
  })

  test('messages before and after, and what became of their parts', async () => {
    const call = await traced(
      preFlow(step('A'), step('B')),
      [
        `<AssignMessage name="A"><Set><Headers><Header name="X-New">n</Header></Headers><Verb>PUT</Verb></Set>
         <Remove><Headers><Header name="X-Old"/></Headers></Remove></AssignMessage>`,
        '<AssignMessage name="B"><Set><Payload contentType="text/plain">whole new</Payload></Set></AssignMessage>',
      ],
      { headers: ['Host', 'h', 'X-Old', 'o'], body: 'before' },
    )
    const [a, b] = stepsOf(call)
    const message = (at: number | null) => call.messages[at!]!
    expect(message(a!.before.request)).toMatchObject({
      verb: 'GET',
      headers: [
        ['Host', 'h'],
        ['X-Old', 'o'],
      ],
    })
    expect(message(a!.after.request)).toMatchObject({ verb: 'PUT', content: 'before' })
    expect(a!.accesses).toEqual(
      expect.arrayContaining([
        { do: 'set', name: 'request.verb', value: 'PUT', success: true },
        { do: 'set', name: 'request.header.X-New', value: 'n', success: true },
        { do: 'remove', name: 'request.header.X-Old', value: null, success: true },
      ]),
    )
    expect(b!.before.request).toBe(a!.after.request)
    expect(message(b!.after.request)).toMatchObject({ content: 'whole new', contentBytes: 9, note: null })
  })

  test('a callout inside its step, with its messages; the step has waited', async () => {
    const call = await traced(preFlow(step('SC')), [
      `<ServiceCallout name="SC"><Request variable="ask"><Set><Verb>POST</Verb><Payload contentType="text/plain">hello</Payload></Set></Request>
       <Response>told</Response><HTTPTargetConnection><URL>http://h.example/x</URL></HTTPTargetConnection></ServiceCallout>`,
    ])
    const [sc] = stepsOf(call)
    expect(sc).toMatchObject({ waited: true, outcome: 'done', callouts: [{ url: 'http://h.example/x', error: null }] })
    const { request, answer } = sc!.callouts[0]!
    expect(call.messages[request]).toMatchObject({ name: 'ask', verb: 'POST', content: 'hello' })
    expect(call.messages[answer!]).toMatchObject({ name: 'told', status: 200, content: '{"ok":true}' })
    const kinds = call.points.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'paused' || kind === 'resumed')).toEqual(['paused', 'resumed'])
  })

  test('a fault, the rule that took it and the answer it made', async () => {
    const rules = `<FaultRules><FaultRule name="r">${step('A')}<Condition>fault.name = "RaiseFault"</Condition></FaultRule></FaultRules>`
    const call = await traced(rules + preFlow(step('RF')), [
      '<RaiseFault name="RF"><FaultResponse><Set><StatusCode>418</StatusCode></Set></FaultResponse></RaiseFault>',
      '<AssignMessage name="A"><Set><Payload contentType="text/plain">sorry</Payload></Set></AssignMessage>',
    ])
    const [rf, a] = stepsOf(call)
    expect(rf).toMatchObject({ name: 'RF', outcome: 'fault', fault: { name: 'RaiseFault' } })
    expect(a).toMatchObject({ name: 'A', outcome: 'done', side: 'response' })
    expect(call.messages[a!.after.error!]).toMatchObject({ name: 'error', status: 418, content: 'sorry' })
    const [error] = ofKind(call, 'error')
    expect(error).toMatchObject({ state: 'PROXY_REQ_FLOW', fault: { name: 'RaiseFault' } })
    expect(call.messages[error!.message!]).toMatchObject({ status: 418 })
    expect(call.errorCode).toBe('steps.raisefault.RaiseFault')
  })

  test('steps of a shared flow stand inside their FlowCallout, those of a flow hook beside the others', async () => {
    const flow = (name: string, policies: readonly string[], steps: string) =>
      readSharedFlow(
        new Map([
          ['sharedflowbundle/sf.xml', `<SharedFlowBundle name="${name}"/>`],
          ['sharedflowbundle/sharedflows/default.xml', `<SharedFlow name="default">${steps}</SharedFlow>`],
          ...policies.map((xml, i) => [`sharedflowbundle/policies/${i}.xml`, xml] as const),
        ]),
        POLICY_KINDS,
      ).sharedFlow!
    const call = await traced(
      preFlow(step('FC'), step('A')),
      ['<FlowCallout name="FC"><SharedFlowBundle>inner</SharedFlowBundle></FlowCallout>', assign('A', 'after', '1')],
      {
        entities: {
          sharedFlows: [
            flow('inner', [assign('In', 'inside', '1')], step('In')),
            flow('hook', [assign('Hook', 'hooked', '1')], step('Hook')),
          ],
          flowHooks: { ...noEntities.flowHooks, PreProxyFlowHook: { sharedFlow: 'hook', continueOnError: false } },
        },
      },
    )
    expect(stepsOf(call).map(({ name, depth, accesses }) => [name, depth, accesses.map((one) => one.name)])).toEqual([
      ['Hook', 0, ['hooked']],
      ['FC', 0, []],
      ['In', 1, ['inside']],
      ['A', 0, ['after']],
    ])
  })

  test('what a script reads and writes', async () => {
    const call = await traced(
      preFlow(step('JS')),
      [
        `<Javascript name="JS" timeLimit="2000"><Source>context.setVariable('seen', context.getVariable('request.queryparam.q') + '!')</Source></Javascript>`,
      ],
      { uri: '/p?q=abc' },
    )
    expect(stepsOf(call)[0]!.accesses).toEqual([
      { do: 'get', name: 'request.queryparam.q', value: 'abc', success: true },
      { do: 'set', name: 'seen', value: 'abc!', success: true },
    ])
  })

  test('a call that does more than it may keep says how much is left out', async () => {
    const names = Array.from({ length: 1_100 }, (_, i) => `V${i}`)
    const call = await traced(preFlow(...names.map(() => step('A', 'request.verb = "POST"'))), [assign('A', 'a', '1')])
    expect(call.points).toHaveLength(1_000)
    expect(call.leftOut).toBeGreaterThan(90)
  })
})

describe('masks', () => {
  const SECRET = 'tr0ub4dor'
  const POLICIES = [
    assign('P', 'private.password', SECRET),
    `<BasicAuthentication name="BA"><Operation>Encode</Operation><User ref="user"/><Password ref="private.password"/>
     <AssignTo createNew="true">request.header.Authorization</AssignTo></BasicAuthentication>`,
    assign('U', 'user', 'ada'),
    '<AssignMessage name="H"><Set><Headers><Header name="X-Copy">{private.password}</Header></Headers></Set></AssignMessage>',
  ]

  test('a private variable is hidden, and so is all that was made of it', async () => {
    const call = await traced(preFlow(step('P'), step('U'), step('BA'), step('H')), POLICIES)
    const text = JSON.stringify(call)
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain(Buffer.from(`ada:${SECRET}`).toString('base64'))
    expect(stepsOf(call)[0]!.accesses).toEqual([{ do: 'set', name: 'private.password', value: '*****', success: true }])
    expect(call.messages.at(-1)!.headers).toEqual([
      ['Host', 'h'],
      ['Authorization', 'Basic *****'],
      ['X-Copy', '*****'],
    ])
    expect(call.masked).toEqual(['private.*'])
  })

  test('the header of an unnamed callout by its default name; under another name the mask finds nothing and is reported', async () => {
    const callout = (variable: string): string =>
      `<ServiceCallout name="SC"><Request${variable}><Set><Headers><Header name="Authorization">Bearer ${SECRET}</Header></Headers></Set></Request>
       <Response>told</Response><HTTPTargetConnection><URL>http://h.example/x</URL></HTTPTargetConnection></ServiceCallout>`
    const masks = { variables: ['servicecallout.request.header.Authorization'] }
    const hidden = await traced(preFlow(step('SC')), [callout('')], { masks })
    expect(JSON.stringify(hidden)).not.toContain(SECRET)
    expect(hidden).toMatchObject({ masked: masks.variables, unmatched: [] })
    const renamed = await traced(preFlow(step('SC')), [callout(' variable="mine"')], { masks })
    expect(JSON.stringify(renamed)).toContain(SECRET)
    expect(renamed).toMatchObject({ masked: [], unmatched: masks.variables })
  })

  test('parts of documents, in messages and in the variables that hold them', async () => {
    const call = await traced(
      preFlow(step('C')),
      [
        '<AssignMessage name="C"><AssignVariable><Name>copy</Name><Ref>request.content</Ref></AssignVariable></AssignMessage>',
      ],
      { body: `{"card":"${SECRET}","name":"ada"}`, masks: { jsonPathsRequest: ['$.card', '$.none'] } },
    )
    expect(JSON.stringify(call)).not.toContain(SECRET)
    expect(JSON.parse(call.messages[0]!.content!)).toEqual({ card: '*****', name: 'ada' })
    expect(call).toMatchObject({ masked: ['$.card'], unmatched: ['$.none'] })
    const xml = await traced('', [], {
      body: `<a><pin>${SECRET}</pin></a>`,
      masks: { xPathsRequest: ['/a/pin'] },
    })
    expect(xml.messages[0]!.content).toContain('<pin>*****</pin>')
  })

  test('what is hidden in a document is hidden where it was taken to', async () => {
    const extract = (payload: string): string =>
      `<ExtractVariables name="E"><Source>request</Source>${payload}</ExtractVariables>`
    const json = await traced(
      preFlow(step('E')),
      [extract('<JSONPayload><Variable name="card"><JSONPath>$.card</JSONPath></Variable></JSONPayload>')],
      {
        headers: ['Host', 'h', 'Content-Type', 'application/json'],
        body: `{"card":"${SECRET}"}`,
        masks: { jsonPathsRequest: ['$.card'] },
      },
    )
    expect(stepsOf(json)[0]!.accesses).toContainEqual({ do: 'set', name: 'card', value: '*****', success: true })
    expect(JSON.stringify(json)).not.toContain(SECRET)
    const xml = await traced(
      preFlow(step('E')),
      [extract('<XMLPayload><Variable name="pin" type="string"><XPath>/a/pin</XPath></Variable></XMLPayload>')],
      {
        headers: ['Host', 'h', 'Content-Type', 'text/xml'],
        body: `<a><pin>${SECRET}</pin></a>`,
        masks: { xPathsRequest: ['/a/pin'] },
      },
    )
    expect(stepsOf(xml)[0]!.accesses).toContainEqual({ do: 'set', name: 'pin', value: '*****', success: true })
    expect(JSON.stringify(xml)).not.toContain(SECRET)
  })

  test('query and form parameters, in addresses too', async () => {
    const call = await traced(preFlow(step('A', 'request.querystring != "x"')), [assign('A', 'a', '1')], {
      uri: '/p?pin=1234&b=2',
      headers: ['Host', 'h', 'Content-Type', 'application/x-www-form-urlencoded'],
      body: 'word=abc&x=y',
      masks: { variables: ['request.queryparam.pin', 'request.formparam.word'] },
    })
    expect(call.uri).toBe('/p?pin=*****&b=2')
    expect(call.messages[0]!.content).toBe('word=*****&x=y')
    expect(stepsOf(call)[0]!.condition!.accesses[0]!.value).toBe('pin=*****&b=2')
  })

  test('a short value that is hidden under one name is hidden as the whole of another', async () => {
    const call = await traced(
      preFlow(step('H')),
      [
        '<AssignMessage name="H"><Set><Headers><Header name="X-Copy">{request.header.pin}</Header></Headers></Set></AssignMessage>',
      ],
      { headers: ['Host', 'h', 'Pin', '1234'], masks: { variables: ['request.header.pin'] } },
    )
    expect(JSON.stringify(call)).not.toContain('1234')
  })

  test('content that is no document is hidden whole where masks look into documents, in variables too', async () => {
    const call = await traced(
      preFlow(step('C')),
      [
        '<AssignMessage name="C"><AssignVariable><Name>copy</Name><Ref>request.content</Ref></AssignVariable></AssignMessage>',
      ],
      { body: 'password=abc', masks: { jsonPathsRequest: ['$.password'] } },
    )
    expect(call.messages[0]!.content).toBe('*****')
    expect(stepsOf(call)[0]!.accesses).toEqual([
      { do: 'get', name: 'request.content', value: '*****', success: true },
      { do: 'set', name: 'copy', value: '*****', success: true },
    ])
  })

  test('large bodies and values are cut', async () => {
    const call = await traced(
      preFlow(step('A')),
      [
        '<AssignMessage name="A"><AssignVariable><Name>copy</Name><Ref>request.content</Ref></AssignVariable></AssignMessage>',
      ],
      { body: 'x'.repeat(100_000) },
    )
    expect(call.messages[0]).toMatchObject({ contentBytes: 100_000, note: 'the first 16384 characters' })
    expect(call.messages[0]!.content).toHaveLength(16_384)
    expect(stepsOf(call)[0]!.accesses[0]!.value!.length).toBeLessThan(4_200)
  })
})
