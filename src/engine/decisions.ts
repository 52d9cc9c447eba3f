import { Decision } from '../core/counters.ts'

/** Lends the decisions of one policy: with counters that answer at once it is always the same one. */
export class Decisions {
  readonly #checksMax: number
  #spare: Decision | null = null

  constructor(checksMax: number) {
    this.#checksMax = checksMax
  }

  /** An empty one, to be given back when its answers have been read. */
  lend(): Decision {
    const decision = this.#spare ?? new Decision(this.#checksMax)
    this.#spare = null
    decision.clear()
    return decision
  }

  giveBack(decision: Decision): void {
    this.#spare = decision
  }
}
