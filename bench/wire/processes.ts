// Processes of the wire benchmark: started on one CPU, watched with all that they start, ended with us at the latest.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { endWithUs } from '../load.ts'

const START_TIMEOUT_MS = 30_000
const PAGE_BYTES = 4096

export interface Pinned {
  readonly cpu: string
  readonly env: NodeJS.ProcessEnv
  /** File for what it prints. */
  readonly log: string
}

/** Starts `command` and resolves once `port` takes connections; rejects with the last line of its log when it does not. */
export async function startPinned(command: readonly string[], port: number, how: Pinned): Promise<ChildProcess> {
  if (await accepts(port)) throw new Error(`port ${port} is in use`)
  const log = openSync(how.log, 'w')
  const child = spawn('taskset', ['-c', how.cpu, ...command], { env: how.env, stdio: ['ignore', log, log] })
  endWithUs(child)
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await accepts(port))) {
    const ended = child.exitCode !== null || child.signalCode !== null
    if (ended || performance.now() > deadline) {
      child.kill('SIGKILL')
      const lines = readFileSync(how.log, 'utf8').trim().split('\n')
      throw new Error(lines.find((line) => /error|cannot|failed/i.test(line)) ?? lines.at(-1) ?? 'it did not start')
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return child
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await exit
  clearTimeout(late)
}

export interface Usage {
  /** User and system time, microseconds. */
  readonly cpuUs: number
  readonly memoryMb: number
}

/** What a process and all below it have used so far. Linux. */
export function usageOf(pid: number): Usage {
  let cpuNs = 0
  let pages = 0
  for (const one of treeOf(pid)) {
    for (const thread of entries(`/proc/${one}/task`)) {
      cpuNs += Number(text(`/proc/${one}/task/${thread}/schedstat`).split(' ')[0])
    }
    pages += Number(text(`/proc/${one}/statm`).split(' ')[1] ?? 0)
  }
  return { cpuUs: cpuNs / 1000, memoryMb: (pages * PAGE_BYTES) / 2 ** 20 }
}

function treeOf(pid: number): number[] {
  const pids = [pid]
  for (let i = 0; i < pids.length; i++) {
    for (const thread of entries(`/proc/${pids[i]}/task`)) {
      const children = text(`/proc/${pids[i]}/task/${thread}/children`)
      pids.push(...children.split(' ').filter(Boolean).map(Number))
    }
  }
  return pids
}

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // it ended while we looked
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
