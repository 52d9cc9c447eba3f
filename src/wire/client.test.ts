import { afterEach, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import { makeClient, request, send } from './test-client.ts'
import { Answer, cannedUpstream, cleanUp, originOf, PushedBody, rawUpstream, until } from './test-support.ts'
import type { UpstreamRequest } from './types.ts'

afterEach(cleanUp)

const OK = 'HTTP/1.1 200 OK\r\n'

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
