import type { AnsweredBy } from '../core/answered-by.ts'

/** All that is kept of one call so that it can be explained. Plain data: it goes from thread to thread. */
export interface RecentCall extends KeptFields {
  readonly requestId: string
  readonly host: string
  /** As it came; what is long is cut. */
  readonly path: string
  /** Masked. */
  readonly query: string
  /** What was sent to the target; '' when nothing was. */
  readonly targetPath: string
  /** Masked. */
  readonly targetQuery: string
}

/** What a slot holds as it is: numbers, and texts that have few values or come from the deployment. */
export interface KeptFields {
  /** Arrival, ms since the epoch. */
  timeMs: number
  /** 'OTHER' for what HTTP does not know. */
  method: string
  httpVersion: string
  clientAddress: string
  environment: string
  proxy: string
  revision: number
  service: string
  application: string
  account: string
  status: number
  targetStatus: number
  answeredBy: AnsweredBy
  errorCode: string
  totalMs: number
  targetMs: number
  policyMs: number
  bytesIn: number
  bytesOut: number
  /** Gateways that the request went through, this one included. */
  forwards: number
  basePath: string
  /** Characters of the path behind the base path. */
  suffixLength: number
  flow: string
  route: string
  targetName: string
  /** Scheme, host and what stands before the path; without credentials and query. */
  targetUrl: string
  /** From the arrival, in ms; NaN: was not reached. */
  targetSentMs: number
  targetReceivedMs: number
  answerStartedMs: number
  answerSentMs: number
  /** The fault's text; '' when nothing went wrong. */
  message: string
  step: string
  policyType: string
  faultRule: string
  /** Null: no limit refused. */
  breach: BreachedLimit | null
  /** Masked and cut; null: not kept. */
  requestBody: string | null
  responseBody: string | null
}

export interface BreachedLimit {
  readonly name: string
  readonly used: number | null
  readonly limit: number
  readonly resetsAtMs: number | null
}
