import { mkdtemp, rm } from 'node:fs/promises'
import net, { type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CA_CERT, SERVER_CERT, SERVER_KEY } from '../../src/wire/test-certificates.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n'

const ask = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\nX-In: i\r\n\r\n`

const setHeader = (policy: string, name: string): string =>
  `<AssignMessage name="${policy}"><Set><Headers><Header name="${name}">yes</Header></Headers></Set></AssignMessage>`

/** Marks requests on their way in and answers on their way out; silence of half a second ends a tunnel. */
const bundle = (target: string): Record<string, string> => ({
  'ws/apiproxy/ws.xml': '<APIProxy name="ws"/>',
  'ws/apiproxy/policies/In.xml': setHeader('In', 'X-Request-Flow'),
  'ws/apiproxy/policies/Out.xml': setHeader('Out', 'X-Response-Flow'),
  'ws/apiproxy/proxies/default.xml': `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>In</Name></Step></Request><Response><Step><Name>Out</Name></Step></Response></PreFlow>
    <HTTPProxyConnection><BasePath>/ws</BasePath></HTTPProxyConnection><RouteRule name="r"><TargetEndpoint>t</TargetEndpoint></RouteRule></ProxyEndpoint>`,
  'ws/apiproxy/targets/t.xml': `<TargetEndpoint name="t"><HTTPTargetConnection><URL>${target}</URL>
    <Properties><Property name="io.timeout.millis">500</Property><Property name="request.retain.headers">X-Other</Property></Properties></HTTPTargetConnection></TargetEndpoint>`,
})

/** A connection to a gateway and all that it has read. */
class Client {
  readonly socket: Socket
  text = ''
  ended = false

  constructor(socket: Socket, bytes: string) {
    this.socket = socket
    socket.setEncoding('latin1').on('data', (chunk) => {
      this.text += String(chunk)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.ended = true
    })
    socket.write(bytes)
  }

  has(text: string): Promise<unknown> {
    return until(() => this.text.includes(text))
  }
}

describe('a WebSocket through the gateway', () => {
  let folder: string
  let target: Server
  let postern: Postern
  const heads: string[] = []
  const targetSockets = new Set<Socket>()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-ws-'))
    target = net.createServer((socket) => {
      targetSockets.add(socket)
      socket.on('close', () => targetSockets.delete(socket))
      socket.on('error', () => undefined)
      let open = false
      socket.on('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1')
        if (open && text.includes('reset')) return socket.resetAndDestroy()
        if (open) return socket.write(`echo ${text}`, 'latin1')
        heads.push(text)
        if (text.includes('/plainly')) return socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno')
        open = true
        return socket.write(SWITCHED)
      })
    })
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}`
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const config = join(folder, 'postern.yaml')
    writeFiles(folder, {
      ...bundle(url),
      'cert.pem': SERVER_CERT,
      'key.pem': SERVER_KEY,
      'postern.yaml': `version: 1\napis:\n  - {bundle: ./ws}\n  - {name: plain, basePath: /plain, target: "${url}"}\n`,
    })
    const args = ['--config', config, '--tls-port', '0', '--tls-cert', cert, '--tls-key', key]
    postern = await Postern.start(args, { workers: 1 })
  })

  afterAll(async () => {
    await postern?.stop()
    for (const socket of targetSockets) socket.destroy()
    await new Promise((resolve) => target.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })

  const open = async (path: string): Promise<Client> => {
    const client = new Client(net.connect(Number(new URL(postern.gateway).port), '127.0.0.1'), ask(path))
    await client.has('\r\n\r\n')
    return client
  }

  test('runs the request flows, not the response flows, and passes bytes', async () => {
    const client = await open('/ws/a?b')
    expect(client.text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(client.text).toContain('\r\nConnection: Upgrade\r\n')
    expect(client.text).toContain('\r\nUpgrade: websocket\r\n')
    expect(client.text).toContain('\r\nSec-WebSocket-Accept: a\r\n')
    expect(client.text).toMatch(/\r\nX-Request-Id: [0-9a-f]{32}\r\n/i)
    expect(client.text).not.toContain('X-Response-Flow')
    const head = heads.at(-1)!
    expect(head).toMatch(/^GET \/a\?b HTTP\/1\.1\r\n/)
    expect(head).toContain('\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n')
    expect(head).toContain('\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
    client.socket.write('one')
    await client.has('echo one')
    client.socket.end()
    await until(() => client.ended)
  })

  test('over TLS', async () => {
    const socket = tls.connect({ port: Number(new URL(postern.gatewayTls).port), host: '127.0.0.1', ca: CA_CERT })
    const client = new Client(socket, ask('/plain/a'))
    await client.has('\r\n\r\n')
    expect(client.text).toMatch(/^HTTP\/1\.1 101 /)
    socket.write('two')
    await client.has('echo two')
    socket.end()
    await until(() => client.ended)
  })

  test('another answer of the target goes through the response flows', async () => {
    const client = await open('/ws/plainly')
    await client.has('\r\n\r\nno')
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(client.text).toContain('\r\nX-Response-Flow: yes\r\n')
    client.socket.destroy()
  })

  test('silence ends it', async () => {
    const client = await open('/ws/quiet')
    await until(() => client.ended)
    expect(client.text.endsWith('\r\n\r\n')).toBe(true)
  })

  test('a target that breaks, a client that breaks, and the count of all', async () => {
    const broken = await open('/plain/broken')
    broken.socket.write('reset')
    await until(() => broken.ended)
    const gone = await open('/plain/gone')
    gone.socket.resetAndDestroy()
    await until(async () => {
      const text = String((await postern.ask('/metrics')).body)
      const calls = [...text.matchAll(/^postern_\w*calls\w*\{[^}]*\} \d+$/gm)].map(([line]) => line).join('\n')
      return /proxy="ws"/.test(calls) && counted(calls, 'ws') === 2 && counted(calls, 'plain') === 3
    })
  })

  test('a shutdown cuts what is open when the grace is over', async () => {
    const client = await open('/plain/last')
    const stopping = postern.stop()
    client.socket.write('still')
    await client.has('echo still')
    expect((await stopping).code).toBe(0)
    await until(() => client.ended)
  }, 30_000)
})

/** Calls of a proxy that were answered 101. */
function counted(lines: string, proxy: string): number {
  return lines
    .split('\n')
    .filter((line) => line.includes(`proxy="${proxy}"`) && /"(1xx|101)"/i.test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
