// CPU per call with one gateway thread and with two, best of the rounds, both on all CPUs. node bench/workers.ts
import { fileURLToPath } from 'node:url'
import { saturated, upstream } from './load.ts'
import { Program } from './program.ts'

const ROUNDS = 3
const SECONDS = 3
const config = fileURLToPath(new URL('./gateway.yaml', import.meta.url))

export interface WorkersRow {
  readonly workers: number
  readonly cpuUs: number
}

export async function workerRows(): Promise<WorkersRow[]> {
  const backend = await upstream('0,1')
  const rows: { workers: number; cpuUs: number }[] = []
  const running: Program[] = []
  try {
    for (const workers of [1, 2]) {
      running.push(await Program.start({ config, workers }))
      rows.push({ workers, cpuUs: Number.POSITIVE_INFINITY })
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, program] of running.entries()) {
        const url = `http://127.0.0.1:${program.port}/1k`
        await saturated(url, 1, '0,1') // compiled and warm
        const before = { cpu: program.cpuSeconds, calls: await program.calls() }
        await saturated(url, SECONDS, '0,1')
        await new Promise((resolve) => setTimeout(resolve, 1_000)) // counts travel every 250 ms
        const us = ((program.cpuSeconds - before.cpu) * 1e6) / ((await program.calls()) - before.calls)
        rows[i]!.cpuUs = Math.min(rows[i]!.cpuUs, Math.round(us * 10) / 10)
      }
    }
  } finally {
    for (const program of running) await program.stop()
    backend.kill('SIGTERM')
  }
  return rows
}

if (import.meta.main) {
  for (const { workers, cpuUs } of await workerRows()) process.stdout.write(`${workers} workers: ${cpuUs} us a call\n`)
}
