// 50 callouts at a time to a server that takes 100 ms, beside a pass-through proxy: does one hold up the other? node bench/callouts.ts
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load, saturated, UPSTREAM_PORT, upstream } from './load.ts'
import { Program } from './program.ts'

const ROUNDS = 5
const SECONDS = 3
const CALLOUTS = 50
const SLOW_MS = 100
const RATE_PER_SECOND = 1_000

export interface CalloutsRow {
  readonly name: string
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Pass-through alone, the same beside 50 callouts, and those callouts; the lowest p99 of the rounds each. */
export async function calloutsRows(): Promise<CalloutsRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-callouts-'))
  const slow = createServer((_, response) => void setTimeout(() => response.end('late'), SLOW_MS))
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
  const config = join(folder, 'postern.yaml')
  writeFileSync(
    config,
    `version: 1
apis:
  - {name: pass, basePath: /1k, target: "http://127.0.0.1:${UPSTREAM_PORT}/1k"}
  - {bundle: ${JSON.stringify(fileURLToPath(new URL('./slow', import.meta.url)))}}
hostMap: {"http://slow.bench": "http://127.0.0.1:${(slow.address() as AddressInfo).port}"}
`,
  )
  const backend = await upstream('1')
  const program = await Program.start({ config, workers: 1, cpus: '0' })
  const origin = `http://127.0.0.1:${program.port}`
  const best = new Map<string, CalloutsRow>()
  const keep = (row: CalloutsRow): void => {
    const before = best.get(row.name)
    if (before === undefined || row.p99Ms < before.p99Ms) best.set(row.name, row)
  }
  try {
    await saturated(`${origin}/1k`, 2, '1') // compiled and warm
    for (let round = 0; round < ROUNDS; round++) {
      keep({
        name: `pass-through, ${RATE_PER_SECOND}/s`,
        ...(await load(`${origin}/1k`, RATE_PER_SECOND, SECONDS, '1')),
      })
      const clients = new Clients(`${origin}/slow`)
      const beside = await load(`${origin}/1k`, RATE_PER_SECOND, SECONDS, '1')
      keep({ name: `the same beside ${CALLOUTS} callouts at a time`, ...beside })
      keep({ name: `those callouts, of ${SLOW_MS} ms each`, ...(await clients.stop()) })
    }
  } finally {
    await program.stop()
    backend.kill('SIGTERM')
    slow.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return [...best.values()].map(({ name, p50Ms, p99Ms }) => ({ name, p50Ms, p99Ms }))
}

/** That many clients, each with one call after the other, until they are stopped. */
class Clients {
  readonly #times: number[] = []
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CALLOUTS })
  readonly #all: Promise<unknown>
  #stopped = false

  constructor(url: string) {
    this.#all = Promise.all(Array.from({ length: CALLOUTS }, () => this.#run(url)))
  }

  async stop(): Promise<{ p50Ms: number; p99Ms: number }> {
    this.#stopped = true
    await this.#all
    this.#agent.destroy()
    this.#times.sort((a, b) => a - b)
    const at = (share: number): number => Math.round(this.#times[Math.floor(this.#times.length * share)]! * 10) / 10
    return { p50Ms: at(0.5), p99Ms: at(0.99) }
  }

  async #run(url: string): Promise<void> {
    while (!this.#stopped) {
      const began = performance.now()
      await new Promise<void>((resolve, reject) => {
        get(url, { agent: this.#agent }, (answer) => answer.resume().on('end', resolve)).on('error', reject)
      })
      this.#times.push(performance.now() - began)
    }
  }
}

if (import.meta.main) {
  for (const { name, p50Ms, p99Ms } of await calloutsRows()) {
    process.stdout.write(`p50 ${p50Ms} ms  p99 ${p99Ms} ms  ${name}\n`)
  }
}
