import type { ApplicationView, ServiceView } from '../accounts/directory.ts'
import { readUsage, type Usage, UsageProblem } from '../accounts/usage.ts'
import { isPromise } from '../core/async.ts'
import { type BackendAccounts, record } from './authorize.ts'
import { applicationOf, readProvider, serviceOf } from './caller.ts'
import { BackendError, backendError } from './errors.ts'
import { commonText, loggedCode } from './parameters.ts'
import type { Param, Params, ParsedQuery } from './rack-query.ts'
import { readTimestamp } from './timestamp.ts'

/** How far from now a transaction may have happened, judged when it is counted. */
const OLDEST_SECONDS = 86_400
const NEWEST_SECONDS = 3_600

/** A batch that was accepted and waits to be counted. */
export interface ReportJob {
  readonly service: ServiceView
  readonly transactions: readonly Params[]
  readonly flat: boolean
}

interface Counted {
  readonly app: ApplicationView
  readonly usage: Usage
  readonly code: number | null
  readonly atMs: number
}

/** What the caller hears of: shape and service. What is inside the transactions shows when they are counted. */
export function readReport(query: ParsedQuery, flat: boolean, accounts: BackendAccounts): ReportJob | BackendError {
  const { params, isUtf8 } = query
  const provider = readProvider(params, accounts.directory)
  if (provider instanceof BackendError) return provider
  if (!isUtf8) return backendError('not_valid_data')
  const raw = params.get('transactions')
  if (isBlank(raw)) return backendError('transactions_is_blank')
  const list = raw instanceof Map ? [...raw.values()] : null
  if (list === null) return backendError('transactions_format_invalid')
  const transactions: Params[] = []
  for (const one of list) {
    if (one === null) return backendError('transactions_has_nil_transaction')
    if (!(one instanceof Map)) return backendError('transactions_format_invalid')
    if (one.has('user_id')) return backendError('end_users_no_longer_supported')
    transactions.push(one)
  }
  if (params.has('user_id')) return backendError('end_users_no_longer_supported')
  const service = serviceOf(provider, accounts.directory)
  if (service instanceof BackendError) return service
  return { service, transactions, flat }
}

function isBlank(raw: Param | undefined): boolean {
  if (raw === undefined || raw === null) return true
  if (typeof raw === 'string') return raw.trim() === ''
  return raw instanceof Map ? raw.size === 0 : raw.length === 0
}

/** Counts all transactions or none: then the reason is an integration error of the service. */
export async function runReport(job: ReportJob, accounts: BackendAccounts, nowMs: number): Promise<void> {
  const counted: Counted[] = []
  for (const transaction of job.transactions) {
    const read = readTransaction(job, transaction, accounts, nowMs)
    if (read instanceof BackendError) {
      accounts.recorder.addError(job.service.service.id, read.code ?? 'bad_request', read.message, nowMs)
      return
    }
    counted.push(read)
  }
  for (const { app, usage, code, atMs } of counted) {
    record(app, usage, code, accounts.recorder, atMs)
    if (usage.isZero) continue
    const done = accounts.limits.count(app, usage, atMs, nowMs)
    if (isPromise(done)) await done
  }
}

function readTransaction(
  { service, flat }: ReportJob,
  transaction: Params,
  { directory }: BackendAccounts,
  nowMs: number,
): Counted | BackendError {
  const app = applicationOf(service, commonText(transaction, 'app_id'), commonText(transaction, 'user_key'), directory)
  if (app instanceof BackendError) return app
  const raw = transaction.get('usage')
  const usage = readUsage(raw instanceof Map ? raw : [], service.tree, flat)
  if (usage instanceof UsageProblem) return backendError(usage.code, usage.message)
  const atMs = readTimestamp(commonText(transaction, 'timestamp'), nowMs)
  if (atMs < nowMs - OLDEST_SECONDS * 1000) return TOO_OLD
  if (atMs > nowMs + NEWEST_SECONDS * 1000) return TOO_NEW
  return { app, usage, code: loggedCode(transaction), atMs }
}

const TOO_OLD = new BackendError(
  400,
  'transaction_timestamp_too_old',
  `reporting transactions older than ${OLDEST_SECONDS} seconds is not allowed`,
)
const TOO_NEW = new BackendError(
  400,
  'transaction_timestamp_too_new',
  `reporting transactions more than ${NEWEST_SECONDS} seconds in the future is not allowed`,
)
