import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

/** A stylesheet with all that it may include: texts by name. Made at deploy; compiled in the helper thread at its first use. */
export interface Stylesheet {
  readonly id: string
  readonly main: string
  readonly texts: Readonly<Record<string, string>>
}

export function stylesheetOf(main: string, texts: Readonly<Record<string, string>>): Stylesheet {
  return {
    id: createHash('sha256')
      .update(JSON.stringify([main, texts]))
      .digest('base64url'),
    main,
    texts,
  }
}

export interface XsltJob {
  readonly id: number
  readonly stylesheet: Stylesheet
  readonly source: string
  /** Values of `xsl:param`, as text. */
  readonly parameters: Readonly<Record<string, string>>
}

export type XsltResult = { readonly id: number } & (
  | { readonly text: string }
  /** `broken`: the thread must not be used again. */
  | { readonly failed: string; readonly broken?: boolean }
)

/** For one transformation, from when its turn has come. */
export const XSLT_MS_MAX = 5_000
/** More that wait are refused. */
const WAITING_MAX = 1_000
const ENTRY = new URL(`./xslt-thread${extname(fileURLToPath(import.meta.url))}`, import.meta.url)

interface Waiting {
  readonly job: XsltJob
  readonly resolve: (result: XsltResult) => void
}

/**
 * Transforms XML with XSLT 1.0 in a thread of its own, one document after the other: libxslt cannot be interrupted, and a
 * stylesheet may run for ever or take all memory. A transformation that takes too long ends with the thread.
 */
class Transformer {
  readonly #msMax: number
  #thread: Worker | null = null
  #lastId = 0
  /** The first one is under way. */
  readonly #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | null = null

  constructor(msMax: number) {
    this.#msMax = msMax
  }

  /** The text of the result, or why there is none. */
  transform(stylesheet: Stylesheet, source: string, parameters: Readonly<Record<string, string>>): Promise<XsltResult> {
    const job = { id: ++this.#lastId, stylesheet, source, parameters }
    if (this.#waiting.length >= WAITING_MAX) return Promise.resolve({ id: job.id, failed: 'too many wait already' })
    return new Promise((resolve) => {
      this.#waiting.push({ job, resolve })
      if (this.#waiting.length === 1) this.#begin()
    })
  }

  #begin(): void {
    const next = this.#waiting[0]
    if (next === undefined) {
      this.#thread?.unref()
      return
    }
    this.#thread ??= this.#start()
    this.#thread.ref()
    this.#timer = setTimeout(() => this.#giveUp(`it took longer than ${this.#msMax} ms`), this.#msMax)
    this.#thread.postMessage(next.job)
  }

  #start(): Worker {
    // What libxslt prints of a mistake comes back with the result.
    const thread = new Worker(ENTRY, { name: 'xslt', stdout: true, stderr: true })
    thread.on('message', (result: XsltResult) => this.#settle(result))
    thread.on('error', (error: Error) => this.#giveUp(error.message))
    thread.on('exit', () => {
      if (this.#thread === thread) this.#giveUp('the thread ended')
    })
    return thread
  }

  #end(): void {
    const thread = this.#thread
    this.#thread = null
    void thread?.terminate()
  }

  #giveUp(why: string): void {
    this.#end()
    const [first] = this.#waiting
    if (first !== undefined) this.#settle({ id: first.job.id, failed: why })
  }

  #settle(result: XsltResult): void {
    const [first] = this.#waiting
    if (first?.job.id !== result.id) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    if ('failed' in result && result.broken === true) this.#end()
    this.#waiting.shift()
    first.resolve(result)
    this.#begin()
  }
}

let transformer: Transformer | null = null

/** Of this thread; made when it is first asked for. */
export function xslt(): Transformer {
  transformer ??= new Transformer(XSLT_MS_MAX)
  return transformer
}
