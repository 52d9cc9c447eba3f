import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Backend } from '../kit/backend.ts'
import { Postern } from '../kit/postern.ts'

// The whole measurement: POSTERN_EXACT_LIMIT=1000 POSTERN_EXACT_SECONDS=10. Less of it shows the same on a busy machine.
const LIMIT = Number(process.env['POSTERN_EXACT_LIMIT'] ?? 100)
const SECONDS = Number(process.env['POSTERN_EXACT_SECONDS'] ?? 3)
const CLIENTS = 20

interface Seen {
  readonly status: number
  readonly remain: number
}

/** One call over a kept connection; what it was told. */
function ask(url: string, agent: Agent): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers: { 'X-Apig-Mode': 'debug' } }, (incoming) => {
      incoming.resume()
      incoming.on('error', reject)
      incoming.on('end', () => {
        const text = String(incoming.headers['x-apig-ratelimit-api'])
        const match = new RegExp(`^remain:(\\d+),limit:${LIMIT},time:1 second$`).exec(text)
        if (match === null) reject(new Error(`X-Apig-RateLimit-api: ${text}`))
        else resolve({ status: incoming.statusCode ?? 0, remain: Number(match[1]) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

test(`a limit of ${LIMIT} a second admits exactly that in each full window, over four threads`, {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-exact-'))
  const backend = await Backend.start((_, response) => response.end('ok'))
  const api = {
    name: 'api',
    req_method: 'GET',
    req_uri: '/api',
    backend_type: 'HTTP',
    throttle: 'exact',
    backend_api: {
      url_domain: `127.0.0.1:${backend.port}`,
      req_protocol: 'HTTP',
      req_method: 'GET',
      req_uri: '/',
      retry_count: '0',
    },
  }
  const throttle = { name: 'exact', api_call_limits: LIMIT, time_interval: 1, time_unit: 'SECOND' }
  const config = join(folder, 'postern.yaml')
  writeFileSync(
    config,
    stringify({
      version: 1,
      apig: {
        features: { ratelimit: { api_limits: 1_000_000 } },
        throttles: [throttle],
        groups: [{ name: 'group', apis: [api] }],
      },
    }),
  )
  const postern = await Postern.start(['--config', config], { workers: 4, data: join(folder, 'data') })
  const agents = Array.from({ length: CLIENTS }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  try {
    const seen: Seen[] = []
    const url = `${postern.gateway}/api`
    const until = Date.now() + SECONDS * 1_000
    // Three times the limit together, each client at its own pace.
    const pauseMs = (CLIENTS * 1_000) / (3 * LIMIT)
    await Promise.all(
      agents.map(async (agent) => {
        for (let next = Date.now(); Date.now() < until; next += pauseMs) {
          if (next > Date.now()) await new Promise((resolve) => setTimeout(resolve, next - Date.now()))
          seen.push(await ask(url, agent))
        }
      }),
    )
    const admitted = seen.filter(({ status }) => status === 200)
    const refused = seen.filter(({ status }) => status === 429)
    expect(admitted.length + refused.length).toBe(seen.length)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.every(({ remain }) => remain === 0)).toBe(true)
    expect(backend.received.length).toBe(admitted.length)
    // Each window tells LIMIT - 1, LIMIT - 2, ... each once: how often one was told never grows on the way down to 0.
    const told = new Array<number>(LIMIT).fill(0)
    for (const { remain } of admitted) told[remain]!++
    const windows = told[LIMIT - 1]!
    for (let remain = LIMIT - 2; remain >= 0; remain--)
      expect(told[remain]!, `remain:${remain}`).toBeLessThanOrEqual(told[remain + 1]!)
    // Only the first and the last may have been cut off.
    expect(windows).toBeGreaterThanOrEqual(SECONDS)
    expect(told[0]!).toBeGreaterThanOrEqual(windows - 2)
    process.stdout.write(
      `${seen.length} calls, ${admitted.length} admitted in ${windows} windows, ${told[0]} of them full\n`,
    )
  } finally {
    for (const agent of agents) agent.destroy()
    await postern.stop()
    await backend.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
