// What accounts cost: CPU per call at the gateway and at the backend door, with Redis' INCR as a yardstick. node bench/authrep.ts
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { endWithUs, saturated, upstream } from './load.ts'
import { cpuSecondsOf, Program } from './program.ts'

const ROUNDS = 3
const SECONDS = 3
const config = fileURLToPath(new URL('./authrep.yaml', import.meta.url))
const AUTHREP = '/transactions/authrep.xml?service_token=tok&service_id=bench&user_key=key&usage%5Bhits%5D=1'

export interface AuthRepRow {
  readonly name: string
  readonly cpuUs: number
  readonly perSecond: number
}

export async function authRepRows(): Promise<AuthRepRow[]> {
  const backend = await upstream('1')
  const program = await Program.start({ config, workers: 1, cpus: '0' })
  const gateway = `http://127.0.0.1:${program.port}`
  const paths: readonly (readonly [name: string, url: string, ...headers: string[]])[] = [
    ['pass-through, counted for a service', `${gateway}/bare/1k`],
    [
      'the same call let in by accounts in process (two limits)',
      `${gateway}/1k?user_key=key`,
      'Host: accounts.example',
    ],
    [
      'authrep.xml over HTTP, without a body',
      `http://127.0.0.1:${program.backendPort}${AUTHREP}`,
      '3scale-options: no_body=1',
    ],
    ['authrep.xml over HTTP, XML with two usage reports', `http://127.0.0.1:${program.backendPort}${AUTHREP}`],
  ]
  const rows = paths.map(([name]) => ({ name, cpuUs: Number.POSITIVE_INFINITY, perSecond: 0 }))
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, [, url, ...headers]] of paths.entries()) {
        if (round === 0) await saturated(url, 2, '1', headers) // compiled and warm
        const before = program.cpuSeconds
        const perSecond = await saturated(url, SECONDS, '1', headers)
        const us = ((program.cpuSeconds - before) * 1e6) / (perSecond * SECONDS)
        rows[i]!.cpuUs = Math.min(rows[i]!.cpuUs, Math.round(us * 10) / 10)
        rows[i]!.perSecond = Math.max(rows[i]!.perSecond, Math.round(perSecond))
      }
    }
  } finally {
    await program.stop()
    backend.kill('SIGTERM')
  }
  const redis = await redisRow()
  return redis === null ? rows : [...rows, redis]
}

const REDIS_PORT = 9709

/** One INCR a call over 64 connections, no pipelining. Null: Redis is not installed. */
async function redisRow(): Promise<AuthRepRow | null> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return null
  const options = ['--port', String(REDIS_PORT), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn('taskset', ['-c', '0', 'redis-server', ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  endWithUs(server)
  for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break
  const calls = 300_000
  const before = cpuSecondsOf(server.pid!)
  const began = performance.now()
  const load = ['-p', String(REDIS_PORT), '-c', '64', '-n', String(calls), '-t', 'incr', '-q']
  const client = spawn('taskset', ['-c', '1', 'redis-benchmark', ...load], { stdio: ['ignore', 'ignore', 'inherit'] })
  await once(client, 'exit')
  const seconds = (performance.now() - began) / 1000
  const cpuUs = Math.round(((cpuSecondsOf(server.pid!) - before) * 1e7) / calls) / 10
  server.kill('SIGTERM')
  return {
    name: 'Redis: INCR, one a call (no HTTP, no limit, no report)',
    cpuUs,
    perSecond: Math.round(calls / seconds),
  }
}

if (import.meta.main) {
  for (const { name, cpuUs, perSecond } of await authRepRows())
    process.stdout.write(`${String(cpuUs).padStart(7)} us  ${String(perSecond).padStart(6)}/s  ${name}\n`)
}
