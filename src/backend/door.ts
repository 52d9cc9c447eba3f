import { isPromise, type MaybePromise } from '../core/async.ts'
import type { Clock } from '../core/clock.ts'
import type { Tally } from '../core/tally.ts'
import type { Downstream } from '../wire/types.ts'
import { type AuthorizeKind, authorize, type BackendAccounts, type Verdict } from './authorize.ts'
import { readBody, readForm } from './body.ts'
import { BackendError, backendError, errorXml } from './errors.ts'
import { isOn, type Options, readOptions } from './options.ts'
import { keptText } from './parameters.ts'
import { QueryError, QueryReader } from './rack-query.ts'
import { readReport, runReport } from './report.ts'

const VENDOR_TYPE = 'application/vnd.3scale-v2.0+xml'
const EXPOSED = ['Access-Control-Expose-Headers', 'ETag, Link, 3scale-rejection-reason']
const XML_HEADERS = ['Content-Type', VENDOR_TYPE, 'Access-Control-Allow-Origin', '*', ...EXPOSED]
const PREFLIGHT_HEADERS = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Max-Age',
  '86400',
  'Access-Control-Allow-Methods',
  'GET, POST, PATCH, PUT, DELETE',
  'Access-Control-Allow-Headers',
  'Authorization, Accept, Accept-Encoding, Accept-Language, Cache-Control, Connection, Content-Length, Content-Type, DNT, If-Modified-Since, Keep-Alive, Origin, User-Agent, X-Requested-With, X-CustomHeader, Content-Range, Range, 3scale-options',
  ...EXPOSED,
]

export interface BackendServices extends BackendAccounts {
  readonly clock: Clock
  /** Answers, by kind of request and status, in the words of the vendor's own metrics. */
  readonly answers: Tally
  /** Resolves when what was recorded so far is on the disk; rejects when it is not. */
  kept(): Promise<void>
  /** Shown by /status. */
  readonly version: string
  /** A bug: something threw where errors are values. */
  crashed(error: unknown): void
}

type Handler = (door: BackendDoor, down: Downstream, query: string) => void

/** `type`: what the vendor's metrics call it. */
interface NamedKind extends AuthorizeKind {
  readonly type: string
}

const REPORT = 'report'

const authorizing =
  (kind: NamedKind): Handler =>
  (door, down, query) =>
    door.authorize(kind, down, query)

/** Method and path of everything that is answered here. */
const ROUTES: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['GET /transactions/authorize.xml', authorizing({ type: 'authorize', report: false, oauth: false })],
  ['GET /transactions/authrep.xml', authorizing({ type: 'authrep', report: true, oauth: false })],
  ['GET /transactions/oauth_authorize.xml', authorizing({ type: 'authorize_oauth', report: false, oauth: true })],
  ['GET /transactions/oauth_authrep.xml', authorizing({ type: 'authrep_oauth', report: true, oauth: true })],
  ['POST /transactions.xml', (door, down, query) => door.report(down, query)],
  ['GET /check.txt', (_door, down) => down.send(200, 'OK', ['Content-Type', 'text/plain', ...EXPOSED], 'ok')],
  ['GET /status', (door, down) => door.status(down)],
  ['HEAD /available', (_door, down) => down.send(200, 'OK', XML_HEADERS, null)],
])

/** The Service Management API on one thread: who may call, and what was used. Source: 3scale's back end (apisonator). */
export class BackendDoor {
  readonly #services: BackendServices
  readonly #statusBody: string
  /** Batches that were accepted and wait to be counted. */
  #jobs: Promise<void> = Promise.resolve()

  constructor(services: BackendServices) {
    this.#services = services
    this.#statusBody = JSON.stringify({ status: 'ok', version: { backend: services.version } })
  }

  accept(down: Downstream): void {
    const target = originForm(down.target)
    const question = target.indexOf('?')
    const path = question < 0 ? target : target.slice(0, question)
    if (down.method === 'OPTIONS') return down.send(204, 'No Content', PREFLIGHT_HEADERS, null)
    const handler = ROUTES.get(`${down.method} ${path}`)
    if (handler === undefined) return down.send(404, 'Not Found', XML_HEADERS, '')
    handler(this, down, question < 0 ? '' : target.slice(question + 1))
  }

  /** Resolves when what was accepted so far is counted. */
  drained(): Promise<void> {
    return this.#jobs
  }

  authorize(kind: NamedKind, down: Downstream, query: string): void {
    try {
      this.#authorize(kind, down, query)
    } catch (error) {
      this.#failed(down, kind.type, error)
    }
  }

  #authorize(kind: NamedKind, down: Downstream, query: string): void {
    const reader = new QueryReader()
    reader.read(query)
    const options = optionsOf(down, reader)
    const verdict = authorize(kind, reader, options, this.#services, this.#services.clock.now())
    this.#settle(down, kind.type, verdict, (answer) => {
      if (answer instanceof BackendError) return this.#sendError(down, kind.type, answer, options)
      this.#answered(kind.type, answer.denied === null ? 200 : 409)
      if (!options.kept || !kind.report) return sendVerdict(down, answer, options)
      void this.#kept().then(() => sendVerdict(down, answer, options))
    })
  }

  report(down: Downstream, query: string): void {
    void readBody(down.body).then(
      (body) => {
        if (body === 'broken') return
        try {
          this.#report(down, query, body)
        } catch (error) {
          this.#failed(down, REPORT, error)
        }
      },
      (error: unknown) => this.#failed(down, REPORT, error),
    )
  }

  status(down: Downstream): void {
    down.send(200, 'OK', ['Content-Type', 'application/json', ...EXPOSED], this.#statusBody)
  }

  #report(down: Downstream, query: string, body: Buffer | 'too-big'): void {
    if (body === 'too-big') throw new QueryError('total query size exceeds limit')
    const reader = new QueryReader()
    reader.read(query)
    const type = headerOf(down, 'content-type')
    if (!readForm(body, type, reader)) {
      return this.#sendError(down, REPORT, backendError('content_type_invalid', type!), optionsOf(down, reader))
    }
    const options = optionsOf(down, reader)
    const job = readReport(reader, options.flatUsage, this.#services)
    if (job instanceof BackendError) return this.#sendError(down, REPORT, job, options)
    this.#answered(REPORT, 202)
    if (!options.kept) down.send(202, 'Accepted', XML_HEADERS, '')
    this.#jobs = this.#jobs
      .then(() => runReport(job, this.#services, this.#services.clock.now()))
      .catch((error: unknown) => this.#services.crashed(error))
    if (!options.kept) return
    void this.#jobs.then(() => this.#kept()).then(() => down.send(202, 'Accepted', XML_HEADERS, ''))
  }

  /** What cannot be written now is counted all the same, and written later. */
  async #kept(): Promise<void> {
    await this.#services.kept().catch(() => undefined)
  }

  #sendError(down: Downstream, type: string, error: BackendError, options: Options): void {
    this.#answered(type, error.status)
    const body = options.noBody ? '' : errorXml(error)
    down.send(error.status, REASONS[error.status] ?? '', XML_HEADERS, body)
  }

  #answered(type: string, status: number): void {
    this.#services.answers.add(type, STATUS_WORDS[status] ?? '4xx')
  }

  #settle<T>(down: Downstream, type: string, value: MaybePromise<T>, send: (value: T) => void): void {
    if (isPromise(value)) value.then(send).catch((error: unknown) => this.#failed(down, type, error))
    else send(value)
  }

  #failed(down: Downstream, type: string, error: unknown): void {
    if (error instanceof QueryError) {
      const options = readOptions(headerOf(down, '3scale-options'))
      return this.#sendError(down, type, backendError('bad_request', error.message), options)
    }
    this.#services.crashed(error)
    this.#answered(type, 500)
    down.send(500, 'Internal Server Error', ['Content-Type', 'text/plain'], 'Internal Server Error')
  }
}

function sendVerdict(down: Downstream, { denied, xml, limit }: Verdict, options: Options): void {
  const headers = XML_HEADERS.slice()
  if (limit !== null) {
    headers.push('3scale-limit-remaining', String(limit.remaining), '3scale-limit-reset', String(limit.resetSeconds))
    if (limit.max !== null) headers.push('3scale-limit-max-value', String(limit.max))
  }
  if (denied !== null && options.rejectionReason) headers.push('3scale-rejection-reason', denied.code)
  down.send(denied === null ? 200 : 409, denied === null ? 'OK' : 'Conflict', headers, xml)
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  422: 'Unprocessable Entity',
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  200: '2xx',
  202: '2xx',
  403: '403',
  404: '404',
  409: '409',
  500: '5xx',
}

/** `http://host/path` -> `/path`: who believes to talk to a proxy sends the former (RFC 9112, 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target
  const match = /^https?:\/\/[^/?#]*(.*)$/is.exec(target)
  return match === null ? target : match[1]!.startsWith('/') ? match[1]! : `/${match[1]!}`
}

function optionsOf(down: Downstream, { params }: QueryReader): Options {
  const options = readOptions(headerOf(down, '3scale-options'))
  return isOn(keptText(params, 'no_body')) ? { ...options, noBody: true } : options
}

function headerOf(down: Downstream, name: string): string | undefined {
  const raw = down.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length === name.length && raw[i]!.toLowerCase() === name) return raw[i + 1]
  }
  return undefined
}

/** How a request that never became one is answered on this door. */
export function backendProtocolError(
  status: number,
  _reason: string,
  detail: string,
): { headers: string[]; body: string } {
  const body = errorXml(new BackendError(status, 'bad_request', detail))
  return { headers: ['Content-Type', VENDOR_TYPE], body }
}
