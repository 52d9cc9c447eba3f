import { appendFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { MessagePort } from 'node:worker_threads'
import type { LogFile, LogFiles } from '../core/log-files.ts'
import { AskingPort, answeringPort } from './memory/ask-port.ts'

interface OpenFile {
  bytes: number
  begunAtMs: number
}

export interface LogFolderOptions {
  readonly folder: string
  now(): number
  /** A file cannot be written; told once until it can be again. */
  onTrouble(path: string, reason: string): void
}

/** The files themselves, written by one thread for all, so that lines stay whole and rotation happens once. */
export class LogFolder {
  readonly #options: LogFolderOptions
  readonly #files = new Map<string, OpenFile>()
  readonly #troubled = new Set<string>()

  constructor(options: LogFolderOptions) {
    this.#options = options
  }

  append(file: LogFile, lines: readonly string[]): void {
    const path = join(this.#options.folder, file.path)
    const text = `${lines.join('\n')}\n`
    try {
      const open = this.#files.get(path) ?? this.#open(file, path)
      if (this.#isFull(file, open)) this.#rotate(file, path, open)
      appendFileSync(path, text, { mode: 0o600 })
      open.bytes += Buffer.byteLength(text)
      this.#troubled.delete(path)
    } catch (error) {
      this.#files.delete(path)
      if (this.#troubled.has(path)) return
      this.#troubled.add(path)
      this.#options.onTrouble(file.path, (error as Error).message)
    }
  }

  #open(file: LogFile, path: string): OpenFile {
    mkdirSync(dirname(path), { recursive: true })
    const stat = statSync(path, { throwIfNoEntry: false })
    const open = { bytes: stat?.size ?? 0, begunAtMs: stat?.birthtimeMs ?? this.#options.now() }
    this.#files.set(path, open)
    if (file.rotateAtStart && open.bytes > 0) this.#rotate(file, path, open)
    return open
  }

  #isFull({ bytesMax, ageMsMax }: LogFile, { bytes, begunAtMs }: OpenFile): boolean {
    if (bytes === 0) return false
    if (bytesMax !== null && bytes >= bytesMax) return true
    return ageMsMax !== null && this.#options.now() - begunAtMs >= ageMsMax
  }

  /** `name` becomes `name.1`, that `name.2`, ...; the oldest goes. */
  #rotate({ kept }: LogFile, path: string, open: OpenFile): void {
    rmSync(kept === 0 ? path : `${path}.${kept}`, { force: true })
    for (let n = kept; n > 0; n--) {
      const from = n === 1 ? path : `${path}.${n - 1}`
      if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, `${path}.${n}`)
    }
    open.bytes = 0
    open.begunAtMs = this.#options.now()
  }
}

interface Ask {
  readonly file: LogFile
  readonly lines: readonly string[]
}

/** A port over which one more thread writes. */
export function logFilesPort(folder: LogFolder): MessagePort {
  return answeringPort<readonly Ask[], null>((asks) => {
    for (const { file, lines } of asks) folder.append(file, lines)
    return null
  })
}

/** What waits for the owner; more is lost. */
const WAITING_CHARS_MAX = 4 * 1024 * 1024

/** The files as a gateway thread sees them: lines are sent together, and the next ones when those are written. */
export class RemoteLogFiles implements LogFiles {
  readonly #owner: AskingPort<readonly Ask[], null>
  #waiting = new Map<string, { readonly file: LogFile; readonly lines: string[] }>()
  #chars = 0
  #busy = false

  constructor(port: MessagePort) {
    this.#owner = new AskingPort(port)
  }

  write(file: LogFile, line: string): void {
    if (this.#chars + line.length > WAITING_CHARS_MAX) return
    this.#chars += line.length
    const waiting = this.#waiting.get(file.path)
    if (waiting === undefined) this.#waiting.set(file.path, { file, lines: [line] })
    else waiting.lines.push(line)
    if (!this.#busy) void this.#send()
  }

  async #send(): Promise<void> {
    this.#busy = true
    while (this.#waiting.size > 0) {
      const asks = [...this.#waiting.values()]
      this.#waiting = new Map()
      this.#chars = 0
      await this.#owner.ask(asks, null, true)
    }
    this.#busy = false
  }
}
