import { expect, test } from 'vitest'
import type { TracedCall } from '../model/traced-call.ts'
import { sizedText } from './sized.ts'

const access = { do: 'get', name: 'v', value: 'x'.repeat(1_000), success: true } as const
const step = (i: number) => ({
  kind: 'step' as const,
  atMs: i,
  tookMs: 1,
  name: 'A',
  displayName: 'A',
  type: 'AssignMessage',
  enabled: true,
  continueOnError: false,
  side: 'request' as const,
  phase: 'proxy-request',
  internal: false,
  depth: 0,
  condition: null,
  outcome: 'done' as const,
  fault: null,
  waited: false,
  accesses: Array.from({ length: 30 }, () => access),
  accessesLeftOut: 0,
  before: { request: 0, response: null, error: null },
  after: { request: 0, response: null, error: null },
  callouts: [],
})

const call: TracedCall = {
  requestId: 'r',
  environment: 'test',
  proxy: 'p',
  revision: 1,
  endpoint: 'default',
  receivedAtMs: 1,
  totalMs: 1,
  verb: 'GET',
  uri: '/p',
  status: 200,
  errorCode: '',
  answeredBy: 'target',
  points: Array.from({ length: 40 }, (_, i) => step(i)),
  messages: [
    {
      name: 'request',
      kind: 'request',
      verb: 'GET',
      uri: '/p',
      version: '1.1',
      status: 200,
      reason: 'OK',
      headers: [['X-Long', 'h'.repeat(500)]],
      content: 'c'.repeat(10_000),
      contentBytes: 10_000,
      note: null,
    },
  ],
  masked: [],
  unmatched: [],
  leftOut: 0,
}

const sized = (charsMax: number): TracedCall => {
  const text = sizedText(call, charsMax)
  expect(text.length).toBeLessThanOrEqual(charsMax)
  return JSON.parse(text) as TracedCall
}

test('a call that fits stays as it is', () => {
  expect(sized(10_000_000)).toEqual(call)
})

test('contents go first, and it is said', () => {
  const whole = JSON.stringify(call).length
  const { messages, points } = sized(whole - 1)
  expect(messages[0]).toMatchObject({ content: null, note: 'left out: the call is too large' })
  expect(points).toEqual(call.points)
})

test('then long values, then the last points, which are counted', () => {
  const shorter = sized(400_000)
  expect(shorter.points).toHaveLength(40)
  const [first] = shorter.points
  expect(first?.kind === 'step' && first.accesses[0]!.value).toBe(`${'x'.repeat(100)}...`)
  const least = sized(50_000)
  expect(least.points.length).toBeLessThan(40)
  expect(least.points.length + least.leftOut).toBe(40)
})
