import type { MaybePromise } from '../core/async.ts'
import type { AccessConfig } from '../model/auth-rep.ts'
import type { Breach, Caller } from './exchange.ts'

/** What a call offers, and what it is about to use. */
export interface AccessQuestion {
  readonly userKey: string | null
  readonly appId: string | null
  readonly appKey: string | null
  readonly referrer: string | null
  /** By system name of the metric, in the order of the rules. */
  readonly deltas: ReadonlyMap<string, number>
}

/** The limit that comes into force first. `max` null: there is none. */
export interface AccessLimit {
  readonly remaining: number
  readonly resetSeconds: number
  readonly max: number | null
}

/** The call may go on. It is told once how it ended: that is when it is reported. */
export interface Admission {
  /** Ids of ours; '' where only the back end knows them. */
  readonly service: string
  readonly application: string
  readonly account: string
  readonly limit: AccessLimit | null
  /** `status`: what the client got; 499 when it had gone. */
  ended(status: number): void
}

export class Refusal {
  readonly kind: 'authFailed' | 'limitsExceeded'
  /** 3scale's code: `application_not_found`, ... ; for logs and statistics. */
  readonly reason: string
  readonly retryAfterSeconds: number | null
  readonly limit: AccessLimit | null
  /** Who was refused, where that is known; the limit that it was. */
  readonly caller: Caller | null
  readonly breach: Breach | null

  constructor(
    kind: Refusal['kind'],
    reason: string,
    retryAfterSeconds: number | null = null,
    limit: AccessLimit | null = null,
    caller: Caller | null = null,
    breach: Breach | null = null,
  ) {
    this.kind = kind
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
    this.limit = limit
    this.caller = caller
    this.breach = breach
  }
}

/** One service's accounts, here or elsewhere. */
export interface AccessBackend {
  /** Never rejects: a back end that is away is a refusal, or what was known before. */
  ask(question: AccessQuestion, nowMs: number): MaybePromise<Admission | Refusal>
}

/** Where steps find out who may call. Asked when a proxy is compiled. */
export interface Access {
  open(config: AccessConfig): AccessBackend
}
