import type { UsageQueries } from '../accounts/ports.ts'
import type { Analytics } from '../analytics/ports.ts'
import type { Log } from '../core/log.ts'
import type { Fleet } from '../gateway/fleet.ts'
import { openStore, type Store } from '../stores/sqlite/store.ts'

const REOPEN_PAUSE_MS = 1_000

/** The store thread, opened again when it dies; the gateway threads get their ports to the new one. */
export class Stores {
  readonly #dataFolder: string
  readonly #log: Log
  readonly #fleet: Fleet
  #store: Store | null = null
  #closing = false

  constructor(dataFolder: string, log: Log, fleet: Fleet) {
    this.#dataFolder = dataFolder
    this.#log = log
    this.#fleet = fleet
  }

  /** Rejects with one clear line when the data folder cannot be used. */
  async open(): Promise<void> {
    const store = await openStore({ dataFolder: this.#dataFolder, log: this.#log, onDied: () => this.#reopenSoon() })
    this.#store = store
    this.#fleet.attachStore(() => store.portForWorker())
  }

  /** The questions, asked of whichever store thread is there now. */
  readonly analytics: Analytics = {
    write: (batch) => this.#now().analytics.write(batch),
    counts: (query) => this.#now().analytics.counts(query),
    summary: (query) => this.#now().analytics.summary(query),
    statistics: (query) => this.#now().analytics.statistics(query),
    cells: (query) => this.#now().analytics.cells(query),
    firstAndLast: (scope) => this.#now().analytics.firstAndLast(scope),
    running: () => this.#now().analytics.running(),
    health: () => this.#now().analytics.health(),
  }

  readonly usage: UsageQueries = {
    usage: (query) => this.#now().usage.usage(query),
    topApplications: (query) => this.#now().usage.topApplications(query),
    integrationErrors: (query) => this.#now().usage.integrationErrors(query),
    forgetErrors: (service) => this.#now().usage.forgetErrors(service),
  }

  async close(): Promise<void> {
    this.#closing = true
    await this.#store?.close()
  }

  #now(): Store {
    if (this.#store === null) throw new Error('the store is not open')
    return this.#store
  }

  #reopenSoon(): void {
    if (this.#closing) return
    setTimeout(() => {
      this.open().catch((error: Error) => {
        this.#log.error({ reason: error.message }, 'the store cannot be opened again; calls go on uncounted')
        this.#reopenSoon()
      })
    }, REOPEN_PAUSE_MS).unref()
  }
}
