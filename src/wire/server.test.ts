import { afterEach, expect, test } from 'vitest'
import { Collector, cleanUp, exchangeRaw, LIMITS, RawClient, serve, until } from './test-support.ts'
import type { Downstream } from './types.ts'

afterEach(cleanUp)

const REQUEST = 'GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n'
const LAST = 'GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'

/** Without the Date line, so that answers can be compared. */
const undated = (text: string): string => text.replaceAll(/Date: [^\r]+\r\n/g, '')

test('a request shows what was sent', async () => {
  let seen: Downstream | undefined
  const server = await serve((exchange) => {
    seen = exchange
    exchange.send(200, 'OK', ['X-A', '1', 'x-a', '2'], 'hällo')
  })
  const text = await exchangeRaw(
    server.port,
    'GET /a?b HTTP/1.1\r\nHost: h\r\nX-Odd: Ab\xe9 \r\nConnection: close\r\n\r\n',
  )
  expect(seen).toMatchObject({ method: 'GET', target: '/a?b', httpVersion: '1.1', body: null, secure: false })
  expect(seen!.rawHeaders).toEqual(['Host', 'h', 'X-Odd', 'Ab\xe9', 'Connection', 'close'])
  expect(seen!.remoteAddress).toBe('127.0.0.1')
  expect(seen!.localPort).toBe(server.port)
  expect(Math.abs(performance.now() - seen!.receivedAtMs)).toBeLessThan(10_000)
  expect(seen!.bytesOut).toBe(text.length)
  expect(text).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/)
  expect(undated(text)).toBe(
    'HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 6\r\nConnection: close\r\n\r\nh\xc3\xa4llo',
  )
})

test('framing headers of the caller are replaced, a Date of the upstream stays', async () => {
  const server = await serve((exchange) => {
    exchange.head(200, 'OK', ['Content-Length', '99', 'Connection', 'x', 'Transfer-Encoding', 'y', 'Date', 'then'], 3)
    exchange.write(Buffer.from('abc'))
    exchange.end()
  })
  const text = await exchangeRaw(server.port, LAST)
  expect(text).toBe('HTTP/1.1 200 OK\r\nDate: then\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc')
})

// Method, how it is answered, what the client reads (without Date and Connection).
const ANSWERS: readonly (readonly [string, string, (exchange: Downstream) => void, string])[] = [
  ['send nothing', 'GET', (x) => x.send(200, 'OK', [], null), '200 OK\r\nContent-Length: 0\r\n\r\n'],
  [
    'send a buffer',
    'GET',
    (x) => x.send(201, 'Made', [], Buffer.from('ab')),
    '201 Made\r\nContent-Length: 2\r\n\r\nab',
  ],
  ['send to HEAD keeps the length', 'HEAD', (x) => x.send(200, 'OK', [], 'abc'), '200 OK\r\nContent-Length: 3\r\n\r\n'],
  ['send 204', 'GET', (x) => x.send(204, 'No Content', [], 'abc'), '204 No Content\r\n\r\n'],
  ['send 304', 'GET', (x) => x.send(304, 'Not Modified', ['ETag', 'x'], null), '304 Not Modified\r\nETag: x\r\n\r\n'],
  ['empty reason', 'GET', (x) => x.send(200, '', [], null), '200 \r\nContent-Length: 0\r\n\r\n'],
  [
    'head of HEAD with the length of the upstream',
    'HEAD',
    (x) => {
      x.head(200, 'OK', ['Content-Length', '1234'], 0)
      x.end()
    },
    '200 OK\r\nContent-Length: 1234\r\n\r\n',
  ],
  [
    '304 with the length of the upstream',
    'GET',
    (x) => {
      x.head(304, 'Not Modified', ['Content-Length', '1234'], 0)
      x.end()
    },
    '304 Not Modified\r\nContent-Length: 1234\r\n\r\n',
  ],
  [
    '204 never has a length',
    'GET',
    (x) => {
      x.head(204, 'No Content', ['Content-Length', '0'], 0)
      x.end()
    },
    '204 No Content\r\n\r\n',
  ],
  [
    'HEAD, streamed by mistake',
    'HEAD',
    (x) => {
      x.head(200, 'OK', [], -1)
      x.write(Buffer.from('abc'))
      x.end()
    },
    '200 OK\r\n\r\n',
  ],
  [
    'known length in pieces',
    'GET',
    (x) => {
      x.head(200, 'OK', [], 5)
      x.write(Buffer.from('ab'))
      x.write(Buffer.from('cde'))
      x.end()
    },
    '200 OK\r\nContent-Length: 5\r\n\r\nabcde',
  ],
  [
    'unknown length',
    'GET',
    (x) => {
      x.head(200, 'OK', [], -1)
      x.write(Buffer.from('ab'))
      x.write(Buffer.alloc(0))
      x.write(Buffer.alloc(10_000, 'x'))
      x.end()
    },
    `200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2710\r\n${'x'.repeat(10_000)}\r\n0\r\n\r\n`,
  ],
  [
    'unknown length, no byte',
    'GET',
    (x) => {
      x.head(200, 'OK', [], -1)
      x.end()
    },
    '200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'trailers, without those that frame',
    'GET',
    (x) => {
      x.head(200, 'OK', ['Trailer', 'X-Sum'], -1)
      x.write(Buffer.from('ab'))
      x.end(['X-Sum', '2', 'Content-Length', '7'])
    },
    '200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 2\r\n\r\n',
  ],
]

test.each(ANSWERS)('%s', async (_name, method, answer, expected) => {
  const how: string[] = []
  const server = await serve((exchange) => {
    exchange.finishListener = { onFinish: (outcome) => how.push(outcome) }
    answer(exchange)
  })
  const request = `${method} / HTTP/1.1\r\nHost: h\r\n`
  const text = undated(await exchangeRaw(server.port, `${request}\r\n${request}Connection: close\r\n\r\n`))
  expect(text).toBe(`HTTP/1.1 ${expected}HTTP/1.1 ${expected.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`)
  expect(how).toEqual(['sent', 'sent'])
})

test('a head without a body yet reaches the client at once', async () => {
  let exchange: Downstream | undefined
  const server = await serve((x) => {
    exchange = x
    x.head(200, 'OK', [], -1)
  })
  const client = await RawClient.connect(server.port)
  client.write(REQUEST)
  await client.untilText('\r\n\r\n')
  exchange!.write(Buffer.from('event'))
  await client.untilText('5\r\nevent\r\n')
  exchange!.end()
  await client.untilText('0\r\n\r\n')
})

test('HTTP/1.0: no chunks, closed unless asked to keep', async () => {
  const server = await serve((exchange) => {
    if (exchange.target === '/sized') return exchange.send(200, 'OK', [], 'ab')
    exchange.head(200, 'OK', [], -1)
    exchange.write(Buffer.from('cd'))
    exchange.end()
  })
  const closed = await exchangeRaw(server.port, 'GET /sized HTTP/1.0\r\n\r\n')
  expect(undated(closed)).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab')
  const kept = 'GET /sized HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
  expect(undated(await exchangeRaw(server.port, kept))).toBe(
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nabHTTP/1.1 200 OK\r\nConnection: close\r\n\r\ncd',
  )
})

test('pipelined requests are answered in order, one at a time', async () => {
  const open: Downstream[] = []
  let most = 0
  let seen = 0
  const server = await serve((exchange) => {
    seen++
    open.push(exchange)
    most = Math.max(most, open.length)
    const answer = (): void => {
      open.pop()
      exchange.send(200, 'OK', [], exchange.target)
    }
    if (seen % 3 === 0) setImmediate(answer)
    else answer()
  })
  const client = await RawClient.connect(server.port)
  for (let i = 0; i < 3000; i++) client.write(`GET /${i} HTTP/1.1\r\nHost: h\r\n\r\n`)
  client.write(LAST)
  const text = await client.untilClosed()
  const bodies = [...text.matchAll(/\r\n\r\n(\/\d+|\/last)/g)].map((match) => match[1])
  expect(bodies).toEqual([...Array.from({ length: 3000 }, (_, i) => `/${i}`), '/last'])
  expect(most).toBe(1)
})

test('what a client sends ahead is bounded: reading stops while a request is in work', async () => {
  let first: Downstream | undefined
  const server = await serve((exchange) => {
    if (first === undefined) first = exchange
    else exchange.send(200, 'OK', [], null)
  })
  const client = await RawClient.connect(server.port)
  client.write(REQUEST)
  // Far more than socket buffers hold.
  const ahead = Buffer.from(REQUEST.repeat(2000))
  let sentBytes = 0
  const limitBytes = 64_000_000
  while (sentBytes < limitBytes && client.socket.write(ahead)) sentBytes += ahead.length
  await until(() => first !== undefined)
  const before = process.memoryUsage().arrayBuffers
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000)
  first!.send(200, 'OK', [], 'first')
  await client.untilText('first')
  client.socket.destroy()
})

test('a body waits until it is started', async () => {
  let exchange: Downstream | undefined
  const server = await serve((x) => {
    exchange = x
  })
  const client = await RawClient.connect(server.port)
  client.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello')
  await until(() => exchange !== undefined)
  expect(exchange!.body!.lengthBytes).toBe(11)
  client.write(' world')
  const body = new Collector()
  exchange!.body!.start(body)
  expect((await body.done).body).toBe('hello world')
  exchange!.send(200, 'OK', [], null)
  await client.untilText('200 OK')
  client.write(REQUEST)
  await until(() => exchange!.target === '/a?b')
})

test('100 Continue is sent when the body is started, and only then', async () => {
  const head = 'POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n'
  const server = await serve((exchange) => {
    if (exchange.rawHeaders.includes('X-Refuse')) return exchange.send(403, 'Forbidden', [], 'no')
    const body = new Collector()
    exchange.body!.start(body)
    void body.done.then(() => exchange.send(200, 'OK', [], body.body))
  })
  const client = await RawClient.connect(server.port)
  client.write(head)
  await client.untilText('HTTP/1.1 100 Continue\r\n\r\n')
  client.write('hello')
  await client.untilText('\r\n\r\nhello')
  // A body that came without waiting needs no interim answer.
  client.text = ''
  client.write(`${head}hello`)
  expect(await client.untilText('\r\n\r\nhello')).not.toContain('100 Continue')
  // Refused: the client may or may not send the body, so the connection cannot be kept.
  const refused = await exchangeRaw(server.port, head.replace('Expect', 'X-Refuse: 1\r\nExpect'))
  expect(undated(refused)).toBe('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
})

test('an unread body is drained when it is small, else the connection is closed', async () => {
  const server = await serve((exchange) => exchange.send(200, 'OK', [], exchange.target))
  const post = (bytes: number): string =>
    `POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`
  const small = await exchangeRaw(server.port, post(60_000) + LAST)
  expect(small).toContain('/last')
  const large = await exchangeRaw(server.port, post(70_000) + LAST)
  expect(large).toContain('Connection: close\r\n\r\n/p')
  expect(large).not.toContain('/last')
  const chunked = 'POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
  const smallChunks = await exchangeRaw(server.port, `${chunked}${'5\r\nhello\r\n'.repeat(1000)}0\r\n\r\n${LAST}`)
  expect(smallChunks).toContain('/last')
  const largeChunks = await exchangeRaw(server.port, `${chunked}${'5\r\nhello\r\n'.repeat(10_000)}0\r\n\r\n${LAST}`)
  expect(largeChunks).toContain('/p')
  expect(largeChunks).not.toContain('/last')
})

test('headers that would split an answer are refused before a byte goes out', async () => {
  const server = await serve((exchange) => {
    for (const bad of ['a\r\nX: b', 'a\nb', 'a\rb', 'a\0b', '\u010a', 'snow \u2603']) {
      expect(() => exchange.send(200, 'OK', ['X-A', bad], null)).toThrow('X-A')
      expect(() => exchange.head(200, bad, [], 0)).toThrow('reason')
      expect(() => exchange.send(200, 'OK', [bad, 'a'], null)).toThrow('not a header name')
    }
    for (const name of ['', 'a b', 'a:', '\xe9']) expect(() => exchange.head(200, 'OK', [name, 'a'], 0)).toThrow()
    exchange.send(200, 'OK', ['X-A', 'fine\t\xe9'], null)
  })
  const text = await exchangeRaw(server.port, LAST)
  expect(undated(text)).toBe('HTTP/1.1 200 OK\r\nX-A: fine\t\xe9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
})

test('more or less body than announced breaks the connection', async () => {
  const how: string[] = []
  const server = await serve((exchange) => {
    exchange.finishListener = { onFinish: (outcome) => how.push(outcome) }
    exchange.head(200, 'OK', [], 5)
    exchange.write(Buffer.from(exchange.target === '/more' ? 'longer' : 'abc'))
    exchange.end()
  })
  await exchangeRaw(server.port, 'GET /more HTTP/1.1\r\nHost: h\r\n\r\n')
  await exchangeRaw(server.port, 'GET /less HTTP/1.1\r\nHost: h\r\n\r\n')
  expect(how).toEqual(['gone', 'gone'])
})

test('a throw in onRequest is answered with 500 and reported', async () => {
  const reported: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => reported.push(error))
  try {
    const server = await serve(() => {
      throw new Error('a bug')
    })
    expect(await exchangeRaw(server.port, REQUEST)).toMatch(/^HTTP\/1\.1 500 /)
    expect(reported).toEqual([new Error('a bug')])
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
})

test('timeouts: 408 for a slow head or body, silence for an idle connection', async () => {
  const limits = { ...LIMITS, headerTimeoutMs: 50, bodyTimeoutMs: 50, idleTimeoutMs: 50 }
  const errors: string[] = []
  const outcomes: (string | number)[] = []
  const server = await serve(
    (exchange) => {
      exchange.finishListener = { onFinish: (how) => outcomes.push(how, exchange.refusedStatus) }
      exchange.body?.start({ onData: () => true, onEnd: () => {}, onError: (error) => errors.push(error.message) })
    },
    { limits },
  )
  expect(await exchangeRaw(server.port, 'GET / HT')).toMatch(/^HTTP\/1\.1 408 .*Connection: close/s)
  expect(await exchangeRaw(server.port, 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab')).toMatch(
    /^HTTP\/1\.1 408 /,
  )
  expect(await exchangeRaw(server.port, '')).toBe('')
  expect(await exchangeRaw(server.port, '\r\n')).toBe('')
  expect(errors).toEqual(['the body of the request did not arrive in time'])
  expect(outcomes).toEqual(['gone', 408])
})

test('a slow head is not helped by single bytes', async () => {
  const server = await serve(() => {}, { limits: { ...LIMITS, headerTimeoutMs: 150 } })
  const client = await RawClient.connect(server.port)
  const drip = setInterval(() => client.write('X'), 20)
  client.write('GET / HTTP/1.1\r\nX')
  const text = await client.untilClosed()
  clearInterval(drip)
  expect(text).toMatch(/^HTTP\/1\.1 408 /)
})

test('a client that leaves is noticed while its request is in work', async () => {
  const outcomes: string[] = []
  const server = await serve((exchange) => {
    exchange.finishListener = { onFinish: (how) => outcomes.push(how) }
  })
  const polite = await RawClient.connect(server.port)
  polite.write(REQUEST)
  await until(() => server.connections === 1)
  polite.socket.destroy()
  await until(() => outcomes.length === 1)
  const rude = await RawClient.connect(server.port)
  rude.write(REQUEST)
  await until(() => server.connections === 1)
  rude.socket.resetAndDestroy()
  await until(() => outcomes.length === 2)
  expect(outcomes).toEqual(['gone', 'gone'])
  await until(() => server.connections === 0)
})

test('a client that leaves in the middle of a body', async () => {
  const outcomes: string[] = []
  const body = new Collector()
  const server = await serve((exchange) => {
    exchange.finishListener = { onFinish: (how) => outcomes.push(how) }
    exchange.body!.start(body)
  })
  const client = await RawClient.connect(server.port)
  client.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc')
  await until(() => body.chunks.length > 0)
  client.socket.end()
  expect((await body.done).error?.message).toBe('the client left')
  expect(outcomes).toEqual(['gone'])
  expect(body.ends).toBe(1)
})

test('a half-closed client gets its answers', async () => {
  const server = await serve((exchange) => {
    setImmediate(() => exchange.send(200, 'OK', [], exchange.target))
  })
  const client = await RawClient.connect(server.port, { allowHalfOpen: true })
  client.socket.end(REQUEST + REQUEST)
  const text = await client.untilClosed()
  expect(text.match(/\/a\?b/g)).toHaveLength(2)
  expect(text).toMatch(/Connection: close\r\n\r\n\/a\?b$/)
})

test('a half-closed client that waits long gets an interim answer, then the answer', async () => {
  let exchange: Downstream | undefined
  const server = await serve((x) => {
    exchange = x
  })
  const client = await RawClient.connect(server.port, { allowHalfOpen: true })
  client.socket.end(REQUEST)
  await client.untilText('HTTP/1.1 102 Processing\r\n\r\n')
  exchange!.send(200, 'OK', [], 'late')
  expect(await client.untilClosed()).toMatch(/late$/)
})

test('one that is reset before its answer was written did not get it', async () => {
  const outcomes: string[] = []
  let exchange: Downstream | undefined
  const server = await serve((x) => {
    x.finishListener = { onFinish: (how) => outcomes.push(how) }
    exchange = x
  })
  const client = await RawClient.connect(server.port, { allowHalfOpen: true })
  client.socket.end(REQUEST)
  await client.untilText('HTTP/1.1 102 Processing\r\n\r\n')
  client.socket.resetAndDestroy()
  await client.untilClosed()
  exchange!.send(200, 'OK', [], 'late')
  await until(() => outcomes.length > 0)
  expect(outcomes).toEqual(['gone'])
})

test('closing: idle connections at once, busy ones after their answer, the rest when the grace is over', async () => {
  const open: Downstream[] = []
  const outcomes: string[] = []
  const server = await serve((exchange) => {
    exchange.finishListener = { onFinish: (how) => outcomes.push(how) }
    open.push(exchange)
  })
  const idle = await RawClient.connect(server.port)
  const busy = await RawClient.connect(server.port)
  const stuck = await RawClient.connect(server.port)
  busy.write('GET /busy HTTP/1.1\r\nHost: h\r\n\r\n')
  stuck.write('GET /stuck HTTP/1.1\r\nHost: h\r\n\r\n')
  await until(() => open.length === 2)
  const closed = server.close(300)
  expect(await idle.untilClosed()).toBe('')
  await expect(RawClient.connect(server.port)).rejects.toThrow()
  open.find((exchange) => exchange.target === '/busy')!.send(200, 'OK', [], 'done')
  expect(await busy.untilClosed()).toMatch(/Connection: close\r\n\r\ndone$/)
  await closed
  await stuck.untilClosed()
  expect(outcomes).toEqual(['sent', 'gone'])
  expect(server.connections).toBe(0)
})

test('a port that is taken is an error', async () => {
  const server = await serve(() => {})
  await expect(serve(() => {}, { port: server.port })).rejects.toThrow('EADDRINUSE')
})
