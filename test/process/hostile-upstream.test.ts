import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const EVIL = `${OK}Content-Length: 4\r\n\r\nevil`
const FAULTS = 'messaging.adaptors.http.flow.'

/** What the upstream does when it has read the head of a request for a path. */
const BEHAVIOUR: Readonly<Record<string, (socket: Socket) => void>> = {
  '/good': (socket) => socket.write(`${OK}Content-Length: 4\r\n\r\ngood`),
  '/garbage': (socket) => socket.write('hello\r\n\r\n'),
  '/binary': (socket) => socket.write(Buffer.alloc(100_000, 0xff)),
  '/http2': (socket) => socket.write('HTTP/2.0 200 OK\r\n\r\n'),
  '/two-lengths': (socket) => socket.write(`${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`),
  '/length-and-chunked': (socket) =>
    socket.write(`${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  '/endless-header': (socket) => pour(socket, `${OK}X: `),
  '/endless-headers': (socket) => pour(socket, OK, 'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'),
  '/endless-interim': (socket) => pour(socket, '', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'),
  '/nothing': () => {},
  '/half-a-head': (socket) => socket.write('HTTP/1.1 200 O'),
  '/closes': (socket) => socket.end(),
  '/closes-in-head': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-'),
  '/resets': (socket) => socket.resetAndDestroy(),
  '/too-much': (socket) => socket.write(`${OK}Content-Length: 4\r\n\r\ngood${EVIL}`),
  '/too-much-for-304': (socket) => socket.write(`HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n${EVIL}`),
  '/too-little': (socket) => socket.end(`${OK}Content-Length: 10\r\n\r\ngood`),
  '/bad-chunk': (socket) => socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\nzz\r\n`),
  '/stalls-in-body': (socket) => socket.write(`${OK}Content-Length: 10\r\n\r\ngood`),
}

/** As fast as it is taken, until the other side ends it. */
function pour(socket: Socket, first: string, then = 'a'.repeat(1000)): void {
  socket.write(first)
  const block = then.repeat(20)
  const more = (): void => {
    while (!socket.destroyed && socket.write(block));
  }
  socket.on('drain', more)
  more()
}

describe('upstreams that misbehave', () => {
  let folder: string
  let upstream: Server
  /** Answers as soon as somebody connects, and again when it is asked. */
  let early: Server
  let postern: Postern
  const sockets = new Set<Socket>()

  async function listening(onConnection: (socket: Socket) => void): Promise<Server> {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {})
      onConnection(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }

  const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-hostile-'))
    upstream = await listening((socket) => {
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        if (!text.includes('\r\n\r\n')) return
        BEHAVIOUR[/^\w+ (\S+)/.exec(text)![1]!]!(socket)
        text = ''
      })
    })
    early = await listening((socket) => {
      socket.write(EVIL)
      socket.on('data', () => socket.write(EVIL))
    })
    writeFiles(join(folder, 'impatient'), impatient(urlOf(upstream)))
    const config = join(folder, 'postern.yaml')
    writeFileSync(
      config,
      `version: 1\napis:\n  - {bundle: ./impatient}\n  - {name: early, basePath: /early, target: "${urlOf(early)}"}\n`,
    )
    postern = await Postern.start(['--config', config], { workers: 1 })
  })

  afterAll(async () => {
    await postern?.stop()
    for (const socket of sockets) socket.destroy()
    upstream?.close()
    early?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const good = async (): Promise<void> => {
    const answer = await call(`${postern.gateway}/u/good`)
    expect([answer.status, answer.text]).toEqual([200, 'good'])
  }

  /** Calls that the gateway answered with a 5xx. */
  const failures = async (): Promise<number> => {
    const rows = String((await postern.ask('/metrics')).body).matchAll(/^postern_calls_total\{([^}]*)\} (\d+)/gm)
    return [...rows]
      .filter((row) => row[1]!.includes('class="5xx"') && row[1]!.includes('answered_by="gateway"'))
      .reduce((sum, row) => sum + Number(row[2]), 0)
  }

  test('each failure is counted once', async () => {
    expect(await failures()).toBe(0)
    await call(`${postern.gateway}/u/garbage`)
    await call(`${postern.gateway}/u/nothing`)
    await good()
    await until(async () => (await failures()) === 2)
  })

  test.each([
    ['/garbage', 502, 'BadGateway'],
    ['/binary', 502, 'BadGateway'],
    ['/http2', 502, 'BadGateway'],
    ['/two-lengths', 502, 'BadGateway'],
    ['/length-and-chunked', 502, 'BadGateway'],
    ['/endless-header', 502, 'BadGateway'],
    ['/endless-headers', 502, 'BadGateway'],
    ['/endless-interim', 502, 'BadGateway'],
    ['/nothing', 504, 'GatewayTimeout'],
    ['/half-a-head', 504, 'GatewayTimeout'],
    ['/closes', 502, 'UnexpectedEOFAtTarget'],
    ['/closes-in-head', 502, 'UnexpectedEOFAtTarget'],
    ['/resets', 502, 'UnexpectedEOFAtTarget'],
  ])('%s is %i, and the next call is answered well', async (path, status, code) => {
    const answer = await call(`${postern.gateway}/u${path}`)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text).fault.detail.errorcode).toBe(FAULTS + code)
    await good()
  })

  test.each([
    ['/too-much', 200, 'good'],
    ['/too-much-for-304', 304, ''],
  ])('%s: the answer alone goes out, what is behind it reaches nobody', async (path, status, body) => {
    for (let i = 0; i < 5; i++) {
      const answer = await call(`${postern.gateway}/u${path}`)
      expect([answer.status, answer.text]).toEqual([status, body])
      await good()
    }
  })

  test.each(['/too-little', '/bad-chunk', '/stalls-in-body'])(
    '%s: the client sees that its answer is not whole',
    async (path) => {
      await expect(call(`${postern.gateway}/u${path}`)).rejects.toThrow(/aborted|hang up|reset/i)
      await good()
    },
  )

  test('one that answers before it is asked is served as well as can be, and disturbs nobody else', async () => {
    for (let i = 0; i < 10; i++) {
      expect((await call(`${postern.gateway}/early/x`)).status).toBe(200)
      await good()
    }
  })

  test('many calls to the worst of them at once: others are served meanwhile, and no connection is left', async () => {
    const paths = ['/nothing', '/half-a-head', '/endless-header', '/stalls-in-body']
    const bad = Array.from({ length: 120 }, (_, i) =>
      call(`${postern.gateway}/u${paths[i % paths.length]}`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    for (let i = 0; i < 20; i++) await good()
    const statuses = await Promise.all(bad)
    expect(new Set(statuses)).toEqual(new Set([504, 502, 0]))
    await until(() => sockets.size <= 8)
  })

  test('a client that breaks off while its upstream stalls takes the exchange with it', async () => {
    const socket = connect(Number(new URL(postern.gateway).port), '127.0.0.1', () =>
      socket.write('GET /u/good HTTP/1.1\r\nHost: x\r\n\r\nGET /u/nothing HTTP/1.1\r\nHost: x\r\n\r\n'),
    )
    await new Promise((resolve) => socket.once('data', resolve))
    socket.resetAndDestroy()
    await until(() => sockets.size <= 8)
    await good()
  })
})

/** A proxy whose target must answer soon. */
function impatient(target: string): Record<string, string> {
  return {
    'apiproxy/impatient.xml': '<APIProxy name="impatient"/>',
    'apiproxy/proxies/default.xml': `<ProxyEndpoint name="default">
      <HTTPProxyConnection><BasePath>/u</BasePath></HTTPProxyConnection><RouteRule name="r"><TargetEndpoint>t</TargetEndpoint></RouteRule></ProxyEndpoint>`,
    'apiproxy/targets/t.xml': `<TargetEndpoint name="t"><HTTPTargetConnection><URL>${target}</URL>
      <Properties><Property name="io.timeout.millis">400</Property></Properties></HTTPTargetConnection></TargetEndpoint>`,
  }
}
