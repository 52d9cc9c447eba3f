import type { Log } from '../../core/log.ts'
import type { UpstreamClient, UpstreamError, UpstreamHandler } from '../../wire/types.ts'
import { Destinations } from '../url.ts'
import { otlpBody, type Resource } from './otlp.ts'
import type { Span } from './spans.ts'

/** Where spans go, as the options say. */
export interface TelemetrySetup {
  /** URL of the collector; `/v1/traces` is put behind it. */
  readonly endpoint: string
  /** Flat: name, value, ... */
  readonly headers: readonly string[]
  readonly serviceName: string
  /** Of the calls that bring no trace: those that begin one, 0 to 1. */
  readonly share: number
}

export interface ExporterOptions {
  readonly setup: TelemetrySetup
  readonly resource: Resource
  readonly client: UpstreamClient
  readonly log: Log
  /** Between two batches. */
  readonly everyMs?: number
}

const EVERY_MS = 1_000
const BATCH_MAX = 512
const WAITING_MAX = 4_096
const TIMEOUT_MS = 10_000
const PAUSE_MS_MAX = 30_000
const WARN_EVERY_MS = 30_000
/** To be tried again later: OTLP, "Failures". */
const LATER: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * Sends spans to a collector, one batch at a time. A collector that is away costs spans and never a call: what waits is bounded, and
 * what goes beyond is dropped and told of in the log.
 */
export class SpanExporter {
  readonly #options: ExporterOptions
  readonly #to: ReturnType<Destinations['parse']>
  readonly #waiting: Span[] = []
  readonly #timer: NodeJS.Timeout
  #sending: Promise<void> | null = null
  #pauseMs = 0
  #notBefore = 0
  #dropped = 0
  #quietUntil = 0

  constructor(options: ExporterOptions) {
    this.#options = options
    const { endpoint } = options.setup
    this.#to = new Destinations({}, true).parse(`${endpoint.replace(/\/+$/, '')}/v1/traces`)
    this.#timer = setInterval(() => void this.flush(), options.everyMs ?? EVERY_MS)
    this.#timer.unref()
  }

  add(spans: readonly Span[]): void {
    if (this.#waiting.length + spans.length > WAITING_MAX) this.#drop(spans.length, 'the collector does not keep up')
    else for (const span of spans) this.#waiting.push(span)
    if (this.#waiting.length >= BATCH_MAX) void this.flush()
  }

  /** Sends one batch, if there is one and the collector is not being left alone. Never rejects. */
  flush(): Promise<void> {
    if (this.#sending !== null) return this.#sending
    if (this.#waiting.length === 0 || performance.now() < this.#notBefore) return Promise.resolve()
    this.#sending = this.#send().finally(() => {
      this.#sending = null
      if (this.#waiting.length >= BATCH_MAX) void this.flush()
    })
    return this.#sending
  }

  /** Sends what there is once more, in at most `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    clearInterval(this.#timer)
    this.#notBefore = 0
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, timeoutMs)
    })
    await Promise.race([this.flush().then(() => this.flush()), late])
    clearTimeout(timer)
  }

  async #send(): Promise<void> {
    const batch = this.#waiting.slice(0, BATCH_MAX)
    const outcome = await this.#post(otlpBody(batch, this.#options.resource))
    if (typeof outcome === 'string' || LATER.has(outcome)) {
      this.#pauseMs = Math.min(PAUSE_MS_MAX, Math.max(EVERY_MS, this.#pauseMs * 2))
      this.#notBefore = performance.now() + this.#pauseMs
      return this.#warn(`the collector cannot be reached (${outcome}); spans wait`)
    }
    this.#waiting.splice(0, batch.length)
    this.#pauseMs = 0
    if (outcome < 200 || outcome > 299) this.#drop(batch.length, `the collector refuses them with ${outcome}`)
  }

  /** The status; or why there is none. */
  #post(body: string): Promise<number | string> {
    const { client, setup } = this.#options
    const to = this.#to
    if (to === null) return Promise.resolve('its URL is none')
    return new Promise((resolve) => {
      client.dispatch(
        {
          origin: to.origin,
          method: 'POST',
          target: to.path,
          headers: ['Host', to.authority, 'Content-Type', 'application/json', ...setup.headers],
          body,
          connectTimeoutMs: TIMEOUT_MS,
          ioTimeoutMs: TIMEOUT_MS,
        },
        new Answer(resolve),
      )
    })
  }

  #drop(count: number, why: string): void {
    this.#dropped += count
    this.#warn(`spans are dropped: ${why}`)
  }

  /** Once in a while: there may be thousands a second. */
  #warn(text: string): void {
    const now = performance.now()
    if (now < this.#quietUntil) return
    this.#quietUntil = now + WARN_EVERY_MS
    this.#options.log.warn({ collector: this.#options.setup.endpoint, dropped: this.#dropped }, text)
  }
}

/** Only the status counts. */
class Answer implements UpstreamHandler {
  readonly #resolve: (outcome: number | string) => void
  #status = 0

  constructor(resolve: (outcome: number | string) => void) {
    this.#resolve = resolve
  }

  onHead(status: number): void {
    this.#status = status
  }

  onData(): boolean {
    return true
  }

  onEnd(): void {
    this.#resolve(this.#status)
  }

  onError(error: UpstreamError): void {
    this.#resolve(error.kind)
  }
}
