import type { MaybePromise } from '../core/async.ts'
import type { TallyRow } from '../core/tally.ts'
import type { RecentCall } from '../trace/recent-call.ts'
import type { CallFilter, CallPage } from '../trace/recent-calls.ts'

/**
 * What the main thread may ask every gateway thread while it serves: a row for each question, with what is asked and what a
 * thread answers. Both are plain data and bounded: they are copied from thread to thread.
 */
export interface Questions {
  /** How much a thread has to do now. */
  readonly load: { readonly ask: null; readonly answer: ThreadLoad }
  readonly recentCalls: { readonly ask: CallFilter; readonly answer: CallPage }
  /** By request id. Null: this thread does not know it (any more). */
  readonly recentCall: { readonly ask: string; readonly answer: RecentCall | null }
}

export interface ThreadLoad {
  /** Of the publication that it serves. */
  readonly generation: number
  /** Open ones at all its doors. */
  readonly connections: number
  /** Answers of the backend door, by kind of request and status. */
  readonly doorAnswers: readonly TallyRow[]
  /** Calls to back ends elsewhere, by endpoint and class of the status. */
  readonly backendCalls: readonly TallyRow[]
  /** Reports to back ends elsewhere: those that wait, and those that were given up. */
  readonly reports: { readonly waiting: number; readonly lost: number }
}

export type QuestionName = keyof Questions
export type Asked<Name extends QuestionName> = Questions[Name]['ask']
export type Answered<Name extends QuestionName> = Questions[Name]['answer']

/** How a thread answers each of them. What is thrown, or rejected, is "no answer" and is told by its message. */
export type Answerers = {
  readonly [Name in QuestionName]: (ask: Asked<Name>) => MaybePromise<Answered<Name>>
}

/** A question under way. */
export interface QuestionMessage {
  readonly kind: 'ask'
  readonly id: number
  readonly name: QuestionName
  readonly ask: unknown
}

/** `error` null: `answer` is what was asked for. */
export interface AnswerMessage {
  readonly kind: 'answer'
  readonly id: number
  readonly answer: unknown
  readonly error: string | null
}

/** The thread's side: finds who answers, and gives the message that goes back. Never rejects. */
export async function answerTo(answerers: Answerers, { id, name, ask }: QuestionMessage): Promise<AnswerMessage> {
  try {
    const answer = await (answerers[name] as (ask: unknown) => MaybePromise<unknown>)(ask)
    return { kind: 'answer', id, answer, error: null }
  } catch (error) {
    return { kind: 'answer', id, answer: null, error: error instanceof Error ? error.message : String(error) }
  }
}

/** A thread did not answer: it ended, it is late, it failed, or too much is asked of it already. */
export class NoAnswerError extends Error {}

/** Questions that wait for one thread. A thread that hangs must not gather them without end. */
const OPEN_MAX = 64

interface Open {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: NoAnswerError) => void
  readonly timer: NodeJS.Timeout
}

/** The main thread's side, one for each gateway thread. Answers may come in any order. */
export class OpenQuestions {
  readonly #post: (message: QuestionMessage) => void
  readonly #open = new Map<number, Open>()
  #lastId = 0
  #ended = false

  constructor(post: (message: QuestionMessage) => void) {
    this.#post = post
  }

  get size(): number {
    return this.#open.size
  }

  /** Rejects with a NoAnswerError, at the latest after `timeoutMs`. */
  ask<Name extends QuestionName>(name: Name, ask: Asked<Name>, timeoutMs: number): Promise<Answered<Name>> {
    if (this.#ended) return Promise.reject(new NoAnswerError('the thread has ended'))
    if (this.#open.size >= OPEN_MAX) {
      return Promise.reject(new NoAnswerError(`${OPEN_MAX} questions wait for this thread already`))
    }
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.delete(id)
        reject(new NoAnswerError(`no answer to '${name}' for ${timeoutMs} ms`))
      }, timeoutMs)
      this.#open.set(id, { resolve: resolve as (answer: unknown) => void, reject, timer })
      this.#post({ kind: 'ask', id, name, ask })
    })
  }

  /** An answer has come; one that nobody waits for any more is dropped. */
  answered({ id, answer, error }: AnswerMessage): void {
    const open = this.#take(id)
    if (error === null) open?.resolve(answer)
    else open?.reject(new NoAnswerError(error))
  }

  /** The thread has ended: nothing will be answered. */
  end(): void {
    this.#ended = true
    for (const id of [...this.#open.keys()]) this.#take(id)?.reject(new NoAnswerError('the thread has ended'))
  }

  #take(id: number): Open | undefined {
    const open = this.#open.get(id)
    this.#open.delete(id)
    if (open !== undefined) clearTimeout(open.timer)
    return open
  }
}
