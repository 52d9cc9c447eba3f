import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { UsageQueries } from '../../accounts/ports.ts'
import type { Analytics } from '../../analytics/ports.ts'
import type { FromStore, ToStore } from '../../analytics/sender.ts'
import { systemClock } from '../../core/clock.ts'
import { RollupDatabase } from './analytics.ts'
import { DataFolderError, type OpenDatabase, openDatabase } from './database.ts'
import type { FromMain, ThreadData, ToMain } from './protocol.ts'
import { QueuedAnalytics } from './queued.ts'
import { UsageDatabase } from './usage.ts'

// The store thread: owns the database. Everyone else talks to it by messages.

const PRUNE_EVERY_MS = 60_000
/** While there is more to prune, runs follow each other this closely; each blocks the thread for some 20 ms. */
const PRUNE_AGAIN_MS = 1_000

class StoreThread {
  readonly #main: MessagePort
  readonly #database: OpenDatabase
  readonly #rollups: RollupDatabase
  readonly #analytics: QueuedAnalytics
  readonly #usage: UsageDatabase
  readonly #ports = new Set<MessagePort>()
  #pruning: NodeJS.Timeout

  constructor(main: MessagePort, database: OpenDatabase) {
    this.#main = main
    this.#database = database
    this.#usage = new UsageDatabase(database.writer, database.reader)
    this.#rollups = new RollupDatabase(database.writer, database.reader, this.#usage, systemClock)
    this.#analytics = new QueuedAnalytics(this.#rollups, {
      schedule: (task, delayMs) => {
        const timer = setTimeout(task, delayMs)
        return () => clearTimeout(timer)
      },
      tell: (level, message) => this.#say({ kind: 'tell', level, message }),
    })
    this.#pruning = setTimeout(() => this.#prune(), PRUNE_AGAIN_MS)
    main.on('message', (message: FromMain | ToStore) => this.#fromMain(message))
    this.#say({ kind: 'ready', file: database.file })
  }

  #say(message: ToMain): void {
    this.#main.postMessage(message)
  }

  #fromMain(message: FromMain | ToStore): void {
    if (message.kind === 'attach') this.#attach(message.port)
    else if (message.kind === 'question') this.#answer(message)
    else if (message.kind === 'close') this.#close()
    else this.#serve(this.#main, message)
  }

  #attach(port: MessagePort): void {
    this.#ports.add(port)
    port.on('message', (message: ToStore) => this.#serve(port, message))
    port.on('close', () => this.#ports.delete(port))
  }

  #serve(port: MessagePort, message: ToStore): void {
    const reply = (answer: FromStore): void => port.postMessage(answer)
    if (message.kind === 'flush') {
      reply({ kind: 'flushed', id: message.id, problem: this.#flushed() })
      return
    }
    const { sequence, batch } = message
    const calls = batch.rows.reduce((sum, row) => sum + row.calls, 0)
    this.#analytics.offer(
      batch,
      () => reply({ kind: 'written', sequence, calls }),
      (error) => reply({ kind: 'failed', sequence, calls, message: error.message }),
    )
  }

  #flushed(): string | null {
    try {
      this.#analytics.flush()
      return null
    } catch (error) {
      return messageOf(error)
    }
  }

  #answer({ id, question, argument }: Extract<FromMain, { kind: 'question' }>): void {
    try {
      // The argument has the type of that question: the only sender is the client in store.ts.
      const port: Analytics | UsageQueries = question in this.#usage ? this.#usage : this.#analytics
      const ask = port[question as keyof typeof port] as (argument: unknown) => unknown
      this.#say({ kind: 'answer', id, value: ask.call(port, argument) })
    } catch (error) {
      this.#say({ kind: 'error', id, name: error instanceof Error ? error.name : 'Error', message: messageOf(error) })
    }
  }

  #prune(): void {
    let againMs = PRUNE_EVERY_MS
    try {
      if (!this.#rollups.prune().complete) againMs = PRUNE_AGAIN_MS
    } catch (error) {
      this.#say({ kind: 'tell', level: 'warn', message: `analytics: cannot delete old rows: ${messageOf(error)}` })
    }
    this.#pruning = setTimeout(() => this.#prune(), againMs)
  }

  #close(): void {
    clearTimeout(this.#pruning)
    // What threads posted before they ended may not have been read yet.
    for (const port of this.#ports) {
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
        this.#serve(port, next.message as ToStore)
      }
    }
    const lostCalls = this.#analytics.close()
    for (const port of this.#ports) port.close()
    try {
      this.#database.close()
    } catch (error) {
      this.#say({
        kind: 'tell',
        level: 'error',
        message: `analytics: the database did not close cleanly: ${messageOf(error)}`,
      })
    }
    this.#say({ kind: 'closed', lostCalls })
    this.#main.close()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function start(main: MessagePort): void {
  const { dataFolder } = workerData as ThreadData
  let database: OpenDatabase
  try {
    database = openDatabase(dataFolder, systemClock.now())
  } catch (error) {
    if (!(error instanceof DataFolderError)) throw error
    main.postMessage({ kind: 'refused', message: error.message } satisfies ToMain)
    return
  }
  new StoreThread(main, database)
}

if (parentPort !== null) start(parentPort)
