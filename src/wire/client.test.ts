import { afterEach, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import type { ClientSettings } from './client-pool.ts'
import { Answer, cannedUpstream, cleanUp, later, originOf, PushedBody, rawUpstream, until } from './test-support.ts'
import type { Origin, UpstreamClient, UpstreamRequest } from './types.ts'

afterEach(cleanUp)

function makeClient(options: Partial<ClientSettings> = {}): UpstreamClient {
  const client = createUpstreamClient(options)
  later(() => client.close())
  return client
}

function request(origin: Origin, rest: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    origin,
    method: 'GET',
    target: '/',
    headers: ['Host', 'h'],
    body: null,
    connectTimeoutMs: 5000,
    ioTimeoutMs: 5000,
    ...rest,
  }
}

function send(client: UpstreamClient, origin: Origin, rest: Partial<UpstreamRequest> = {}): Promise<Answer> {
  const answer = new Answer()
  client.dispatch(request(origin, rest), answer)
  return answer.done
}

const OK = 'HTTP/1.1 200 OK\r\n'

interface Expected {
  readonly body?: string
  readonly headers?: string[]
  readonly bodyBytes?: number
  readonly status?: number
  readonly trailers?: string[] | null
  /** The connection is used again. */
  readonly kept?: boolean
  readonly method?: string
}

// What the upstream sends and what the handler gets of it.
const ANSWERS: readonly (readonly [string, string, Expected])[] = [
  [
    'Content-Length',
    `${OK}Content-Length: 2\r\nX-A: b \r\n\r\nab`,
    { body: 'ab', headers: ['Content-Length', '2', 'X-A', 'b'], bodyBytes: 2, kept: true },
  ],
  ['no body', `${OK}Content-Length: 0\r\n\r\n`, { body: '', bodyBytes: 0, kept: true }],
  [
    'chunked',
    `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x\r\ncde\r\n0\r\n\r\n`,
    { body: 'abcde', headers: [], bodyBytes: -1, kept: true, trailers: null },
  ],
  [
    'trailers',
    `${OK}Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n`,
    { body: 'ab', headers: [], trailers: ['X', 'y'], kept: true },
  ],
  [
    'interim answers',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}Content-Length: 1\r\n\r\na`,
    { body: 'a', headers: ['Content-Length', '1'], kept: true },
  ],
  [
    'HEAD',
    `${OK}Content-Length: 20\r\n\r\n`,
    { method: 'HEAD', body: '', headers: ['Content-Length', '20'], bodyBytes: 0, kept: true },
  ],
  [
    'HEAD, chunked',
    `${OK}Transfer-Encoding: chunked\r\n\r\n`,
    { method: 'HEAD', body: '', headers: [], bodyBytes: 0, kept: true },
  ],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '', bodyBytes: 0, kept: true }],
  [
    '204 that announces a body',
    'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n',
    { status: 204, body: '', kept: false },
  ],
  [
    '304',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n',
    { status: 304, body: '', headers: ['Content-Length', '20'], kept: true },
  ],
  [
    'close',
    `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nab`,
    { body: 'ab', headers: ['Content-Length', '2'], kept: false },
  ],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab', { body: 'ab', kept: false }],
  [
    'HTTP/1.0 kept',
    'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nKeep-Alive: timeout=9\r\nContent-Length: 2\r\n\r\nab',
    { body: 'ab', headers: ['Content-Length', '2'], kept: true },
  ],
  [
    'hop-by-hop headers',
    `${OK}Keep-Alive: x\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nUpgrade: h2c\r\nTE: x\r\nProxy-Connection: x\r\nX-End: 2\r\nContent-Length: 0\r\n\r\n`,
    { headers: ['X-End', '2', 'Content-Length', '0'], kept: true },
  ],
  [
    'Connection cannot take Content-Length away',
    `${OK}Connection: Content-Length\r\nContent-Length: 1\r\n\r\na`,
    { headers: ['Content-Length', '1'], body: 'a', kept: true },
  ],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', { kept: true }],
  ['an error status', 'HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx', { status: 503, body: 'x', kept: true }],
]

test.each(ANSWERS)('answer: %s', async (_name, bytes, expected) => {
  const upstream = await cannedUpstream(bytes)
  const client = makeClient()
  const { method = 'GET' } = expected
  for (let round = 0; round < 2; round++) {
    const answer = await send(client, upstream.origin, { method })
    expect(answer.error).toBeNull()
    expect(answer.status).toBe(expected.status ?? 200)
    if (expected.body !== undefined) expect(answer.body).toBe(expected.body)
    if (expected.headers !== undefined) expect(answer.headers).toEqual(expected.headers)
    if (expected.bodyBytes !== undefined) expect(answer.bodyBytes).toBe(expected.bodyBytes)
    if (expected.trailers !== undefined) expect(answer.trailers).toEqual(expected.trailers)
    expect(answer.ends).toBe(1)
  }
  expect(upstream.connections()).toBe(expected.kept === false ? 2 : 1)
})

test('answer: body until the connection closes', async () => {
  const upstream = await cannedUpstream((_request, _count, socket) => {
    socket.end(`${OK}X: y\r\n\r\nall of it`)
    return ''
  })
  const answer = await send(makeClient(), upstream.origin)
  expect(answer).toMatchObject({ error: null, body: 'all of it', bodyBytes: -1 })
})

const BAD_ANSWERS: readonly (readonly [string, string])[] = [
  ['not HTTP', 'hello\r\n\r\n'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['HTTP/0.9', 'HTTP/0.9 200 OK\r\n\r\n'],
  ['status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'],
  ['status below 100', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n'],
  ['101 unasked', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n'],
  ['Content-Length and Transfer-Encoding', `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['Transfer-Encoding and Content-Length', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n`],
  ['two Content-Lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
  ['odd Content-Length', `${OK}Content-Length: 1a\r\n\r\na`],
  ['gzip, chunked', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['gzip as coding', `${OK}Transfer-Encoding: gzip\r\n\r\n`],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['folded header', `${OK}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`],
  ['space before the colon', `${OK}Content-Length : 0\r\n\r\n`],
  ['NUL in a value', `${OK}A: b\0\r\nContent-Length: 0\r\n\r\n`],
  ['empty line first', `\r\n${OK}Content-Length: 0\r\n\r\n`],
  ['bad chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\nx\r\nab\r\n`],
  ['chunk longer than its size', `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n`],
  ['too long a header', `${OK}A: ${'a'.repeat(40_000)}\r\n\r\n`],
  ['endless headers', `${OK}${`A: ${'a'.repeat(1000)}\r\n`.repeat(200)}`],
  ['too many headers', `${OK}${'A: a\r\n'.repeat(1001)}\r\n`],
  ['endless reason', `HTTP/1.1 200 ${'a'.repeat(200_000)}`],
]

test.each(BAD_ANSWERS)('bad answer: %s', async (_name, bytes) => {
  const upstream = await cannedUpstream(bytes)
  const client = makeClient()
  for (let round = 1; round <= 2; round++) {
    const answer = await send(client, upstream.origin)
    expect(answer.error).toMatchObject({ kind: 'bad-response', retryable: false })
    expect(answer.ends).toBe(1)
    expect(upstream.connections()).toBe(round)
  }
})

test('bytes behind an answer end the connection, not the answer', async () => {
  const upstream = await cannedUpstream(
    `${OK}Content-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged`,
  )
  const client = makeClient()
  for (let round = 1; round <= 2; round++) {
    expect(await send(client, upstream.origin)).toMatchObject({ error: null, body: 'a' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(upstream.connections()).toBe(round)
  }
})

test('an answer before any request closes the connection and is never used', async () => {
  const { origin } = await rawUpstream((socket) => {
    socket.on('data', () => {})
    socket.write(`${OK}Content-Length: 1\r\n\r\na`)
    setImmediate(() => socket.write(`${OK}Content-Length: 6\r\n\r\nforged`))
  })
  const answer = await send(makeClient(), origin)
  expect(answer.body).not.toBe('forged')
})

test('an answer that breaks off', async () => {
  const client = makeClient()
  for (const bytes of [
    '',
    'HTTP/1',
    `${OK}Content-Length: 5\r\n\r\nab`,
    `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nab`,
  ]) {
    const upstream = await cannedUpstream((_request, _count, socket) => {
      socket.end(bytes)
      return ''
    })
    const answer = await send(client, upstream.origin)
    expect(answer.error).toMatchObject({ kind: 'reset', retryable: false })
    expect(answer.ends).toBe(1)
  }
})

test('what goes out: head, framing, bodies', async () => {
  const upstream = await cannedUpstream(`${OK}Content-Length: 0\r\n\r\n`)
  const client = makeClient()
  const sent = async (rest: Partial<UpstreamRequest>): Promise<string> => {
    await send(client, upstream.origin, rest)
    return upstream.seen.at(-1)!
  }
  expect(await sent({ target: '/a?b' })).toBe('GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n')
  expect(await sent({ method: 'POST' })).toBe('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n')
  expect(await sent({ method: 'POST', body: 'hä' })).toBe(
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nh\xc3\xa4',
  )
  expect(await sent({ method: 'PUT', body: Buffer.from('ab') })).toBe(
    'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab',
  )
  const framed = [
    'Host',
    'h',
    'content-length',
    '9',
    'Transfer-Encoding',
    'x',
    'Connection',
    'x',
    'Keep-Alive',
    'x',
    'Expect',
    '100-continue',
  ]
  expect(await sent({ headers: framed })).toBe('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  expect(await sent({ headers: [...framed, 'X', 'y'], method: 'POST', body: 'a' })).toBe(
    'POST / HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 1\r\n\r\na',
  )
  expect(upstream.connections()).toBe(1)
})

test('what must not go out is refused', async () => {
  const upstream = await cannedUpstream(`${OK}Content-Length: 0\r\n\r\n`)
  const client = makeClient()
  const bad: Partial<UpstreamRequest>[] = [
    { target: '/a b' },
    { target: '/\r\nX: y' },
    { target: '' },
    { target: '/\u010a' },
    { method: 'GET /\r\n' },
    { method: '' },
    { headers: ['X', 'a\r\nb'] },
    { headers: ['X', 'a\0'] },
    { headers: ['X', '\u010a'] },
    { headers: ['X: y\r\nZ', 'a'] },
    { headers: ['', 'a'] },
  ]
  for (const rest of bad) {
    const answer = await send(client, upstream.origin, rest)
    expect(answer.error).toMatchObject({ kind: 'bad-request', retryable: false })
  }
  expect(upstream.seen).toEqual([])
})

test('a streamed body of known length, in pieces', async () => {
  const upstream = await cannedUpstream((text) => (text.endsWith('cde') ? `${OK}Content-Length: 0\r\n\r\n` : ''))
  const body = new PushedBody(5)
  const answer = send(makeClient(), upstream.origin, { method: 'POST', body })
  await until(() => body.sink !== null)
  expect(body.sink!.onData(Buffer.from('ab'))).toBe(true)
  body.sink!.onData(Buffer.from('cde'))
  body.sink!.onEnd(null)
  expect(await answer).toMatchObject({ error: null, status: 200 })
  expect(upstream.seen.join('')).toBe('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde')
  expect(body.cancelled).toBe(false)
})

test('a streamed body of unknown length, with trailers', async () => {
  const upstream = await cannedUpstream(`${OK}Content-Length: 0\r\n\r\n`)
  const body = new PushedBody(-1)
  body.onStart = () => {
    body.sink!.onData(Buffer.from('ab'))
    body.sink!.onData(Buffer.from('c'.repeat(20)))
    body.sink!.onEnd(['X', 'y'])
  }
  await send(makeClient(), upstream.origin, { method: 'POST', body })
  expect(upstream.seen.join('')).toBe(
    `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n14\r\n${'c'.repeat(20)}\r\n0\r\nX: y\r\n\r\n`,
  )
})

test('a body that breaks off, or is not as long as announced, breaks the request', async () => {
  let closed = 0
  const { origin } = await rawUpstream((socket) => {
    socket.on('data', () => {})
    socket.on('close', () => closed++)
    socket.on('end', () => socket.end())
  })
  const client = makeClient()
  const ends: ((sink: NonNullable<PushedBody['sink']>) => void)[] = [
    (sink) => sink.onError(new Error('the client left')),
    (sink) => sink.onEnd(null),
    (sink) => sink.onData(Buffer.from('far too long')),
  ]
  for (const [index, end] of ends.entries()) {
    const body = new PushedBody(5)
    const answer = send(client, origin, { method: 'POST', body })
    await until(() => body.sink !== null)
    body.sink!.onData(Buffer.from('ab'))
    end(body.sink!)
    expect((await answer).error).toMatchObject({ kind: 'body', retryable: false })
    await until(() => closed === index + 1)
  }
})

test('an answer before the whole body: the rest is not wanted and the connection not kept', async () => {
  const upstream = await cannedUpstream('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
  const body = new PushedBody(1_000_000)
  const client = makeClient()
  const answer = send(client, upstream.origin, { method: 'POST', body })
  await until(() => body.sink !== null)
  body.sink!.onData(Buffer.from('ab'))
  expect(await answer).toMatchObject({ status: 413, body: 'no', error: null })
  expect(body.cancelled).toBe(true)
  await send(client, upstream.origin)
  expect(upstream.connections()).toBe(2)
})

test('idle connections are used again, the last one first; the cap holds, the others wait their turn', async () => {
  const waiting: (() => void)[] = []
  const upstream = await cannedUpstream((_request, _count, socket) => {
    waiting.push(() => socket.write(`${OK}Content-Length: 0\r\n\r\n`))
    return ''
  })
  const client = makeClient({ connectionsPerOriginMax: 3 })
  const answers = Array.from({ length: 7 }, (_, i) => send(client, upstream.origin, { target: `/${i}` }))
  let answered = 0
  for (const answer of answers) void answer.then(() => answered++)
  await until(() => upstream.seen.length === 3)
  for (let i = 0; i < 7; i++) {
    await until(() => waiting.length > 0)
    waiting.shift()!()
    await until(() => answered === i + 1)
  }
  expect(upstream.connections()).toBe(3)
  expect(upstream.seen.map((text) => text.slice(4, 6)).sort()).toEqual(['/0', '/1', '/2', '/3', '/4', '/5', '/6'])
})

test('the queue for a connection is bounded in length and time', async () => {
  const { origin } = await rawUpstream((socket) => socket.on('data', () => {}))
  const client = makeClient({ connectionsPerOriginMax: 1, waitingPerOriginMax: 1 })
  const first = new Answer()
  const call = client.dispatch(request(origin), first)
  const waits = send(client, origin, { connectTimeoutMs: 50 })
  expect((await send(client, origin)).error).toMatchObject({ kind: 'refused', retryable: true })
  expect((await waits).error).toMatchObject({ kind: 'connect-timeout', retryable: true })
  call.abort()
})

test('an error is never told before dispatch returned', async () => {
  const client = makeClient({ resolve: (_host, callback) => callback(new Error('no such name'), []) })
  const answer = new Answer()
  client.dispatch(request({ key: 'x', secure: false, host: 'x.example', port: 1 }), answer)
  expect(answer.ends).toBe(0)
  expect((await answer.done).error).toMatchObject({ kind: 'dns', retryable: true, message: 'no such name' })
})

test('nobody listens', async () => {
  const { server, origin } = await rawUpstream(() => {})
  await new Promise((resolve) => server.close(resolve))
  const answer = await send(makeClient(), origin)
  expect(answer.error).toMatchObject({ kind: 'refused', retryable: true })
})

test('a host with several addresses: the next one is tried when one refuses', async () => {
  const upstream = await cannedUpstream(`${OK}Content-Length: 0\r\n\r\n`)
  const client = makeClient({ resolve: (_host, callback) => callback(null, ['127.0.0.9', '127.0.0.1']) })
  const origin = { ...upstream.origin, key: 'two', host: 'two.example' }
  for (let i = 0; i < 4; i++) {
    expect((await send(client, origin, { headers: ['Host', 'h', 'X', String(i)] })).error).toBeNull()
  }
})

test('a kept connection that the upstream closed is found out, and the request sent again, once', async () => {
  // Answers once on each connection, and closes it when the next request comes.
  const { origin } = await rawUpstream((socket) => {
    let requests = 0
    socket.on('data', () => {
      if (requests++ === 0) socket.write(`${OK}Content-Length: 1\r\n\r\na`)
      else socket.destroy()
    })
  })
  const client = makeClient()
  await send(client, origin)
  expect(await send(client, origin)).toMatchObject({ error: null, body: 'a' })
  // Not what may have been acted on already: a POST.
  expect((await send(client, origin, { method: 'POST', body: 'x' })).error).toMatchObject({
    kind: 'reset',
    retryable: false,
  })
  // Nor what never answers: only once.
  let connections = 0
  const { origin: deaf } = await rawUpstream((socket) => {
    const first = connections++ === 0
    let requests = 0
    socket.on('data', () => {
      if (first && requests++ === 0) socket.write(`${OK}Content-Length: 1\r\n\r\na`)
      else socket.destroy()
    })
  })
  await send(client, deaf)
  expect((await send(client, deaf)).error).toMatchObject({ kind: 'reset' })
  expect(connections).toBe(2)
})

test('timeouts: no answer, half an answer', async () => {
  const client = makeClient()
  const silent = await rawUpstream((socket) => socket.on('data', () => {}))
  expect((await send(client, silent.origin, { ioTimeoutMs: 50 })).error).toMatchObject({
    kind: 'io-timeout',
    retryable: false,
  })
  const half = await cannedUpstream(`${OK}Content-Length: 5\r\n\r\nab`)
  expect(await send(client, half.origin, { ioTimeoutMs: 50 })).toMatchObject({
    status: 200,
    body: 'ab',
    error: { kind: 'io-timeout' },
  })
})

test('a connection that does not come about', async () => {
  const client = makeClient({ resolve: () => {} })
  const origin = { ...originOf(1), host: 'slow.example', key: 'slow' }
  expect((await send(client, origin, { connectTimeoutMs: 50 })).error).toMatchObject({
    kind: 'connect-timeout',
    retryable: true,
  })
})

test('a slow sender of the body is not the upstream`s fault', async () => {
  const upstream = await cannedUpstream((text) => (text.endsWith('ab') ? `${OK}Content-Length: 0\r\n\r\n` : ''))
  const body = new PushedBody(2)
  const answer = send(makeClient(), upstream.origin, { method: 'POST', body, ioTimeoutMs: 30 })
  await until(() => body.sink !== null)
  const startedAt = performance.now()
  await until(() => performance.now() - startedAt > 400)
  body.sink!.onData(Buffer.from('ab'))
  body.sink!.onEnd(null)
  expect((await answer).error).toBeNull()
})

test('abort: nothing is told, the connection is gone, who waits gets its place', async () => {
  let open = 0
  const { origin } = await rawUpstream((socket) => {
    open++
    socket.on('close', () => open--)
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('/last')) socket.write(`${OK}Content-Length: 0\r\n\r\n`)
    })
  })
  const client = makeClient({ connectionsPerOriginMax: 1 })
  const answers = [new Answer(), new Answer()]
  const calls = answers.map((answer) => client.dispatch(request(origin), answer))
  const last = send(client, origin, { target: '/last' })
  await until(() => open === 1)
  calls[1]!.abort()
  calls[0]!.abort()
  calls[0]!.abort()
  expect((await last).error).toBeNull()
  expect(answers.map((answer) => answer.ends)).toEqual([0, 0])
})

test('closing lets busy exchanges finish', async () => {
  let answerNow: (() => void) | undefined
  const upstream = await cannedUpstream((_request, _count, socket) => {
    answerNow = () => socket.write(`${OK}Content-Length: 1\r\n\r\na`)
    return ''
  })
  const client = createUpstreamClient()
  const answer = send(client, upstream.origin)
  await until(() => answerNow !== undefined)
  client.close()
  expect((await send(client, upstream.origin)).error).toMatchObject({ kind: 'refused' })
  answerNow!()
  expect(await answer).toMatchObject({ error: null, body: 'a' })
})

test('a handler that throws is told, and the bug is reported', async () => {
  const upstream = await cannedUpstream(`${OK}Content-Length: 1\r\n\r\na`)
  const reported: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => reported.push(error))
  try {
    const answer = new Answer()
    answer.onData = () => {
      throw new Error('a bug')
    }
    makeClient().dispatch(request(upstream.origin), answer)
    expect((await answer.done).error).toMatchObject({ kind: 'aborted' })
    await until(() => reported.length > 0)
    expect(reported).toEqual([new Error('a bug')])
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
})
