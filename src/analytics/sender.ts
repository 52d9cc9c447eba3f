import type { MessagePort } from 'node:worker_threads'
import { type Batch, callsIn } from './rollup.ts'

/** From a gateway thread to the store thread. */
export type ToStore =
  | { readonly kind: 'batch'; readonly sequence: number; readonly batch: Batch }
  | { readonly kind: 'flush'; readonly id: number }

/** The store thread's answers. A batch is answered once: on disk, or lost (and then counted as lost by the store). */
export type FromStore =
  | { readonly kind: 'written'; readonly sequence: number; readonly calls: number }
  | { readonly kind: 'failed'; readonly sequence: number; readonly calls: number; readonly message: string }
  | { readonly kind: 'flushed'; readonly id: number; readonly problem: string | null }

/** Gathers what is to be sent: a `Recorder`, alone or with others. */
export interface BatchSource {
  /** Everything since the last time; null when there was nothing. */
  take(): Batch | null
}

export interface SenderOptions {
  /** Time between two flushes. */
  readonly everyMs?: number
  /** Batches that may be under way; when there are so many, calls go on being counted in the recorder. */
  readonly unacknowledgedMax?: number
}

const EVERY_MS = 250
const UNACKNOWLEDGED_MAX = 8

interface Flush {
  readonly done: () => void
  readonly failed: (error: Error) => void
}

/** Hands what a thread's recorder counted to the store thread, a few times a second. Nobody on the request path waits for it. */
export class BatchSender {
  readonly #recorder: BatchSource
  readonly #everyMs: number
  readonly #unacknowledgedMax: number
  #port: MessagePort | null = null
  #timer: NodeJS.Timeout | null = null
  #sequence = 0
  readonly #underWay = new Map<number, number>()
  readonly #flushes = new Map<number, Flush>()
  #unansweredCalls = 0

  constructor(recorder: BatchSource, port: MessagePort, options: SenderOptions = {}) {
    this.#recorder = recorder
    this.#everyMs = options.everyMs ?? EVERY_MS
    this.#unacknowledgedMax = options.unacknowledgedMax ?? UNACKNOWLEDGED_MAX
    this.attach(port)
  }

  /** Calls in batches whose store thread died before it answered: perhaps stored, perhaps not. */
  get unansweredCalls(): number {
    return this.#unansweredCalls
  }

  get batchesUnderWay(): number {
    return this.#underWay.size
  }

  /** Takes a port of another store thread when the one before has died. Neither the port nor the timer keeps the thread alive. */
  attach(port: MessagePort): void {
    this.#detach()
    this.#port = port
    port.on('message', (message: FromStore) => this.#answered(message))
    port.on('close', () => {
      if (this.#port === port) this.#detach()
    })
    port.unref()
  }

  start(): void {
    this.#timer ??= setInterval(() => this.send(), this.#everyMs).unref()
  }

  /** Sends what was counted, unless too much is under way. */
  send(): void {
    if (this.#underWay.size < this.#unacknowledgedMax) this.#send()
  }

  /** Sends everything that was counted and answers when all of it is on disk; rejects when it is not. */
  flush(): Promise<void> {
    const port = this.#port
    if (port === null) return Promise.reject(new Error('the store thread is gone'))
    this.#send()
    const id = ++this.#sequence
    return new Promise((done, failed) => {
      this.#flushes.set(id, { done, failed })
      port.postMessage({ kind: 'flush', id } satisfies ToStore)
      // Until it is answered, the thread must not end.
      port.ref()
    })
  }

  /** Ends the timer and closes the port; call `flush` first. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    const port = this.#port
    this.#detach()
    port?.close()
  }

  #send(): void {
    if (this.#port === null) return
    const batch = this.#recorder.take()
    if (batch === null) return
    const sequence = ++this.#sequence
    this.#underWay.set(sequence, callsIn(batch))
    this.#port.postMessage({ kind: 'batch', sequence, batch } satisfies ToStore)
  }

  #answered(message: FromStore): void {
    if (message.kind !== 'flushed') {
      this.#underWay.delete(message.sequence)
      return
    }
    const flush = this.#flushes.get(message.id)
    this.#flushes.delete(message.id)
    if (this.#flushes.size === 0) this.#port?.unref()
    if (message.problem === null) flush?.done()
    else flush?.failed(new Error(message.problem))
  }

  #detach(): void {
    this.#port = null
    for (const calls of this.#underWay.values()) this.#unansweredCalls += calls
    this.#underWay.clear()
    for (const flush of this.#flushes.values()) flush.failed(new Error('the store thread is gone'))
    this.#flushes.clear()
  }
}
