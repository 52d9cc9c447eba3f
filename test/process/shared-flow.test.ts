import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, runPostern, writeFiles } from '../kit/postern.ts'

// Shared flows on the real program: called by FlowCallout, and hooked around every proxy.

const folder = mkdtempSync(join(tmpdir(), 'postern-shared-'))

/** A policy that notes where it ran in a header that goes on. */
const mark = (name: string, header: string, value: string): string =>
  `<AssignMessage name="${name}"><Add><Headers><Header name="${header}">${value}</Header></Headers></Add><IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables></AssignMessage>`

function sharedFlow(name: string, policies: Readonly<Record<string, string>>, steps = Object.keys(policies)): void {
  writeFiles(join(folder, name, 'sharedflowbundle'), {
    [`${name}.xml`]: `<SharedFlowBundle name="${name}"/>`,
    'sharedflows/default.xml': `<SharedFlow name="default">${steps.map((step) => `<Step><Name>${step}</Name></Step>`).join('')}</SharedFlow>`,
    ...Object.fromEntries(Object.entries(policies).map(([step, xml]) => [`policies/${step}.xml`, xml])),
  })
}

function proxy(name: string, backend: string, policies: Readonly<Record<string, string>>, flows: string): void {
  writeFiles(join(folder, name, 'apiproxy'), {
    [`${name}.xml`]: `<APIProxy name="${name}"/>`,
    'proxies/default.xml': `<ProxyEndpoint name="default">${flows}
      <HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection>
      <RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'targets/default.xml': `<TargetEndpoint name="default"><HTTPTargetConnection><URL>${backend}</URL></HTTPTargetConnection></TargetEndpoint>`,
    ...Object.fromEntries(Object.entries(policies).map(([step, xml]) => [`policies/${step}.xml`, xml])),
  })
}

const callout = (name: string, flow: string, parameters = ''): string =>
  `<FlowCallout name="${name}"><SharedFlowBundle>${flow}</SharedFlowBundle>${parameters}</FlowCallout>`
const preFlow = (...steps: string[]): string =>
  `<PreFlow><Request>${steps.map((step) => `<Step><Name>${step}</Name></Step>`).join('')}</Request></PreFlow>`

let backend: Backend
let postern: Postern

beforeAll(async () => {
  backend = await Backend.start((_request, response) => response.end('hello'))
  const url = backend.url
  sharedFlow('marks', {
    SF: '<AssignMessage name="SF"><Set><Headers><Header name="X-Level">{level}</Header></Headers></Set></AssignMessage>',
  })
  sharedFlow('loop', { Again: callout('Again', 'loop') })
  const again = (name: string): string =>
    callout(name, 'many').replace('<FlowCallout', '<FlowCallout continueOnError="true"')
  const names = Array.from({ length: 10 }, (_, i) => `A${i}`)
  sharedFlow('many', Object.fromEntries(names.map((name) => [name, again(name)])))
  sharedFlow('refuse', {
    Stop: '<RaiseFault name="Stop"><FaultResponse><Set><StatusCode>418</StatusCode></Set></FaultResponse></RaiseFault>',
  })
  sharedFlow('script', {
    JS: '<Javascript name="JS"><Source>context.setVariable("made", request.content.length)</Source></Javascript>',
    Show: mark('Show', 'X-Made', '{made}'),
  })
  for (const hook of ['pre-proxy', 'pre-target', 'post-target', 'post-proxy'])
    sharedFlow(hook, { Mark: mark('Mark', 'X-Trail', hook) })
  const parameters = '<Parameters><Parameter name="level" ref="request.queryparam.level">none</Parameter></Parameters>'
  proxy(
    'calls',
    url,
    { FC: callout('FC', 'marks', parameters), After: mark('After', 'X-After', '[{level}]') },
    preFlow('FC', 'After'),
  )
  proxy('loops', url, { FC: callout('FC', 'loop') }, preFlow('FC'))
  proxy('many-loops', url, { FC: callout('FC', 'many') }, preFlow('FC'))
  proxy('missing', url, { FC: callout('FC', 'nowhere') }, preFlow('FC'))
  proxy('scripts', url, { FC: callout('FC', 'script') }, preFlow('FC'))
  const rule =
    '<FaultRules><FaultRule name="r"><Condition>fault.name = "RaiseFault"</Condition><Step><Name>Seen</Name></Step></FaultRule></FaultRules>'
  proxy(
    'refused',
    url,
    { FC: callout('FC', 'refuse'), Seen: mark('Seen', 'X-Rule', 'seen') },
    `${rule}${preFlow('FC')}`,
  )
  const proxies = ['calls', 'loops', 'many-loops', 'missing', 'scripts', 'refused']
  writeFileSync(
    join(folder, 'postern.yaml'),
    `version: 1
apis:
${proxies.map((name) => `  - bundle: ./${name}`).join('\n')}
sharedFlows: [./marks, ./loop, ./many, ./refuse, ./script, ./pre-proxy, ./pre-target, ./post-target, ./post-proxy]
flowHooks: {PreProxyFlowHook: pre-proxy, PreTargetFlowHook: pre-target, PostTargetFlowHook: post-target, PostProxyFlowHook: post-proxy}
`,
  )
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { workers: 1 })
})

afterAll(async () => {
  await postern.stop()
  await backend.stop()
  rmSync(folder, { recursive: true, force: true })
})

const headersSent = () => backend.received.at(-1)!.headers

describe('FlowCallout', () => {
  test('the shared flow works on the messages of the call, with its parameters', async () => {
    await call(`${postern.gateway}/calls?level=high`)
    expect(headersSent()).toMatchObject({ 'x-level': 'high' })
    await call(`${postern.gateway}/calls`)
    expect(headersSent()).toMatchObject({ 'x-level': 'none' })
  })

  test('a parameter is gone afterwards', async () => {
    await call(`${postern.gateway}/calls?level=high`)
    expect(headersSent()['x-after']).toBe('[]')
  })

  test('a script of a shared flow has the body loaded', async () => {
    await call(`${postern.gateway}/scripts`, { method: 'POST', body: '12345' })
    expect(headersSent()['x-made']).toBe('5')
  })

  test('a fault inside goes to the rules of the proxy', async () => {
    const answer = await call(`${postern.gateway}/refused`)
    expect([answer.status, answer.headers['x-rule']]).toEqual([418, 'seen'])
  })

  test('a flow that calls itself ends in a fault', async () => {
    const answer = await call(`${postern.gateway}/loops`)
    expect([answer.status, JSON.parse(answer.text).fault.detail.errorcode]).toEqual([500, 'flow.SharedFlowsTooDeep'])
  })

  test('one that calls itself from many steps is ended by number, where going on was asked for', async () => {
    // Ten steps, ten deep: without the number this would not end while anybody waits.
    expect((await call(`${postern.gateway}/many-loops`)).status).toBe(200)
  })

  test('one that is not there: a warning, and a fault of the call', async () => {
    const checked = await runPostern(['check', join(folder, 'missing')])
    expect(checked.code).toBe(0)
    expect(checked.stdout).toMatch(/FC\.xml:1:\d+: warning: SharedFlowNotFound: no shared flow called nowhere/)
    const answer = await call(`${postern.gateway}/missing`)
    expect([answer.status, JSON.parse(answer.text).fault]).toEqual([
      500,
      { faultstring: 'Shared Flow nowhere Not Found', detail: { errorcode: 'flow.SharedFlowNotFound' } },
    ])
  })
})

describe('flow hooks', () => {
  test('run around the flows of every proxy', async () => {
    const answer = await call(`${postern.gateway}/calls`)
    expect(headersSent()['x-trail']).toBe('pre-proxy, pre-target')
    expect(answer.headers['x-trail']).toBe('post-target, post-proxy')
  })

  test('that name nothing are errors of the file', async () => {
    const file = join(folder, 'wrong.yaml')
    writeFileSync(file, 'version: 1\nsharedFlows: [./marks, ./calls]\nflowHooks: {PreProxyFlowHook: mark}\n')
    const { code, stdout } = await runPostern(['check', file])
    expect(code).toBe(1)
    expect(stdout).toContain('wrong.yaml:2:24: error: BadValue: ./calls is a proxy; name it under apis')
    writeFileSync(file, 'version: 1\nsharedFlows: [./marks]\nflowHooks: {PreProxyFlowHook: mark}\n')
    expect((await runPostern(['check', file])).stdout).toContain(
      'no shared flow of this file is called mark (did you mean marks?)',
    )
  })
})

test('a shared flow is a PATH of the command line', async () => {
  const { code, stdout } = await runPostern(['check', join(folder, 'calls'), join(folder, 'marks')])
  expect([code, stdout]).toEqual([0, 'ok: calls (revision 1, 2 policies)\n'])
})
