// h2load (Debian: nghttp2-client) at a fixed rate over HTTP/1.1, and what each call took.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const UPSTREAM_PORT = 9700

export const HEADERS: readonly string[] = [
  'Accept: application/json',
  'Accept-Language: en-GB,en;q=0.8',
  'Accept-Encoding: gzip',
  'User-Agent: bench/1.0 (loopback)',
  'X-Correlation-Id: 5f1c5f0e-8a6e-4a51-9c3d-0f6d8c3d2b1a',
  'Authorization: Bearer 0123456789abcdef',
  'Cookie: session=0123456789abcdef',
]

export interface LoadResult {
  readonly calls: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export const hasLoader = (): boolean => spawnSync('h2load', ['--version']).status === 0

/** As many calls as `ratePerSecond` makes in `seconds`, over 32 connections, from CPU `cpus`; none is cut off. */
export async function load(url: string, ratePerSecond: number, seconds: number, cpus: string): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-load-'))
  const log = join(folder, 'log')
  const connections = 32
  const args = [
    '-c',
    cpus,
    'h2load',
    '--h1',
    '-t',
    '1',
    '-c',
    String(connections),
    '-n',
    String(Math.round(ratePerSecond * seconds)),
  ]
  args.push(`--rps=${ratePerSecond / connections}`, `--log-file=${log}`, ...HEADERS.flatMap((one) => ['-H', one]), url)
  const child = spawn('taskset', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  await new Promise((resolve) => child.on('exit', resolve))
  const times: number[] = []
  let failed = 0
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, status, us] = line.split('\t')
    if (us === undefined) continue
    times.push(Number(us))
    if (status !== '200') failed++
  }
  rmSync(folder, { recursive: true })
  times.sort((a, b) => a - b)
  const at = (share: number): number => Math.round(times[Math.floor(times.length * share)] ?? Number.NaN) / 1000
  return { calls: times.length, failed, p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** Calls a second when 64 connections ask without pause. The caller may serve them itself meanwhile. */
export async function saturated(
  url: string,
  seconds: number,
  cpus: string,
  more: readonly string[] = [],
): Promise<number> {
  const headers = [...HEADERS, ...more].flatMap((one) => ['-H', one])
  const child = spawn('taskset', ['-c', cpus, 'wrk', '-t1', '-c64', `-d${seconds}`, ...headers, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1])
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGTERM')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** `child` ends with this process at the latest, whatever ends that. */
export function endWithUs(child: ChildProcess): void {
  children.add(child)
  child.once('exit', () => children.delete(child))
}

/** The upstream in a process of its own. Rejects when its port is taken. */
export async function upstream(cpus: string): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('./upstream.ts', import.meta.url))
  const child = spawn('taskset', ['-c', cpus, process.execPath, file, String(UPSTREAM_PORT)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  endWithUs(child)
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('exit', () => reject(new Error('the upstream did not start')))
  })
  return child
}
