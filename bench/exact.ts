// Whether a limit is exact over several threads, as callers and the backend see it. node bench/exact.ts [LIMIT [SECONDS]]
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { Program } from './program.ts'

const CLIENTS = '20'
const WORKERS = 4

export interface ExactResult {
  readonly calls: number
  readonly admitted: number
  readonly atBackend: number
  readonly windows: number
  readonly fullWindows: number
  /** Remains that were told more often than the one before them: each would be a call too many in some window. */
  readonly wrong: number
}

export async function exact(limit: number, seconds: number): Promise<ExactResult> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-exact-'))
  let atBackend = 0
  const backend = createServer((_, response) => {
    atBackend++
    response.end('ok')
  })
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
  const config = join(folder, 'postern.yaml')
  writeFileSync(config, stringify(configOf(limit, (backend.address() as AddressInfo).port)))
  const program = await Program.start({ config, workers: WORKERS })
  try {
    const answers = join(folder, 'answers')
    const script = fileURLToPath(new URL('exact.lua', import.meta.url))
    const url = `http://127.0.0.1:${program.port}/api`
    const args = ['-t', '1', '-c', CLIENTS, '-d', `${seconds}s`, '-s', script, url, '--', answers]
    const child = spawn('wrk', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    await new Promise((resolve) => child.on('exit', resolve))
    return resultOf(readFileSync(answers, 'utf8'), limit, atBackend)
  } finally {
    await program.stop()
    backend.closeAllConnections()
    backend.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function configOf(limit: number, port: number): object {
  const backend_api = { url_domain: `127.0.0.1:${port}`, req_protocol: 'HTTP', req_method: 'GET', req_uri: '/' }
  const api = { name: 'api', req_method: 'GET', req_uri: '/api', backend_type: 'HTTP', throttle: 'exact', backend_api }
  const throttle = { name: 'exact', api_call_limits: limit, time_interval: 1, time_unit: 'SECOND' }
  const features = { ratelimit: { api_limits: 1_000_000 } }
  return { version: 1, apig: { features, throttles: [throttle], groups: [{ name: 'group', apis: [api] }] } }
}

/** Each window tells limit - 1, limit - 2, ... each once, so how often one was told never grows on the way down to 0. */
function resultOf(lines: string, limit: number, atBackend: number): ExactResult {
  const told = new Array<number>(limit).fill(0)
  let calls = 0
  let admitted = 0
  let wrong = 0
  for (const line of lines.split('\n')) {
    const match = /^(\d+) remain:(\d+),limit:(\d+),time:1 second$/.exec(line)
    if (line === '') continue
    calls++
    if (match === null || Number(match[3]) !== limit) wrong++
    else if (match[1] === '200') {
      admitted++
      told[Number(match[2])]!++
    } else if (match[1] !== '429' || match[2] !== '0') wrong++
  }
  // Answers that came when the load had ended are not counted: up to one for each client.
  for (let remain = limit - 2; remain >= 0; remain--) if (told[remain]! > told[remain + 1]!) wrong++
  return { calls, admitted, atBackend, windows: told[limit - 1]!, fullWindows: told[0]!, wrong }
}

if (import.meta.main) {
  const [limit = '1000', seconds = '10'] = process.argv.slice(2)
  const one = await exact(Number(limit), Number(seconds))
  process.stdout.write(
    `limit ${limit} a second, ${WORKERS} threads, ${CLIENTS} clients, ${seconds} s: ${one.calls} calls, ${one.admitted} admitted ` +
      `(${one.atBackend} at the backend), ${one.windows} windows, ${one.fullWindows} of them full, ${one.wrong} wrong\n`,
  )
}
