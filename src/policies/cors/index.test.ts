import { describe, expect, test } from 'vitest'
import { Reply } from '../../engine/outcome.ts'
import { type RunOptions, runPolicy } from '../test-kit.ts'
import cors from './index.ts'
import { allows } from './rules.ts'

const APP = 'https://app.test'
const ALLOW = `<AllowOrigins>${APP}, https://other.test</AllowOrigins>`

const run = (body: string, options: RunOptions = {}) => runPolicy(cors, `<CORS name="C">${body}</CORS>`, options)

const get = (headers: Readonly<Record<string, string>>): RunOptions => ({ request: { headers } })
const preflight = (origin: string, method: string, headers: string): RunOptions => ({
  request: {
    verb: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': method,
      ...(headers === '' ? {} : { 'Access-Control-Request-Headers': headers }),
    },
  },
})

/** The headers of the answer as an object. */
async function answered(body: string, options: RunOptions): Promise<object> {
  const { answerHeaders } = (await run(body, options)).exchange
  const pairs: Record<string, string> = {}
  for (let i = 0; i < (answerHeaders ?? []).length; i += 2) pairs[answerHeaders![i]!] = answerHeaders![i + 1]!
  return pairs
}

const DEFAULT_HEADERS =
  'origin, accept, x-requested-with, content-type, access-control-request-method, access-control-request-headers'

describe('CORS', () => {
  test('a call without Origin is left alone', async () => {
    const { outcome, exchange } = await run(ALLOW)
    expect([outcome, exchange.answerHeaders]).toEqual([undefined, null])
  })

  test('an allowed origin is named in the answer, whatever that will be', async () => {
    const { outcome, exchange } = await run(`${ALLOW}<ExposeHeaders>X-A,X-B</ExposeHeaders>`, get({ Origin: APP }))
    expect(outcome).toBeUndefined()
    expect(exchange.answerHeaders).toEqual([
      ...['Access-Control-Allow-Origin', APP, 'Vary', 'Origin'],
      ...['Access-Control-Expose-Headers', 'X-A, X-B'],
    ])
  })

  test('any origin', async () => {
    const any = '<AllowOrigins>*</AllowOrigins>'
    expect(await answered(any, get({ Origin: APP }))).toEqual({ 'Access-Control-Allow-Origin': '*' })
    expect(await answered(`${any}<AllowCredentials>true</AllowCredentials>`, get({ Origin: APP }))).toEqual({
      'Access-Control-Allow-Origin': APP,
      'Access-Control-Allow-Credentials': 'true',
      Vary: 'Origin',
    })
  })

  test('the origin of the request by its variable', async () => {
    const body = '<AllowOrigins>{request.header.origin}</AllowOrigins>'
    expect(await answered(body, get({ Origin: APP }))).toMatchObject({ 'Access-Control-Allow-Origin': APP })
  })

  test('another origin gets nothing', async () => {
    expect(await answered(ALLOW, get({ Origin: 'https://evil.test' }))).toEqual({ Vary: 'Origin' })
    expect(await answered(ALLOW, preflight('https://evil.test', 'GET', ''))).toEqual({ Vary: 'Origin' })
  })

  test.each([
    [['https://*.a.test'], 'https://x.a.test', true],
    [['https://*.a.test'], 'HTTPS://x.y.A.test', true],
    [['https://*.a.test'], 'https://.a.test', false],
    [['https://*.a.test'], 'https://evil.test/.a.test', false],
    [['https://*.a.test'], 'https://a.test', false],
    [['https://a.test'], 'https://a.test.evil', false],
    [['https://a.test:1'], 'https://a.test', false],
    [['null'], 'null', true],
    [[], 'null', false],
  ])('%s allows %s: %s', (origins, origin, expected) => {
    expect(allows(origins, origin)).toBe(expected)
  })

  test('a preflight is answered without the target', async () => {
    const { outcome, exchange } = await run(ALLOW, preflight(APP, 'POST', ''))
    expect(outcome).toBeInstanceOf(Reply)
    expect((outcome as Reply).message).toMatchObject({ status: 200, content: '' })
    expect(exchange.answerHeaders).toEqual([
      ...['Access-Control-Allow-Origin', APP, 'Vary', 'Origin'],
      ...['Access-Control-Allow-Methods', 'GET, POST, HEAD, OPTIONS'],
      ...['Access-Control-Allow-Headers', DEFAULT_HEADERS],
      ...['Access-Control-Max-Age', '1800'],
    ])
  })

  test('OPTIONS that asks for no method is no preflight', async () => {
    const { outcome } = await run(ALLOW, { request: { verb: 'OPTIONS', headers: { Origin: APP } } })
    expect(outcome).toBeUndefined()
  })

  test('methods and headers that are not allowed', async () => {
    expect(await answered(ALLOW, preflight(APP, 'DELETE', ''))).toEqual({ Vary: 'Origin' })
    expect(await answered(ALLOW, preflight(APP, 'GET', 'x-other'))).toEqual({ Vary: 'Origin' })
    const body = `${ALLOW}<AllowMethods>DELETE</AllowMethods><AllowHeaders>X-Other</AllowHeaders><MaxAge>-1</MaxAge>`
    expect(await answered(body, preflight(APP, 'DELETE', 'x-other, accept'))).toEqual({
      'Access-Control-Allow-Origin': APP,
      Vary: 'Origin',
      'Access-Control-Allow-Methods': 'DELETE',
      'Access-Control-Allow-Headers': 'X-Other',
      'Access-Control-Max-Age': '-1',
    })
  })

  test('all methods and headers; with credentials those that are asked for', async () => {
    const all = `${ALLOW}<AllowMethods>*</AllowMethods><AllowHeaders>*</AllowHeaders>`
    expect(await answered(all, preflight(APP, 'PATCH', 'x-a, x-b'))).toMatchObject({
      'Access-Control-Allow-Methods': '*',
      'Access-Control-Allow-Headers': '*',
    })
    const credentials = `${all}<AllowCredentials>true</AllowCredentials>`
    expect(await answered(credentials, preflight(APP, 'PATCH', 'x-a, x-b'))).toMatchObject({
      'Access-Control-Allow-Methods': 'PATCH',
      'Access-Control-Allow-Headers': 'x-a, x-b',
    })
  })

  test('a preflight that others answer sets the documented variables', async () => {
    const body = `${ALLOW}<GeneratePreflightResponse>false</GeneratePreflightResponse>`
    const { outcome, exchange } = await run(body, preflight(APP, 'POST', ''))
    expect([outcome, exchange.answerHeaders]).toEqual([undefined, null])
    const value = (name: string) => exchange.get(`cross_origin_resource_sharing.${name}`)
    expect(value('preflight.accepted')).toBe(true)
    expect(value('allow.origin')).toBe(APP)
    expect(value('allow.origins.list')).toBe(`${APP}, https://other.test`)
    expect(value('allow.methods')).toBe('GET, POST, HEAD, OPTIONS')
    expect(value('allow.headers')).toBe(DEFAULT_HEADERS)
    expect(value('allow.credentials')).toBe(false)
    expect(value('expose.headers')).toBe('')
    expect(value('max.age')).toBe(1800)
    const refused = await run(body, preflight('https://evil.test', 'POST', ''))
    expect(refused.exchange.get('cross_origin_resource_sharing.preflight.accepted')).toBe(false)
  })

  test('UnresolvedVariable', async () => {
    const strict = '<IgnoreUnresolvedVariables>false</IgnoreUnresolvedVariables>'
    const body = `<AllowOrigins>{none}</AllowOrigins>${strict}`
    expect((await run(body, get({ Origin: APP }))).outcome).toMatchObject({ code: 'steps.cors.UnresolvedVariable' })
    expect(await answered('<AllowOrigins>{none}</AllowOrigins>', get({ Origin: APP }))).toEqual({ Vary: 'Origin' })
  })

  test.each([
    ['', 'error: MissingAllowOrigins: CORS needs <AllowOrigins>, such as https://www.example.com or *'],
    [`${ALLOW}<MaxAge>long</MaxAge>`, 'error: InvalidMaxAge: MaxAge is a number of seconds, or -1, not long'],
    [`${ALLOW}<Allow/>`, 'warning: UnknownElement: <Allow> is not known in CORS and has no effect'],
  ])('deployment of %s', async (body, problem) => {
    expect((await run(body)).problemLines).toEqual([problem])
  })
})
