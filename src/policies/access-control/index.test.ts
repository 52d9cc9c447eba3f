import { describe, expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import accessControl from './index.ts'

const policy = (rules: string, otherwise = 'DENY', rest = ''): string =>
  `<AccessControl name="AC"><IPRules noRuleMatchAction="${otherwise}">${rules}</IPRules>${rest}</AccessControl>`
const rule = (action: string, address: string, mask = ''): string =>
  `<MatchRule action="${action}"><SourceAddress${mask === '' ? '' : ` mask="${mask}"`}>${address}</SourceAddress></MatchRule>`
const VARIABLE = '<ClientIPVariable>ip</ClientIPVariable>'

async function lets(xml: string, options: RunOptions = {}): Promise<boolean> {
  const { outcome, problemLines } = await runPolicy(accessControl, xml, options)
  expect(problemLines).toEqual([])
  return outcome === undefined
}

describe('rules', () => {
  test.each<[string, string, boolean]>([
    [policy(rule('ALLOW', '198.51.100.0', '24'), 'DENY', VARIABLE), '198.51.100.77', true],
    [policy(rule('ALLOW', '198.51.100.0', '24'), 'DENY', VARIABLE), '198.51.101.77', false],
    [policy(rule('DENY', '10.0.0.1'), 'ALLOW', VARIABLE), '10.0.0.1', false],
    [policy(rule('DENY', '10.0.0.1'), 'ALLOW', VARIABLE), '10.0.0.2', true],
    [policy(rule('DENY', '10.0.0.1') + rule('ALLOW', '10.0.0.0', '8'), 'DENY', VARIABLE), '10.0.0.1', false],
    [policy(rule('DENY', '10.0.0.1') + rule('ALLOW', '10.0.0.0', '8'), 'DENY', VARIABLE), '10.9.9.9', true],
    [policy(rule('ALLOW', '2001:db8::', '32'), 'DENY', VARIABLE), '2001:db8:1::5', true],
    [policy(rule('ALLOW', '0.0.0.0', '0'), 'DENY', VARIABLE), '203.0.113.9', true],
    [policy(rule('ALLOW', '0.0.0.0', '0'), 'DENY', VARIABLE), 'not-an-address', false],
    [policy(rule('ALLOW', '0.0.0.0', '0'), 'DENY', VARIABLE), '', false],
  ])('%s: %s %s', async (xml, ip, wanted) => {
    expect(await lets(xml, { variables: { ip } })).toBe(wanted)
  })

  test('an address from a variable', async () => {
    const xml = policy(rule('ALLOW', '{office}', '24'), 'DENY', VARIABLE)
    expect(await lets(xml, { variables: { ip: '192.0.2.9', office: '192.0.2.0' } })).toBe(true)
    expect(await lets(xml, { variables: { ip: '192.0.3.9', office: '192.0.2.0' } })).toBe(false)
  })
})

describe('whose address', () => {
  // The test's client is 127.0.0.1.
  const own = policy(rule('ALLOW', '127.0.0.1'))
  const forwarded: RunOptions = { request: { headers: { 'X-Forwarded-For': '192.0.2.1, 192.0.2.2' } } }
  const first = (xml: string): string =>
    xml.replace('</IPRules>', '</IPRules><ValidateBasedOn>X_FORWARDED_FOR_FIRST_IP</ValidateBasedOn>')
  const all = (xml: string): string =>
    xml.replace('</IPRules>', '</IPRules><ValidateBasedOn>X_FORWARDED_FOR_ALL_IP</ValidateBasedOn>')

  test('the connection, the first hop, all of them', async () => {
    expect(await lets(own, forwarded)).toBe(true)
    expect(await lets(first(own), forwarded)).toBe(false)
    expect(await lets(first(policy(rule('ALLOW', '192.0.2.1'))), forwarded)).toBe(true)
    expect(await lets(all(policy(rule('DENY', '192.0.2.2'), 'ALLOW')), forwarded)).toBe(false)
    expect(await lets(all(policy(rule('DENY', '192.0.2.3'), 'ALLOW')), forwarded)).toBe(true)
  })

  test('True-Client-IP wins unless it is ignored', async () => {
    const options: RunOptions = { request: { headers: { 'True-Client-IP': '192.0.2.7' } } }
    expect(await lets(own, options)).toBe(false)
    const ignored = own.replace('</IPRules>', '</IPRules><IgnoreTrueClientIPHeader>true</IgnoreTrueClientIPHeader>')
    expect(await lets(ignored, options)).toBe(true)
  })
})

test('the fault', async () => {
  const { outcome } = await runPolicy(accessControl, policy(''))
  expect(outcome).toBeInstanceOf(Fault)
  expect(outcome).toMatchObject({
    code: 'accesscontrol.IPDeniedAccess',
    status: 403,
    text: 'Access Denied for client ip : 127.0.0.1',
  })
})

test.each([
  ['<AccessControl name="AC"/>', 'IPRulesMissing'],
  [policy(rule('PERHAPS', '10.0.0.1')), 'InvalidAction'],
  [policy(rule('ALLOW', 'example.com')), 'InvalidIPAddress'],
  [policy(rule('ALLOW', '10.0.0.1', '33')), 'InvalidIPAddress'],
  [policy(rule('ALLOW', '10.0.0.1', 'x')), 'InvalidIPAddress'],
  [policy(rule('ALLOW', '')), 'InvalidIPAddress'],
  [policy('', 'DENY', '<ValidateBasedOn>GUESS</ValidateBasedOn>'), 'InvalidValidateBasedOn'],
])('%s: %s', async (xml, code) => {
  expect((await runPolicy(accessControl, xml)).problemLines.join()).toContain(`error: ${code}:`)
})
