import type { AnsweredBy } from '../core/answered-by.ts'

export type { AnsweredBy }

/** In the order in which they are numbered in stored rows: append only. */
export const answerers: readonly AnsweredBy[] = ['gateway', 'policy', 'callout', 'target', 'client']

/**
 * What is kept of one call. Every field exists from the constructor on, so that all records have one shape. Whoever fills it may
 * use the same object again: nothing keeps a reference to it.
 */
export class CallRecord {
  /** When the call arrived: milliseconds since the epoch. */
  timeMs: number
  environment: string
  /** '' when no proxy was found. */
  proxy: string
  /** 0 when no proxy was found. */
  revision: number
  /** 3scale's service; '' when the proxy is bound to none. */
  serviceId: string
  /** Our id of the application; '' when nobody was identified. */
  application: string
  /** Our id of the account; '' when nobody was identified. */
  account: string
  method: string
  /** Base path and flow, never the path as it came: few values per proxy. */
  pathTemplate: string
  /** What the client got; 499 when it had gone before an answer. */
  status: number
  /** What the target answered; 0 when none was reached. */
  targetStatus: number
  answeredBy: AnsweredBy
  /** '' when nothing went wrong. Taken from fault tables, so few values. */
  errorCode: string
  bytesIn: number
  bytesOut: number
  /** Milliseconds with fractions, as `performance.now()` gives them. */
  totalMs: number
  targetMs: number
  policyMs: number
  /** Counts in 3scale's statistics: the proxy is bound to a service and no access rule refused the call. */
  authorized: boolean

  constructor(timeMs = 0) {
    this.timeMs = timeMs
    this.environment = ''
    this.proxy = ''
    this.revision = 0
    this.serviceId = ''
    this.application = ''
    this.account = ''
    this.method = ''
    this.pathTemplate = ''
    this.status = 0
    this.targetStatus = 0
    this.answeredBy = 'gateway'
    this.errorCode = ''
    this.bytesIn = 0
    this.bytesOut = 0
    this.totalMs = 0
    this.targetMs = 0
    this.policyMs = 0
    this.authorized = false
  }
}
