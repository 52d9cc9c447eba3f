// Shared counters and the throttles over them: ns per decision, on one thread and on several at once.
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { compileThrottle } from '../src/accounts/throttle.ts'
import { ThrottleState } from '../src/accounts/throttle-state.ts'
import { Decision } from '../src/core/counters.ts'
import { windowEndMs } from '../src/core/windows.ts'
import type { Throttle } from '../src/model/throttle.ts'
import type { CounterTable } from '../src/stores/memory/counter-table.ts'
import { MemoryCounters } from '../src/stores/memory/counters.ts'

export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
}

const T0 = 1_790_000_000_000
const LENGTH_MS = 1_000
const TIMES = 300_000
const ADDRESSES = 10_000
const CHECKS = [1, 2, 4]

/** What is measured: does it `times` times, the clock going on by 10 us each time. */
type Work = (times: number) => void

/** One thread's part of the measurement with several: ns per decision, and the slowest in a thousand. */
interface Share {
  readonly ns: number
  readonly p999Ns: number
}

export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  const add = (name: string, value: number, unit = 'ns'): void => {
    rows.push({ name, value: Math.round(value), unit })
  }
  const counters = new MemoryCounters(MemoryCounters.allocate(), 1)
  for (const checks of CHECKS) add(`take, ${checks} checks, constant keys`, best(taking(counters, checks, false)))
  for (const checks of CHECKS) add(`take, ${checks} checks, one by address`, best(taking(counters, checks, true)))
  const limits = { api: 1e9, user: 0, app: 0, ip: 0 }
  add('throttle: api, allenv', best(throttling(counters, limits)))
  add('throttle: ip, api, allenv', best(throttling(counters, { ...limits, ip: 1e9 })))
  add('throttle: ip, user, app, api, allenv', best(throttling(counters, { api: 1e9, user: 1e9, app: 1e9, ip: 1e9 })))
  for (const threads of [2, 4]) {
    const shares = await together(threads)
    add(`take, 4 checks, ${threads} threads on the same keys`, Math.max(...shares.map((share) => share.ns)))
    add(`the same, slowest in a thousand`, Math.max(...shares.map((share) => share.p999Ns)))
  }
  add('memory of a table that is full', MemoryCounters.allocate().slots.byteLength / 1024 ** 2, 'MiB')
  return rows
}

function taking(counters: MemoryCounters, checks: number, byAddress: boolean): Work {
  const prefixes = Array.from({ length: checks }, (_, i) => counters.keys.prefix('bench', checks, i))
  const addresses = Array.from({ length: ADDRESSES }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
  const decision = new Decision()
  return (times) => {
    for (let i = 0; i < times; i++) {
      const nowMs = T0 + i / 100
      const endMs = windowEndMs(nowMs, LENGTH_MS)
      decision.clear()
      for (let check = 0; check < checks; check++) {
        decision.add(endMs, LENGTH_MS, 1e9, 1)
        if (byAddress && check === 0) prefixes[0]!.writeWith(addresses[i % ADDRESSES]!, decision.keys, 0)
        else prefixes[check]!.write(decision.keys, check)
      }
      if (!counters.take(decision, nowMs)) throw new Error('a limit of 1e9 was breached')
    }
  }
}

function throttling(counters: MemoryCounters, limits: Throttle['limits']): Work {
  const throttle = { name: 'bench', intervalCount: 1, unit: 'minute', shared: false, limits, specials: [] } as const
  const scope = { counters, environment: 'test', api: 'bench', gatewayLimitPerSecond: 1e9 }
  const compiled = compileThrottle(throttle, scope)!
  const addresses = Array.from({ length: ADDRESSES }, (_, i) => `10.1.${i >> 8}.${i & 255}`)
  return (times) => {
    for (let i = 0; i < times; i++) {
      const state = ThrottleState.acquire()
      if (compiled.take(state, T0 + i / 100, addresses[i % ADDRESSES]!, 'ada', 'app1') !== true)
        throw new Error('refused')
      state.release()
    }
  }
}

/** The best of several runs, ns each time: what else the machine does can only add. */
function best(work: Work): number {
  let bestMs = Infinity
  work(TIMES)
  for (let round = 0; round < 7; round++) {
    const startMs = performance.now()
    work(TIMES)
    bestMs = Math.min(bestMs, performance.now() - startMs)
  }
  return (bestMs * 1e6) / TIMES
}

async function together(threads: number): Promise<Share[]> {
  const table = MemoryCounters.allocate()
  const gate = new SharedArrayBuffer(8)
  const shares = Array.from({ length: threads }, async (_, i) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { table, gate, threads, thread: i + 1 } })
    const [share] = (await once(worker, 'message')) as [Share]
    return share
  })
  return Promise.all(shares)
}

interface ShareTask {
  readonly table: CounterTable
  readonly gate: SharedArrayBuffer
  readonly threads: number
  readonly thread: number
}

function share({ table, gate, threads, thread }: ShareTask): Share {
  const work = taking(new MemoryCounters(table, thread), 4, false)
  work(TIMES / 10)
  const ready = new Int32Array(gate)
  Atomics.add(ready, 0, 1)
  Atomics.notify(ready, 0)
  for (let seen = 0; seen < threads; seen = Atomics.load(ready, 0)) Atomics.wait(ready, 0, seen, 100)
  const startMs = performance.now()
  work(TIMES)
  const ns = ((performance.now() - startMs) * 1e6) / TIMES
  const samples = new Float64Array(50_000)
  for (let i = 0; i < samples.length; i++) {
    const fromMs = performance.now()
    work(1)
    samples[i] = performance.now() - fromMs
  }
  samples.sort()
  return { ns, p999Ns: samples[Math.floor(samples.length * 0.999)]! * 1e6 }
}

if (!isMainThread && parentPort !== null && (workerData as ShareTask | null)?.gate !== undefined) {
  parentPort.postMessage(share(workerData as ShareTask))
} else if (import.meta.main) {
  for (const { name, value, unit } of await run())
    console.log(`${name.padEnd(48)} ${String(value).padStart(6)} ${unit}`)
}
