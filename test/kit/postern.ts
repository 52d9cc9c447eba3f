import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../bin/postern', import.meta.url))
const START_TIMEOUT_MS = 40_000

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** The real program, on free ports, with a data folder of its own. */
export class Postern {
  readonly gateway: string
  /** Empty: there is no TLS door. */
  readonly gatewayTls: string
  readonly admin: string
  /** The Service Management API. */
  readonly backend: string
  /** Empty: there is no TLS door for it. */
  readonly backendTls: string
  readonly token: string
  readonly data: string
  readonly process: ChildProcess
  readonly ended: Promise<Run>
  readonly #ownData: boolean

  private constructor(process: ChildProcess, ended: Promise<Run>, data: string, ownData: boolean, doors: Doors) {
    this.process = process
    this.ended = ended
    this.data = data
    this.#ownData = ownData
    this.gateway = doors.gateway
    this.gatewayTls = doors.gatewayTls
    this.admin = doors.admin
    this.backend = doors.backend
    this.backendTls = doors.backendTls
    this.token = doors.token
  }

  static async start(
    args: readonly string[],
    options: { data?: string; env?: NodeJS.ProcessEnv; workers?: number; port?: number } = {},
  ): Promise<Postern> {
    const data = options.data ?? mkdtempSync(join(tmpdir(), 'postern-test-'))
    const all = [
      'start',
      ...args,
      '--host',
      '127.0.0.1',
      '--port',
      String(options.port ?? 0),
      '--admin-port',
      '0',
      '--data',
      data,
    ]
    if (!args.includes('--backend-port')) all.push('--backend-port', '0')
    if (options.workers !== undefined) all.push('--workers', String(options.workers))
    const { child, ended, output } = run(all, options.env)
    const doors = await new Promise<Doors>((resolve, reject) => {
      const timer = setTimeout(() => {
        killWithChildren(child.pid!)
        reject(new Error(`not ready after ${START_TIMEOUT_MS} ms:\n${output()}`))
      }, START_TIMEOUT_MS)
      child.stdout!.on('data', () => {
        const found = doorsIn(output())
        if (found === null) return
        clearTimeout(timer)
        resolve(found)
      })
      void ended.then((run) => {
        clearTimeout(timer)
        reject(new Error(`ended with ${run.code ?? run.signal} before it was ready:\n${run.stdout}${run.stderr}`))
      })
    })
    return new Postern(child, ended, data, options.data === undefined, doors)
  }

  /** Ends it as Ctrl-C would, and waits. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Run> {
    this.process.kill(signal)
    const run = await this.ended
    if (this.#ownData) rmSync(this.data, { recursive: true, force: true })
    return run
  }

  /** Ends it as a power cut would: the program itself, which may run below its launcher. The data folder stays. */
  async kill(): Promise<void> {
    killWithChildren(this.process.pid!)
    await this.ended
  }

  /** A call to the admin door with the admin token; the answer as JSON. */
  async ask(path: string): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${this.admin}${path}`, { headers: { authorization: `Bearer ${this.token}` } })
    const text = await answer.text()
    return { status: answer.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text }
  }
}

/** Runs the program to its end. */
export function runPostern(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run> {
  return run(args, env).ended
}

interface Doors {
  readonly gateway: string
  readonly gatewayTls: string
  readonly admin: string
  readonly backend: string
  readonly backendTls: string
  readonly token: string
}

function doorsIn(output: string): Doors | null {
  if (!/^ready/m.test(output)) return null
  const gateway = /^gateway: (\S+)/m.exec(output)?.[1]
  const gatewayTls = /^gateway \(tls\): (\S+)/m.exec(output)?.[1] ?? ''
  const backend = /^backend: (\S+)/m.exec(output)?.[1] ?? ''
  const backendTls = /^backend \(tls\): (\S+)/m.exec(output)?.[1] ?? ''
  const dashboard = /^dashboard: (\S+)\/\?token=(\S+)/m.exec(output)
  if (gateway === undefined || dashboard === null) return null
  return { gateway, gatewayTls, admin: dashboard[1]!, backend, backendTls, token: dashboard[2]! }
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(LAUNCHER, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Run>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, ended, output: () => stdout + stderr }
}

/** Waits until `check` gives something; the reason of the last failure when it never does. */
export async function until<T>(
  check: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const found = await check()
      if (found !== undefined && found !== false) return found
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) throw new Error('the condition never came true', { cause: last })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The /proc status of the program: the launcher has become it, or waits for it as its child. */
export function statusOfGateway(launcherPid: number): string {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8')
      if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === launcherPid) return status
    } catch {
      // It ended while we looked.
    }
  }
  return readFileSync(`/proc/${launcherPid}/status`, 'utf8')
}

/** A bundle on disk: path below the folder to text. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

/** The program may run below its launcher, which cannot pass this signal on. */
function killWithChildren(pid: number): void {
  const below = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []
  for (const one of [...below.map(Number), pid]) process.kill(one, 'SIGKILL')
}
