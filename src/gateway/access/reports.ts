import type { Log } from '../../core/log.ts'
import type { BackendAnswer } from './backend-client.ts'

/** One call that a back end has to hear of. */
export interface Report {
  /** `user_key=k`, `app_id=a&app_key=b`: as in a query. */
  readonly credentials: readonly (readonly [name: string, value: string])[]
  readonly deltas: ReadonlyMap<string, number>
  /** Null: codes are not reported. */
  readonly code: number | null
  readonly atMs: number
}

export interface ReportQueueOptions {
  /** Posts a batch as /transactions.xml. */
  post(form: string): Promise<BackendAnswer>
  readonly log: Log
  /** Whose, for the log. */
  readonly service: string
  /** Time between two posts, ms. */
  readonly everyMs: number
  now(): number
}

const BATCH_MAX = 100
const WAITING_MAX = 100_000
const PAUSE_MAX_MS = 30_000
/** A back end takes nothing that is older. */
const OLDEST_MS = 24 * 3_600_000

/**
 * Reports that wait to be posted together: those of the batching policy, and those that could not be told at once. What cannot be
 * posted is tried again with growing pauses; a batch that the back end refuses for good is dropped and logged.
 */
export class ReportQueue {
  readonly #options: ReportQueueOptions
  readonly #waiting: Report[] = []
  #timer: NodeJS.Timeout | null = null
  #posting: Promise<void> | null = null
  #pauseMs: number
  #lost = 0

  constructor(options: ReportQueueOptions) {
    this.#options = options
    this.#pauseMs = options.everyMs
  }

  /** Reports that are not told yet. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Reports that were given up since start. */
  get lost(): number {
    return this.#lost
  }

  add(report: Report): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#lose(1, 'too many wait')
      return
    }
    this.#waiting.push(report)
    this.#timer ??= setTimeout(() => void this.flush(), this.#pauseMs).unref()
  }

  /** Posts what waits, as far as the back end takes it. */
  flush(): Promise<void> {
    this.#posting ??= this.#flush().finally(() => {
      this.#posting = null
    })
    return this.#posting
  }

  async #flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const { now, post, log, service } = this.#options
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX)
      const fresh = batch.filter(({ atMs }) => now() - atMs < OLDEST_MS)
      if (fresh.length < batch.length) this.#lose(batch.length - fresh.length, 'they are older than a day')
      if (fresh.length === 0) continue
      const { status } = await post(formOf(fresh))
      if (status >= 200 && status < 300) {
        this.#pauseMs = this.#options.everyMs
        continue
      }
      if (status >= 400 && status < 499) {
        this.#lose(fresh.length, `the back end answers ${status}`)
        continue
      }
      this.#waiting.unshift(...fresh)
      this.#pauseMs = Math.min(PAUSE_MAX_MS, Math.max(500, this.#pauseMs * 2))
      this.#timer = setTimeout(() => void this.flush(), this.#pauseMs).unref()
      log.warn({ service, waiting: this.#waiting.length, status }, "3scale's back end does not take reports; they wait")
      return
    }
  }

  #lose(count: number, reason: string): void {
    this.#lost += count
    const { log, service } = this.#options
    log.error({ service, count, reason }, "reports to 3scale's back end are lost")
  }
}

/** One transaction for each call: a code counts once a transaction. */
function formOf(reports: readonly Report[]): string {
  const pairs: string[] = []
  for (const [i, { credentials, deltas, code, atMs }] of reports.entries()) {
    const put = (name: string, value: string | number): void => {
      pairs.push(`${encodeURIComponent(`transactions[${i}]${name}`)}=${encodeURIComponent(value)}`)
    }
    for (const [name, value] of credentials) if (name !== 'app_key' && name !== 'referrer') put(`[${name}]`, value)
    for (const [metric, delta] of deltas) put(`[usage][${metric}]`, delta)
    put('[timestamp]', Math.floor(atMs / 1000))
    if (code !== null) put('[log][code]', code)
  }
  return pairs.join('&')
}
