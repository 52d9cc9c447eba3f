// `npm run bench`: prints figures, asserts nothing. With the comparison harness beside the checkout (or named by
// POSTERN_BENCH), Postern stands beside nginx and the bare floor; `-- --peers` adds the other gateways.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run as counterRows } from './counters.ts'
import { flowRows } from './flow.ts'
import { latencyRows } from './latency.ts'
import { hasLoader } from './load.ts'
import { pathRows } from './paths.ts'
import { startRows } from './start.ts'
import { workerRows } from './workers.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const print = (line = ''): void => void process.stdout.write(`${line}\n`)

print(`Node ${process.version}`)
print('\nflow: ns for one step (best of five rounds)')
for (const row of flowRows()) print(`${String(row.ns).padStart(8)}  ${row.name}`)

print('\ncounters: one decision')
for (const row of await counterRows()) print(`${String(row.value).padStart(8)} ${row.unit}  ${row.name}`)

print('\nstart: until it serves, and resident memory when idle')
for (const row of await startRows())
  print(`  ${row.seconds.toFixed(2)} s  ${String(row.memoryMb).padStart(4)} MB  ${row.name}`)

const has = (name: string): boolean => spawnSync('which', [name]).status === 0
if (has('wrk')) {
  print('\nthrough the gateway: CPU of one thread for each call')
  for (const { cpuUs, name } of await pathRows()) print(`${String(cpuUs).padStart(8)} us  ${name}`)

  print('\nthreads: CPU for each call')
  for (const { workers, cpuUs } of await workerRows())
    print(`${String(cpuUs).padStart(8)} us  ${workers} gateway threads`)
} else print('\nthrough the gateway, threads: skipped, wrk is not installed')

if (has('wrk') && has('nginx') && hasLoader()) {
  print('\nlatency of GET 1 KiB at 70 % of what each can do (best of five rounds)')
  for (const { name, ratePerSecond, p50Ms, p99Ms } of await latencyRows())
    print(`  ${name.padEnd(8)} ${String(ratePerSecond).padStart(6)}/s  p50 ${p50Ms} ms  p99 ${p99Ms} ms`)
} else print('\nlatency: skipped, it needs wrk, nginx and h2load')

const harness = process.env['POSTERN_BENCH'] ?? join(home, '..', 'shared', 'bench', 'bench.sh')
const missing = ['nginx', 'wrk'].filter((name) => !has(name))
if (!existsSync(harness) || missing.length > 0) {
  print(
    `\nwire: skipped, ${existsSync(harness) ? `not installed: ${missing.join(', ')}` : 'the comparison harness is not beside this checkout'}`,
  )
} else {
  const data = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  const peers = process.argv.includes('--peers') ? [] : ['-only', 'nginx', 'nginx-lua']
  const rows = [
    `postern=8080:${home}bin/postern start --config ${home}bench/gateway.yaml --workers 1 --port 8080 --admin-port 0 --backend-port 0 --log-level warn --data ${data}`,
    `floor=8081:${process.execPath} ${home}bench/floor.ts 8081 9700`,
  ]
  print('\nwire: CPU per request beside nginx')
  spawnSync('bash', [harness, ...peers, '-w', 'get1k,get100k,post10k,svc', ...rows], {
    stdio: 'inherit',
    env: { ...process.env, NODE: process.execPath },
  })
  rmSync(data, { recursive: true, force: true })
}
