import { describe, expect, test } from 'vitest'
import { compileProxies } from '../../test/kit/engine.ts'

const RULES = `
  <FaultRules>
    <FaultRule name="first"><Step><Name>Mark</Name></Step><Condition>request.queryparam.rule = "first"</Condition></FaultRule>
    <FaultRule name="fails"><Step><Name>Mark</Name></Step><Step><Name>Broken</Name></Step><Condition>request.queryparam.rule = "fails"</Condition></FaultRule>
    <FaultRule name="raises"><Step><Name>Raise2</Name></Step><Condition>request.queryparam.rule = "raises"</Condition></FaultRule>
    <FaultRule name="idle"><Step><Name>Mark</Name><Condition>false</Condition></Step><Condition>request.queryparam.rule = "idle"</Condition></FaultRule>
    <FaultRule name="both1"><Step><Name>Mark</Name></Step><Condition>request.queryparam.rule = "both"</Condition></FaultRule>
    <FaultRule name="both2"><Step><Name>Mark2</Name></Step><Condition>request.queryparam.rule = "both"</Condition></FaultRule>
  </FaultRules>`

const POLICIES = [
  '<RaiseFault name="Raise"><FaultResponse><Set><StatusCode>418</StatusCode><Payload>raised</Payload></Set></FaultResponse></RaiseFault>',
  '<RaiseFault name="Raise2"><FaultResponse><Set><StatusCode>499</StatusCode><Payload>again</Payload></Set></FaultResponse></RaiseFault>',
  '<AssignMessage name="Mark"><Set><Payload>marked</Payload></Set></AssignMessage>',
  '<AssignMessage name="Mark2"><Set><Payload>marked 2</Payload></Set></AssignMessage>',
  '<AssignMessage name="Default"><Set><Headers><Header name="D">d</Header></Headers></Set></AssignMessage>',
  '<AssignMessage name="Broken"><AssignVariable><Name>a</Name><Ref>no.such.variable</Ref></AssignVariable></AssignMessage>',
]

const withDefault = (always: boolean): string =>
  `${RULES}<DefaultFaultRule name="d"><Step><Name>Default</Name></Step>${always ? '<AlwaysEnforce>true</AlwaysEnforce>' : ''}</DefaultFaultRule>`

describe('the fault path of a proxy', () => {
  test.each([
    ['none', false, 418, 'raised', true],
    ['first', false, 418, 'marked', false],
    ['first', true, 418, 'marked', true],
    ['both', false, 418, 'marked 2', false],
    ['idle', false, 418, 'raised', false],
    ['idle', true, 418, 'raised', true],
    ['fails', true, 418, 'marked', false],
    ['raises', true, 499, 'again', false],
  ])('rule %s, always %s: %i %s, default rule %s', async (rule, always, status, body, byDefault) => {
    const run = compileProxies(withDefault(always), POLICIES, ['Raise'])
    const { error } = await run(`/p?rule=${rule}`)
    expect([error?.status, error?.content, error?.headers.get('d') === 'd']).toEqual([status, body, byDefault])
  })
})
