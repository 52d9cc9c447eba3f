import { afterEach, expect, test } from 'vitest'
import { makeClient, send } from './test-client.ts'
import { cannedUpstream, cleanUp } from './test-support.ts'

afterEach(cleanUp)

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
  ['endless interim answers', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(1000)],
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
