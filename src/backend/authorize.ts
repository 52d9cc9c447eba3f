import { type Denial, deny, LIMITS_EXCEEDED, type Offered } from '../accounts/authorization.ts'
import type { ApplicationView, Directory } from '../accounts/directory.ts'
import { type LimitState, limitState } from '../accounts/limit-state.ts'
import type { LimitReading, Limits } from '../accounts/limits.ts'
import { readUsage, type Usage, UsageProblem } from '../accounts/usage.ts'
import type { UsageRecorder } from '../accounts/usage-recorder.ts'
import { isPromise, type MaybePromise } from '../core/async.ts'
import { countedCodes } from '../model/usage.ts'
import { applicationOf, readProvider, serviceOf } from './caller.ts'
import { BackendError, backendError, USAGE_IS_NO_HASH } from './errors.ts'
import type { Options } from './options.ts'
import { commonText, keptText, loggedCode } from './parameters.ts'
import type { Params, ParsedQuery } from './rack-query.ts'
import { statusXml } from './status-xml.ts'

/** What the accounts give to the back end. */
export interface BackendAccounts {
  readonly directory: Directory
  readonly limits: Limits
  readonly recorder: UsageRecorder
}

/** `report`: what is allowed is counted at once. */
export interface AuthorizeKind {
  readonly report: boolean
  readonly oauth: boolean
}

/** The verdict on one application, before it has a shape. */
export interface Verdict {
  readonly denied: Denial | null
  readonly xml: string
  readonly limit: LimitState | null
}

interface Question {
  readonly app: ApplicationView
  readonly usage: Usage | null
  readonly offered: Offered
}

/** authorize, authrep and their oauth twins: the checks in the vendor's order, since that decides which error a client sees. */
export function authorize(
  kind: AuthorizeKind,
  query: ParsedQuery,
  options: Options,
  accounts: BackendAccounts,
  nowMs: number,
): MaybePromise<Verdict | BackendError> {
  const { params, isUtf8 } = query
  if (!isUtf8) return backendError('not_valid_data')
  const app = findApplication(kind, params, accounts.directory)
  if (app instanceof BackendError) return app
  const offered = readOffered(params, kind.oauth)
  const denied = deny(app, offered, kind.oauth)
  const raw = params.get('usage')
  const usage = denied === null && raw instanceof Map ? readUsage(raw, app.service.tree, options.flatUsage) : null
  if (usage instanceof UsageProblem) return backendError(usage.code, usage.message)
  return verdict(kind, { app, usage, offered }, denied, params, options, accounts, nowMs)
}

function findApplication(kind: AuthorizeKind, params: Params, directory: Directory): ApplicationView | BackendError {
  const provider = readProvider(params, directory)
  if (provider instanceof BackendError) return provider
  if (params.has('user_id')) return backendError('end_users_no_longer_supported')
  const usage = params.get('usage')
  if (usage !== undefined && usage !== null && !(usage instanceof Map)) return USAGE_IS_NO_HASH
  const service = serviceOf(provider, directory)
  if (service instanceof BackendError) return service
  const appId = commonText(params, 'app_id')
  if (kind.oauth && appId === null) return backendError('application_not_found')
  return applicationOf(service, appId, commonText(params, 'user_key'), directory)
}

function readOffered(params: Params, oauth: boolean): Offered {
  const url = oauth ? keptText(params, 'redirect_url') : null
  const uri = oauth ? keptText(params, 'redirect_uri') : null
  return {
    appKey: keptText(params, 'app_key'),
    referrer: commonText(params, 'referrer'),
    redirect:
      url !== null ? { name: 'redirect_url', value: url } : uri !== null ? { name: 'redirect_uri', value: uri } : null,
  }
}

function verdict(
  kind: AuthorizeKind,
  question: Question,
  denied: Denial | null,
  params: Params,
  options: Options,
  accounts: BackendAccounts,
  nowMs: number,
): MaybePromise<Verdict> {
  const { app, usage } = question
  const redirectName = kind.oauth ? (question.offered.redirect?.name ?? 'redirect_url') : null
  const answer = (reading: LimitReading, why: Denial | null): Verdict => ({
    denied: why,
    xml: options.noBody ? '' : statusXml(app, why, reading, redirectName, options, nowMs),
    limit:
      options.limitHeaders && (why === null || why === LIMITS_EXCEEDED) ? limitState(app, usage, reading, nowMs) : null,
  })
  // Without a body only the limits that the usage touches are asked for.
  const only = options.noBody && usage !== null ? ({ place }: { place: number }) => usage.has(place) : null
  if (denied !== null) {
    if (options.noBody) return { denied, xml: '', limit: null }
    return then(accounts.limits.read(app, null, null, nowMs), (reading) => answer(reading, denied))
  }
  if (!kind.report) {
    return then(accounts.limits.read(app, usage, only, nowMs), (reading) =>
      answer(reading, reading.fits ? null : LIMITS_EXCEEDED),
    )
  }
  return then(accounts.limits.take(app, usage, nowMs), (reading) => {
    if (!reading.fits) return answer(reading, LIMITS_EXCEEDED)
    record(app, usage, loggedCode(params), accounts.recorder, nowMs)
    if (options.noBody) return answer(reading, null)
    return then(completed(app, reading, accounts.limits, nowMs), (whole) => answer(whole, null))
  })
}

/** The limits that the call did not touch stand in the answer too. */
function completed(
  app: ApplicationView,
  reading: LimitReading,
  limits: Limits,
  nowMs: number,
): MaybePromise<LimitReading> {
  const isMissing = (i: number): boolean => Number.isNaN(reading.values[i]!)
  if (!app.plan.limits.some((_, i) => isMissing(i))) return reading
  return then(limits.read(app, null, null, nowMs), (all) => {
    for (let i = 0; i < all.values.length; i++) {
      if (!isMissing(i)) continue
      reading.values[i] = all.values[i]!
      reading.before[i] = all.before[i]!
    }
    return reading
  })
}

/** Keeps what was counted. A response code counts once a call, and only with usage. */
export function record(
  app: ApplicationView,
  usage: Usage | null,
  code: number | null,
  recorder: UsageRecorder,
  atMs: number,
): void {
  if (usage === null || usage.isZero) return
  const { id, serviceId } = app.application
  recorder.addUsage(serviceId, id, usage, atMs)
  if (code !== null) for (const name of countedCodes(code)) recorder.add(serviceId, id, 'code', name, atMs, 1)
}

function then<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isPromise(value) ? value.then(next) : next(value)
}
