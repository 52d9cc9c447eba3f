import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { MaybePromise } from '../../core/async.ts'

/** Questions of one thread to the thread that owns something, over a port. */
interface Asked<Ask> {
  readonly id: number
  readonly ask: Ask
}

interface Told<Answer> {
  readonly id: number
  readonly answer: Answer
}

/** A port over which one more thread may ask; each question is answered by `answer`, begun in the order in which they came. */
export function answeringPort<Ask, Answer>(answer: (ask: Ask) => MaybePromise<Answer>): MessagePort {
  const { port1, port2 } = new MessageChannel()
  const tell = (id: number, told: Answer): void => port1.postMessage({ id, answer: told } satisfies Told<Answer>)
  port1.on('message', ({ id, ask }: Asked<Ask>) => {
    const answered = answer(ask)
    if (answered instanceof Promise) void answered.then((late) => tell(id, late))
    else tell(id, answered)
  })
  port1.unref()
  return port2
}

const ANSWER_MS_MAX = 2_000
/** More questions than this wait for nobody: the owner is far behind. */
const PENDING_MAX = 10_000

interface Pending<Answer> {
  readonly askedAtMs: number
  readonly otherwise: Answer
  readonly resolve: (answer: Answer) => void
}

/** The side that asks. An owner that does not answer in time gives `otherwise`, never a call that hangs. */
export class AskingPort<Ask, Answer> {
  readonly #port: MessagePort
  readonly #answerMsMax: number
  /** In the order in which they were asked. */
  readonly #pending = new Map<number, Pending<Answer>>()
  #lastId = 0
  #sweep: NodeJS.Timeout | null = null

  constructor(port: MessagePort, answerMsMax: number = ANSWER_MS_MAX) {
    this.#port = port
    this.#answerMsMax = answerMsMax
    port.on('message', ({ id, answer }: Told<Answer>) => this.#told(id, answer))
    port.unref()
  }

  /** `always`: also when too many questions wait already. */
  ask(ask: Ask, otherwise: Answer, always = false): Promise<Answer> {
    if (this.#pending.size >= PENDING_MAX && !always) return Promise.resolve(otherwise)
    return new Promise((resolve) => {
      const id = ++this.#lastId
      this.#pending.set(id, { askedAtMs: performance.now(), otherwise, resolve })
      this.#port.postMessage({ id, ask } satisfies Asked<Ask>)
      this.#sweep ??= setTimeout(() => this.#giveUpLate(), this.#answerMsMax)
    })
  }

  #told(id: number, answer: Answer): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    pending.resolve(answer)
  }

  #giveUpLate(): void {
    const now = performance.now()
    this.#sweep = null
    for (const [id, { askedAtMs, otherwise }] of this.#pending) {
      const leftMs = askedAtMs + this.#answerMsMax - now
      if (leftMs > 0) {
        this.#sweep = setTimeout(() => this.#giveUpLate(), leftMs)
        return
      }
      this.#told(id, otherwise)
    }
  }
}
