import { isPromise, type MaybePromise } from '../../core/async.ts'
import type { Counters } from '../../core/counters.ts'
import type { Log } from '../../core/log.ts'
import {
  type AccessBackend,
  type AccessLimit,
  type AccessQuestion,
  type Admission,
  Refusal,
} from '../../engine/access.ts'
import type { Breach } from '../../engine/exchange.ts'
import type { AccessConfig, CachingMode, RemoteBackend } from '../../model/auth-rep.ts'
import { type BackendAnswer, BackendClient, type BackendClientServices } from './backend-client.ts'
import { type Report, ReportQueue } from './reports.ts'
import { Verdicts } from './verdicts.ts'

export interface RemoteServices extends BackendClientServices {
  readonly counters: Counters
  readonly log: Log
  /** As of the last publication: the status of each call is told. */
  responseCodes(): boolean
  now(): number
}

/** Reports that may be under way at once; more wait in the queue. */
const UNDER_WAY_MAX = 512
const RETRY_EVERY_MS = 500
/** An admission that is not confirmed for so long is forgotten. */
const KEPT_MS = 24 * 3_600_000
/** Anybody can make up keys that are refused, or not known while the back end is away: they must not fill the table. */
const UNCONFIRMED_KEPT_MS = 5 * 60_000

/** What an answer of the back end does to what is known of a key (APIcast, policy "caching"). Null: forget it. */
type Effect = (status: number, known: number) => number | null

const isAway = (status: number): boolean => status === 0 || status >= 499

const EFFECTS: Readonly<Record<CachingMode, Effect>> = {
  strict: (status) => (status === 200 ? 200 : null),
  resilient: (status, known) => (isAway(status) ? known : status),
  // Who is not known yet may call while the back end is away; who was refused may not.
  allow: (status, known) => (isAway(status) ? (known === 0 ? 200 : known) : status),
  none: () => null,
}

/** A call in the words of the back end. */
interface Asked {
  /** Service, credentials and usage: calls with the same key get the same answer. */
  readonly key: string
  readonly report: Omit<Report, 'code'>
}

/**
 * Accounts elsewhere. A key that is not known is asked for (`authorize.xml`) before its call goes on; when the call is over one
 * `authrep.xml` tells usage and status, and its answer decides the next call of the key. What could not be told so is told by
 * `/transactions.xml`, so that no admitted call is lost.
 */
export class RemoteBackendAccess implements AccessBackend {
  readonly #config: AccessConfig
  readonly #services: RemoteServices
  readonly #client: BackendClient
  readonly #identity: string
  readonly #verdicts: Verdicts
  readonly #queue: ReportQueue
  // Reports under way, by key: in strict mode the next call of the key waits for them.
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(config: AccessConfig, backend: RemoteBackend, services: RemoteServices) {
    this.#config = config
    this.#services = services
    this.#client = new BackendClient(services, backend)
    this.#identity = this.#client.identity(config.service)
    this.#verdicts = new Verdicts(services.counters, backend.endpoint, config.service)
    this.#queue = new ReportQueue({
      post: (form) => this.#client.call('POST', '/transactions.xml', this.#identity, form, true),
      log: services.log,
      service: config.service,
      everyMs: config.batch === null ? RETRY_EVERY_MS : config.batch.reportSeconds * 1000,
      now: () => services.now(),
    })
  }

  ask(question: AccessQuestion, nowMs: number): MaybePromise<Admission | Refusal> {
    const asked = askedOf(question, nowMs)
    if (this.#config.caching === 'none') return this.#askWithout(asked)
    const underWay = this.#config.caching === 'strict' ? this.#underWay.get(asked.key) : undefined
    if (underWay !== undefined) return underWay.then(() => this.ask(question, nowMs))
    const known = this.#verdicts.get(asked.key, nowMs)
    return isPromise(known) ? known.then((late) => this.#decide(asked, late)) : this.#decide(asked, known)
  }

  /** Reports that the back end has not heard of yet. */
  get waiting(): number {
    return this.#queue.waiting + this.#underWay.size
  }

  /** Reports that were given up. */
  get lost(): number {
    return this.#queue.lost
  }

  /** Tells what waits, as far as the back end takes it. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay.values())
    await this.#queue.flush()
  }

  #decide(asked: Asked, known: number): MaybePromise<Admission | Refusal> {
    if (known === 200) return this.#admission(asked, null)
    return this.#client.call('GET', '/transactions/authorize.xml', this.#query(asked, null), null).then((answer) => {
      const next = this.#learn(asked.key, answer.status, known)
      const fallback = isAway(answer.status) && next === 200
      return answer.status === 200 || fallback ? this.#admission(asked, answer.limit) : this.#refusal(answer)
    })
  }

  /** Mode none: each call asks and counts at once; there is no report that a code could ride on. */
  async #askWithout(asked: Asked): Promise<Admission | Refusal> {
    const answer = await this.#client.call('GET', '/transactions/authrep.xml', this.#query(asked, null), null)
    return answer.status === 200 ? new ToldAdmission(this.#config.service, answer.limit) : this.#refusal(answer)
  }

  #refusal(answer: BackendAnswer): Refusal {
    return refusalOf(answer, this.#services.now())
  }

  #learn(key: string, status: number, known: number): number {
    const next = EFFECTS[this.#config.caching](status, known)
    const now = this.#services.now()
    if (next === null) void this.#verdicts.delete(key, now)
    // What stays as it was is not written again: its time goes on from when the back end said it.
    else if (!isAway(status) || next !== known) void this.#verdicts.set(key, next, now, this.#keptMs(status))
    return next ?? 0
  }

  #keptMs(status: number): number {
    const { batch } = this.#config
    if (batch !== null) return batch.authsTtlSeconds * 1000
    return status === 200 ? KEPT_MS : UNCONFIRMED_KEPT_MS
  }

  #admission(asked: Asked, limit: AccessLimit | null): Admission {
    return new RemoteAdmission(this.#config.service, limit, (status) => this.#ended(asked, status))
  }

  #ended(asked: Asked, status: number): void {
    const report = { ...asked.report, code: this.#services.responseCodes() ? status : null }
    if (this.#config.batch !== null || this.#underWay.size >= UNDER_WAY_MAX) return this.#queue.add(report)
    const before = this.#underWay.get(asked.key)
    const told = (before ?? Promise.resolve()).then(() => this.#tell(asked.key, report))
    this.#underWay.set(asked.key, told)
    void told.finally(() => {
      if (this.#underWay.get(asked.key) === told) this.#underWay.delete(asked.key)
    })
  }

  async #tell(key: string, report: Report): Promise<void> {
    const query = this.#query({ key, report }, report.code)
    // In strict mode the next call of the key waits for this.
    const kept = this.#config.caching !== 'strict'
    const answer = await this.#client.call('GET', '/transactions/authrep.xml', query, null, kept)
    this.#learn(key, answer.status, await this.#verdicts.get(key, this.#services.now()))
    // The call was admitted and is over: it counts, whatever the back end would say now.
    if (answer.status !== 200) this.#queue.add(report)
    if (answer.status === 409 || answer.status === 403 || answer.status === 404) await this.#queue.flush()
  }

  #query({ report: { credentials, deltas } }: Pick<Asked, 'report' | 'key'>, code: number | null): string {
    let query = this.#identity
    for (const [metric, delta] of deltas) query += `&usage%5B${encodeURIComponent(metric)}%5D=${delta}`
    for (const [name, value] of credentials) query += `&${name}=${encodeURIComponent(value)}`
    return code === null ? query : `${query}&log%5Bcode%5D=${code}`
  }
}

class RemoteAdmission implements Admission {
  readonly service: string
  readonly application = ''
  readonly account = ''
  readonly limit: AccessLimit | null
  readonly #ended: (status: number) => void

  constructor(service: string, limit: AccessLimit | null, ended: (status: number) => void) {
    this.service = service
    this.limit = limit
    this.#ended = ended
  }

  ended(status: number): void {
    this.#ended(status)
  }
}

/** A call that was counted when it was let in. */
class ToldAdmission implements Admission {
  readonly service: string
  readonly application = ''
  readonly account = ''
  readonly limit: AccessLimit | null

  constructor(service: string, limit: AccessLimit | null) {
    this.service = service
    this.limit = limit
  }

  ended(): void {}
}

function askedOf({ userKey, appId, appKey, referrer, deltas }: AccessQuestion, atMs: number): Asked {
  const credentials: [string, string][] = []
  if (userKey !== null) credentials.push(['user_key', userKey])
  if (appId !== null) credentials.push(['app_id', appId])
  if (appKey !== null) credentials.push(['app_key', appKey])
  if (referrer !== null) credentials.push(['referrer', referrer])
  const key = JSON.stringify([credentials, ...deltas])
  return { key, report: { credentials, deltas, atMs } }
}

/** A limit of 0 is a metric that is switched off: the client hears of no limit (APIcast). */
function refusalOf({ status, reason, limit }: BackendAnswer, nowMs: number): Refusal {
  if (status === 409 && reason === 'limits_exceeded' && limit?.max !== 0) {
    return new Refusal('limitsExceeded', reason, limit?.resetSeconds ?? null, limit, null, breachOf(limit, nowMs))
  }
  return new Refusal('authFailed', reason ?? (isAway(status) ? 'backend_away' : `backend_${status}`), null, limit)
}

function breachOf(limit: AccessLimit | null, nowMs: number): Breach | null {
  if (limit === null || limit.max === null) return null
  const resetsAtMs = limit.resetSeconds < 0 ? null : nowMs + limit.resetSeconds * 1_000
  return { name: 'limit of the back end', used: limit.max - limit.remaining, limit: limit.max, resetsAtMs }
}
