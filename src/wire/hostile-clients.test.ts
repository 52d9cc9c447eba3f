import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { cleanUp, heldMb, LIMITS, later, RawClient, serve, until } from './test-support.ts'
import type { Downstream, WireServer } from './types.ts'

/** Many clients at once that mean no good: each is told what is wrong where that is still possible, all end, others are served. */

afterEach(cleanUp)

const MANY = 400
const QUICK = { ...LIMITS, headerTimeoutMs: 400, bodyTimeoutMs: 400, idleTimeoutMs: 400 }
/** A wheel turns in ticks of 100 ms, and 400 connections share two cores with the other tests. */
const LATE_MS = 5000

function answerAll(exchange: Downstream): void {
  if (exchange.body === null) return exchange.send(200, 'OK', [], 'fine')
  const onEnd = (): void => exchange.send(200, 'OK', [], 'read')
  exchange.body.start({ onData: () => true, onEnd, onError: () => {} })
}

/** Calls one after the other on a connection of its own, until told to stop; gives how many were answered well. */
function goodClient(server: WireServer): () => Promise<number> {
  let stop = false
  const calls = (async () => {
    const client = await RawClient.connect(server.port)
    let count = 0
    do {
      client.text = ''
      client.write('GET /good HTTP/1.1\r\nHost: h\r\n\r\n')
      expect(await client.untilText('\r\n\r\nfine')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      count++
    } while (!stop)
    return count
  })()
  return () => {
    stop = true
    return calls
  }
}

const connectAll = (server: WireServer, count: number = MANY): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: count }, () => RawClient.connect(server.port)))

test('slow heads and slow bodies, hundreds of each: all get their 408, and the others are served', async () => {
  const server = await serve(answerAll, { limits: QUICK })
  const finish = goodClient(server)
  const slow = await connectAll(server)
  const began = performance.now()
  for (const [i, client] of slow.entries()) {
    client.write(
      i % 2 === 0
        ? 'GET / HTTP/1.1\r\nHost: h\r\nX-Slow'
        : 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf',
    )
  }
  for (const client of slow) {
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*\r\nConnection: close\r\n/s)
  }
  expect(performance.now() - began).toBeLessThan(LATE_MS)
  expect(await finish()).toBeGreaterThan(1)
  await until(() => server.connections === 0)
})

test('clients that say nothing, hundreds: closed when their time is over, without a word', async () => {
  const server = await serve(answerAll, { limits: QUICK })
  const silent = await connectAll(server)
  const finish = goodClient(server)
  for (const client of silent) expect(await client.untilClosed()).toBe('')
  expect(await finish()).toBeGreaterThan(1)
  await until(() => server.connections === 0)
})

test('clients that ask for much and read nothing: cut, and what is held for them is bounded', async () => {
  const readersCount = 20 // the kernel takes some megabytes for each
  const chunk = Buffer.alloc(65_536, 'x')
  let poured = 0
  let begun = 0
  const server = await serve(
    (exchange) => {
      if (exchange.target === '/good') return answerAll(exchange)
      begun++
      let gone = false
      exchange.finishListener = {
        onFinish: () => {
          gone = true
        },
      }
      const pour = (): void => {
        do poured += chunk.length
        while (!gone && exchange.write(chunk))
      }
      exchange.drainListener = { onDrain: pour }
      exchange.head(200, 'OK', [], -1)
      pour()
    },
    { limits: { ...LIMITS, bodyTimeoutMs: 1500 } },
  )
  const beforeMb = heldMb()
  const finish = goodClient(server)
  const readers = await connectAll(server, readersCount)
  for (const client of readers) {
    client.socket.pause()
    client.write('GET /much HTTP/1.1\r\nHost: h\r\n\r\n')
  }
  await until(() => begun === readersCount)
  // All come to rest: the kernel takes no more.
  for (let before = -1; before !== poured; ) {
    before = poured
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const heldBytes = (heldMb() - beforeMb) * 2 ** 20
  await until(() => server.connections === 1)
  expect(await finish()).toBeGreaterThan(0)
  // The socket takes what the kernel does not, then says stop: a chunk or two for each, of the megabytes that were sent.
  expect(poured).toBeGreaterThan(readersCount * 8 * chunk.length)
  expect(heldBytes).toBeLessThan(poured / 4)
})

test('a flood of connections that come and go in every way leaves nothing behind', async () => {
  const server = await serve(answerAll)
  const finish = goodClient(server)
  const FLOOD = 4000
  const AT_ONCE = 200
  let begun = 0
  const come = async (): Promise<void> => {
    while (begun < FLOOD) {
      const kind = begun++ % 6
      await new Promise<void>((resolve) => {
        const socket = net.connect({ port: server.port, host: '127.0.0.1' }, () => {
          if (kind === 0) socket.destroy()
          else if (kind === 1) socket.resetAndDestroy()
          else if (kind === 2) socket.end()
          else if (kind === 3) socket.end('G')
          else if (kind === 4) socket.end('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
          else socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n', () => socket.resetAndDestroy())
        })
        socket.resume()
        socket.on('error', () => {})
        socket.on('close', () => resolve())
      })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, come))
  expect(await finish()).toBeGreaterThan(1)
  await until(() => server.connections <= 1)
})

test('more connections than there may be are closed at once, the others go on', async () => {
  const server = await serve(answerAll, { limits: { ...LIMITS, connectionsMax: 3 } })
  const kept = [await RawClient.connect(server.port), await RawClient.connect(server.port)]
  for (const client of kept) {
    client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await client.untilText('fine')
  }
  const third = net.connect({ port: server.port, host: '127.0.0.1' })
  later(() => third.destroy())
  await until(() => server.connections === 3)
  for (let i = 0; i < 20; i++) {
    const refused = net.connect({ port: server.port, host: '127.0.0.1' })
    refused.on('error', () => {})
    await new Promise((resolve) => refused.on('close', resolve))
  }
  expect(server.connections).toBe(3)
  for (const client of kept) {
    client.text = ''
    client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await client.untilText('fine')
  }
  third.destroy()
  await until(() => server.connections === 2)
  const next = await RawClient.connect(server.port)
  next.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await next.untilText('fine')
})
