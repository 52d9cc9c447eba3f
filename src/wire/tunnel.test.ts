import type { AddressInfo, Socket } from 'node:net'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import { CA_CERT, SERVER_CERT, SERVER_KEY } from './test-certificates.ts'
import { cleanUp, later, RawClient, rawUpstream, serve, until } from './test-support.ts'
import { wheel } from './timers.ts'
import type { Downstream, Origin, TunnelSource, UpstreamCall, UpstreamClient, UpstreamError } from './types.ts'

afterEach(cleanUp)

const ASKED =
  'GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n'
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n'
const MIB = 1024 * 1024
const IO_TIMEOUT_MS = 3000

/** Both halves joined by a tunnel when the upstream agrees, as the gateway does it. */
class Join {
  readonly down: Downstream
  readonly #call: UpstreamCall
  source: TunnelSource | null = null
  outcome = ''
  error: UpstreamError | null = null

  constructor(client: UpstreamClient, origin: Origin, down: Downstream) {
    this.down = down
    down.finishListener = {
      onFinish: (how) => {
        this.outcome = how
        if (how === 'gone') this.#call.abort()
      },
    }
    down.drainListener = { onDrain: () => this.#call.resume() }
    const { method, target, webSocket } = down
    const timeouts = { connectTimeoutMs: 5000, ioTimeoutMs: IO_TIMEOUT_MS }
    const headers = ['Host', 'u', 'Sec-WebSocket-Key', 'k']
    this.#call = client.dispatch({ origin, method, target, headers, body: null, ...timeouts, webSocket }, this)
  }

  onHead(status: number, reason: string, headers: string[], bodyBytes: number): void {
    if (status !== 101) return this.down.head(status, reason, headers, bodyBytes)
    this.source = this.down.switchProtocols(reason, headers)
    this.#call.tunnel(this.source)
  }

  onData(chunk: Buffer): boolean {
    return this.down.write(chunk)
  }

  onEnd(): void {
    this.down.end()
  }

  onError(error: UpstreamError): void {
    this.error = error
    if (this.down.bytesOut === 0) this.down.send(502, 'Bad Gateway', [], error.message)
    else if (error.kind === 'io-timeout') this.down.end()
    else this.down.abort()
  }
}

interface Setup {
  readonly port: number
  readonly joins: Join[]
  /** The upstream's end of each tunnel. */
  readonly peers: Peer[]
}

/** An upstream's end of a tunnel, by hand. */
class Peer {
  readonly socket: Socket
  head = ''
  text = ''
  ended = false
  closed = false

  constructor(socket: Socket, answer: string) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      if (this.head !== '' && answer.includes(' 101 ')) {
        this.text += chunk.toString('latin1')
        return
      }
      this.head = chunk.toString('latin1')
      socket.write(answer, 'latin1')
    })
    socket.on('end', () => {
      this.ended = true
    })
    socket.on('close', () => {
      this.closed = true
    })
  }
}

async function setUp(answer: string = SWITCHED): Promise<Setup> {
  const peers: Peer[] = []
  const { origin } = await rawUpstream((socket) => peers.push(new Peer(socket, answer)))
  const client = createUpstreamClient({ connectionsPerOriginMax: 1 })
  later(() => client.close())
  const joins: Join[] = []
  const { port } = await serve((down) => joins.push(new Join(client, origin, down)))
  return { port, joins, peers }
}

async function open(setup: Setup, behindHead = ''): Promise<{ client: RawClient; join: Join; peer: Peer }> {
  const index = setup.joins.length
  const client = await RawClient.connect(setup.port, { allowHalfOpen: true })
  client.write(ASKED + behindHead)
  await client.untilText('\r\n\r\n')
  return { client, join: setup.joins[index]!, peer: setup.peers[index]! }
}

describe('a tunnel', () => {
  test('is opened by 101, carries bytes both ways, and ends when both sides have', async () => {
    const { client, join, peer } = await open(await setUp())
    expect(client.text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(client.text).toMatch(/\r\nConnection: Upgrade\r\n/)
    expect(client.text.match(/\r\nUpgrade: websocket\r\n/g)).toHaveLength(1)
    expect(client.text).toContain('\r\nSec-WebSocket-Accept: a\r\n')
    expect(client.text).not.toMatch(/content-length|transfer-encoding/i)
    expect(peer.head).toMatch(/\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/)
    expect(peer.head).toContain('\r\nSec-WebSocket-Key: k\r\n')
    client.write('ping\r\n\r\n')
    await until(() => peer.text === 'ping\r\n\r\n')
    peer.socket.write('GET pong')
    await client.untilText('GET pong')
    client.socket.end()
    await until(() => peer.ended)
    peer.socket.write('still')
    await client.untilText('still')
    expect(join.outcome).toBe('')
    peer.socket.end()
    await client.until((it) => it.ended)
    await until(() => join.outcome !== '' && peer.closed)
    expect(join.outcome).toBe('sent')
    expect(join.source!.bytes).toBe(8)
    expect(join.error).toBe(null)
  })

  test('passes on the half-close of the upstream, and what the client sends after it', async () => {
    const { client, join, peer } = await open(await setUp(`${SWITCHED}first`))
    await client.untilText('first')
    peer.socket.end('last')
    await client.until((it) => it.ended)
    expect(client.text.endsWith('firstlast')).toBe(true)
    client.write('after')
    await until(() => peer.text === 'after')
    expect(join.outcome).toBe('')
    client.socket.end()
    await until(() => peer.closed && join.outcome !== '')
    expect(join.outcome).toBe('sent')
  })

  test('takes what the client sent too early', async () => {
    const { peer } = await open(await setUp(), 'early')
    await until(() => peer.text === 'early')
  })

  test('closes the client that does not end its own side once the upstream is gone', async () => {
    const { client, join, peer } = await open(await setUp())
    peer.socket.end()
    await client.until((it) => it.ended)
    peer.socket.destroy()
    while (join.outcome === '') {
      client.write('x')
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(join.outcome).toBe('sent')
    client.socket.end()
    await client.untilClosed()
  })

  test('ends with the client that is gone', async () => {
    const { client, join, peer } = await open(await setUp())
    client.socket.resetAndDestroy()
    await until(() => peer.ended && join.outcome !== '')
    expect(join.outcome).toBe('gone')
  })

  test('ends with a reset when the upstream reset', async () => {
    const { client, join, peer } = await open(await setUp())
    let code = ''
    client.socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? ''
    })
    peer.socket.resetAndDestroy()
    await client.untilClosed()
    expect(code).toBe('ECONNRESET')
    expect(join.error?.kind).toBe('reset')
    expect(join.outcome).toBe('gone')
  })

  test('ends when no byte passes for too long; a byte either way keeps it', async () => {
    const { client, join, peer } = await open(await setUp())
    const ticks = Math.floor(IO_TIMEOUT_MS / wheel.tickMs) - 5
    wheel.advance(ticks)
    client.write('a')
    await until(() => peer.text === 'a')
    wheel.advance(ticks)
    peer.socket.write('pong')
    await client.untilText('pong')
    wheel.advance(ticks)
    expect(join.error).toBe(null)
    wheel.advance(10)
    expect(join.error?.kind).toBe('io-timeout')
    await client.until((it) => it.ended)
    await until(() => peer.ended && join.outcome !== '')
    expect(join.outcome).toBe('sent')
  })

  test('does not take the place of requests in the pool', async () => {
    const setup = await setUp()
    const first = await open(setup)
    const second = await open(setup)
    second.client.write('two')
    first.client.write('one')
    await until(() => first.peer.text === 'one' && second.peer.text === 'two')
  })

  test('ends when the server closes, after the grace', async () => {
    const peers: Peer[] = []
    const { origin } = await rawUpstream((socket) => peers.push(new Peer(socket, SWITCHED)))
    const client = createUpstreamClient()
    later(() => client.close())
    const joins: Join[] = []
    const server = await serve((down) => joins.push(new Join(client, origin, down)))
    const { client: raw } = await open({ port: server.port, joins, peers })
    const closed = server.close(300)
    raw.write('goes on')
    await until(() => peers[0]!.text === 'goes on')
    await closed
    await raw.until((it) => it.ended)
    await until(() => peers[0]!.ended)
  })
})

test('over TLS on both sides, half-closes in either order', async () => {
  const peers: Peer[] = []
  const identity = { cert: SERVER_CERT, key: SERVER_KEY }
  const upstream = tls.createServer({ ...identity, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    peers.push(new Peer(socket, SWITCHED))
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  later(() => upstream.close())
  const upstreamPort = (upstream.address() as AddressInfo).port
  const origin = { key: 'tls', secure: true, host: '127.0.0.1', port: upstreamPort, tls: { ca: CA_CERT } }
  const client = createUpstreamClient()
  later(() => client.close())
  const joins: Join[] = []
  const { port } = await serve((down) => joins.push(new Join(client, origin, down)), {
    tls: { identities: [identity] },
  })
  for (const [i, clientFirst] of [true, false].entries()) {
    const socket = tls.connect({ port, host: '127.0.0.1', ca: CA_CERT })
    socket.allowHalfOpen = true
    later(() => socket.destroy())
    const raw = new RawClient(socket)
    raw.write(ASKED)
    await raw.untilText('\r\n\r\n')
    const peer = peers[i]!
    raw.write('ping')
    await until(() => peer.text === 'ping')
    if (clientFirst) {
      socket.end()
      await until(() => peer.ended)
      peer.socket.end('late')
      await raw.untilText('late')
    } else {
      peer.socket.end()
      await raw.until((it) => it.ended)
      raw.write('late')
      await until(() => peer.text === 'pinglate')
      socket.end()
    }
    await until(() => peer.closed && joins[i]!.outcome !== '')
    expect(joins[i]!.outcome).toBe('sent')
    expect(joins[i]!.error).toBe(null)
  }
})

describe('a slow reader of a tunnel holds the sender back', () => {
  const block = Buffer.alloc(MIB, 0x61)
  const blocks = 48

  /** Sends until the socket has taken nothing for a while, then reads at the other end until all is there. */
  async function pour(from: Socket, to: Socket, received: () => number): Promise<void> {
    let sent = 0
    const send = (): void => {
      while (sent < blocks) {
        sent++
        if (!from.write(block)) return
      }
      from.off('drain', send)
    }
    from.on('drain', send)
    send()
    let still = 0
    for (let last = -1; still < 10; still = last === sent ? still + 1 : 0) {
      last = sent
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(sent).toBeLessThan(blocks)
    to.resume()
    await until(() => received() === blocks * MIB)
  }

  test('upstream to client', async () => {
    const { client, peer, join } = await open(await setUp())
    client.socket.removeAllListeners('data').pause()
    let bytes = 0
    client.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    client.socket.pause()
    await pour(peer.socket, client.socket, () => bytes)
    expect(join.down.bytesOut).toBeGreaterThan(blocks * MIB)
  })

  test('client to upstream', async () => {
    const { client, peer, join } = await open(await setUp())
    let bytes = 0
    peer.socket.removeAllListeners('data').on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    peer.socket.pause()
    await pour(client.socket, peer.socket, () => bytes)
    expect(join.source!.bytes).toBe(blocks * MIB)
  })
})

describe('no tunnel', () => {
  const asked = (head: string): string => `GET / HTTP/1.1\r\nHost: h\r\n${head}\r\n`

  test('an answer other than 101 is an ordinary one, and the connection stays', async () => {
    const setup = await setUp('HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno')
    const { client, join } = await open(setup)
    expect(await client.untilText('\r\n\r\nno')).toMatch(/^HTTP\/1\.1 426 /)
    expect(join.outcome).toBe('sent')
    client.text = ''
    client.write(ASKED)
    expect(await client.untilText('\r\n\r\nno')).toMatch(/^HTTP\/1\.1 426 /)
    expect(setup.peers).toHaveLength(1)
  })

  test.each([
    ['another protocol', asked('Connection: Upgrade\r\nUpgrade: h2c\r\n')],
    ['Upgrade that Connection does not name', asked('Upgrade: websocket\r\n')],
    ['no Upgrade', asked('Connection: Upgrade\r\n')],
    ['a body', asked('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n').replace('0\r\n', '1\r\n')],
    ['another method', asked('Connection: Upgrade\r\nUpgrade: websocket\r\n').replace('GET', 'PUT')],
    ['HTTP/1.0', asked('Connection: Upgrade\r\nUpgrade: websocket\r\n').replace('1.1', '1.0')],
  ])('%s is an ordinary request, and 101 a bad answer to it', async (_what, bytes) => {
    const setup = await setUp()
    const client = await RawClient.connect(setup.port)
    client.write(bytes)
    await client.untilText('switched protocols unasked')
    expect(client.text).toMatch(/^HTTP\/1\.1 502 /)
    expect(setup.peers[0]!.head).not.toMatch(/upgrade/i)
    expect(() => setup.joins[0]!.down.switchProtocols('', [])).toThrow()
  })

  test.each([
    ['another protocol', 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['no protocol', 'HTTP/1.1 101 X\r\n\r\n'],
  ])('101 to %s is a bad answer', async (_what, answer) => {
    const { client } = await open(await setUp(answer))
    expect(await client.untilText('something else than WebSocket')).toMatch(/^HTTP\/1\.1 502 /)
  })
})
