import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import type { Exchange } from '../../engine/exchange.ts'
import { WireOutbound } from '../../gateway/outbound.ts'
import { Destinations } from '../../gateway/url.ts'
import { createUpstreamClient } from '../../wire/client.ts'
import { messageOf, type PolicyRun, type RunOptions, runPolicy } from '../test-kit.ts'
import serviceCallout from './index.ts'

const cleanups: (() => void)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function service(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  cleanups.push(() => server.closeAllConnections())
  return listening(server)
}

/** A peer that does with each connection what the test says. */
async function peer(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  return listening(server)
}

function call(authority: string, inside: string, options: RunOptions = {}): Promise<PolicyRun> {
  const client = createUpstreamClient()
  cleanups.push(() => client.close())
  const outbound = new WireOutbound(client, new Destinations({ 'http://up.test': `http://${authority}` }, true))
  const connection = '<HTTPTargetConnection><URL>http://up.test/base?key=1</URL></HTTPTargetConnection>'
  return runPolicy(serviceCallout, `<ServiceCallout name="SC">${inside}${connection}</ServiceCallout>`, {
    outbound,
    ...options,
  })
}

const RESPONSE = '<Response>answer</Response>'
const failed = (reason: string): object => ({ text: `Execution of ServiceCallout SC failed. Reason: ${reason}` })
const answerOf = (x: Exchange): object => x.get('answer') as object

test('what the other server gets, and what comes back', async () => {
  let seen: IncomingMessage | null = null
  let body = ''
  const authority = await service(async (request, response) => {
    seen = request
    body = await text(request)
    response.writeHead(201, 'Made', { 'X-Answer': '1' }).end('content')
  })
  const mine = messageOf('request', {
    verb: 'POST',
    uri: '/p?q=1',
    headers: {
      Host: 'client.test',
      Connection: 'close',
      'Content-Length': '99',
      'Transfer-Encoding': 'chunked',
      A: '1',
    },
    content: 'é',
  })
  const { outcome, exchange } = await call(authority, `<Request variable="mine"/>${RESPONSE}`, { variables: { mine } })
  expect(outcome).toBeUndefined()
  expect(seen).toMatchObject({
    method: 'POST',
    url: '/base/p?key=1&q=1',
    headers: { host: 'up.test', a: '1', 'content-length': '2' },
  })
  expect(seen!.headers).not.toHaveProperty('transfer-encoding')
  expect(body).toBe('é')
  expect(answerOf(exchange)).toMatchObject({ status: 201, reason: 'Made', content: 'content' })
})

test('an error status is readable in the variable', async () => {
  const authority = await service((_, response) => response.writeHead(404).end('none'))
  const { outcome, exchange } = await call(authority, RESPONSE)
  expect(outcome).toMatchObject(failed('ResponseCode 404 is treated as error'))
  expect(answerOf(exchange)).toMatchObject({ status: 404, content: 'none' })
})

test('nobody listens', async () => {
  const authority = await peer(() => {})
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
  expect((await call(authority, RESPONSE)).outcome).toMatchObject(failed('Host not reachable'))
})

test('Timeout is for the whole exchange: bytes that trickle in do not stretch it', async () => {
  const authority = await peer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
    const drip = setInterval(() => socket.write('x'), 10)
    socket.on('close', () => clearInterval(drip))
  })
  const started = performance.now()
  const { outcome, exchange } = await call(authority, `<Timeout>150</Timeout>${RESPONSE}`)
  expect(outcome).toMatchObject(failed('timed out'))
  expect(exchange.has('answer')).toBe(false)
  expect(performance.now() - started).toBeLessThan(5_000)
})

test.each([
  ['is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
  ['is not HTTP', 'hello\r\n\r\n'],
])('an answer that %s leaves the variable unset', async (_, bytes) => {
  const authority = await peer((socket) => socket.once('data', () => socket.end(bytes)))
  const { outcome, exchange } = await call(authority, RESPONSE)
  expect(outcome).toMatchObject(failed('Unexpected EOF at target'))
  expect(exchange.has('answer')).toBe(false)
})

test('without <Response> the call is made while the flow goes on', async () => {
  let arrived = (_: string): void => {}
  const arrival = new Promise<string>((resolve) => {
    arrived = resolve
  })
  const authority = await service((request, response) => {
    arrived(request.url ?? '')
    response.writeHead(500).end()
  })
  const { outcome, exchange } = await call(authority, '<Request><Set><Path>/log</Path></Set></Request>')
  expect(outcome).toBeUndefined()
  expect(await arrival).toBe('/base/log?key=1')
  expect(exchange.has('servicecallout.SC.failed')).toBe(false)
})
