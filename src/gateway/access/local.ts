import { deny, LIMITS_EXCEEDED } from '../../accounts/authorization.ts'
import type { ApplicationView, Directory, ServiceView } from '../../accounts/directory.ts'
import { limitState } from '../../accounts/limit-state.ts'
import type { LimitReading, Limits } from '../../accounts/limits.ts'
import { Usage } from '../../accounts/usage.ts'
import type { UsageRecorder } from '../../accounts/usage-recorder.ts'
import { isPromise, type MaybePromise } from '../../core/async.ts'
import { periodEndMs } from '../../core/calendar.ts'
import {
  type AccessBackend,
  type AccessLimit,
  type AccessQuestion,
  type Admission,
  Refusal,
} from '../../engine/access.ts'
import type { Breach, Caller } from '../../engine/exchange.ts'

export interface LocalAccounts {
  readonly directory: Directory
  readonly limits: Limits
  readonly recorder: UsageRecorder
}

/** The accounts of this process: a call is counted where it is decided, and kept, with its status, when it is over. */
export class LocalBackend implements AccessBackend {
  readonly #service: string
  readonly #accounts: LocalAccounts

  constructor(service: string, accounts: LocalAccounts) {
    this.#service = service
    this.#accounts = accounts
  }

  ask(question: AccessQuestion, nowMs: number): MaybePromise<Admission | Refusal> {
    const { directory, limits } = this.#accounts
    const service = directory.service(this.#service) ?? directory.serviceByName(this.#service)
    if (service === null) return new Refusal('authFailed', 'service_id_invalid')
    const app = applicationOf(service, question, directory)
    if (app instanceof Refusal) return app
    const denied = deny(app, { appKey: question.appKey, referrer: question.referrer, redirect: null }, false)
    if (denied !== null) return new Refusal('authFailed', denied.code, null, null, callerOf(app))
    const usage = usageOf(service, question.deltas)
    if (usage === null) return new Refusal('authFailed', 'metric_invalid')
    const taken = limits.take(app, usage, nowMs)
    return isPromise(taken)
      ? taken.then((reading) => this.#settle(app, usage, reading, nowMs))
      : this.#settle(app, usage, taken, nowMs)
  }

  #settle(app: ApplicationView, usage: Usage, reading: LimitReading, nowMs: number): Admission | Refusal {
    const limit = app.plan.limits.length === 0 ? null : limitState(app, usage, reading, nowMs)
    if (reading.fits) return new LocalAdmission(app, usage, limit, this.#accounts.recorder, nowMs)
    // A limit of 0 switches the metric off: no later call would pass.
    const off = limit?.max === 0
    return new Refusal(
      off ? 'authFailed' : 'limitsExceeded',
      LIMITS_EXCEEDED.code,
      off ? null : (limit?.resetSeconds ?? null),
      limit,
      callerOf(app),
      breachOf(app, usage, reading, nowMs),
    )
  }
}

const callerOf = ({ application }: ApplicationView): Caller => ({
  application: application.id,
  account: application.accountId,
})

/** The first limit that the usage does not fit under. */
function breachOf(app: ApplicationView, usage: Usage, reading: LimitReading, nowMs: number): Breach | null {
  const { limits } = app.plan
  const at = limits.findIndex(
    ({ place, max }, i) => usage.has(place) && reading.before[i]! + usage.values[place]! > max,
  )
  const limit = limits[at]
  if (limit === undefined) return null
  const endMs = periodEndMs(limit.period, nowMs)
  return {
    name: `plan ${app.plan.plan.name}: ${app.service.tree.name(limit.place)} per ${limit.period}`,
    used: reading.before[at]!,
    limit: limit.max,
    resetsAtMs: endMs === Number.POSITIVE_INFINITY ? null : endMs,
  }
}

class LocalAdmission implements Admission {
  readonly service: string
  readonly application: string
  readonly account: string
  readonly limit: AccessLimit | null
  readonly #usage: Usage
  readonly #recorder: UsageRecorder
  readonly #atMs: number

  constructor(
    { application }: ApplicationView,
    usage: Usage,
    limit: AccessLimit | null,
    recorder: UsageRecorder,
    atMs: number,
  ) {
    this.service = application.serviceId
    this.application = application.id
    this.account = application.accountId
    this.limit = limit
    this.#usage = usage
    this.#recorder = recorder
    this.#atMs = atMs
  }

  // The status is in the record of the call, and counted from there.
  ended(): void {
    this.#recorder.addUsage(this.service, this.application, this.#usage, this.#atMs)
  }
}

function applicationOf(
  { service }: ServiceView,
  { userKey, appId }: AccessQuestion,
  directory: Directory,
): ApplicationView | Refusal {
  if (service.backendVersion === '1') {
    const app = userKey === null ? null : directory.byUserKey(service.id, userKey)
    return app ?? new Refusal('authFailed', 'user_key_invalid')
  }
  const app = appId === null ? null : directory.byAppId(service.id, appId)
  return app ?? new Refusal('authFailed', 'application_not_found')
}

function usageOf({ tree }: ServiceView, deltas: ReadonlyMap<string, number>): Usage | null {
  const usage = new Usage(tree)
  for (const [metric, delta] of deltas) {
    const place = tree.place(metric)
    if (place < 0) return null
    usage.use(place, delta, false)
  }
  return usage
}
