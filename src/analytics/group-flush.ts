/** How long a flush gathers those who wait for one: so many a second there are at most. */
const GATHER_MS = 20

/** Flushes for many at once: who comes while one is under way waits for the next, so that their number does not grow with the calls. */
export class GroupFlush {
  readonly #flush: () => Promise<void>
  readonly #gatherMs: number
  #underWay: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor(flush: () => Promise<void>, gatherMs: number = GATHER_MS) {
    this.#flush = flush
    this.#gatherMs = gatherMs
  }

  /** Resolves when what was recorded before is on the disk; rejects when it is not. */
  wait(): Promise<void> {
    this.#next ??= (this.#underWay ?? Promise.resolve()).catch(() => undefined).then(() => this.#run())
    return this.#next
  }

  async #run(): Promise<void> {
    if (this.#gatherMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#gatherMs))
    this.#underWay = this.#next
    this.#next = null
    await this.#flush()
  }
}
