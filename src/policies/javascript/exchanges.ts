import type { Exchange } from '../../engine/exchange.ts'
import { type OutboundAnswer, OutboundError, type OutboundRequest } from '../../engine/policy.ts'

/** One call of `httpClient`: under way, or with what became of it. */
export class ScriptCall {
  answer: OutboundAnswer | OutboundError | null = null
  readonly done: Promise<void>

  constructor(answer: OutboundAnswer | OutboundError | Promise<OutboundAnswer | OutboundError>) {
    this.done = Promise.resolve(answer).then((done) => {
      this.answer = done
    })
    if (!(answer instanceof Promise)) this.answer = answer
  }

  /** As the guest reads it. */
  get json(): string {
    const { answer } = this
    if (answer === null) return '{"complete":false}'
    if (answer instanceof OutboundError) return JSON.stringify({ complete: true, error: answer.message })
    const { status, reason, headers, body } = answer
    return JSON.stringify({ complete: true, status, reason, headers, body: body.toString('utf8') })
  }
}

/** What scripts of one message share: `context.session`, and the calls that one may start and another wait for. */
export class ScriptSession {
  json = '{}'
  readonly calls: ScriptCall[] = []
}

const sessions = new WeakMap<Exchange, ScriptSession>()

export function sessionOf(x: Exchange): ScriptSession {
  let session = sessions.get(x)
  if (session === undefined) {
    session = new ScriptSession()
    sessions.set(x, session)
  }
  return session
}

/** Calls that one message may make. */
export const CALLS_MAX = 50

const CONNECT_TIMEOUT_MS = 3_000
const IO_TIMEOUT_MS = 55_000
const BODY_BYTES_MAX = 10 * 1024 * 1024

export function outgoing(json: string): OutboundRequest {
  const given = JSON.parse(json) as { url: string; method?: string; headers?: string[]; body?: string | null }
  return {
    url: given.url,
    method: (given.method ?? 'GET').toUpperCase(),
    headers: given.headers ?? [],
    body: given.body ?? null,
    timeoutMs: IO_TIMEOUT_MS,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    ioTimeoutMs: IO_TIMEOUT_MS,
    answerBytesMax: BODY_BYTES_MAX,
  }
}
