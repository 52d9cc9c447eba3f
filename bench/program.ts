// The real program on free ports, as the benchmarks watch it: its CPU time, memory, descriptors and counts.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endWithUs } from './load.ts'

const LAUNCHER = fileURLToPath(new URL('../bin/postern', import.meta.url))
const TICKS_PER_SECOND = 100

export interface ProgramOptions {
  readonly config: string
  readonly workers: number
  /** Pins it: a list as taskset takes it. */
  readonly cpus?: string
  /** One that is there, and stays; otherwise a new one that goes. */
  readonly data?: string
}

/** A running gateway. All figures are those of the moment. */
export class Program {
  readonly port: number
  readonly adminPort: number
  readonly backendPort: number
  readonly #pid: number
  readonly #child: ChildProcess
  /** To be removed at the end; null: it is not ours. */
  readonly #data: string | null
  readonly #token: string

  private constructor(child: ChildProcess, data: string | null, output: string) {
    const port = (name: string): number => Number(new RegExp(`^${name}: http://[^:]+:(\\d+)`, 'm').exec(output)![1])
    this.port = port('gateway')
    this.adminPort = port('admin')
    this.backendPort = port('backend')
    this.#token = /token=(\S+)/.exec(output)![1]!
    this.#child = child
    this.#pid = youngest(child.pid!)
    this.#data = data
  }

  static async start(options: ProgramOptions): Promise<Program> {
    const data = options.data ?? mkdtempSync(join(tmpdir(), 'postern-bench-'))
    const own = ['start', '--config', options.config, '--workers', String(options.workers), '--data', data]
    const args = [
      process.execPath,
      LAUNCHER,
      ...own,
      '--port',
      '0',
      '--admin-port',
      '0',
      '--backend-port',
      '0',
      '--log-level',
      'warn',
    ]
    const [command, ...rest] = options.cpus === undefined ? args : ['taskset', '-c', options.cpus, ...args]
    const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    endWithUs(child)
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout!.on('data', (chunk: Buffer) => {
        output += chunk
        if (/^ready/m.test(output)) resolve()
      })
      child.on('exit', () => reject(new Error(`it ended before it was ready: ${output}`)))
    })
    return new Program(child, options.data === undefined ? data : null, output)
  }

  /** User and system time of the process so far. */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.#pid)
  }

  get memoryMb(): number {
    return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8'))![1]) / 1024)
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.#pid}/fd`).length
  }

  /** Calls that its metrics have counted, once all threads have reported. */
  async calls(): Promise<number> {
    const rows = (await (await this.ask('/metrics')).text()).matchAll(/^postern_calls_total(?:\{[^}]*\})? (\d+)/gm)
    return [...rows].reduce((sum, row) => sum + Number(row[1]), 0)
  }

  /** A call to the admin door. */
  ask(path: string, method = 'GET', body?: object): Promise<Response> {
    const json = body !== undefined && { 'Content-Type': 'application/json' }
    return fetch(`http://127.0.0.1:${this.adminPort}${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, ...json },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }

  async stop(): Promise<void> {
    this.#child.removeAllListeners('exit')
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
    if (this.#data !== null) rmSync(this.#data, { recursive: true, force: true })
  }
}

export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The launcher only waits: what counts is the process under it. */
function youngest(pid: number): number {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8')
      if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === pid) return youngest(Number(name))
    } catch {
      // The process ended while we looked.
    }
  }
  return pid
}
