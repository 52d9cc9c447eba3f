import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import { Answer, Collector, cleanUp, LIMITS, later, originOf, rawUpstream, serve } from './test-support.ts'
import type { Downstream, UpstreamClient } from './types.ts'

/**
 * Random damage to real messages, our reading of them beside that of node:http. Refusing more is fine; what must never happen
 * is that we pass on something that the next one reads as another message, or as more messages.
 */

const NUM_RUNS = 400

// --- what to damage -----------------------------------------------------------------------------------------------------

const REQUESTS = [
  'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
  'POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
  'POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
  'POST /d HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc',
  'POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 38\r\n\r\nGET /inner HTTP/1.1\r\nHost: inner\r\n\r\n...',
  'PUT /f HTTP/1.1\r\nHost: h\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\nGET /inner HTTP/1.1\r\nHost: i\r\n\r\n\r\n0\r\n\r\n',
]

const ANSWERS = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nuntil close',
]

const POISON = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0',
  '5',
  '+',
  '-',
  '\x0b',
  '\x85',
  '\xa0',
  '\xff',
  '\r\n\r\n',
  '0\r\n\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding : chunked\r\n',
  ' Transfer-Encoding: chunked\r\n',
  'Content-Length: 5, 5\r\n',
  'Host: other\r\n',
  'Connection: close\r\n',
  'Connection: Content-Length\r\n',
  'Upgrade: websocket\r\nConnection: Upgrade\r\n',
  'Expect: 100-continue\r\n',
  'chunked',
  'GET /inner HTTP/1.1\r\nHost: i\r\n\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  '\r\n ',
]

const damage = fc.array(
  fc.record({
    place: fc.nat(10_000),
    removed: fc.constantFrom(0, 0, 0, 1, 2, 5),
    inserted: fc.oneof(fc.constantFrom('', ...POISON), fc.string({ maxLength: 2 })),
  }),
  { maxLength: 3 },
)

function damaged(text: string, places: readonly { place: number; removed: number; inserted: string }[]): string {
  for (const { place, removed, inserted } of places) {
    const at = place % (text.length + 1)
    text = text.slice(0, at) + inserted + text.slice(at + removed)
  }
  return text
}

const requestBytes = fc
  .tuple(fc.array(fc.constantFrom(...REQUESTS), { minLength: 1, maxLength: 3 }), damage)
  .map(([parts, places]) => damaged(parts.join(''), places))

// --- how it is read -----------------------------------------------------------------------------------------------------

type Seen = string[]

/** Sends bytes and our end; resolves when the other side closed. */
function sendAll(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end(bytes, 'latin1'))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('end', () => socket.end())
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

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
  const server = await serve((exchange) => {
    const index = ours.push(`${exchange.method} ${exchange.target}`) - 1
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
      const answers = await sendAll(server.port, bytes)
      await sendAll(nodePort, bytes)
      const complete = ours.slice(0, (answers.match(/HTTP\/1\.1 200 /g) ?? []).length)
      takenCount += complete.length
      expect(nodeSeen.slice(0, complete.length)).toEqual(complete)
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
    const { method, target, body } = down
    const headers: string[] = []
    for (let i = 0; i < down.rawHeaders.length; i += 2) {
      if (!/^(connection|upgrade)$/i.test(down.rawHeaders[i]!))
        headers.push(down.rawHeaders[i]!, down.rawHeaders[i + 1]!)
    }
    const timeouts = { connectTimeoutMs: 5000, ioTimeoutMs: 5000 }
    const call = client.dispatch(
      { origin: originOf(nodePort), method, target, headers, body, ...timeouts },
      {
        onHead: (status, reason, answered, bodyBytes) => down.head(status, reason, answered, bodyBytes),
        onData: (chunk) => down.write(chunk),
        onEnd: (trailers) => down.end(trailers),
        onError: () => (down.bytesOut === 0 ? down.send(502, 'Bad Gateway', [], null) : down.abort()),
      },
    )
    down.onFinish = (how) => {
      if (how === 'gone') call.abort()
    }
  })
  await fc.assert(
    fc.asyncProperty(requestBytes, async (bytes) => {
      nodeSeen = []
      taken = []
      await sendAll(proxy.port, bytes)
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
  const answerBytes = fc
    .tuple(fc.constantFrom(...ANSWERS), damage, fc.constantFrom('', ...ANSWERS))
    .map(([answer, places, behind]) => damaged(answer, places) + behind)
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
