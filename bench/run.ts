// `npm run bench`: prints figures, asserts nothing. Needs wrk, nginx (with Lua), h2load for some of them and says what it left
// out. `-- --peers` installs the gateways of npm that it is compared with, on first use.
import { spawnSync } from 'node:child_process'
import { authRepRows } from './authrep.ts'
import { calloutsRows } from './callouts.ts'
import { run as counterRows } from './counters.ts'
import { flowRows } from './flow.ts'
import { gateRows } from './gate.ts'
import { idleRow, idleText } from './idle.ts'
import { latencyRows } from './latency.ts'
import { hasLoader } from './load.ts'
import { hotDeploymentText, manyProxiesText } from './many-proxies.ts'
import { pathRows } from './paths.ts'
import { recentRows } from './recent.ts'
import { startRows } from './start.ts'
import { gatewayTraceRows, traceRows } from './traces.ts'
import { wireOptions, wireTables } from './wire.ts'
import { workerRows } from './workers.ts'
import { yearOf, yearText } from './year.ts'

const print = (line = ''): void => void process.stdout.write(`${line}\n`)

print(`Node ${process.version}`)
print('\nflow: ns for one step (best of five rounds)')
for (const row of flowRows()) print(`${String(row.ns).padStart(8)}  ${row.name}`)

print('\ncounters: one decision')
for (const row of await counterRows()) print(`${String(row.value).padStart(8)} ${row.unit}  ${row.name}`)

print('\ngate: ns for a call of an API of the apig dialect, in process')
for (const row of gateRows()) print(`${String(row.ns).padStart(8)}  ${row.name}`)

print('\nexplain: ns for keeping a call, in process')
for (const row of recentRows()) print(`${String(row.ns).padStart(8)}  ${row.name}`)

print('\ntrace: CPU for a call of ten steps, in process')
for (const { us, name } of traceRows()) print(`${us.toFixed(2).padStart(8)} us  ${name}`)

print('\nstart: until it serves, and resident memory when idle')
for (const row of await startRows())
  print(`  ${row.seconds.toFixed(2)} s  ${String(row.memoryMb).padStart(4)} MB  ${row.name}`)

print('\nmany proxies, and deployments under load')
for (const line of await manyProxiesText(500)) print(`  ${line}`)
print(`  ${await hotDeploymentText()}`)

print(`\na year of statistics: 50 services, 500 applications (median and worst of five)`)
for (const line of yearText(await yearOf())) print(line)

const has = (name: string): boolean => spawnSync('which', [name]).status === 0
if (has('wrk')) {
  print('\nthrough the gateway: CPU of one thread for each call')
  for (const { cpuUs, name } of await pathRows()) print(`${String(cpuUs).padStart(8)} us  ${name}`)

  print('\ntrace: CPU of one thread for each call of a pass-through proxy')
  for (const { us, name } of await gatewayTraceRows()) print(`${us.toFixed(1).padStart(8)} us  ${name}`)

  print('\naccounts: CPU for each call, and calls a second of one thread')
  for (const { name, cpuUs, perSecond } of await authRepRows())
    print(`${String(cpuUs).padStart(8)} us  ${String(perSecond).padStart(6)}/s  ${name}`)

  print('\nthreads: CPU for each call')
  for (const { workers, cpuUs } of await workerRows())
    print(`${String(cpuUs).padStart(8)} us  ${workers} gateway threads`)
} else print('\nthrough the gateway, threads: skipped, wrk is not installed')

if (has('wrk') && has('nginx') && hasLoader()) {
  print('\nlatency of GET 1 KiB at 70 % of what each can do (best of five rounds)')
  for (const { name, ratePerSecond, p50Ms, p99Ms } of await latencyRows())
    print(`  ${name.padEnd(8)} ${String(ratePerSecond).padStart(6)}/s  p50 ${p50Ms} ms  p99 ${p99Ms} ms`)
} else print('\nlatency: skipped, it needs wrk, nginx and h2load')

if (has('wrk') && hasLoader()) {
  print('\ncallouts: does a slow one hold up others (best of five rounds)')
  for (const { name, p50Ms, p99Ms } of await calloutsRows()) print(`  p50 ${p50Ms} ms  p99 ${p99Ms} ms  ${name}`)
} else print('\ncallouts: skipped, it needs wrk and h2load')

print(`\n${idleText(await idleRow(10_000))}`)

const missing = ['nginx', 'wrk'].filter((name) => !has(name))
if (missing.length > 0) print(`\nwire: skipped, not installed: ${missing.join(', ')}`)
else {
  print('\nwire: Postern beside others')
  for (const line of await wireTables(wireOptions(process.argv.slice(2)))) print(line)
}
