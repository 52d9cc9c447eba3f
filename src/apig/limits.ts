import type { MaybePromise } from '../core/async.ts'
import type { KeyPrefix } from '../core/counter-keys.ts'
import type { Counters, Decision } from '../core/counters.ts'
import { fixedWindow, UNIT_MS, windowEndMs } from '../core/windows.ts'
import { apigFault } from '../engine/apig-faults.ts'
import { Decisions } from '../engine/decisions.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { Fault } from '../engine/fault.ts'
import type { Step } from '../engine/outcome.ts'
import type { CredentialQuota, PublishedApi, RateParameter, RateRules } from '../model/apig.ts'
import type { Read } from './context.ts'
import { contextValue } from './context.ts'
import { compileExpression } from './expressions.ts'
import type { ApigServices } from './services.ts'
import { stateOf } from './state.ts'

/** Rules that one call may match; more than that many at once serve nobody. */
const RULES_AT_ONCE_MAX = 16

/**
 * The rules of the rate_limit plug-in: each that matches counts the call in its own window, all or nothing; the first that
 * is used up refuses. `tellsWhen`: by `Retry-After`.
 */
export function rateRulesStep(
  api: PublishedApi,
  { parameters, rules }: RateRules,
  tellsWhen: boolean,
  services: ApigServices,
): Step | null {
  if (rules.length === 0) return null
  const { counters } = services
  const decisions = new Decisions(RULES_AT_ONCE_MAX)
  const compiled = rules.map((rule) => {
    const window = fixedWindow(rule.intervalCount, rule.unit)
    const text = `policy ${rule.name} over ratelimit,limit:${rule.limit},time:${window.text}`
    return {
      name: rule.name,
      test: compileExpression(rule.test, (name) => rateValue(name, parameters)),
      limit: rule.limit,
      lengthMs: window.lengthMs,
      key: counters.keys.prefix('apig-rule', api.id, api.stage, rule.name, window.lengthMs),
      fault: apigFault('Throttled', text),
    }
  })
  type Rule = (typeof compiled)[number]

  function settle(x: Exchange, decision: Decision, matched: readonly Rule[], admitted: boolean): Fault | undefined {
    const { breached } = decision
    const endMs = admitted ? 0 : decision.endsMs[breached]!
    decisions.giveBack(decision)
    if (admitted) return undefined
    const rule = matched[breached]!
    x.breach = { name: `rate rule ${rule.name}`, used: rule.limit, limit: rule.limit, resetsAtMs: endMs }
    if (tellsWhen) {
      const seconds = Math.max(1, Math.ceil((endMs - services.now()) / 1_000))
      x.answerHeaders = [...(x.answerHeaders ?? []), 'Retry-After', String(seconds)]
    }
    return rule.fault
  }

  return (x): MaybePromise<Fault | undefined> => {
    const matched = compiled.filter((rule) => rule.test(x)).slice(0, RULES_AT_ONCE_MAX)
    if (matched.length === 0) return undefined
    const nowMs = services.now()
    const decision = decisions.lend()
    for (const { limit, lengthMs, key } of matched) {
      key.write(decision.keys, decision.add(windowEndMs(nowMs, lengthMs), lengthMs, limit, 1))
    }
    const answer = counters.take(decision, nowMs)
    return answer instanceof Promise
      ? answer.then((admitted) => settle(x, decision, matched, admitted))
      : settle(x, decision, matched, answer)
  }
}

/** `reqPath` and `method` are there without being declared. */
function rateValue(name: string, parameters: readonly RateParameter[]): Read | null {
  const declared = parameters.find((one) => one.name === name)
  const value = declared?.value ?? ''
  switch (declared?.type) {
    case 'path':
      return (x) => x.basePath
    case 'method':
      return (x) => stateOf(x).method
    case 'header':
      return (x) => x.request.headers.get(value.toLowerCase()) ?? ''
    case 'query':
      return (x) => x.request.query.get(value) ?? ''
    case 'system':
      return contextValue(value.replace(/^\$context\./, ''))
  }
  if (name === 'reqPath') return (x) => x.basePath
  return name === 'method' || name === 'reqMethod' ? (x) => stateOf(x).method : null
}

const QUOTA_USED = apigFault('QuotaUsed')

/** Names the counters of quotas: which quota, whose. */
export const quotaPrefix = (counters: Counters): KeyPrefix => counters.keys.prefix('apig-quota')

export const quotaKey = (quota: CredentialQuota, appId: string): string =>
  `${quota.id} ${appId} ${quotaLengthMs(quota)}`

export const quotaLengthMs = ({ intervalCount, unit }: CredentialQuota): number => intervalCount * UNIT_MS[unit]

/** When the cycle ends that a time is in, ms since the epoch. */
export function quotaEndMs(quota: CredentialQuota, nowMs: number): number {
  const lengthMs = quotaLengthMs(quota)
  return quota.resetAtMs + (Math.floor((nowMs - quota.resetAtMs) / lengthMs) + 1) * lengthMs
}

/** The quota of the credential: cycles counted from its `reset_time`. Throttled calls use none of it. */
export function quotaStep(services: ApigServices): Step {
  const { counters } = services
  const prefix = quotaPrefix(counters)
  const decisions = new Decisions(1)

  function settle(x: Exchange, decision: Decision, admitted: boolean): Fault | undefined {
    const [used, limit, endMs] = [decision.counts[0]!, decision.limits[0]!, decision.endsMs[0]!]
    decisions.giveBack(decision)
    if (admitted) return undefined
    x.breach = { name: 'quota of the credential', used, limit, resetsAtMs: endMs }
    return QUOTA_USED
  }

  return (x: Exchange): MaybePromise<Fault | undefined> => {
    const { app } = stateOf(x)
    if (app === null || app.quota === null) return undefined
    const { quota } = app
    const nowMs = services.now()
    const decision = decisions.lend()
    const check = decision.add(quotaEndMs(quota, nowMs), quotaLengthMs(quota), quota.calls, 1)
    prefix.writeWith(quotaKey(quota, app.id), decision.keys, check)
    const answer = counters.take(decision, nowMs)
    return answer instanceof Promise ? answer.then((late) => settle(x, decision, late)) : settle(x, decision, answer)
  }
}
