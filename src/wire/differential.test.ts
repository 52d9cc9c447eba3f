import http from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import { answerBytes, requestBytes } from './test-damage.ts'
import { headersOf, Pipe } from './test-pipe.ts'
import { Answer, Collector, cleanUp, LIMITS, later, originOf, rawUpstream, sendAll, serve } from './test-support.ts'
import type { Downstream, UpstreamClient } from './types.ts'

/**
 * Random damage to real messages, our reading of them beside that of node:http. Refusing more is fine; what must never happen
 * is that we pass on something that the next one reads as another message, or as more messages.
 */

const NUM_RUNS = 400

// --- how it is read -----------------------------------------------------------------------------------------------------

type Seen = string[]

let nodeServer: http.Server
let nodePort = 0
let nodeSeen: Seen = []

beforeAll(async () => {
  nodeServer = http.createServer((request, response) => {
    let body = ''
    const index = nodeSeen.push(`${request.method} ${request.url}`) - 1
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1')
    })
    request.on('end', () => {
      nodeSeen[index] += ` ${body}`
      response.end('ok')
    })
  })
  // Reads what comes behind a half-close, as we do.
  Object.assign(nodeServer, { httpAllowHalfOpen: true })
  await new Promise<void>((resolve) => nodeServer.listen(0, '127.0.0.1', resolve))
  nodePort = (nodeServer.address() as AddressInfo).port
})

afterAll(() => {
  nodeServer.closeAllConnections()
  return new Promise((resolve) => nodeServer.close(resolve))
})

afterEach(cleanUp)

function collect(exchange: Downstream, done: (body: string) => void): void {
  if (exchange.body === null) return done('')
  const body = new Collector()
  exchange.body.start(body)
  void body.done.then(() => body.error === null && done(body.body))
}

test('requests: what we take, node:http takes as the same, in the same order', async () => {
  let ours: Seen = []
  // node:http reads no further request behind one that asks for an upgrade; we go on, as RFC 9110 section 7.8 allows.
  let firstUpgrade = Number.POSITIVE_INFINITY
  const server = await serve((exchange) => {
    const index = ours.push(`${exchange.method} ${exchange.target}`) - 1
    if (exchange.rawHeaders.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'upgrade')) {
      firstUpgrade = Math.min(firstUpgrade, index)
    }
    collect(exchange, (body) => {
      ours[index] += ` ${body}`
      exchange.send(200, 'OK', [], 'ok')
    })
  })
  let takenCount = 0
  await fc.assert(
    fc.asyncProperty(requestBytes, async (bytes) => {
      ours = []
      nodeSeen = []
      firstUpgrade = Number.POSITIVE_INFINITY
      const answers = await sendAll({ port: server.port }, bytes)
      await sendAll({ port: nodePort }, bytes)
      const complete = ours.slice(0, (answers.match(/HTTP\/1\.1 200 /g) ?? []).length)
      takenCount += complete.length
      const comparable = complete.slice(0, firstUpgrade + 1)
      expect(nodeSeen.slice(0, comparable.length)).toEqual(comparable)
    }),
    { numRuns: NUM_RUNS },
  )
  expect(takenCount).toBeGreaterThan(NUM_RUNS / 2)
})

test('requests: what we pass on is one request each for node:http behind us', async () => {
  const client: UpstreamClient = createUpstreamClient()
  later(() => client.close())
  let taken: Seen = []
  const proxy = await serve((down) => {
    taken.push(`${down.method} ${down.target}`)
    new Pipe(client, originOf(nodePort), down, { headers: headersOf(down) })
  })
  await fc.assert(
    fc.asyncProperty(requestBytes, async (bytes) => {
      nodeSeen = []
      taken = []
      await sendAll({ port: proxy.port }, bytes)
      const seen = nodeSeen.map((text) => text.split(' ', 2).join(' '))
      // Each that came through was one that we took, in order; those that broke off may be missing.
      let from = 0
      for (const one of seen) {
        const at = taken.indexOf(one, from)
        expect(at, `${one} was made up`).toBeGreaterThanOrEqual(0)
        from = at + 1
      }
    }),
    { numRuns: NUM_RUNS },
  )
})

test('answers: any damage ends as one answer or one error, and never reaches the next request', async () => {
  let bytes = ''
  const { origin } = await rawUpstream((socket) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!text.endsWith('\r\n\r\n')) return
      if (text.includes('/probe')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nprobe')
      else socket.write(bytes, 'latin1', () => socket.end())
      text = ''
    })
    socket.on('end', () => socket.end())
  })
  const client = createUpstreamClient({ limits: LIMITS })
  later(() => client.close())
  const send = async (target: string): Promise<Answer> => {
    const answer = new Answer()
    const timeouts = { connectTimeoutMs: 5000, ioTimeoutMs: 5000 }
    client.dispatch({ origin, method: 'GET', target, headers: ['Host', 'h'], body: null, ...timeouts }, answer)
    return answer.done
  }
  await fc.assert(
    fc.asyncProperty(answerBytes, async (text) => {
      bytes = text
      const answer = await send('/damaged')
      expect(answer.ends).toBe(1)
      for (const part of [answer.reason, ...answer.headers]) expect(part).not.toMatch(/[\r\n\0]/)
      expect(await send('/probe')).toMatchObject({ status: 200, body: 'probe', error: null })
    }),
    { numRuns: NUM_RUNS },
  )
})
