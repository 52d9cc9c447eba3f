// What the gateway itself adds to a call of an API of the apig dialect, stage by stage, in process: ns for each call.
import { compileThrottle } from '../src/accounts/throttle.ts'
import { ApiRouter } from '../src/apig/router.ts'
import { canonicalRequest, signatureOf } from '../src/apig/signature.ts'
import { runtimeOfResources } from '../src/dialects/apig/runtime.ts'
import { readApigSection } from '../src/dialects/apig/section.ts'
import type { Call } from '../src/gateway/call.ts'
import { diagnosticHeaders } from '../src/gateway/diagnostics.ts'
import { ThrottleGate } from '../src/gateway/throttle-gate.ts'
import { MemoryCounters } from '../src/stores/memory/counters.ts'

const TIMES = 50_000
const ROUNDS = 15
const T0 = 1_790_000_000_000
const APIS = 1_000

export interface GateRow {
  readonly name: string
  readonly ns: number
}

export function gateRows(): GateRow[] {
  const rows: GateRow[] = []
  const add = (name: string, work: (i: number) => void): void => {
    rows.push({ name, ns: Math.round(best(work)) })
  }
  const gate = (fields: boolean): ThrottleGate => {
    const limits = { api: 1e9, user: 1e9, app: 1e9, ip: 1e9 }
    const throttle = { name: 'bench', intervalCount: 1, unit: 'minute', shared: false, limits, specials: [] } as const
    const counters = new MemoryCounters(MemoryCounters.allocate(), 1)
    const scope = { counters, environment: 'RELEASE', api: 'bench', gatewayLimitPerSecond: 1e9 }
    return new ThrottleGate(compileThrottle(throttle, scope)!, fields)
  }
  const headers = (name: string, one: ThrottleGate, debug: boolean): void => {
    const call = callOf(debug)
    add(name, (i) => {
      const writable = call as { receivedAtMs: number; limits: string[] | null }
      writable.receivedAtMs = T0 + i / 100
      writable.limits = null
      if (one.admit(call) !== undefined) throw new Error('refused')
      diagnosticHeaders(call, [])
    })
  }
  headers('throttles of ip, user, app, api, all environments; X-Request-Id', gate(false), false)
  headers('the same with RateLimit fields', gate(true), false)
  headers('the same with debug headers instead', gate(false), true)
  headers('the same with both', gate(true), true)
  const router = routerOf(APIS)
  add(`route: exact path among ${APIS} APIs`, (i) => {
    if (router.find('h', 'RELEASE', 'GET', `/area/${i % APIS}/things`) === null) throw new Error('not found')
  })
  add('route: path with a parameter', () => {
    if (router.find('h', 'RELEASE', 'GET', '/by-id/12345') === null) throw new Error('not found')
  })
  const signed = {
    method: 'GET',
    path: '/a/b',
    query: 'x=1&y=2',
    header: (name: string) => (name === 'host' ? 'h' : '20060102T150405Z'),
  }
  add('signature of a GET: canonical request, HMAC', () => {
    signatureOf('secret', '20060102T150405Z', canonicalRequest(signed, ['host', 'x-sdk-date'], 'UNSIGNED-PAYLOAD'))
  })
  return rows
}

/** As much of a call as the gate and the headers look at. */
function callOf(debug: boolean): Call {
  const x = {
    address: '10.1.2.3',
    caller: { account: 'ada', application: 'app1' },
    forwarded: true,
    targetSentAt: 1,
    targetReceivedAt: 12,
  }
  return {
    id: '0'.repeat(32),
    debug,
    x,
    limits: null,
    receivedAtMs: T0,
    forwardCount: 1,
    down: { receivedAtMs: 0 },
  } as unknown as Call
}

function routerOf(count: number): ApiRouter<number> {
  const mock = { req_method: 'GET', backend_type: 'MOCK' }
  const apis: object[] = Array.from({ length: count }, (_, i) => ({
    ...mock,
    name: `api_${i}`,
    req_uri: `/area/${i}/things`,
  }))
  apis.push({ ...mock, name: 'by_id', req_uri: '/by-id/{id}' })
  const section = { groups: [{ name: 'bench', apis }] }
  const runtime = runtimeOfResources(
    readApigSection(section, (path, message) => {
      throw new Error(`${path}: ${message}`)
    }),
  )
  return new ApiRouter(runtime.apis.map((api, entry) => ({ api, entry })))
}

/** CPU time, so that what else the machine does counts less; the best of some rounds. */
function best(work: (i: number) => void): number {
  let bestUs = Infinity
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < TIMES; i++) work(i)
    const { user, system } = process.cpuUsage(before)
    if (round > 0) bestUs = Math.min(bestUs, user + system)
  }
  return (bestUs * 1_000) / TIMES
}

if (import.meta.main) {
  for (const { name, ns } of gateRows()) process.stdout.write(`${String(ns).padStart(8)}  ${name}\n`)
}
