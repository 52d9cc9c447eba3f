import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import { Pipe } from './test-pipe.ts'
import { Collector, cleanUp, LIMITS, later, originOf, RawClient, rawUpstream, serve, until } from './test-support.ts'
import type { Origin } from './types.ts'

afterEach(cleanUp)

async function proxyTo(origin: Origin): Promise<{ port: number; pipes: Pipe[] }> {
  const client = createUpstreamClient()
  later(() => client.close())
  const pipes: Pipe[] = []
  const { port } = await serve((down) => pipes.push(new Pipe(client, origin, down)))
  return { port, pipes }
}

/** An upstream of ours that sends back the request's method, target, body and trailers. */
async function echo(): Promise<Origin> {
  const { port } = await serve((exchange) => {
    const answer = (body: string, trailers: readonly string[] | null): void => {
      const text = `${exchange.method} ${exchange.target} [${body}] ${trailers?.join('=') ?? ''}`
      if (!exchange.target.includes('chunked')) return exchange.send(200, 'OK', ['X-Method', exchange.method], text)
      exchange.head(200, 'OK', ['X-Method', exchange.method], -1)
      exchange.write(Buffer.from(text))
      exchange.end(['X-Sum', String(text.length)])
    }
    if (exchange.body === null) return answer('', null)
    const body = new Collector()
    exchange.body.start(body)
    void body.done.then(() => (body.error === null ? answer(body.body, body.trailers) : exchange.abort()))
  })
  return originOf(port)
}

test('any split of valid requests gets the same answers', async () => {
  const { port } = await proxyTo(await echo())
  const messages = [
    'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
    'POST /b?c HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world',
    '\r\nPOST /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nX-T: 1\r\n\r\n',
    'HEAD /h HTTP/1.1\r\nHost: h\r\nX-Empty:\r\n\r\n',
    'GET /chunked HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
  ]
  const text = messages.join('')
  const answers = async (pieces: readonly string[]): Promise<string> => {
    const client = await RawClient.connect(port)
    client.socket.setNoDelay(true)
    for (const piece of pieces) {
      client.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return (await client.untilClosed()).replaceAll(/Date: [^\r]+\r\n/g, '')
  }
  const whole = await answers([text])
  expect(whole).toContain('\r\n\r\nGET /a [] HTTP/1.1 200 OK\r\n')
  expect(whole).toContain('POST /b?c [hello world] ')
  expect(whole).toContain('POST /chunked [hello!] X-T=1\r\n0\r\nX-Sum: 28\r\n\r\n')
  expect(whole.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(5)
  // Every boundary once, many at the same time.
  const cuts = Array.from({ length: text.length - 1 }, (_, i) => i + 1)
  while (cuts.length > 0) {
    const some = cuts.splice(0, 40).map((cut) => answers([text.slice(0, cut), text.slice(cut)]))
    for (const one of await Promise.all(some)) expect(one).toBe(whole)
  }
  expect(await answers([...text])).toBe(whole)
  const anyCuts = fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(anyCuts, async (places) => {
      const sorted = [0, ...places.sort((a, b) => a - b), text.length]
      expect(await answers(sorted.slice(1).map((end, i) => text.slice(sorted[i], end)))).toBe(whole)
    }),
    { numRuns: 60 },
  )
})

test('any cut of a valid request ends cleanly', async () => {
  const { port, pipes } = await proxyTo(await echo())
  const text =
    'POST /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n'
  const clients: RawClient[] = []
  for (let cut = 0; cut < text.length; cut++) {
    const client = await RawClient.connect(port)
    clients.push(client)
    client.socket.end(text.slice(0, cut), 'latin1')
  }
  for (const client of clients) expect(await client.untilClosed()).not.toContain('200 OK')
  await until(() => pipes.every((pipe) => pipe.outcome === 'gone'))
  const client = await RawClient.connect(port)
  client.write(text)
  await client.untilText('[hello] X-T=1')
})

const BIG_BYTES = 64_000_000

test('a slow reader holds the upstream back, and memory stays small', async () => {
  let upstreamBytes = 0
  const chunk = Buffer.alloc(65_536, 'x')
  const { origin } = await rawUpstream((socket) => {
    const pour = (): void => {
      while (upstreamBytes < BIG_BYTES) {
        const piece = chunk.subarray(0, Math.min(chunk.length, BIG_BYTES - upstreamBytes))
        upstreamBytes += piece.length
        if (!socket.write(piece)) return
      }
    }
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG_BYTES}\r\n\r\n`)
      pour()
    })
    socket.on('drain', pour)
  })
  const { port, pipes } = await proxyTo(origin)
  const client = await RawClient.connect(port)
  client.socket.removeAllListeners('data')
  client.socket.pause()
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  // Everything comes to rest far below the size of the body.
  let before = -1
  await until(() => upstreamBytes > 0)
  for (let still = 0; still < 50; still = before === upstreamBytes ? still + 1 : 0) {
    before = upstreamBytes
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect(upstreamBytes).toBeLessThan(BIG_BYTES / 2)
  expect(pipes[0]!.outcome).toBe('')
  let clientBytes = 0
  client.socket.on('data', (piece: Buffer) => {
    clientBytes += piece.length
  })
  client.socket.resume()
  await until(() => pipes[0]!.outcome === 'sent')
  await until(() => clientBytes >= BIG_BYTES)
})

test('a slow upstream holds the client back', async () => {
  let release: (() => void) | undefined
  let received = 0
  const { origin } = await rawUpstream((socket) => {
    socket.pause()
    socket.on('data', (piece: Buffer) => {
      received += piece.length
      if (received > BIG_BYTES) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    release = () => socket.resume()
  })
  const { port } = await proxyTo(origin)
  const client = await RawClient.connect(port)
  client.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${BIG_BYTES}\r\n\r\n`)
  const chunk = Buffer.alloc(65_536, 'x')
  let sentBytes = 0
  const pour = (): void => {
    while (sentBytes < BIG_BYTES) {
      const piece = chunk.subarray(0, Math.min(chunk.length, BIG_BYTES - sentBytes))
      sentBytes += piece.length
      if (!client.socket.write(piece)) return
    }
  }
  client.socket.on('drain', pour)
  pour()
  let before = -1
  for (let still = 0; still < 50; still = before === sentBytes ? still + 1 : 0) {
    before = sentBytes
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect(sentBytes).toBeLessThan(BIG_BYTES / 2)
  release!()
  await client.untilText('\r\n\r\nok')
})

test('a client that leaves takes the upstream`s exchange with it', async () => {
  let upstreamClosed = 0
  const { origin } = await rawUpstream((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n'))
    socket.on('close', () => upstreamClosed++)
    socket.on('end', () => socket.end())
  })
  const { port, pipes } = await proxyTo(origin)
  const client = await RawClient.connect(port)
  client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await client.untilText('ab\r\n')
  client.socket.resetAndDestroy()
  await until(() => upstreamClosed === 1)
  expect(pipes[0]!.outcome).toBe('gone')
  expect(pipes[0]!.error).toBeNull()
})

test('an upstream that breaks off: the client sees that its answer is not whole', async () => {
  const heads = ['Content-Length: 10', 'Transfer-Encoding: chunked']
  for (const head of heads) {
    const { origin } = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`)
        socket.end('2\r\nab\r\n')
      })
    })
    const { port, pipes } = await proxyTo(origin)
    const client = await RawClient.connect(port)
    client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    const text = await client.untilClosed()
    expect(text).toContain(head)
    expect(text).not.toMatch(/0\r\n\r\n$/)
    expect(pipes[0]!.error).toMatchObject({ kind: 'reset' })
  }
})

test('an HTTP/1.0 client learns by a reset that a body without length is not whole', async () => {
  const { origin } = await rawUpstream((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n')
      setTimeout(() => socket.destroy(), 20)
    })
  })
  const { port } = await proxyTo(origin)
  const client = await RawClient.connect(port)
  let code = ''
  client.socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? ''
  })
  client.write('GET / HTTP/1.0\r\n\r\n')
  await client.untilClosed()
  expect(code).toBe('ECONNRESET')
})

test('a client that breaks its body off, and one that sends bad chunks', async () => {
  const { port, pipes } = await proxyTo(await echo())
  const client = await RawClient.connect(port)
  client.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab')
  await until(() => pipes.length === 1)
  client.socket.destroy()
  await until(() => pipes[0]!.outcome === 'gone')
  const bad = await RawClient.connect(port)
  bad.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nxyz\r\n')
  expect(await bad.untilClosed()).toMatch(/^HTTP\/1\.1 400 /)
  expect(pipes[1]!.outcome).toBe('gone')
  expect(pipes[1]!.down.refusedStatus).toBe(400)
})

test('a client that does not read at all is cut off, and one that leaves with its answer half read', async () => {
  const outcomes: string[] = []
  const server = await serve(
    (exchange) => {
      exchange.finishListener = { onFinish: (how) => outcomes.push(how) }
      exchange.send(200, 'OK', [], Buffer.alloc(BIG_BYTES))
    },
    { limits: { ...LIMITS, bodyTimeoutMs: 100 } },
  )
  const deaf = await RawClient.connect(server.port)
  deaf.socket.pause()
  deaf.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await until(() => outcomes.length === 1)
  deaf.socket.destroy()
  const leaving = await RawClient.connect(server.port)
  leaving.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await leaving.untilText('200 OK')
  leaving.socket.resetAndDestroy()
  await until(() => outcomes.length === 2)
  expect(outcomes).toEqual(['gone', 'gone'])
  expect(server.connections).toBe(0)
})
