import { expect, test } from 'vitest'
import { Fault } from '../../engine/fault.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import basicAuthentication from './index.ts'

const REFS = '<User ref="u"/><Password ref="p"/>'
const encode = (inner = '<AssignTo>request.header.Authorization</AssignTo>'): string =>
  `<BasicAuthentication name="BA"><Operation>Encode</Operation>${REFS}${inner}</BasicAuthentication>`
const DECODE = `<BasicAuthentication name="BA"><Operation>Decode</Operation>${REFS}<Source>request.header.Authorization</Source></BasicAuthentication>`

const run = (xml: string, options: RunOptions = {}) => runPolicy(basicAuthentication, xml, options)
const withHeader = (value: string): RunOptions => ({ request: { headers: { Authorization: value } } })

test('encodes user and password', async () => {
  const { exchange } = await run(encode(), { variables: { u: 'Aladdin', p: 'open sesame' } })
  expect(exchange.request.headers.get('authorization')).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')
})

test('createNew="false" leaves a header that is there', async () => {
  const xml = encode('<AssignTo createNew="false">request.header.Authorization</AssignTo>')
  const { exchange } = await run(xml, { ...withHeader('mine'), variables: { u: 'a', p: 'b' } })
  expect(exchange.request.headers.get('authorization')).toBe('mine')
})

test.each([
  ['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'Aladdin', 'open sesame'],
  ['basic YTpiOmM=', 'a', 'b:c'],
  ['Basic Og==', '', ''],
  ['Basic w7xzZXI6cGFzcw==', 'üser', 'pass'],
])('decodes %s', async (header, user, password) => {
  const { exchange } = await run(DECODE, withHeader(header))
  expect([exchange.get('u'), exchange.get('p')]).toEqual([user, password])
})

test.each(['Bearer abc', 'Basic', 'Basic YWJj', 'Basic %%%', `Basic ${'='.repeat(10_000)}`])(
  '%s is invalid',
  async (header) => {
    const { outcome } = await run(DECODE, withHeader(header))
    expect(outcome).toMatchObject({
      code: 'steps.basicauthentication.InvalidBasicAuthenticationSource',
      status: 500,
      text: 'Source variable : request.header.Authorization for basic authentication decode policy : BA is invalid',
    })
  },
)

test('a variable that is not set', async () => {
  const { outcome } = await run(encode(), { variables: { u: 'a' } })
  expect(outcome).toBeInstanceOf(Fault)
  expect(outcome).toMatchObject({
    code: 'steps.basicauthentication.UnresolvedVariable',
    text: 'Unresolved variable : p',
  })
  const ignored = '<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>'
  const { exchange } = await run(encode(`<AssignTo>h</AssignTo>${ignored}`), { variables: { u: 'a' } })
  expect(exchange.get('h')).toBe('Basic YTo=')
  expect((await run(DECODE)).outcome).toMatchObject({ text: 'Unresolved variable : request.header.Authorization' })
})

test.each([
  ['<BasicAuthentication name="BA"><Operation>Rot13</Operation></BasicAuthentication>', 'InvalidOperation'],
  [encode().replace('<User ref="u"/>', ''), 'UserNameRequired'],
  [encode().replace('<Password ref="p"/>', '<Password>x</Password>'), 'PasswordRequired'],
  [encode(''), 'AssignToRequired'],
  [DECODE.replace(/<Source>.*<\/Source>/, ''), 'SourceRequired'],
])('%s: %s', async (xml, code) => {
  expect((await run(xml)).problemLines.join()).toContain(`error: ${code}:`)
})
