import type { Tally } from '../../core/tally.ts'
import type { AccessLimit } from '../../engine/access.ts'
import { Headers } from '../../engine/headers.ts'
import type { RemoteBackend } from '../../model/auth-rep.ts'
import type { UpstreamCall, UpstreamClient, UpstreamError, UpstreamHandler } from '../../wire/types.ts'
import { type Destinations, joinTarget } from '../url.ts'

const CONNECT_TIMEOUT_MS = 3_000
const IO_TIMEOUT_MS = 10_000
/** For the whole call. */
const TIMEOUT_MS = 15_000
const ANSWER_BYTES_MAX = 64 * 1024

const OPTIONS = 'rejection_reason_header=1&limit_headers=1&no_body=1'
/** Of a report that nobody waits for: a back end of ours answers once it is on the disk; others do not know the word. */
const OPTIONS_KEPT = `${OPTIONS}&kept=1`

/** What a back end answered. Status 0: nothing, or nothing that could be understood. */
export interface BackendAnswer {
  readonly status: number
  readonly reason: string | null
  readonly limit: AccessLimit | null
}

const AWAY: BackendAnswer = { status: 0, reason: null, limit: null }

export interface BackendClientServices {
  readonly client: UpstreamClient
  /** As of the last publication. */
  destinations(): Destinations
  readonly version: string
  /** Calls, by endpoint and class of the status, in the words of APIcast's own metrics. */
  readonly backendCalls: Tally
}

/** Calls one Service Management API. Every call ends, at the latest after its time-out; none rejects. */
export class BackendClient {
  readonly #services: BackendClientServices
  readonly #backend: RemoteBackend

  constructor(services: BackendClientServices, backend: RemoteBackend) {
    this.#services = services
    this.#backend = backend
  }

  /** The beginning of every query: whose service. */
  identity(service: string): string {
    const { authentication, secret } = this.#backend
    return `service_id=${encodeURIComponent(service)}&${authentication}=${encodeURIComponent(secret)}`
  }

  call(
    method: 'GET' | 'POST',
    path: string,
    query: string,
    form: string | null,
    kept: boolean = false,
  ): Promise<BackendAnswer> {
    const { endpoint, host } = this.#backend
    const to = this.#services.destinations().parse(endpoint)
    if (to === null) return Promise.resolve(AWAY)
    const headers = ['Host', host ?? to.authority, 'User-Agent', `Postern/${this.#services.version}`]
    headers.push('3scale-options', kept ? OPTIONS_KEPT : OPTIONS)
    if (form !== null) headers.push('Content-Type', 'application/x-www-form-urlencoded')
    return new Promise((resolve) => {
      const answer = new Answer((value) => {
        this.#services.backendCalls.add(ENDPOINTS[path] ?? path, classOf(value.status))
        resolve(value)
      })
      answer.begin(
        this.#services.client.dispatch(
          {
            origin: to.origin,
            method,
            target: joinTarget(to.path, path, '', query),
            headers,
            body: form,
            connectTimeoutMs: CONNECT_TIMEOUT_MS,
            ioTimeoutMs: IO_TIMEOUT_MS,
          },
          answer,
        ),
      )
    })
  }
}

const ENDPOINTS: Readonly<Record<string, string>> = {
  '/transactions/authorize.xml': 'auth',
  '/transactions/authrep.xml': 'authrep',
  '/transactions.xml': 'report',
}

const classOf = (status: number): string => (status === 0 ? 'invalid_status' : `${Math.floor(status / 100)}xx`)

class Answer implements UpstreamHandler {
  readonly #resolve: (answer: BackendAnswer) => void
  readonly #timer: NodeJS.Timeout
  #call: UpstreamCall | null = null
  #answer: BackendAnswer = AWAY
  #bytes = 0
  #done = false

  constructor(resolve: (answer: BackendAnswer) => void) {
    this.#resolve = resolve
    this.#timer = setTimeout(() => this.#giveUp(), TIMEOUT_MS)
  }

  begin(call: UpstreamCall): void {
    this.#call = call
    if (this.#done) call.abort()
  }

  onHead(status: number, _reason: string, raw: string[]): void {
    const headers = new Headers(raw)
    this.#answer = { status, reason: headers.get('3scale-rejection-reason') ?? null, limit: limitOf(headers) }
  }

  onData(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (this.#bytes <= ANSWER_BYTES_MAX) return true
    this.#giveUp()
    return false
  }

  onEnd(): void {
    this.#finish(this.#answer)
  }

  onError(_error: UpstreamError): void {
    this.#finish(AWAY)
  }

  #giveUp(): void {
    this.#finish(AWAY)
    this.#call?.abort()
  }

  #finish(answer: BackendAnswer): void {
    if (this.#done) return
    this.#done = true
    clearTimeout(this.#timer)
    this.#resolve(answer)
  }
}

function limitOf(headers: Headers): AccessLimit | null {
  const number = (name: string): number | null => {
    const text = headers.get(name)
    return text === undefined || !/^-?\d{1,15}$/.test(text) ? null : Number(text)
  }
  const resetSeconds = number('3scale-limit-reset')
  const remaining = number('3scale-limit-remaining')
  if (resetSeconds === null && remaining === null) return null
  return { remaining: remaining ?? 0, resetSeconds: resetSeconds ?? -1, max: number('3scale-limit-max-value') }
}
