import { expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { POLICY_KINDS } from '../index.ts'
import { runPolicy } from '../test-kit.ts'

const QUOTA = `<Quota name="Q"><Allow count="2"/><Interval>1</Interval><TimeUnit>hour</TimeUnit><Identifier ref="id"/></Quota>`
const reset = (inner: string, name = 'name="Q"'): string =>
  `<ResetQuota name="R"><Quota ${name}><Identifier ref="id">${inner}</Identifier></Quota></ResetQuota>`
const kinds = [POLICY_KINDS.get('Quota')!, POLICY_KINDS.get('ResetQuota')!]

/** What is used after a call, the reset, and another call. */
async function usedAfter(xml: string): Promise<unknown> {
  const run = await runPolicy(kinds, [QUOTA, xml], {
    variables: { id: 'ann', n: '1', q: 'Q' },
  })
  expect(run.problemLines).toEqual([])
  await run.again()
  return run.exchange.get('ratelimit.Q.used.count')
}

test.each([
  ['calls are given back', reset('<Allow>1</Allow>')],
  ['all that there are, and never more', reset('<Allow>50</Allow>')],
  ['from variables', reset('<Allow ref="n"/>', 'ref="q"')],
])('%s', async (_, xml) => {
  expect(await usedAfter(xml)).toBe('1')
})

test.each([0, 1])('a rolling window, whichever of its counters has its turn: %i', async (turn) => {
  const rolling = QUOTA.replace('<Quota ', '<Quota type="rollingwindow" ')
  const nowMs = Date.UTC(2026, 0, 1, turn)
  const run = await runPolicy(kinds, [rolling, reset('<Allow>1</Allow>')], { now: () => nowMs })
  for (let call = 0; call < 4; call++) expect(await run.again()).toBeUndefined()
})

test('another quota is left alone', async () => {
  expect(await usedAfter(reset('<Allow>1</Allow>', 'name="Other"'))).toBe('2')
})

test('a number that is none is a fault', async () => {
  const { outcome } = await runPolicy(kinds, reset('<Allow ref="none"/>'))
  expect(outcome).toBeInstanceOf(Fault)
  expect((outcome as Fault).code).toBe('policies.resetquota.InvalidRLPolicy')
})

test.each([
  ['<ResetQuota name="R"/>', 'MissingName'],
  [reset(''), 'InvalidAllowCount'],
  [reset('<Allow>-1</Allow>'), 'InvalidAllowCount'],
])('%s', async (xml, code) => {
  expect((await runPolicy(kinds, xml)).problemLines[0]).toContain(`error: ${code}:`)
})
