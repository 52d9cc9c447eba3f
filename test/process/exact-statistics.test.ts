import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ResponseCodesAnswer, StatisticsAnswer } from '../../src/admin/native/answers.ts'
import { Backend } from '../kit/backend.ts'
import { Postern, until, writeFiles } from '../kit/postern.ts'

// Every call is counted once, as its client saw it: over four threads, and over an end in the middle.

const CALLS = 20_000
const CLIENTS = 48

let folder: string
let backend: Backend
let config: string

/** One kind of call. `refused`: these statuses are of calls that 3scale does not count. */
interface Kind {
  readonly proxy: string
  readonly path: string
  readonly host?: string
  readonly service: '7' | '8' | null
  readonly refused: readonly number[]
}

const plain = (n: number, path: string): Kind => ({
  proxy: `p${n}`,
  path: `/p${n}${path}`,
  service: n % 2 === 0 ? '7' : null,
  refused: [],
})

/** The mix, in turn: ten proxies, and what belongs to none. */
const KINDS: readonly Kind[] = [
  ...Array.from({ length: 6 }, (_, n) => plain(n, '/status/200')),
  ...Array.from({ length: 6 }, (_, n) => plain(n, `/status/${[201, 204, 302, 404, 500, 503][n]}`)),
  { proxy: 'p6', path: '/p6/status/200', service: '7', refused: [429] },
  { proxy: 'p7', path: '/p7', service: '7', refused: [] },
  { proxy: 'p8', path: '/p8', service: null, refused: [] },
  ...['user_key=good', 'user_key=bad', 'x=1'].map((query): Kind => {
    return { proxy: 'eight', path: `/status/200?${query}`, host: 'api.example', service: '8', refused: [401, 403, 429] }
  }),
  { proxy: '', path: '/nowhere', service: null, refused: [] },
]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-exact-'))
  backend = await Backend.start(({ url }, response) => {
    response.statusCode = Number(/\/status\/(\d+)/.exec(url)?.[1] ?? 200)
    response.end(response.statusCode === 204 ? undefined : 'answer')
  })
  const nobody = await freePort()
  writeFiles(folder, {
    'p7/apiproxy/p7.xml': '<APIProxy name="p7"/>',
    'p7/apiproxy/policies/RF.xml':
      '<RaiseFault name="RF"><FaultResponse><Set><StatusCode>418</StatusCode></Set></FaultResponse></RaiseFault>',
    'p7/apiproxy/proxies/default.xml':
      '<ProxyEndpoint name="default"><PreFlow name="PreFlow"><Request><Step><Name>RF</Name></Step></Request></PreFlow><HTTPProxyConnection><BasePath>/p7</BasePath></HTTPProxyConnection><RouteRule name="r"/></ProxyEndpoint>',
    'postern.yaml': `
version: 1
responseCodes: true
throttles: [{name: tight, per: {unit: day}, api: 300}]
apis:
${Array.from({ length: 6 }, (_, n) => `  - {name: p${n}, basePath: /p${n}, target: "${backend.url}"${n % 2 === 0 ? ', service: seven' : ''}}`).join('\n')}
  - {name: p6, basePath: /p6, target: "${backend.url}", service: seven, throttle: tight}
  - {bundle: ./p7, service: seven}
  - {name: p8, basePath: /p8, target: "http://127.0.0.1:${nobody}"}
services:
  - {id: 7, systemName: seven, name: Seven}
  - id: 8
    systemName: eight
    name: Weather
    backendVersion: "1"
    metrics: [{systemName: hits, friendlyName: Hits, unit: hit}]
    plans: [{id: 1, name: Basic, limits: [{metric: hits, period: eternity, value: 700}]}]
    proxy:
      hosts: [api.example]
      apiBackend: ${backend.url}
      mappingRules: [{method: GET, pattern: /, metric: hits, delta: 1}]
accounts:
  - {id: acme, name: ACME, applications: [{id: app, service: 8, plan: Basic, userKey: good}]}
`,
  })
  config = join(folder, 'postern.yaml')
})

afterAll(async () => {
  await backend?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** What the clients saw. */
class Seen {
  readonly #calls = new Map<string, { readonly kind: Kind; readonly status: number; calls: number }>()
  total = 0

  add(kind: Kind, status: number): void {
    this.total++
    const key = `${KINDS.indexOf(kind)} ${status}`
    const known = this.#calls.get(key)
    if (known === undefined) this.#calls.set(key, { kind, status, calls: 1 })
    else known.calls++
  }

  /** Calls by status, of those that fit. */
  byStatus(fits: (kind: Kind, status: number) => boolean): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const { kind, status, calls } of this.#calls.values()) {
      if (fits(kind, status)) sums[status] = (sums[status] ?? 0) + calls
    }
    return sums
  }
}

test('20,000 calls over ten proxies and four threads, with a SIGTERM and a new start in the middle', async () => {
  const data = mkdtempSync(join(folder, 'data-'))
  const start = (): Promise<Postern> => Postern.start(['--config', config], { data, workers: 4 })
  let postern = await start()
  let serving = Promise.resolve()
  const seen = new Seen()
  let next = 0
  let unanswered = 0

  async function client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (next < CALLS) {
      const kind = KINDS[next++ % KINDS.length]!
      for (;;) {
        const status = await send(agent, postern.gateway, kind).catch(() => null)
        if (status !== null) {
          seen.add(kind, status)
          break
        }
        // Nothing came back: to be sent again, once somebody serves.
        unanswered++
        await serving
      }
    }
    agent.destroy()
  }

  const clients = Array.from({ length: CLIENTS }, client)
  await until(() => seen.total >= CALLS / 2, 120_000)
  let up = (): void => undefined
  serving = new Promise((resolve) => {
    up = resolve
  })
  const { code } = await postern.stop('SIGTERM')
  expect(code).toBe(0)
  const before = seen.total
  postern = await start()
  up()
  await Promise.all(clients)
  expect(seen.total).toBe(CALLS)
  expect(before).toBeLessThan(CALLS)
  expect(unanswered).toBeGreaterThan(0)
  try {
    const ask = async <Answer>(path: string): Promise<Answer> => (await postern.ask(path)).body as Answer
    await until(async () => (await ask<ResponseCodesAnswer>('/api/response-codes?last=7d')).calls >= CALLS, 30_000)
    const all = await ask<ResponseCodesAnswer>('/api/response-codes?last=7d')
    expect(all.calls).toBe(CALLS)
    expect(countsOf(all.statuses)).toEqual(seen.byStatus(() => true))
    for (const proxy of new Set(KINDS.map((kind) => kind.proxy))) {
      const { rows } = await ask<StatisticsAnswer>(`/api/statistics?by=status&last=7d&proxy=${proxy}`)
      const counted = Object.fromEntries(rows.map(({ value, calls }) => [value, calls]))
      expect(counted, proxy).toEqual(seen.byStatus((kind) => kind.proxy === proxy))
    }
    for (const service of ['7', '8'] as const) {
      const authorized = seen.byStatus((kind, status) => kind.service === service && !kind.refused.includes(status))
      const sum = (from: number): number =>
        Object.entries(authorized).reduce((all, [status, n]) => (Math.floor(+status / 100) === from ? all + n : all), 0)
      const total = async (query: string): Promise<number> =>
        (await ask<{ total: number }>(`/stats/services/${service}/${query}&period=eternity`)).total
      for (const code of ['200', '404', '500', '503']) {
        const counted = await total(`usage_response_code.json?response_code=${code}`)
        expect([service, code, counted]).toEqual([service, code, authorized[code] ?? 0])
      }
      for (const first of [2, 4, 5]) {
        const counted = await total(`usage_response_code.json?response_code=${first}XX`)
        expect([service, first, counted]).toEqual([service, first, sum(first)])
      }
      const hits = Object.values(authorized).reduce((all, n) => all + n, 0)
      expect([service, 'hits', await total('usage.json?metric_name=hits')]).toEqual([service, 'hits', hits])
    }
    // The limit of the plan held over the end, too.
    expect(seen.byStatus((kind, status) => kind.proxy === 'eight' && status === 200)).toEqual({ 200: 700 })
    expect(await ask<object>('/api/overview')).toMatchObject({ analytics: { lostCalls: 0, problem: null } })
  } finally {
    await postern.stop()
  }
}, 240_000)

const countsOf = (statuses: readonly { readonly status: number; readonly calls: number }[]): Record<string, number> =>
  Object.fromEntries(statuses.map(({ status, calls }) => [status, calls]))

function send(agent: Agent, gateway: string, { path, host }: Kind): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host }
    const outgoing = request(`${gateway}${path}`, { agent, headers }, (incoming) => {
      incoming.resume()
      incoming.on('end', () => resolve(incoming.statusCode!))
      incoming.on('error', reject)
      incoming.on('aborted', () => reject(new Error('aborted')))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
