// What is asked of a gateway, how its answer is checked once, and wrk asking for it many times.
import { spawn } from 'node:child_process'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../load.ts'

const CONNECTIONS = 64
const HEADERS = 8

export interface Workload {
  readonly title: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly bodyBytes: number
  readonly answerBytes: number
  /** The upstream must see this as X-User: it comes from the callout. */
  readonly user?: string
  /** The row that counts as 1. */
  readonly base: string
}

export const WORKLOADS: readonly Workload[] = [
  { title: 'GET 1 KiB', method: 'GET', path: '/1k', bodyBytes: 0, answerBytes: 1024, base: 'nginx' },
  { title: 'GET 100 KiB', method: 'GET', path: '/100k', bodyBytes: 0, answerBytes: 102_400, base: 'nginx' },
  { title: 'POST 10 KiB', method: 'POST', path: '/post', bodyBytes: 10_240, answerBytes: 1024, base: 'nginx' },
  {
    title: 'svc',
    method: 'GET',
    path: '/svc/1k',
    bodyBytes: 0,
    answerBytes: 1024,
    user: 'user-12345',
    base: 'nginx-lua',
  },
]

const RETRY_MS = 10_000

/** As `check`, and again while nobody listens: who opens its port twice at start is not ready with the first time. */
export async function checkSoon(port: number, workload: Workload): Promise<void> {
  for (const deadline = performance.now() + RETRY_MS; ; ) {
    try {
      return await check(port, workload)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if ((code !== 'ECONNREFUSED' && code !== 'ECONNRESET') || performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Asks once and rejects when the answer is not the right one: a fast error page must never become a row. */
function check(port: number, workload: Workload): Promise<void> {
  const { method, path, bodyBytes, answerBytes, user } = workload
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path, agent: false, timeout: 5000 }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () => {
        const seen = response.headers['x-seen-user']
        if (response.statusCode !== 200) reject(new Error(`it answered ${response.statusCode}`))
        else if (bytes !== answerBytes) reject(new Error(`it answered ${bytes} bytes, not ${answerBytes}`))
        else if (user !== undefined && seen !== user) reject(new Error(`the upstream saw X-User ${seen}`))
        else resolve()
      })
    })
    request.on('timeout', () => request.destroy(new Error('no answer in 5 s')))
    request.on('error', reject)
    if (bodyBytes > 0) request.setHeader('Content-Length', bodyBytes)
    request.end(Buffer.alloc(bodyBytes, 'x'))
  })
}

export interface Run {
  readonly calls: number
  readonly ratePerSecond: number
  readonly p99Ms: number
  readonly errors: number
}

/** One run of wrk on `cpu`: 64 connections that ask without pause, 8 headers besides Host. */
export async function wrk(port: number, workload: Workload, seconds: number, cpu: string): Promise<Run> {
  const script = fileURLToPath(new URL('./request.lua', import.meta.url))
  const child = spawn(
    'taskset',
    [
      ...['-c', cpu, 'wrk', '--latency', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', script],
      ...[`http://127.0.0.1:${port}${workload.path}`, '--'],
      ...[workload.method, String(workload.bodyBytes), String(HEADERS)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  endWithUs(child)
  let output = ''
  for await (const chunk of child.stdout) output += chunk
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0)
  const [, value, unit = 'us'] = /\s99%\s+([\d.]+)(us|ms|s)/.exec(output) ?? []
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)
  return {
    calls: number(/(\d+) requests in/),
    ratePerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p99Ms: Number(value) * ({ us: 1e-3, ms: 1, s: 1e3 }[unit] ?? 1),
    errors:
      number(/Non-2xx or 3xx responses: (\d+)/) +
      (socketErrors === null ? 0 : socketErrors.slice(1).reduce((sum, one) => sum + Number(one), 0)),
  }
}
