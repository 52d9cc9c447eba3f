import { describe, expect, test } from 'vitest'
import { type PolicyRun, type RunOptions, runPolicy } from '../test-kit.ts'
import assignMessage from './index.ts'

const run = (body: string, options: RunOptions = {}): Promise<PolicyRun> =>
  runPolicy(assignMessage, `<AssignMessage name="AM">${body}</AssignMessage>`, options)

describe('AssignVariable', () => {
  const assign = (children: string): string => `<AssignVariable><Name>to</Name>${children}</AssignVariable>`
  test.each([
    ['Value, to the letter', '<Value> a {v}</Value>', ' a {v}'],
    ['an empty Value', '<Value/><Ref/>', ''],
    ['Ref, with its type', '<Ref>n</Ref>', 7],
    ['Ref before Value', '<Value>x</Value><Ref>v</Ref>', 'V'],
    ['Value where Ref is not set', '<Ref>none</Ref><Value>x</Value>', 'x'],
    ['Template', '<Template>{v}-{n}</Template>', 'V-7'],
    ['Template before Value', '<Value>x</Value><Template>{v}</Template>', 'V'],
    ['a Template held by a variable', '<Template ref="held">other</Template>', 'held V'],
    ['its text where that variable is not set', '<Template ref="none">text {n}</Template>', 'text 7'],
    ['a resource', '<ResourceURL>jsc://a.js</ResourceURL>', 'var a'],
  ])('%s', async (_, children, expected) => {
    const variables = { v: 'V', n: 7, held: 'held {v}' }
    const { exchange, outcome } = await run(assign(children), { variables, resources: { 'jsc/a.js': 'var a' } })
    expect(outcome).toBeUndefined()
    expect(exchange.get('to')).toBe(expected)
  })

  test('a Ref that is not set is a fault; where unresolved ones are ignored the variable becomes null', async () => {
    const { outcome } = await run(assign('<Ref>none</Ref>'))
    expect(outcome).toMatchObject({ text: 'AssignMessage[AM]: unable to resolve variable none' })
    const ignored = `<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>${assign('<Ref>none</Ref>')}`
    const { exchange } = await run(ignored, { variables: { to: 'old' } })
    expect(exchange.get('to')).toBeNull()
  })

  test('messages keep their type', async () => {
    const { exchange } = await run(assign('<Ref>request</Ref>'), { request: { content: 'x' } })
    expect(exchange.get('to')).toBe(exchange.request)
  })

  test('writes to messages and to the switches of the target', async () => {
    const { exchange } = await run(
      `<AssignVariable><Name>request.header.A</Name><Value>1</Value></AssignVariable>
       <AssignVariable><Name>target.copy.pathsuffix</Name><Value>false</Value></AssignVariable>`,
      { phase: 'target-request' },
    )
    expect(exchange.request.headers.get('a')).toBe('1')
    expect(exchange.copyPathSuffix).toBe(false)
  })

  test('a name may hold a template', async () => {
    const { exchange } = await run('<AssignVariable><Name>request.header.{v}</Name><Value>1</Value></AssignVariable>', {
      variables: { v: 'X-New' },
    })
    expect(exchange.request.headers.get('x-new')).toBe('1')
  })

  test('a read-only variable is SetVariableFailed', async () => {
    const { outcome } = await run('<AssignVariable><Name>proxy.basepath</Name><Value>/</Value></AssignVariable>')
    expect(outcome).toMatchObject({
      code: 'steps.assignmessage.SetVariableFailed',
      text: 'AssignMessage[AM]: failed to set variable proxy.basepath: it cannot be written',
    })
  })
})
