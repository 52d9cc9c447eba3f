import type { TracedCall } from '../../model/traced-call.ts'
import type { CallSummary, SessionState } from '../../trace/orders.ts'

/** What /api/trace answers; the dashboard's trace page is built on these. */

export interface TraceSessionAnswer {
  readonly id: string
  readonly name: string
  readonly environment: string
  readonly proxy: string
  readonly revision: number
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** Calls that are wanted; null: no limit, the latest are kept. */
  readonly count: number | null
  readonly createdAtMs: number
  /** Null: until it is stopped. */
  readonly expiresAtMs: number | null
  readonly state: SessionState
  readonly calls: number
  /** Calls that had to go for later ones, and calls that were not recorded since too many came at once. */
  readonly dropped: number
  readonly skipped: number
  readonly masked: readonly string[]
  /** Masks that are configured and have hidden nothing in any call: perhaps the name of a variable was changed. */
  readonly unmatchedMasks: readonly string[]
}

export interface TraceSessionsAnswer {
  readonly sessions: readonly TraceSessionAnswer[]
  /** What can be traced. */
  readonly deployed: readonly TraceableAnswer[]
}

export interface TraceableAnswer {
  readonly environment: string
  readonly proxy: string
  readonly revision: number
}

export interface TraceCallsAnswer {
  readonly session: TraceSessionAnswer
  /** Latest first. */
  readonly calls: readonly TraceCallRow[]
}

export interface TraceCallRow extends Omit<CallSummary, 'masked' | 'unmatched'> {
  readonly id: string
}

/** GET /api/trace/sessions/:id/calls/:call, and /api/trace/calls/:requestId. */
export type TraceCallAnswer = TracedCall
