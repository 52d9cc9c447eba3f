import { describe, expect, test } from 'vitest'
import type { Value } from '../../engine/language/value.ts'
import raiseFault from '../raise-fault/index.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import assertCondition from './index.ts'

const policy = (body: string): string => `<AssertCondition name="AC">${body}</AssertCondition>`
const asserts = (condition: string): string => policy(`<Condition>${condition}</Condition>`)

/** What the policy found, and that it let the call go on. */
async function truth(condition: string, options: RunOptions = {}): Promise<Value> {
  const { exchange, outcome, problemLines } = await runPolicy(assertCondition, asserts(condition), options)
  expect([outcome, problemLines]).toEqual([undefined, []])
  return exchange.get('assertcondition.AC.truthValue')
}

describe('truthValue', () => {
  const between = '\n  (claim &gt; 0)\n  and\n  (claim LesserThan 1000)\n'
  test.each<[Value, boolean]>([
    [500, true],
    [1200, false],
    [0, false],
  ])('of %s between 0 and 1000: %s', async (claim, wanted) => {
    expect(await truth(between, { variables: { claim } })).toBe(wanted)
  })

  test('of ten million characters is there at once', async () => {
    expect(await truth('claim = "9"', { variables: { claim: '9'.repeat(10_000_000) } })).toBe(false)
  })

  test('is false, and no fault, where variables are not set or hold messages', async () => {
    expect(await truth('none = "a"')).toBe(false)
    expect(await truth('none')).toBe(false)
    expect(await truth('request GreaterThan 1')).toBe(false)
    expect(await truth('request.verb ~~ none')).toBe(false)
  })

  test('is false where a variable holds a pattern that is none', async () => {
    expect(await truth('request.verb ~~ pattern', { variables: { pattern: '((((' } })).toBe(false)
  })

  test('a condition may read the payload', async () => {
    const options: RunOptions = { request: { verb: 'POST', content: 'hello' } }
    expect(await truth('request.content = "hello"', options)).toBe(true)
  })

  test('is of the last time the policy ran, and conditions of later steps read it', async () => {
    const { exchange, again } = await runPolicy(assertCondition, asserts('n = "1"'), { variables: { n: '1' } })
    expect(exchange.get('assertcondition.AC.truthValue')).toBe(true)
    exchange.set('n', '2')
    await again()
    expect(exchange.get('assertcondition.AC.truthValue')).toBe(false)
    const both = [asserts('n = "1"'), asserts('assertcondition.AC.truthValue').replace('"AC"', '"Next"')]
    const next = await runPolicy(assertCondition, both, { variables: { n: '1' } })
    expect(next.exchange.get('assertcondition.Next.truthValue')).toBe(true)
  })

  test('is not set by a policy that is switched off', async () => {
    const off = asserts('true').replace('name=', 'enabled="false" name=')
    const { exchange } = await runPolicy(assertCondition, off)
    expect(exchange.has('assertcondition.AC.truthValue')).toBe(false)
  })

  test('tells in a template', async () => {
    const raise =
      '<RaiseFault name="RF"><FaultResponse><Set><Payload>{assertcondition.AC.truthValue}</Payload></Set></FaultResponse></RaiseFault>'
    const { outcome } = await runPolicy([assertCondition, raiseFault], [asserts('1 = 2'), raise])
    expect(outcome).toMatchObject({ response: { content: 'false' } })
  })
})

describe('deployment', () => {
  test.each([
    [policy(''), 'error: InvalidCondition: AssertCondition needs <Condition>'],
    [asserts('  '), 'error: InvalidCondition: AssertCondition needs <Condition>'],
    [policy('<Condition/>'), 'error: InvalidCondition: AssertCondition needs <Condition>'],
    [asserts('a = "b" <And/> c'), 'error: InvalidCondition: <Condition> holds text only, no <And>'],
    [asserts('a = '), 'error: InvalidCondition:'],
    [asserts('a ~~ "((("'), 'error: InvalidCondition:'],
    [asserts('a Resembles "b"'), 'error: InvalidCondition:'],
    [asserts(`${'('.repeat(1_000)}a`), 'error: InvalidCondition:'],
    [policy('<Condition>a</Condition><Conditions/>'), 'warning: UnknownElement: <Conditions>'],
    [policy('<Condition>a</Condition><Condition>b</Condition>'), 'warning: DuplicateElement: a second <Condition>'],
    [asserts("a = 'b'"), 'warning: SuspectCondition:'],
  ])('%.80s: %s', async (xml, wanted) => {
    const { problemLines } = await runPolicy(assertCondition, xml)
    expect(problemLines).toEqual([expect.stringContaining(wanted)])
  })

  test('a mistake is told where it is', async () => {
    const { problems } = await runPolicy(assertCondition, policy('\n<Condition>\n  a = "b" nor c</Condition>'))
    expect(problems).toMatchObject([{ code: 'InvalidCondition', at: { line: 3, column: 11 } }])
  })
})
