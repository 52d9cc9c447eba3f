import type { UsageRecorder } from '../accounts/usage-recorder.ts'
import type { Batch, Recorder } from '../analytics/rollup.ts'
import type { BatchSource } from '../analytics/sender.ts'

/** What a thread hands over at a flush: its calls and its usage, in one batch, so that both are kept or neither. */
export class BatchParts implements BatchSource {
  readonly #recorder: Recorder
  readonly #usage: UsageRecorder

  constructor(recorder: Recorder, usage: UsageRecorder) {
    this.#recorder = recorder
    this.#usage = usage
  }

  take(): Batch | null {
    const calls = this.#recorder.take()
    const usage = this.#usage.take()
    if (usage === null) return calls
    return { ...(calls ?? { rows: [], droppedCalls: 0 }), usage }
  }
}
