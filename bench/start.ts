// How soon it serves and what it needs when idle: the real program with the demo's bundle and two workers.

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../bin/postern', import.meta.url))
const CONFIG = fileURLToPath(new URL('../examples/weather/postern.yaml', import.meta.url))

export interface StartRow {
  readonly name: string
  readonly seconds: number
  readonly memoryMb: number
}

/** Resident memory of a process and its children, MB. */
function memoryMb(pid: number): number {
  let kb = 0
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8')
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1])
      // The launcher itself only waits; what counts is the program under it.
      if (parent === pid) kb += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
    } catch {
      // The process ended while we looked.
    }
  }
  return Math.round(kb / 1024)
}

async function once(name: string, cache: string, workers: number): Promise<StartRow> {
  const data = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  const began = performance.now()
  const args = [
    'start',
    '--config',
    CONFIG,
    '--workers',
    String(workers),
    '--port',
    '0',
    '--admin-port',
    '0',
    '--backend-port',
    '0',
    '--data',
    data,
    '--log-level',
    'warn',
  ]
  const child = spawn(LAUNCHER, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => chunk.includes('ready') && resolve())
    child.on('exit', () => reject(new Error('it ended before it was ready')))
  })
  const seconds = Math.round(performance.now() - began) / 1000
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const row = { name, seconds, memoryMb: memoryMb(child.pid!) }
  child.removeAllListeners('exit')
  child.kill('SIGTERM')
  await new Promise((resolve) => child.on('exit', resolve))
  rmSync(data, { recursive: true, force: true })
  return row
}

/** First start (nothing compiled before), a later one, and more workers. */
export async function startRows(): Promise<StartRow[]> {
  const cache = mkdtempSync(join(tmpdir(), 'postern-cache-'))
  try {
    return [
      await once('first start, 2 workers', cache, 2),
      await once('later start, 2 workers', cache, 2),
      await once('later start, 1 worker', cache, 1),
      await once('later start, 4 workers', cache, 4),
    ]
  } finally {
    rmSync(cache, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  for (const row of await startRows())
    process.stdout.write(`${row.seconds.toFixed(2)} s  ${row.memoryMb} MB  ${row.name}\n`)
}
