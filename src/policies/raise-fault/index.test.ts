import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import raiseFault from './index.ts'

const run = (body: string, options: RunOptions = {}) =>
  runPolicy(raiseFault, `<RaiseFault name="RF">${body}</RaiseFault>`, options)

/** The fault and its answer, as far as a client and fault rules see them. */
async function answer(body: string, options: RunOptions = {}): Promise<object> {
  const { outcome } = await run(body, options)
  if (!(outcome instanceof Fault) || outcome.response === null) throw new Error(`no answer: ${JSON.stringify(outcome)}`)
  const { status, reason, headers, content } = outcome.response
  return {
    code: outcome.code,
    name: outcome.name,
    text: outcome.text,
    status,
    reason,
    headers: [...headers.raw],
    content,
  }
}

const DEFAULT =
  '{"fault":{"faultstring":"Raising fault. Fault name : RF","detail":{"errorcode":"steps.raisefault.RaiseFault"}}}'

describe('RaiseFault', () => {
  test('an empty FaultResponse gives the default answer', async () => {
    for (const body of ['', '<FaultResponse/>', '<FaultResponse><Set><Payload/><Headers/></Set></FaultResponse>']) {
      expect(await answer(body)).toEqual({
        code: 'steps.raisefault.RaiseFault',
        name: 'RaiseFault',
        text: 'Raising fault. Fault name : RF',
        status: 500,
        reason: 'Fault Raised',
        headers: ['Content-Type', 'application/json'],
        content: DEFAULT,
      })
    }
  })

  test('status, reason, headers and payload are those of FaultResponse; unresolved variables are empty', async () => {
    const body = `<FaultResponse><Set>
        <Headers><Header name="X-City">{request.queryparam.city}</Header></Headers>
        <Payload contentType="text/plain">no {request.queryparam.city}{none}</Payload>
        <StatusCode>404</StatusCode><ReasonPhrase>Not there</ReasonPhrase></Set></FaultResponse>`
    expect(await answer(body, { request: { uri: '/test?city=Oz', headers: { Leak: '1' } } })).toMatchObject({
      status: 404,
      reason: 'Not there',
      headers: ['X-City', 'Oz', 'Content-Type', 'text/plain'],
      content: 'no Oz',
    })
  })

  test('a Payload that has only a type is an empty body', async () => {
    const body =
      '<FaultResponse><Set><Payload contentType="text/plain"/><StatusCode>401</StatusCode></Set></FaultResponse>'
    expect(await answer(body)).toMatchObject({ status: 401, headers: ['Content-Type', 'text/plain'], content: '' })
  })

  test('a client that asks for XML gets the default body in XML', async () => {
    expect(await answer('', { request: { headers: { Accept: 'text/xml' } } })).toMatchObject({
      headers: ['Content-Type', 'application/xml'],
      content:
        '<fault><faultstring>Raising fault. Fault name : RF</faultstring><detail><errorcode>steps.raisefault.RaiseFault</errorcode></detail></fault>',
    })
  })

  test('ShortFaultReason leaves the name alone', async () => {
    expect(await answer('<ShortFaultReason>true</ShortFaultReason>')).toMatchObject({
      text: 'RF',
      content: '{"fault":{"faultstring":"RF","detail":{"errorcode":"steps.raisefault.RaiseFault"}}}',
    })
  })

  test('copies from messages, and sets variables', async () => {
    const body = `<FaultResponse><Copy source="response"><Headers/><StatusCode>true</StatusCode><Payload>true</Payload></Copy>
      <AssignVariable><Name>seen</Name><Value>yes</Value></AssignVariable></FaultResponse>`
    const response = { status: 418, headers: { A: '1' }, content: 'tea' }
    expect(await answer(body, { phase: 'proxy-response', response })).toMatchObject({
      status: 418,
      headers: ['A', '1'],
      content: 'tea',
    })
    const { exchange } = await run(body, { phase: 'proxy-response', response })
    expect(exchange.get('seen')).toBe('yes')
    expect(exchange.get('raisefault.RF.failed')).toBe(true)
  })

  test('a source that is not there is passed over, or a fault where unresolved ones count', async () => {
    const copy = '<FaultResponse><Copy source="response"><Headers/></Copy></FaultResponse>'
    expect(await answer(copy)).toMatchObject({ status: 500 })
    const { outcome } = await run(`<IgnoreUnresolvedVariables>false</IgnoreUnresolvedVariables>${copy}`)
    expect(outcome).toMatchObject({ code: 'steps.raisefault.UnresolvedVariable' })
  })

  test('each call has an answer of its own', async () => {
    const body = '<FaultResponse><Set><Payload>x</Payload></Set></FaultResponse>'
    const first = (await run(body)).outcome as Fault
    const second = (await run(body)).outcome as Fault
    expect(first.response).not.toBe(second.response)
  })

  test('what stands outside FaultResponse is a warning', async () => {
    const { problemLines } = await run('<Set><StatusCode>404</StatusCode></Set><AssignTo createNew="false"/>')
    expect(problemLines).toEqual([
      'warning: MisplacedElement: <Set> has an effect only inside <FaultResponse>',
      'warning: UnknownElement: <AssignTo> is not known in RaiseFault and has no effect',
    ])
  })
})
