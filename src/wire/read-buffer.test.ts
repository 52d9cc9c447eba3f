import { createHash, randomBytes } from 'node:crypto'
import net, { type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createUpstreamClient } from './client.ts'
import { readThrough } from './read-buffer.ts'
import { cleanUp, later, originOf, RawClient, serve, until } from './test-support.ts'
import type { Downstream } from './types.ts'

afterEach(cleanUp)

test('the pinned Node lets an accepted socket read into our memory', async () => {
  const reads: string[] = []
  let socket: Socket | null = null
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (accepted) => {
    const read = (input: Buffer, end: number): void => {
      reads.push(input.toString('latin1', 0, end))
    }
    socket = readThrough(accepted, { read })
    socket?.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  later(() => server.close())
  const client = await RawClient.connect((server.address() as { port: number }).port)
  await until(() => socket !== null || reads.length > 0)
  expect(
    socket,
    'net.Socket takes no handle with onread any more: src/wire/read-buffer.ts reads by data events',
  ).not.toBe(null)
  client.write('hello')
  await until(() => reads.length > 0)
  expect(reads).toEqual(['hello'])
  socket!.write('and back')
  await client.untilText('and back')
  client.socket.end()
  await new Promise((resolve) => socket!.once('end', resolve))
  socket!.end()
  await client.untilClosed()
})

/** Sends the body back, streamed. */
function echo(exchange: Downstream): void {
  const { body } = exchange
  if (body === null) return exchange.send(200, 'OK', [], null)
  exchange.head(200, 'OK', [], body.lengthBytes)
  exchange.drainListener = { onDrain: () => body.resume() }
  body.start({ onData: (chunk) => exchange.write(chunk), onEnd: () => exchange.end(), onError: () => exchange.abort() })
}

const SIZES = [1, 1000, 8192, 16_383, 16_384, 65_535, 65_536, 200_000, 3_000_000]

test('many bodies of all sizes at the same time come through unharmed, both ways', async () => {
  const echoing = originOf((await serve(echo)).port)
  const client = createUpstreamClient()
  later(() => client.close())
  const proxy = await serve((down) => {
    const { method, target, body } = down
    const request = {
      origin: echoing,
      method,
      target,
      headers: ['Host', 'u'],
      body,
      connectTimeoutMs: 5000,
      ioTimeoutMs: 5000,
    }
    const call = client.dispatch(request, {
      onHead: (status, reason, headers, bodyBytes) => down.head(status, reason, headers, bodyBytes),
      onData: (chunk) => down.write(chunk),
      onEnd: (trailers) => down.end(trailers),
      onError: () => down.abort(),
    })
    down.drainListener = { onDrain: () => call.resume() }
  })
  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const oneClient = async (): Promise<void> => {
    const socket = net.connect(proxy.port, '127.0.0.1')
    later(() => socket.destroy())
    for (const size of SIZES) {
      const sent = randomBytes(size)
      const chunks: Buffer[] = []
      let received = 0
      socket.removeAllListeners('data')
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        received += chunk.length
      })
      socket.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`)
      for (let at = 0; at < size; at += 50_000) socket.write(sent.subarray(at, at + 50_000))
      await until(
        () => received > size && Buffer.concat(chunks).length >= Buffer.concat(chunks).indexOf('\r\n\r\n') + 4 + size,
      )
      const whole = Buffer.concat(chunks)
      expect(digest(whole.subarray(whole.indexOf('\r\n\r\n') + 4))).toBe(digest(sent))
    }
  }
  await Promise.all(Array.from({ length: 6 }, oneClient))
})

test('the same for chunked bodies with chunks of odd sizes', async () => {
  const { port } = await serve(echo)
  const client = await RawClient.connect(port)
  let expected = ''
  client.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (let i = 1; i < 400; i++) {
    const chunk = randomBytes((i * 7919) % 5000 || 1).toString('hex')
    expected += chunk
    client.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`)
  }
  client.write('0\r\n\r\n')
  const text = await client.untilText('\r\n0\r\n\r\n')
  let at = text.indexOf('\r\n\r\n') + 4
  let body = ''
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    if (size === 0) break
    body += text.slice(lineEnd + 2, lineEnd + 2 + size)
    at = lineEnd + 2 + size + 2
  }
  expect(body.length).toBe(expected.length)
  expect(body === expected).toBe(true)
})
