// The thread of counters.threads.test.ts: takes from shared counters as fast as it can, and reports what it was admitted.
import { parentPort, workerData } from 'node:worker_threads'
import { Decision } from '../../core/counters.ts'
import { windowEndMs } from '../../core/windows.ts'
import type { CounterTable } from './counter-table.ts'
import { MemoryCounters } from './counters.ts'

export interface HammerTask {
  readonly table: CounterTable
  readonly thread: number
  /** Shared: [threads ready, go, the clock's current window]. */
  readonly control: SharedArrayBuffer
  readonly mode: 'count' | 'windows' | 'forever'
  readonly decisions: number
  readonly keys: number
  readonly limit: number
}

export const T0 = 1_790_000_000_000
export const WINDOWS = 50

export interface HammerReport {
  readonly admitted: readonly number[]
  readonly refused: number
}

if (parentPort !== null) hammer(workerData as HammerTask)

function hammer(task: HammerTask): void {
  const control = new Int32Array(task.control)
  Atomics.add(control, 0, 1)
  Atomics.notify(control, 0)
  while (Atomics.load(control, 1) === 0) Atomics.wait(control, 1, 0, 100)
  const counters = new MemoryCounters(task.table, task.thread)
  const decision = new Decision()
  const prefixes = Array.from({ length: task.keys }, (_, i) => counters.keys.prefix('hammer', i))
  const admitted = new Array<number>(WINDOWS).fill(0)
  let refused = 0
  for (let i = 0; task.mode === 'forever' || i < task.decisions; i++) {
    // The clock moves with the work of all threads; every third reading is old by up to a window when it is used.
    const newest = task.mode === 'windows' ? Math.floor(Atomics.add(control, 2, 1) / task.decisions) : 0
    const window = Math.max(0, i % 3 === 0 ? newest - 1 : newest)
    const nowMs = T0 + window * 1000 + (window === newest ? 0 : 999)
    decision.clear()
    for (const prefix of prefixes) {
      prefix.write(decision.keys, decision.add(windowEndMs(nowMs, 1000), 1000, task.limit, 1))
    }
    if (counters.take(decision, nowMs)) {
      const counted = (decision.endsMs[0]! - T0) / 1000 - 1
      admitted[counted] = (admitted[counted] ?? 0) + 1
    } else refused++
  }
  parentPort?.postMessage({ admitted, refused } satisfies HammerReport)
}
