import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { UsageQueries } from '../../accounts/ports.ts'
import type { Analytics } from '../../analytics/ports.ts'
import type { Batch } from '../../analytics/rollup.ts'
import type { FromStore, ToStore } from '../../analytics/sender.ts'
import { TooMuchToRead } from '../../analytics/too-much.ts'
import type { Log } from '../../core/log.ts'
import { DataFolderError } from './database.ts'
import type { FromMain, Question, ThreadData, ToMain } from './protocol.ts'

export { DataFolderError } from './database.ts'

export interface StoreOptions {
  /** Made when it is missing. */
  readonly dataFolder: string
  readonly log: Log
  /** Called once when the store thread ends though nobody closed it. Nothing is written from then on: open another store. */
  readonly onDied?: (error: Error) => void
  /** How long a question may take, in ms. */
  readonly timeoutMs?: number
}

/** The store of this process: a thread of its own, and this end of the line to it. */
export interface Store {
  readonly analytics: Analytics
  readonly usage: UsageQueries
  /** The database, for threads that open read-only connections of their own. */
  readonly file: string
  /** A port for one gateway thread's BatchSender, to be transferred to it. */
  portForWorker(): MessagePort
  /** Answers when everything that was sent is on disk; rejects when it cannot be written now. */
  flush(): Promise<void>
  /** Writes everything, closes the database, ends the thread; by force when it does not end by itself. Never rejects. */
  close(): Promise<void>
}

const TIMEOUT_MS = 10_000
const START_MS_MAX = 20_000
const CLOSE_MS_MAX = 5_000
const HEAP_MB_MAX = 512

interface Asked {
  readonly answered: (value: unknown) => void
  readonly failed: (error: Error) => void
  readonly timer: NodeJS.Timeout | null
}

/**
 * Starts the store thread on a data folder. Rejects with a DataFolderError, one line for the user, when the folder cannot be used:
 * not writable, in use by another process, or its database is damaged or from a newer version.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const entry = new URL(`./thread${extname(fileURLToPath(import.meta.url))}`, import.meta.url)
  const worker = new Worker(entry, {
    name: 'store',
    workerData: { dataFolder: options.dataFolder } satisfies ThreadData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  })
  const file = await started(worker)
  return new ThreadStore(worker, file, options)
}

function started(worker: Worker): Promise<string> {
  return new Promise((ready, refused) => {
    const done = (finish: () => void): void => {
      clearTimeout(timer)
      worker.off('error', onError).off('exit', onExit).off('message', onMessage)
      finish()
    }
    const onError = (error: unknown): void => done(() => refused(asError(error)))
    const onExit = (code: number): void => {
      done(() => refused(new Error(`the store thread ended at once with code ${code}`)))
    }
    const onMessage = (message: ToMain): void => {
      if (message.kind === 'ready') done(() => ready(message.file))
      else if (message.kind === 'refused') done(() => refused(new DataFolderError(message.message)))
    }
    const timer = setTimeout(() => {
      done(() => refused(new Error(`the store thread did not start within ${START_MS_MAX / 1000} s`)))
      void worker.terminate()
    }, START_MS_MAX)
    worker.on('error', onError).on('exit', onExit).on('message', onMessage)
  })
}

class ThreadStore implements Store {
  readonly file: string
  readonly analytics: Analytics
  readonly usage: UsageQueries
  readonly #worker: Worker
  readonly #log: Log
  readonly #timeoutMs: number
  readonly #onDied: ((error: Error) => void) | undefined
  readonly #asked = new Map<number, Asked>()
  readonly #ended: Promise<void>
  #id = 0
  #error: Error | null = null
  #closing: Promise<void> | null = null

  constructor(worker: Worker, file: string, options: StoreOptions) {
    this.file = file
    this.#worker = worker
    this.#log = options.log
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#onDied = options.onDied
    this.#ended = new Promise((ended) => {
      worker.once('exit', (code) => {
        this.#exited(code)
        ended()
      })
    })
    worker.on('error', (error) => {
      this.#error = asError(error)
    })
    worker.on('message', (message: ToMain | FromStore) => this.#fromThread(message))
    this.analytics = {
      write: (batch) => this.#write(batch),
      counts: (query) => this.#ask('counts', query),
      summary: (query) => this.#ask('summary', query),
      statistics: (query) => this.#ask('statistics', query),
      cells: (query) => this.#ask('cells', query),
      firstAndLast: (scope) => this.#ask('firstAndLast', scope),
      running: () => this.#ask('running', null),
      health: () => this.#ask('health', null),
    }
    this.usage = {
      usage: (query) => this.#ask('usage', query),
      topApplications: (query) => this.#ask('topApplications', query),
      integrationErrors: (query) => this.#ask('integrationErrors', query),
      forgetErrors: (service) => this.#ask('forgetErrors', service),
    }
  }

  portForWorker(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    this.#worker.postMessage({ kind: 'attach', port: port1 } satisfies FromMain, [port1])
    return port2
  }

  flush(): Promise<void> {
    return this.#expect('flush', (id) => this.#post({ kind: 'flush', id }))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const force = setTimeout(() => {
      this.#log.error({ dataFolder: this.file }, 'the store thread does not end by itself and is ended by force')
      void this.#worker.terminate()
    }, CLOSE_MS_MAX)
    // A thread inside a long native call survives even that; then the process has to end without it.
    let giveUp: NodeJS.Timeout | undefined
    const gaveUp = new Promise<void>((done) => {
      giveUp = setTimeout(done, 2 * CLOSE_MS_MAX)
    })
    this.#post({ kind: 'close' })
    await Promise.race([this.#ended, gaveUp])
    clearTimeout(force)
    clearTimeout(giveUp)
  }

  #write(batch: Batch): Promise<void> {
    return this.#expect('write', (sequence) => this.#post({ kind: 'batch', sequence, batch }))
  }

  #ask<Value>(question: Question, argument: unknown): Promise<Value> {
    return this.#expect(question, (id) => this.#post({ kind: 'question', id, question, argument }))
  }

  #post(message: FromMain | ToStore): void {
    this.#worker.postMessage(message)
  }

  #expect<Value>(what: Question | 'write' | 'flush', post: (id: number) => void): Promise<Value> {
    if (this.#closing !== null) return Promise.reject(new Error('the store is closed'))
    if (this.#error !== null) return Promise.reject(new Error(`the store thread has died: ${this.#error.message}`))
    const id = ++this.#id
    return new Promise<Value>((answered, failed) => {
      const late = (): void => {
        this.#asked.delete(id)
        failed(new Error(`the store did not answer '${what}' within ${this.#timeoutMs / 1000} s`))
      }
      // A batch waits for as long as the disk is full.
      const timer = what === 'write' ? null : setTimeout(late, this.#timeoutMs)
      this.#asked.set(id, { answered: answered as (value: unknown) => void, failed, timer })
      post(id)
    })
  }

  #fromThread(message: ToMain | FromStore): void {
    switch (message.kind) {
      case 'tell':
        this.#log[message.level]({ file: this.file }, message.message)
        return
      case 'answer':
        this.#settle(message.id)?.answered(message.value)
        return
      case 'written':
        this.#settle(message.sequence)?.answered(undefined)
        return
      case 'error':
        this.#settle(message.id)?.failed(errorNamed(message.name, message.message))
        return
      case 'failed':
        this.#settle(message.sequence)?.failed(new Error(message.message))
        return
      case 'flushed':
        this.#flushed(message.id, message.problem)
        return
      default:
        return
    }
  }

  #flushed(id: number, problem: string | null): void {
    const asked = this.#settle(id)
    if (problem === null) asked?.answered(undefined)
    else asked?.failed(new Error(problem))
  }

  #settle(id: number): Asked | undefined {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    if (asked?.timer) clearTimeout(asked.timer)
    return asked
  }

  #exited(code: number): void {
    const error = this.#error ?? new Error(`the store thread ended with code ${code}`)
    this.#error = error
    for (const id of [...this.#asked.keys()])
      this.#settle(id)?.failed(new Error(`the store thread is gone: ${error.message}`))
    if (this.#closing !== null) return
    this.#log.error({ file: this.file, error: error.message }, 'the store thread died: calls are no longer counted')
    this.#onDied?.(error)
  }
}

/** The kinds of error that whoever asks tells apart. */
function errorNamed(name: string, message: string): Error {
  if (name === 'RangeError') return new RangeError(message)
  return name === 'TooMuchToRead' ? new TooMuchToRead(message) : new Error(message)
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
