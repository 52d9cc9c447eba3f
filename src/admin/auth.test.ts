import type { InjectOptions } from 'fastify'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { demoNowMs, demoOptions, demoToken } from '../../test/browser/demo-gateway.ts'
import { ManualClock } from '../core/clock.ts'
import { buildAdmin } from './server.ts'

const clock = new ManualClock(demoNowMs)
const app = buildAdmin(demoOptions({ clock }))
afterAll(() => app.close())

const get = async (url: string, headers: Record<string, string> = {}, rest: InjectOptions = {}) =>
  app.inject({ url, headers, ...rest })
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

/** One protected address of each API, and how it words a refusal. */
const doors: readonly (readonly [url: string, refusal: object])[] = [
  ['/api/services', { error: { code: 'token_missing', message: expect.any(String), requestId: expect.any(String) } }],
  ['/api/unknown', { error: expect.objectContaining({ code: 'token_missing' }) }],
  ['/metrics', { error: expect.objectContaining({ code: 'token_missing' }) }],
  ['/stats/services/42/usage_response_code.json', { error: expect.any(String) }],
  ['/stats/api/services/42/usage_response_code.json', { error: expect.any(String) }],
  ['/stats/unknown', { error: expect.any(String) }],
]

describe('without the token', () => {
  test.each(doors)('%s answers 401 in its own shape', async (url, refusal) => {
    const answer = await get(url)
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="postern admin"')
    expect(answer.json()).toEqual(refusal)
    expect(answer.body).not.toContain(demoToken)
  })

  test.each(doors)('%s refuses a wrong one', async (url) => {
    for (const token of ['wrong', `${demoToken}x`, demoToken.slice(1), 'ß']) {
      const answer = await get(url, { authorization: `Bearer ${token}` })
      expect(answer.statusCode).toBe(401)
      expect(answer.body).not.toContain(demoToken)
    }
  })

  test('a CSV is refused as plain text', async () => {
    const answer = await get('/stats/services/42/usage_response_code.csv')
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.body).toMatch(/^This call needs the admin token/)
  })

  test('the health checks answer', async () => {
    expect((await get('/livez')).statusCode).toBe(200)
    expect((await get('/readyz')).statusCode).toBe(200)
  })
})

describe('a page of another site', () => {
  test.each(doors)('%s refuses it, with the right token too', async (url) => {
    const token = { authorization: `Bearer ${demoToken}` }
    const others = [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost:80', 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
    ]
    for (const other of others) {
      const answer = await get(url, { ...token, ...other })
      expect(answer.statusCode).toBe(403)
      expect(answer.body).toContain('A page of another site asked.')
    }
  })
})

describe('the token is taken', () => {
  const ways: readonly (readonly [string, Record<string, string>, string])[] = [
    ['as Bearer', { authorization: `Bearer ${demoToken}` }, ''],
    ['as Bearer in lower case', { authorization: `bearer ${demoToken}` }, ''],
    ['as Basic user, as APIcast sends it', { authorization: basic(`${demoToken}:`) }, ''],
    ['as Basic password', { authorization: basic(`someone:${demoToken}`) }, ''],
    ['as Basic password of nobody', { authorization: basic(`:${demoToken}`) }, ''],
    ['as X-Auth-Token', { 'x-auth-token': demoToken }, ''],
    ['as access_token', {}, `?access_token=${demoToken}`],
    ['as provider_key', {}, `?provider_key=${demoToken}`],
    ['beside a wrong one', { authorization: 'Bearer wrong' }, `?access_token=${demoToken}`],
  ]
  test.each(ways)('%s', async (_name, headers, query) => {
    for (const url of ['/api/services', '/metrics']) expect((await get(url + query, headers)).statusCode).toBe(200)
    const stats = `/stats/services/42/usage_response_code.json${query || '?'}&response_code=200&period=day`
    expect((await get(stats, headers)).statusCode).toBe(200)
  })

  test('but not from a header of another kind', async () => {
    const others = [`Digest ${demoToken}`, demoToken, 'Basic', 'Basic !!!', '']
    for (const authorization of others) expect((await get('/api/services', { authorization })).statusCode).toBe(401)
  })
})

describe('a session of the dashboard', () => {
  let cookie: string
  beforeEach(async () => {
    clock.set(demoNowMs)
    const answer = await get(`/?token=${demoToken}`)
    cookie = String(answer.headers['set-cookie']).split(';')[0]!
  })

  test('begins with the link and leaves no token in the address', async () => {
    const answer = await get(`/analytics/response-codes?last=7d&token=${demoToken}&hide=4XX`)
    expect(answer.statusCode).toBe(303)
    expect(answer.headers.location).toBe('/analytics/response-codes?last=7d&hide=4XX')
    expect(answer.headers['cache-control']).toBe('no-store')
    const set = String(answer.headers['set-cookie'])
    expect(set).toMatch(/^postern_[\w-]{8}=\d+\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=2592000$/)
    expect(set).not.toContain(demoToken)
  })

  test('reads, from pages of this door', async () => {
    for (const site of ['same-origin', 'none']) {
      expect((await get('/api/services', { cookie, 'sec-fetch-site': site })).statusCode).toBe(200)
    }
    const own = { cookie: `a=b; ${cookie}; c`, host: 'admin:9000', origin: 'http://admin:9000' }
    expect((await get('/api/services', own)).statusCode).toBe(200)
    expect(
      (await get('/stats/api/services/42/usage_response_code.json?response_code=2XX&period=day', own)).statusCode,
    ).toBe(200)
  })

  test('does not read for another site, nor for another port of this host', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const answer = await get('/api/services', { cookie, 'sec-fetch-site': site })
      expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'other_site'])
    }
    const other = { cookie, host: '127.0.0.1:9000', origin: 'http://127.0.0.1:8080' }
    expect((await get('/api/services', other)).statusCode).toBe(403)
  })

  test('never writes', async () => {
    const answer = await get('/api/services', { cookie, 'sec-fetch-site': 'same-origin' }, { method: 'POST' })
    expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'read_only'])
  })

  test('changes debug sessions, from pages of this door and from no other', async () => {
    const own = { cookie, host: 'admin:9000', origin: 'http://admin:9000', 'sec-fetch-site': 'same-origin' }
    const post = async (url: string, headers: Record<string, string>) => {
      const answer = await get(url, headers, { method: 'POST' })
      return answer.statusCode === 403 ? answer.json().error.code : answer.statusCode
    }
    // Without a gateway behind this door there is no such call: who is let in learns that.
    expect(await post('/api/trace/sessions', own)).toBe(404)
    expect(await post('/api/trace/sessions/x/stop', own)).toBe(404)
    const { origin, ...noOrigin } = own
    const refused: [string, Record<string, string>, string][] = [
      ['/api/trace/sessions', noOrigin, 'read_only'],
      ['/api/trace/sessions', { ...own, origin: 'http://admin:8080' }, 'read_only'],
      ['/api/trace/sessions', { ...own, 'sec-fetch-site': 'cross-site' }, 'other_site'],
      ['/api/trace/sessionsx', own, 'read_only'],
      ['/api/debug-tokens', own, 'read_only'],
    ]
    for (const [url, headers, code] of refused) expect(await post(url, headers), url).toBe(code)
    expect(origin).toBe('http://admin:9000')
  })

  test('ends after thirty days, cannot be prolonged, and is that of one token', async () => {
    clock.advance(30 * 24 * 3600_000 - 1000)
    expect((await get('/api/services', { cookie })).statusCode).toBe(200)
    clock.advance(2000)
    expect((await get('/api/services', { cookie })).statusCode).toBe(401)
    const prolonged = cookie.replace(/=(\d+)\./, (_match, ends) => `=${Number(ends) + 9999}.`)
    expect((await get('/api/services', { cookie: prolonged })).statusCode).toBe(401)
    clock.set(demoNowMs)
    const other = buildAdmin(demoOptions({ clock, token: 'another-token' }))
    const renamed = cookie.replace(
      /^[^=]+/,
      String((await other.inject('/?token=another-token')).headers['set-cookie']).split('=')[0]!,
    )
    expect((await other.inject({ url: '/api/services', headers: { cookie: renamed } })).statusCode).toBe(401)
    await other.close()
  })

  test('does not begin with a wrong token', async () => {
    for (const url of ['/?token=wrong', '/?token=', `/?token=${demoToken}&token=${demoToken}`]) {
      const answer = await get(url)
      expect(answer.statusCode).toBe(401)
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(answer.body).toContain('That is not the admin token')
    }
  })

  test('begins with the form too', async () => {
    const send = (payload: string, type = 'application/x-www-form-urlencoded') =>
      app.inject({ method: 'POST', url: '/session', payload, headers: { 'content-type': type } })
    const good = await send(`token=+${demoToken}%0A`)
    expect([good.statusCode, good.headers.location]).toEqual([303, '/'])
    expect(good.headers['set-cookie']).toBeDefined()
    expect((await send('token=wrong')).statusCode).toBe(401)
    expect((await send('')).statusCode).toBe(401)
    expect((await send(`token=${'x'.repeat(5000)}`)).statusCode).toBe(413)
    expect((await send('<a/>', 'text/xml')).statusCode).toBe(415)
  })
})
