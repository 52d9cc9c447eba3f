import type { Cells, CellsQuery } from '../../analytics/cells.ts'
import type {
  Analytics,
  AnalyticsHealth,
  CountsQuery,
  FirstAndLast,
  RunningTotals,
  Scope,
  Summary,
  SummaryQuery,
} from '../../analytics/ports.ts'
import { type Batch, callsIn } from '../../analytics/rollup.ts'
import { Running } from '../../analytics/running.ts'
import type { Statistics, StatisticsQuery } from '../../analytics/statistics.ts'
import type { RollupDatabase } from './analytics.ts'
import { isTrouble } from './database.ts'

/** Runs a task later; gives a function that calls it off. */
export type Schedule = (task: () => void, delayMs: number) => () => void

/** Where sentences about the state of the store go. */
export type Tell = (level: 'info' | 'warn' | 'error', message: string) => void

export interface QueueOptions {
  readonly schedule: Schedule
  readonly tell: Tell
  /** Batches of this long are written in one transaction. */
  readonly groupMs?: number
  /** Rows that may wait while nothing can be written; calls beyond them are lost and counted. */
  readonly rowsMax?: number
}

const GROUP_MS = 100
const ROWS_MAX = 50_000
const GROUP_ROWS = 5_000
const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 10_000

interface Waiting {
  readonly batch: Batch
  readonly calls: number
  readonly written: () => void
  readonly failed: (error: Error) => void
}

const rowsIn = (batch: Batch): number => batch.rows.length + (batch.usage?.amounts.length ?? 0)

/** The calls of a batch that is nowhere: the disk has been full for too long, or the batch cannot be stored at all. */
export class BatchLostError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'BatchLostError'
  }
}

/**
 * Analytics over a database that may be unable to write for a while: batches wait, are tried again with growing pauses, and are
 * lost only beyond a bound, counted and told once. Nobody but the writer of a batch waits for any of this.
 */
export class QueuedAnalytics implements Analytics {
  readonly #database: RollupDatabase
  readonly #schedule: Schedule
  readonly #tell: Tell
  readonly #groupMs: number
  readonly #rowsMax: number
  readonly #running = new Running()
  readonly #waiting: Waiting[] = []
  #waitingRows = 0
  #cancelCommit: (() => void) | null = null
  #retryMs = RETRY_MIN_MS
  #problem: string | null = null
  #lostCalls = 0
  /** Lost since the last time that writing worked, to be told once when it works again. */
  #lostInARow = 0

  constructor(database: RollupDatabase, options: QueueOptions) {
    this.#database = database
    this.#schedule = options.schedule
    this.#tell = options.tell
    this.#groupMs = options.groupMs ?? GROUP_MS
    this.#rowsMax = options.rowsMax ?? ROWS_MAX
  }

  /** Answers when the batch is on disk; a BatchLostError when it never will be. */
  write(batch: Batch): Promise<void> {
    return new Promise((written, failed) => {
      this.offer(batch, written, failed)
    })
  }

  /** The same without a promise: one of the two is called once. */
  offer(batch: Batch, written: () => void, failed: (error: Error) => void): void {
    this.#noteDropped(batch.droppedCalls)
    this.#running.add(batch)
    const calls = callsIn(batch)
    if (this.#waitingRows + rowsIn(batch) > this.#rowsMax) {
      failed(this.#lose(calls))
      return
    }
    this.#waiting.push({ batch, calls, written, failed })
    this.#waitingRows += rowsIn(batch)
    if (this.#cancelCommit === null) this.#commitIn(this.#groupMs)
  }

  /** Writes what waits at once. Throws when that is not possible now; what waits goes on waiting. */
  flush(): void {
    this.#commit()
    if (this.#waiting.length > 0) throw new Error(this.#problem ?? 'batches are still waiting')
  }

  /** The end: whatever could not be written is lost, counted and told. Gives how many calls that were. */
  close(): number {
    this.#commit()
    this.#cancelCommit?.()
    this.#cancelCommit = null
    let calls = 0
    const why = this.#problem ?? 'not written'
    for (const entry of this.#waiting.splice(0)) {
      calls += entry.calls
      entry.failed(new BatchLostError(`${entry.calls} calls are lost at shutdown: ${why}`))
    }
    this.#waitingRows = 0
    this.#lostCalls += calls
    if (calls > 0) this.#tell('error', `analytics: ${calls} calls are lost at shutdown: ${why}`)
    return calls
  }

  #commitIn(delayMs: number): void {
    this.#cancelCommit = this.#schedule(() => {
      this.#cancelCommit = null
      this.#commit()
    }, delayMs)
  }

  #commit(): void {
    this.#cancelCommit?.()
    this.#cancelCommit = null
    while (this.#waiting.length > 0) {
      const group = this.#take()
      try {
        this.#database.writeAll(group.map((entry) => entry.batch))
      } catch (error) {
        if (!this.#failed(group, error)) return
        continue
      }
      this.#recovered()
      for (const entry of group) entry.written()
    }
  }

  /** From the oldest on, as many batches as make one transaction. */
  #take(): Waiting[] {
    let rows = 0
    let count = 0
    while (count < this.#waiting.length && (count === 0 || rows < GROUP_ROWS))
      rows += rowsIn(this.#waiting[count++]!.batch)
    this.#waitingRows -= rows
    return this.#waiting.splice(0, count)
  }

  #putBack(group: readonly Waiting[]): void {
    this.#waiting.unshift(...group)
    for (const entry of group) this.#waitingRows += rowsIn(entry.batch)
  }

  // Trouble with the disk may pass. Anything else is a batch that can never be stored: the others must not wait for it.
  // Gives false when nothing more can be written now.
  #failed(group: readonly Waiting[], error: unknown): boolean {
    if (isTrouble(error)) {
      this.#putBack(group)
      this.#note(error)
      this.#commitIn(this.#retryMs)
      this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2)
      return false
    }
    for (const [i, entry] of group.entries()) {
      try {
        this.#database.writeAll([entry.batch])
      } catch (own) {
        if (isTrouble(own)) return this.#failed(group.slice(i), own)
        this.#refuse(entry, own)
        continue
      }
      entry.written()
    }
    return true
  }

  #refuse(entry: Waiting, error: unknown): void {
    this.#lostCalls += entry.calls
    this.#tell('error', `analytics: a batch of ${entry.calls} calls cannot be stored and is lost: ${String(error)}`)
    entry.failed(new BatchLostError(String(error), error))
  }

  #note(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error)
    if (problem === this.#problem) return
    this.#problem = problem
    this.#tell('error', `analytics: cannot write (${problem}); traffic goes on, counts wait and are tried again`)
  }

  #recovered(): void {
    this.#retryMs = RETRY_MIN_MS
    if (this.#problem === null) return
    const lost = this.#lostInARow
    this.#problem = null
    this.#lostInARow = 0
    this.#tell(
      'info',
      `analytics: writing works again; ${lost === 0 ? 'nothing was lost' : `${lost} calls are not counted`}`,
    )
  }

  #lose(calls: number): BatchLostError {
    if (this.#lostInARow === 0)
      this.#tell('error', 'analytics: too much waits to be written; calls are no longer counted')
    this.#lostInARow += calls
    this.#lostCalls += calls
    return new BatchLostError(`${calls} calls are not counted: ${this.#problem ?? 'too much waits to be written'}`)
  }

  #noteDropped(calls: number): void {
    if (calls === 0) return
    this.#lostCalls += calls
    this.#tell('warn', `analytics: a gateway thread had to drop ${calls} calls, too many different ones in one flush`)
  }

  counts(query: CountsQuery): readonly (readonly number[])[] {
    return this.#database.counts(query)
  }

  summary(query: SummaryQuery): Summary {
    return this.#database.summary(query)
  }

  statistics(query: StatisticsQuery): Statistics {
    return this.#database.statistics(query)
  }

  cells(query: CellsQuery): Cells {
    return this.#database.cells(query)
  }

  firstAndLast(scope: Scope): FirstAndLast | null {
    return this.#database.firstAndLast(scope)
  }

  running(): RunningTotals {
    return this.#running.totals()
  }

  health(): AnalyticsHealth {
    const pendingCalls = this.#waiting.reduce((sum, entry) => sum + entry.calls, 0)
    return { lostCalls: this.#lostCalls, pendingCalls, problem: this.#problem }
  }
}
