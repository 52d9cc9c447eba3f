import tls from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import { namesIn } from './server-certificates.ts'
import {
  CA_CERT,
  CLIENT_CERT,
  CLIENT_KEY,
  OTHER_CERT,
  OTHER_KEY,
  SERVER_CERT,
  SERVER_KEY,
} from './test-certificates.ts'
import { Answer, Collector, cleanUp, LIMITS, later, RawClient, rawUpstream, serve, until } from './test-support.ts'
import type { Downstream, Origin, TlsClientOptions } from './types.ts'

afterEach(cleanUp)

const IDENTITY = { cert: SERVER_CERT, key: SERVER_KEY }
const SERVER_TLS = { identities: [IDENTITY] }

function secureOrigin(port: number, options: TlsClientOptions, host = '127.0.0.1'): Origin {
  return { key: `https ${host} ${port} ${JSON.stringify(options)}`, secure: true, host, port, tls: options }
}

const toLoopback = (_host: string, callback: (error: null, addresses: string[]) => void): void =>
  callback(null, ['127.0.0.1'])

function makeClient(): ReturnType<typeof createUpstreamClient> {
  const client = createUpstreamClient({ resolve: toLoopback })
  later(() => client.close())
  return client
}

function get(client: ReturnType<typeof createUpstreamClient>, origin: Origin): Promise<Answer> {
  const answer = new Answer()
  const timeouts = { connectTimeoutMs: 5000, ioTimeoutMs: 5000 }
  client.dispatch({ origin, method: 'GET', target: '/', headers: ['Host', 'h'], body: null, ...timeouts }, answer)
  return answer.done
}

test('both halves over TLS, with kept connections', async () => {
  const connections = new Set<number>()
  let secure = false
  const server = await serve(
    (exchange) => {
      connections.add(exchange.remotePort)
      secure = exchange.secure
      exchange.send(200, 'OK', [], 'hello')
    },
    { tls: SERVER_TLS },
  )
  const client = makeClient()
  for (const origin of [
    secureOrigin(server.port, { ca: CA_CERT }),
    secureOrigin(server.port, { ca: CA_CERT }, 'up.example'),
    secureOrigin(server.port, { ca: [CA_CERT], servername: 'up.example' }),
    secureOrigin(server.port, { rejectUnauthorized: false }, 'other.example'),
  ]) {
    connections.clear()
    for (let i = 0; i < 3; i++) expect(await get(client, origin)).toMatchObject({ error: null, body: 'hello' })
    expect(connections.size).toBe(1)
  }
  expect(secure).toBe(true)
})

test('large bodies both ways over TLS', async () => {
  const bytes = 3_000_000
  const server = await serve(
    (exchange) => {
      const body = new Collector()
      exchange.body!.start(body)
      void body.done.then(() => exchange.send(200, 'OK', [], Buffer.concat(body.chunks)))
    },
    { tls: SERVER_TLS },
  )
  const answer = new Answer()
  const origin = secureOrigin(server.port, { ca: CA_CERT })
  const body = Buffer.alloc(bytes, 'abcdefg')
  const timeouts = { connectTimeoutMs: 5000, ioTimeoutMs: 5000 }
  makeClient().dispatch({ origin, method: 'POST', target: '/', headers: ['Host', 'h'], body, ...timeouts }, answer)
  await answer.done
  expect(answer.error).toBeNull()
  expect(Buffer.concat(answer.chunks).equals(body)).toBe(true)
})

test('a certificate that cannot be trusted, or names another host', async () => {
  const server = await serve((exchange) => exchange.send(200, 'OK', [], null), { tls: SERVER_TLS })
  const client = makeClient()
  const untrusted = await get(client, secureOrigin(server.port, {}))
  expect(untrusted.error).toMatchObject({ kind: 'tls', retryable: true })
  const misnamed = await get(client, secureOrigin(server.port, { ca: CA_CERT }, 'other.example'))
  expect(misnamed.error).toMatchObject({ kind: 'tls' })
  expect(misnamed.error!.message).toContain('other.example')
  const unusable = await get(client, secureOrigin(server.port, { ca: CA_CERT, cert: 'no certificate', key: 'no key' }))
  expect(unusable.error).toMatchObject({ kind: 'tls' })
})

test('client certificates and SNI', async () => {
  const names: (string | false | null)[] = []
  const upstream = tls.createServer(
    { ...IDENTITY, ca: CA_CERT, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' },
    (socket) => {
      names.push((socket as tls.TLSSocket & { servername: string | false | null }).servername)
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nmutual'))
      socket.on('error', () => {})
    },
  )
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const client = makeClient()
  later(() => upstream.close())
  const { port } = upstream.address() as { port: number }
  const named = secureOrigin(port, { ca: CA_CERT, cert: CLIENT_CERT, key: CLIENT_KEY }, 'up.example')
  expect(await get(client, named)).toMatchObject({ error: null, body: 'mutual' })
  expect(names).toEqual(['up.example'])
  expect((await get(client, secureOrigin(port, { ca: CA_CERT }))).error).not.toBeNull()
})

test('a plain upstream where TLS is expected, and one that closes in the handshake', async () => {
  const plain = await serve(() => {})
  const client = makeClient()
  expect((await get(client, secureOrigin(plain.port, { ca: CA_CERT }))).error).toMatchObject({ kind: 'tls' })
  const { origin } = await rawUpstream((socket) => socket.once('data', () => socket.destroy()))
  expect((await get(client, secureOrigin(origin.port, { ca: CA_CERT }))).error).toMatchObject({ kind: 'tls' })
})

test('a handshake that hangs is a connect timeout', async () => {
  const { origin } = await rawUpstream((socket) => socket.on('data', () => {}))
  const answer = new Answer()
  makeClient().dispatch(
    {
      origin: secureOrigin(origin.port, { ca: CA_CERT }),
      method: 'GET',
      target: '/',
      headers: ['Host', 'h'],
      body: null,
      connectTimeoutMs: 50,
      ioTimeoutMs: 5000,
    },
    answer,
  )
  expect((await answer.done).error).toMatchObject({ kind: 'connect-timeout', retryable: true })
})

test('the TLS door survives plain text, silence and handshakes that break off', async () => {
  const exchanges: Downstream[] = []
  const server = await serve((exchange) => exchanges.push(exchange) && exchange.send(200, 'OK', [], 'fine'), {
    tls: SERVER_TLS,
    limits: { ...LIMITS, headerTimeoutMs: 100 },
  })
  const plain = await RawClient.connect(server.port)
  plain.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await plain.untilClosed()
  const silent = await RawClient.connect(server.port)
  await silent.untilClosed()
  const broken = await RawClient.connect(server.port)
  broken.write('\x16\x03\x01')
  broken.socket.destroy()
  expect(exchanges).toEqual([])
  expect(await get(makeClient(), secureOrigin(server.port, { ca: CA_CERT }))).toMatchObject({ body: 'fine' })
})

test('a client that leaves a TLS connection is noticed', async () => {
  const outcomes: string[] = []
  let seen = 0
  const server = await serve(
    (exchange) => {
      seen++
      exchange.finishListener = { onFinish: (how) => outcomes.push(how) }
    },
    { tls: SERVER_TLS },
  )
  const socket = tls.connect({ port: server.port, host: '127.0.0.1', ca: CA_CERT, servername: 'up.example' })
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await until(() => seen === 1)
  socket.destroy()
  await until(() => outcomes.length === 1)
  expect(outcomes).toEqual(['gone'])
})

test('closing ends connections that are still in their handshake', async () => {
  const server = await serve(() => {}, { tls: SERVER_TLS })
  const client = await RawClient.connect(server.port)
  await server.close(50)
  await client.untilClosed()
})

/** A handshake; the common name that the server showed and whether the session was one of before, or why there was none. */
function handshake(
  port: number,
  options: tls.ConnectionOptions,
): Promise<{ name: string; reused: boolean; session: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    let session: Buffer
    socket.on('session', (ticket) => {
      session = ticket
    })
    socket.on('error', reject)
    // In TLS 1.3 only an answer tells that the client's certificate was taken, and brings the ticket.
    socket.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    socket.on('data', () => {
      const name = String(socket.getPeerCertificate().subject?.CN)
      resolve({ name, reused: socket.isSessionReused(), session })
      socket.destroy()
    })
    socket.on('close', () => reject(new Error('closed without an answer')))
  })
}

const fine = (exchange: Downstream): void => exchange.send(200, 'OK', [], 'fine')
const OTHER = { cert: OTHER_CERT, key: OTHER_KEY }

test('each client is shown the certificate that bears the name it asks for, else the first', async () => {
  const { port } = await serve(fine, { tls: { identities: [IDENTITY, OTHER] } })
  const shown = async (servername: string): Promise<string> => (await handshake(port, { servername })).name
  expect(await shown('up.example')).toBe('server')
  expect(await shown('other.example')).toBe('other')
  expect(await shown('OTHER.Example')).toBe('other')
  expect(await shown('a.wild.example')).toBe('other')
  expect(await shown('a.b.wild.example')).toBe('server')
  expect(await shown('wild.example')).toBe('server')
  expect(await shown('unknown.example')).toBe('server')
  expect(await shown('')).toBe('server')
})

test('names of a certificate', () => {
  expect(namesIn(SERVER_CERT)).toEqual(['up.example'])
  expect(namesIn(OTHER_CERT)).toEqual(['other.example', '*.wild.example'])
  expect(namesIn(CLIENT_CERT)).toEqual(['client'])
})

test('with a CA for clients only those with a certificate of it get in, whatever name they ask for', async () => {
  const requests: string[] = []
  const server = await serve((exchange) => requests.push(exchange.target) && fine(exchange), {
    tls: { identities: [IDENTITY, OTHER], clientCa: CA_CERT },
  })
  const own = { cert: CLIENT_CERT, key: CLIENT_KEY }
  for (const servername of ['up.example', 'other.example', '']) {
    await expect(handshake(server.port, { servername })).rejects.toThrow()
    await expect(handshake(server.port, { servername, ...OTHER })).rejects.toThrow()
    expect(requests).toHaveLength(0)
    await handshake(server.port, { servername, ...own })
    expect(requests.splice(0)).toHaveLength(1)
  }
  await until(() => server.connections === 0)
})

test('a session that one server began goes on at another with the same ticket keys', async () => {
  const ticketKeys = new Uint8Array(48).fill(7)
  const first = await serve(fine, { tls: { ...SERVER_TLS, ticketKeys } })
  const second = await serve(fine, { tls: { ...SERVER_TLS, ticketKeys } })
  const stranger = await serve(fine, { tls: SERVER_TLS })
  const { session, reused } = await handshake(first.port, {})
  expect(reused).toBe(false)
  expect((await handshake(second.port, { session })).reused).toBe(true)
  expect((await handshake(stranger.port, { session })).reused).toBe(false)
})
