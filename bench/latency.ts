// p99 of a GET of 1 KiB at 70 % of each one's own saturated rate, beside nginx; best of five rounds. node bench/latency.ts
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endWithUs, load, saturated, UPSTREAM_PORT, upstream } from './load.ts'
import { Program } from './program.ts'

const ROUNDS = 5
const SECONDS = 4
const NGINX_PORT = 9701
const SHARE = 0.7

export interface LatencyRow {
  readonly name: string
  readonly ratePerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

function nginx(folder: string): ChildProcess {
  const conf = join(folder, 'nginx.conf')
  writeFileSync(
    conf,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr crit; events { worker_connections 1024; }
    http { access_log off; keepalive_requests 1000000000;
      upstream up { server 127.0.0.1:${UPSTREAM_PORT}; keepalive 128; keepalive_requests 1000000000; }
      server { listen 127.0.0.1:${NGINX_PORT};
        location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
  )
  const child = spawn('taskset', ['-c', '0', 'nginx', '-p', folder, '-c', conf], { stdio: 'inherit' })
  endWithUs(child)
  return child
}

/** The lowest p99 of the rounds each, the two in turn. */
export async function latencyRows(): Promise<LatencyRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-nginx-'))
  const backend = await upstream('1')
  const peer = nginx(folder)
  const config = fileURLToPath(new URL('./gateway.yaml', import.meta.url))
  const program = await Program.start({ config, workers: 1, cpus: '0' })
  const urls = { nginx: `http://127.0.0.1:${NGINX_PORT}/1k`, postern: `http://127.0.0.1:${program.port}/1k` }
  const best = new Map<string, LatencyRow>()
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, url] of Object.entries(urls)) {
        if (!best.has(name)) await saturated(url, 3, '1') // compiled and warm
        const ratePerSecond = Math.round((await saturated(url, 2, '1')) * SHARE)
        const { p50Ms, p99Ms } = await load(url, ratePerSecond, SECONDS, '1')
        const before = best.get(name)
        if (before === undefined || p99Ms < before.p99Ms) best.set(name, { name, ratePerSecond, p50Ms, p99Ms })
      }
    }
  } finally {
    await program.stop()
    peer.kill('SIGTERM')
    backend.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
  return [...best.values()]
}

if (import.meta.main) {
  for (const row of await latencyRows()) {
    const { name, ratePerSecond, p50Ms, p99Ms } = row
    process.stdout.write(`${name}: ${ratePerSecond}/s  p50 ${p50Ms} ms  p99 ${p99Ms} ms\n`)
  }
}
