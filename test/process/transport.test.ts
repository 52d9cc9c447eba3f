import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Backend, call } from '../kit/backend.ts'
import { Postern, statusOfGateway, until, writeFiles } from '../kit/postern.ts'

const MIB = 1024 * 1024
const BUFFERING = `<AssignMessage name="AM"><Set><Headers><Header name="X-Length">{request.content}</Header></Headers></Set></AssignMessage>`

/** Bytes to the gateway as they are, and all that it answers until it closes. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

describe('what crosses the gateway', () => {
  let folder: string
  let backend: Backend
  let postern: Postern
  let port: number
  let aborted = 0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-transport-'))
    backend = await Backend.start((received, response) => {
      const path = received.url.split('?')[0]
      response.on('close', () => {
        if (!response.writableFinished) aborted++
      })
      switch (path) {
        case '/big':
          response.writeHead(200, { 'content-length': 64 * MIB })
          return pour(response, 64)
        case '/204':
          return response.writeHead(204).end()
        case '/304':
          return response.writeHead(304, { etag: '"x"' }).end()
        case '/cut':
          response.writeHead(200, { 'content-length': 100 })
          response.write('half')
          return setImmediate(() => response.destroy())
        case '/reset':
          return response.destroy()
        case '/silent':
          return
        case '/hop':
          response.writeHead(200, [
            'Connection',
            'close, X-Hop',
            'X-Hop',
            'h',
            'Keep-Alive',
            'timeout=9',
            'X-Request-Id',
            'theirs',
            'X-Apig-count',
            '99',
            'X-End',
            'e',
          ])
          return response.end('ok')
        case '/odd':
          return response.writeHead(299, 'Fine Indeed').end('odd')
        default:
          response.writeHead(200, { 'content-type': 'application/json' })
          return response.end(JSON.stringify(received))
      }
    })
    const config = join(folder, 'postern.yaml')
    writeFiles(join(folder, 'buffering'), bufferingBundle(backend.url))
    writeFileSync(
      config,
      `version: 1\napis:\n  - {name: plain, basePath: /p, target: "${backend.url}"}\n  - {bundle: ./buffering}\n  - {name: down, basePath: /down, target: "http://127.0.0.1:1"}\n`,
    )
    postern = await Postern.start(['--config', config], { workers: 1 })
    port = Number(new URL(postern.gateway).port)
  })

  afterAll(async () => {
    await postern?.stop()
    await backend?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const received = async (path: string, options: Parameters<typeof call>[1] = {}) => {
    const answer = await call(postern.gateway + path, options)
    return JSON.parse(answer.text) as {
      method: string
      url: string
      headers: Record<string, string>
      rawHeaders: string[]
      body: string
    }
  }

  test('path suffix and query as they were sent, headers with their case, hop-by-hop ones not', async () => {
    const got = await received('/p/a%2Fb//c?x=%7e&y', {
      headers: {
        'X-Mixed-Case': 'v',
        Connection: 'x-private',
        'X-Private': 'no',
        TE: 'trailers',
        'X-Forwarded-For': '10.0.0.9',
        'X-Apig-Mode': 'debug',
        'X-Request-Id': 'mine',
      },
    })
    expect(got.url).toBe('/a%2Fb//c?x=%7e&y')
    expect(got.rawHeaders).toContain('X-Mixed-Case')
    expect(got.headers).toMatchObject({ 'x-forwarded-for': '10.0.0.9, 127.0.0.1', 'x-apig-count': '1' })
    expect(got.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
    for (const name of ['x-private', 'te', 'x-apig-mode']) expect(got.headers).not.toHaveProperty(name)
    expect(got.headers['host']).toBe(new URL(backend.url).host)
  })

  test("a backend's diagnostic and hop-by-hop headers are replaced, never doubled", async () => {
    const answer = await call(`${postern.gateway}/p/hop`)
    const names = answer.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
    expect(names.filter((name) => name === 'x-request-id')).toHaveLength(1)
    expect(answer.headers['x-apig-count']).toBe('1')
    expect(answer.headers['x-end']).toBe('e')
    expect(names).not.toContain('x-hop')
  })

  test.each([
    ['GET', '/p/204', 204],
    ['GET', '/p/304', 304],
    ['HEAD', '/p/x', 200],
    ['HEAD', '/p/204', 204],
  ])('%s %s has no body', async (method, path, status) => {
    const answer = await call(postern.gateway + path, { method })
    expect([answer.status, answer.text]).toEqual([status, ''])
  })

  test('a reason phrase of its own survives', async () => {
    const answer = await call(`${postern.gateway}/p/odd`)
    expect([answer.status, answer.reason, answer.text]).toEqual([299, 'Fine Indeed', 'odd'])
  })

  test('Expect: 100-continue is answered before the body is sent', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const outgoing = request(`${postern.gateway}/p/x`, {
        method: 'POST',
        headers: { Expect: '100-continue', 'Content-Length': 5 },
        agent: false,
      })
      outgoing.on('continue', () => outgoing.end('hello'))
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => {
        let body = ''
        incoming.setEncoding('utf8').on('data', (chunk) => {
          body += chunk
        })
        incoming.on('end', () => resolve(body))
      })
      outgoing.flushHeaders()
    })
    expect(JSON.parse(text)).toMatchObject({ body: 'hello', method: 'POST' })
  })

  test('a slow reader holds the backend back: memory stays small', async () => {
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(statusOfGateway(postern.process.pid!))![1]) / 1024
    const before = memory()
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /p/big HTTP/1.1\r\nHost: x\r\n\r\n'))
    socket.once('data', () => socket.pause())
    await until(() => socket.isPaused())
    await new Promise((resolve) => setImmediate(resolve))
    expect(memory() - before).toBeLessThan(48)
    const abortedBefore = aborted
    socket.destroy()
    await until(() => aborted > abortedBefore)
  })

  test('64 MiB arrive whole', async () => {
    const bytes = await new Promise<number>((resolve, reject) => {
      request(`${postern.gateway}/p/big`, { agent: false }, (incoming) => {
        let sum = 0
        incoming.on('data', (chunk: Buffer) => {
          sum += chunk.length
        })
        incoming.on('end', () => resolve(sum))
        incoming.on('error', reject)
      })
        .on('error', reject)
        .end()
    })
    expect(bytes).toBe(64 * MIB)
  })

  test('an answer that breaks off does not look whole', async () => {
    await expect(call(`${postern.gateway}/p/cut`)).rejects.toThrow(/aborted|hang up|reset/i)
  })

  test.each([
    ['/p/reset', 502, 'messaging.adaptors.http.flow.UnexpectedEOFAtTarget'],
    ['/down/x', 503, 'messaging.adaptors.http.flow.ServiceUnavailable'],
    ['/buffering/silent', 504, 'messaging.adaptors.http.flow.GatewayTimeout'],
  ])('%s is %i', async (path, status, code) => {
    const answer = await call(postern.gateway + path)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text).fault.detail.errorcode).toBe(code)
  })

  test('a step that reads the body has it, and more than 10 MB is 413', async () => {
    const small = await received('/buffering/x', { method: 'POST', body: 'abc' })
    expect([small.headers['x-length'], small.body]).toEqual(['abc', 'abc'])
    const answer = await call(`${postern.gateway}/buffering/x`, {
      method: 'POST',
      body: Buffer.alloc(10 * MIB + 1, 0x61),
    })
    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.text).fault.detail.errorcode).toBe('protocol.http.TooBigBody')
  })

  test.each([
    ['a line', `/p/${'a'.repeat(8_000)}`, {}, 414, 'protocol.http.TooBigLine', 'request line size exceeding 7,168'],
    [
      'headers',
      '/p/x',
      { A: 'a'.repeat(13_000), B: 'b'.repeat(13_000) },
      431,
      'protocol.http.TooBigHeaders',
      'request headers size exceeding 25,600',
    ],
  ])("%s over Edge's limit is a fault of the proxy", async (_what, path, headers, status, code, text) => {
    const answer = await call(postern.gateway + path, { headers })
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toEqual({ fault: { faultstring: text, detail: { errorcode: code } } })
  })

  test.each([
    ['repeated', 'X-Apig-count: 10\r\nX-Apig-count: 1\r\n'],
    ['joined', 'X-Apig-count: 1, 10\r\n'],
  ])('the loop guard is not passed by a %s count', async (_name, header) => {
    const answer = await raw(port, `GET /p/x HTTP/1.1\r\nHost: x\r\n${header}Connection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 500 .*APIG\.0612/s)
  })

  test.each([
    ['junk', 'hello\r\n\r\n', 400],
    ['two lengths', 'POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    [
      'length and chunked',
      'POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['no host', 'GET /p HTTP/1.1\r\n\r\n', 400],
    ['two hosts', 'GET /p HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['a line that is too long', `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
    ['headers that are too large', `GET /p HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
  ])('%s is refused and the connection closed', async (_name, bytes, status) => {
    const answer = await raw(port, bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toMatch(/\r\nX-Request-Id: [0-9a-f]{32}\r\n/i)
    expect(answer).toMatch(/"fault":/)
  })

  test('calls that are sent at once are answered in order', async () => {
    const answer = await raw(
      port,
      'GET /p/one HTTP/1.1\r\nHost: x\r\n\r\nGET /p/two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    )
    expect([...answer.matchAll(/"url":"([^"]+)"/g)].map((match) => match[1])).toEqual(['/one', '/two'])
  })
})

async function pour(response: import('node:http').ServerResponse, mib: number): Promise<void> {
  const block = Buffer.alloc(MIB, 0x62)
  for (let i = 0; i < mib && !response.destroyed; i++) {
    if (response.write(block)) continue
    await new Promise<void>((resolve) => {
      response.once('drain', resolve)
      response.once('close', resolve)
    })
  }
  response.end()
}

/** A proxy with a step that reads the request's content, and a target that must answer soon. */
function bufferingBundle(target: string): Record<string, string> {
  return {
    'apiproxy/buffering.xml': '<APIProxy name="buffering"/>',
    'apiproxy/policies/AM.xml': BUFFERING,
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>AM</Name><Condition>request.verb = "POST"</Condition></Step></Request></PreFlow>
      <HTTPProxyConnection><BasePath>/buffering</BasePath></HTTPProxyConnection><RouteRule name="r"><TargetEndpoint>t</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'apiproxy/targets/t.xml': `<TargetEndpoint name="t"><HTTPTargetConnection><URL>${target}</URL>
      <Properties><Property name="io.timeout.millis">300</Property></Properties></HTTPTargetConnection></TargetEndpoint>`,
  }
}
