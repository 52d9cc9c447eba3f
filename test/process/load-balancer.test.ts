import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { call } from '../kit/backend.ts'
import { Postern, runPostern } from '../kit/postern.ts'

// Load balancing on the real program: three servers, one of which dies and comes back; two threads share what they know.

const folder = mkdtempSync(join(tmpdir(), 'postern-balancer-'))
let postern: Postern
const servers: TargetServer[] = []

/** A server that can die and come back on the same port. */
class TargetServer {
  readonly name: string
  port = 0
  calls = 0
  /** What it answers. */
  status = 200
  #server: Server | null = null

  constructor(name: string) {
    this.name = name
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      if (request.url !== '/up') this.calls++
      request.resume().on('end', () => response.writeHead(this.status).end(this.name))
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.address() as AddressInfo).port
  }

  async die(): Promise<void> {
    const server = this.#server
    this.#server = null
    server?.closeAllConnections()
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())))
  }
}

const SERVERS = '<Server name="a"/><Server name="b"/><Server name="c"/>'
const HTTP_MONITOR = `<HealthMonitor><IntervalInSec>1</IntervalInSec><HTTPMonitor><Request><Path>/up</Path></Request>
  <SuccessResponse><ResponseCode>200</ResponseCode></SuccessResponse></HTTPMonitor></HealthMonitor>`
const TCP_MONITOR = '<HealthMonitor><IntervalInSec>1</IntervalInSec><TCPMonitor/></HealthMonitor>'

const connection = (inside: string, more = ''): string =>
  `<HTTPTargetConnection><LoadBalancer>${inside}</LoadBalancer><Path>/p</Path>${more}</HTTPTargetConnection>`

function write(name: string, targetConnection: string | null, callout: string | null = null): string {
  const step = callout === null ? '' : '<Step><Name>SC</Name></Step>'
  const say = '<Step><Name>Say</Name></Step>'
  const files: Record<string, string> = {
    [`${name}.xml`]: `<APIProxy name="${name}"/>`,
    'policies/Say.xml': `<AssignMessage name="Say"><Set><Headers>
      <Header name="X-Server">{loadbalancing.targetserver}</Header><Header name="X-Failed">{loadbalancing.failedservers}</Header>
      <Header name="X-Fallback">{loadbalancing.isfallback}</Header></Headers></Set></AssignMessage>`,
    'proxies/default.xml': `<ProxyEndpoint name="default">
      <PreFlow><Request>${step}</Request><Response>${say}</Response></PreFlow>
      <HTTPProxyConnection><BasePath>/${name}</BasePath></HTTPProxyConnection>
      <RouteRule name="r">${targetConnection === null ? '' : '<TargetEndpoint>default</TargetEndpoint>'}</RouteRule></ProxyEndpoint>`,
  }
  if (callout !== null) {
    files['policies/SC.xml'] = `<ServiceCallout name="SC"><Response>answer</Response>${callout}</ServiceCallout>`
  }
  if (targetConnection !== null) {
    files['targets/default.xml'] = `<TargetEndpoint name="default">${targetConnection}</TargetEndpoint>`
  }
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, name, 'apiproxy', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return `  - {bundle: ./${name}}\n`
}

beforeAll(async () => {
  for (const name of ['a', 'b', 'c']) {
    const server = new TargetServer(name)
    await server.start()
    servers.push(server)
  }
  const apis = [
    write('monitored', connection(`${SERVERS}<MaxFailures>2</MaxFailures>`, HTTP_MONITOR)),
    write('callout', null, connection(`${SERVERS}<MaxFailures>2</MaxFailures>`, TCP_MONITOR)),
    write(
      'stubborn',
      connection(`${SERVERS}<MaxFailures>2</MaxFailures><RetryEnabled>false</RetryEnabled>`, TCP_MONITOR),
    ),
    write(
      'unhealthy',
      connection(
        `${SERVERS}<ServerUnhealthyResponse><ResponseCode>503</ResponseCode></ServerUnhealthyResponse><MaxFailures>1</MaxFailures><TargetDisableSecs>1</TargetDisableSecs>`,
      ),
    ),
    write(
      'weighted',
      connection(
        '<Algorithm>Weighted</Algorithm><Server name="a"><Weight>3</Weight></Server><Server name="b"/><Server name="off"/>',
      ),
    ),
    write(
      'fallback',
      connection(
        '<Server name="dead"/><Server name="c"><IsFallback>true</IsFallback></Server><MaxFailures>1</MaxFailures>',
      ),
    ),
    write('lost', connection('<Server name="dead"/><Server name="dead2"/><MaxFailures>1</MaxFailures>')),
  ]
  const dead = new TargetServer('dead')
  await dead.start()
  await dead.die()
  const entity = (name: string, port: number, more = ''): string =>
    `  - {name: ${name}, host: 127.0.0.1, port: ${port}${more}}\n`
  writeFileSync(
    join(folder, 'postern.yaml'),
    `version: 1
apis:
${apis.join('')}targetServers:
${servers.map(({ name, port }) => entity(name, port)).join('')}${entity('dead', dead.port)}${entity('dead2', dead.port)}${entity('off', dead.port, ', enabled: false')}`,
  )
  postern = await Postern.start(['--config', join(folder, 'postern.yaml')], { workers: 2 })
})

afterEach(async () => {
  for (const server of servers) {
    server.calls = 0
    server.status = 200
    await server.die()
    await server.start()
  }
})

afterAll(async () => {
  await postern.stop()
  for (const server of servers) await server.die()
  rmSync(folder, { recursive: true, force: true })
})

const get = (path: string, options = {}) => call(`${postern.gateway}/${path}`, options)

/** Calls, 16 at a time; the statuses that came. */
async function flood(
  path: string,
  calls: number,
  atCall: (n: number) => void,
  options = {},
): Promise<Map<number, number>> {
  const statuses = new Map<number, number>()
  let begun = 0
  const client = async (): Promise<void> => {
    while (begun < calls) {
      atCall(begun++)
      const { status } = await get(path, options)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 16 }, client))
  return statuses
}

/** Calls until each server has answered again. */
const allBack = (path: string): Promise<void> =>
  vi.waitFor(
    async () => {
      for (const server of servers) server.calls = 0
      for (let i = 0; i < 12; i++) await get(path)
      expect(servers.map(({ calls }) => calls > 0)).toEqual([true, true, true])
    },
    { timeout: 10_000, interval: 100 },
  )

test.each(['monitored', 'callout'])(
  '%s: a server dies during 2,000 calls: none fails; its monitor brings it back',
  async (path) => {
    const body = 'x'.repeat(5_000)
    const statuses = await flood(path, 2_000, (n) => n === 500 && void servers[1]!.die(), { method: 'POST', body })
    expect([...statuses]).toEqual([[200, 2_000]])
    await servers[1]!.start()
    await allBack(path)
  },
)

test('without RetryEnabled only the calls under way fail', async () => {
  const statuses = await flood('stubborn', 2_000, (n) => n === 500 && void servers[1]!.die())
  const failed = 2_000 - (statuses.get(200) ?? 0)
  expect(failed).toBeGreaterThan(0)
  // Those on their way when it died, and the two failures after which it is out.
  expect(failed).toBeLessThanOrEqual(16 + 2)
  await servers[1]!.start()
  await allBack('stubborn')
})

test('RoundRobin: the turns are those of all threads together', async () => {
  for (let i = 0; i < 60; i++) await get('monitored')
  expect(servers.map(({ calls }) => calls)).toEqual([20, 20, 20])
})

test('Weighted, and a server that is switched off', async () => {
  for (let i = 0; i < 40; i++) await get('weighted')
  expect(servers.map(({ calls }) => calls)).toEqual([30, 10, 0])
})

test('a status of ServerUnhealthyResponse is a failure; TargetDisableSecs brings the server back', async () => {
  servers[0]!.status = 503
  for (let i = 0; i < 30; i++) expect((await get('unhealthy')).status).toBe(200)
  expect(servers[0]!.calls).toBe(1)
  servers[0]!.status = 200
  await allBack('unhealthy')
})

test('the fallback is used only when all others are out; variables tell', async () => {
  const first = await get('fallback')
  expect([first.status, first.headers['x-server'], first.headers['x-fallback'], first.headers['x-failed']]).toEqual([
    200,
    'c',
    'true',
    '[dead]',
  ])
  const second = await get('fallback')
  expect([second.text, second.headers['x-failed']]).toEqual(['c', '[]'])
})

test('no server left: 503, NoActiveTargets', async () => {
  expect((await get('lost')).status).toBe(503)
  const { status, text } = await get('lost')
  expect([status, JSON.parse(text).fault.detail.errorcode]).toEqual([
    503,
    'messaging.adaptors.http.flow.NoActiveTargets',
  ])
})

test('a server that the environment does not have is an error of the deployment', async () => {
  const { code, stdout } = await runPostern(['check', join(folder, 'monitored')])
  expect(code).toBe(1)
  expect(stdout).toContain('TargetServerNotFound: the environment has no target server a')
})
