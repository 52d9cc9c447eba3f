import { connect } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { demoOptions, demoToken, silentLog } from '../../test/browser/demo-gateway.ts'
import type { AdminLog, Readiness } from './options.ts'
import { type Admin, buildAdmin, startAdmin } from './server.ts'

const headers = { authorization: `Bearer ${demoToken}` }

describe('the admin door', () => {
  let readiness: Readiness = { ready: true }
  const logged: { fields: Record<string, unknown>; message: string }[] = []
  const keep = (fields: object, message: string): void => {
    logged.push({ fields: fields as Record<string, unknown>, message })
  }
  const log: AdminLog = { debug: keep, info: keep, warn: keep, error: keep }
  const failing = (): never => {
    throw new Error('secret detail of /home/someone')
  }
  let broken = false
  const { services, ...rest } = demoOptions({ log, readiness: () => readiness })
  const app = buildAdmin({ ...rest, services: () => (broken ? failing() : services()) })
  afterAll(() => app.close())

  test('says whether it lives and whether it is ready', async () => {
    expect((await app.inject('/livez')).json()).toEqual({ status: 'live' })
    expect((await app.inject('/readyz')).json()).toEqual({ status: 'ready' })
    readiness = { ready: false, why: 'two of four workers have not acknowledged' }
    const waiting = await app.inject('/readyz')
    expect(waiting.statusCode).toBe(503)
    expect(waiting.json()).toEqual({ status: 'not ready', why: 'two of four workers have not acknowledged' })
    expect((await app.inject('/livez')).statusCode).toBe(200)
    readiness = { ready: true }
  })

  test.each([
    [
      '/nowhere',
      { error: { code: 'not_found', message: 'There is no GET /nowhere here.', requestId: expect.any(String) } },
    ],
    ['/api/nowhere', { error: expect.objectContaining({ code: 'not_found' }) }],
    ['/stats/nowhere', { error: 'There is no GET /stats/nowhere here.' }],
    ['/admin/api/services.json', { error: 'There is no GET /admin/api/services.json here.' }],
    ['/v1/o/acme/apis', { code: 'not_found', message: 'There is no GET /v1/o/acme/apis here.', contexts: [] }],
  ])('knows no %s, and says so in the words of that API', async (url, body) => {
    const answer = await app.inject({ url, headers })
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toEqual(body)
  })

  test('gives every answer a request id', async () => {
    for (const url of ['/livez', '/nowhere', '/api/services', '/']) {
      expect((await app.inject(url)).headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
    }
  })

  test('refuses a path that is none, in JSON', async () => {
    const answer = await app.inject({ url: '/api/%zz', headers })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.code).toBe('bad_path')
  })

  test('keeps what failed inside to its log', async () => {
    broken = true
    const answers = [
      await app.inject({ url: '/api/services', headers }),
      await app.inject({ url: '/stats/services/42/usage_response_code.json', headers }),
    ]
    broken = false
    for (const answer of answers) {
      expect(answer.statusCode).toBe(500)
      expect(answer.body).not.toMatch(/secret detail|someone|at .*\.ts/)
    }
    expect(answers[0]!.json().error.code).toBe('internal_error')
    expect(answers[1]!.json()).toEqual({ error: expect.stringContaining('the log has it') })
    const entry = logged.find(({ message }) => message === 'admin call failed')
    expect(entry?.fields).toMatchObject({ path: '/api/services', requestId: answers[0]!.headers['x-request-id'] })
    expect(String(entry?.fields['err'])).toContain('secret detail')
  })

  test('never logs a token', async () => {
    await app.inject(`/?token=${demoToken}`)
    await app.inject(`/api/services?access_token=${demoToken}`)
    expect(logged.length).toBeGreaterThan(0)
    expect(JSON.stringify(logged)).not.toContain(demoToken)
  })
})

describe('on a socket', () => {
  const opened: Admin[] = []
  const start = async (part: Parameters<typeof demoOptions>[0] = {}): Promise<Admin> => {
    const admin = await startAdmin(demoOptions({ log: silentLog, ...part }))
    opened.push(admin)
    return admin
  }
  afterAll(() => Promise.all(opened.map((admin) => admin.close(0))))

  /** Sends these bytes and gives all that comes back until the door closes. */
  const exchange = (port: number, bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const chunks: string[] = []
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
      socket.setEncoding('latin1').on('data', (chunk) => chunks.push(String(chunk)))
      socket.on('close', () => resolve(chunks.join('')))
      socket.on('error', reject)
    })

  test('answers, and refuses what is not HTTP in JSON', async () => {
    const { port } = await start()
    const live = await fetch(`http://127.0.0.1:${port}/livez`)
    expect([live.status, await live.json()]).toEqual([200, { status: 'live' }])
    for (const bytes of ['NONSENSE\r\n\r\n', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`]) {
      const answer = await exchange(port, bytes)
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
        error: { code: 'malformed_request', message: expect.any(String) },
      })
    }
  })

  test('says which port is taken', async () => {
    const { port } = await start()
    await expect(start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  test('closes although a client holds its connection', async () => {
    const { port, close } = await start()
    const held = connect(port, '127.0.0.1').on('error', () => {})
    const ended = new Promise((resolve) => held.on('close', resolve))
    await new Promise((resolve) => held.write('GET /livez HTTP/1.1\r\nHost: a\r\n', resolve))
    await close(50)
    await ended
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow()
  })
})
