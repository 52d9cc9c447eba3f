import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Backend } from '../kit/backend.ts'
import { Postern, until } from '../kit/postern.ts'

// Two Posterns: one is the gateway, the other its back end, through 3scale's documented calls alone. The back end is killed, and
// away for five seconds during a thousand calls.

const CALLS_BEFORE = 300
const CALLS_AWAY = 400
const AWAY_MS = 5_000
const KEYS = Array.from({ length: 10 }, (_, i) => `key${i}`)
/** Nobody has called with it before the back end goes. */
const NEW_KEY = 'new'

let upstream: Backend

// One starts after the other, however many modes are played at once: two cores have to do.
let starting: Promise<unknown> = Promise.resolve()
function start(...of: Parameters<typeof Postern.start>): Promise<Postern> {
  const mine = starting.then(() => Postern.start(...of))
  starting = mine.catch(() => undefined)
  return mine
}

beforeAll(async () => {
  upstream = await Backend.start(({ url }, response) => {
    response.writeHead(url.startsWith('/missing') ? 404 : 200).end('ok')
  })
})
afterAll(() => upstream.stop())

interface Outcome {
  readonly admitted: number
  readonly refused: number
  readonly admittedWhileAway: number
  readonly newKeyWhileAway: number
  readonly usage: number
  readonly codes: { readonly ok: number; readonly missing: number }
}

const accounts = {
  version: 1,
  services: [{ id: '42', systemName: 'api', serviceToken: 'tok', plans: [{ id: 7, name: 'Basic' }] }],
  accounts: [{ id: 'a', applications: [...KEYS, NEW_KEY].map((userKey) => ({ service: 42, plan: 7, userKey })) }],
}

const gatewayConfig = (mode: string, backend: string): object => ({
  services: [
    {
      id: 42,
      backend_version: '1',
      backend_authentication_type: 'service_token',
      backend_authentication_value: 'tok',
      proxy: {
        hosts: ['127.0.0.1'],
        api_backend: upstream.url,
        backend: { endpoint: backend },
        proxy_rules: [{ http_method: 'GET', pattern: '/', metric_system_name: 'hits', delta: 1 }],
        policy_chain: [{ name: 'caching', configuration: { caching_type: mode } }, { name: 'apicast' }],
      },
    },
  ],
})

/**
 * Where nobody waits for a report, a back end of ours answers it once it is on the disk: it may be killed at any moment. One that was
 * kept and not answered is told again, so a few may count twice. Otherwise the last half second goes with the back end: it is
 * killed when everything is kept.
 */
const KEEPS = ['resilient', 'allow']
const TWICE_MAX = 20

async function play(mode: string): Promise<Outcome> {
  const data = mkdtempSync(join(tmpdir(), 'postern-away-'))
  const file = (name: string): string => join(data, name)
  writeFileSync(file('accounts.yaml'), stringify(accounts))
  const startBackend = (port: string): Promise<Postern> =>
    start(['--config', file('accounts.yaml'), '--backend-port', port], { data: file('backend'), workers: 1 })
  let backend = await startBackend('0')
  const { port } = new URL(backend.backend)
  writeFileSync(file('gateway.json'), JSON.stringify(gatewayConfig(mode, backend.backend)))
  const env = { APICAST_RESPONSE_CODES: mode === 'none' ? 'false' : 'true' }
  const gateway = await start([file('gateway.json')], { data: file('gateway'), workers: 1, env })
  const agent = new Agent({ keepAlive: true })
  let admitted = 0
  let refused = 0
  let missing = 0
  const call = async (number: number, key: string): Promise<boolean> => {
    const status = await get(`${gateway.gateway}/${number % 5 === 0 ? 'missing' : 'there'}?user_key=${key}`, agent)
    expect([200, 404, 403]).toContain(status)
    if (status === 403) refused++
    else admitted++
    if (status === 404) missing++
    return status !== 403
  }
  const total = async (path: string): Promise<number> => {
    const { body } = await backend.ask(`/stats/services/42/${path}&period=eternity`)
    return (body as { total: number }).total
  }
  const keyOf = (number: number): string => KEYS[number % KEYS.length]!
  for (let i = 0; i < CALLS_BEFORE; i++) await call(i, keyOf(i))
  const isKept = async (): Promise<boolean> => (await total('usage.json?metric_name=hits')) === CALLS_BEFORE
  if (!KEEPS.includes(mode)) await until(isKept)
  await backend.kill()
  const before = admitted
  let newKeyWhileAway = 0
  const awayAt = performance.now()
  for (let i = 0; i < CALLS_AWAY; i++) {
    const isNew = i % 20 === 0
    const passed = await call(i, isNew ? NEW_KEY : keyOf(i))
    if (isNew && passed) newKeyWhileAway++
    // Spreads the calls over the time that the back end is away.
    const early = awayAt + (AWAY_MS * (i + 1)) / CALLS_AWAY - performance.now()
    if (early > 0) await pause(early)
  }
  const admittedWhileAway = admitted - before
  backend = await startBackend(port)
  for (let i = CALLS_BEFORE + CALLS_AWAY; i < 1_000; i++) await call(i, keyOf(i))
  // Everything that was admitted is told in the end.
  await until(async () => (await total('usage.json?metric_name=hits')) >= admitted, 30_000)
  await gateway.stop()
  const outcome = {
    admitted,
    refused,
    admittedWhileAway,
    newKeyWhileAway,
    usage: await total('usage.json?metric_name=hits'),
    codes: {
      ok: await total('usage_response_code.json?response_code=200'),
      missing: await total('usage_response_code.json?response_code=404'),
    },
  }
  const { usage, codes } = outcome
  expect(usage).toBeGreaterThanOrEqual(admitted)
  expect(usage - admitted).toBeLessThanOrEqual(KEEPS.includes(mode) ? TWICE_MAX : 0)
  if (mode === 'none') expect(codes).toEqual({ ok: 0, missing: 0 })
  else {
    expect(codes.ok + codes.missing).toBe(usage)
    expect(codes.ok).toBeGreaterThanOrEqual(admitted - missing)
    expect(codes.missing).toBeGreaterThanOrEqual(missing)
  }
  agent.destroy()
  await backend.stop()
  rmSync(data, { recursive: true, force: true })
  return outcome
}

function get(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe.concurrent('the back end is killed, and away for five seconds during 1,000 calls', () => {
  test('strict: each known key passes once more, then nobody; what was admitted is told', async () => {
    const { admitted, refused, admittedWhileAway, newKeyWhileAway } = await play('strict')
    expect(admitted + refused).toBe(1_000)
    expect([admittedWhileAway, newKeyWhileAway]).toEqual([KEYS.length, 0])
  }, 150_000)

  test('resilient: known keys pass, a new one does not; no usage and no code is lost', async () => {
    const { admitted, refused, admittedWhileAway, newKeyWhileAway } = await play('resilient')
    expect([admitted, refused]).toEqual([980, 20])
    expect([admittedWhileAway, newKeyWhileAway]).toEqual([380, 0])
  }, 150_000)

  test('allow: everybody passes; all of it is told', async () => {
    const { admitted, refused, newKeyWhileAway } = await play('allow')
    expect([admitted, refused, newKeyWhileAway]).toEqual([1_000, 0, 20])
  }, 150_000)

  test('none: nobody passes; each call that was let in was counted before it went on', async () => {
    const { admitted, refused, admittedWhileAway } = await play('none')
    expect([admitted, refused, admittedWhileAway]).toEqual([600, 400, 0])
  }, 150_000)
})
