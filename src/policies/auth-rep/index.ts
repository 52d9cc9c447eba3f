import { timingSafeEqual } from 'node:crypto'
import { type AccessQuestion, type Admission, Refusal } from '../../engine/access.ts'
import { CONTENT_OF_REQUEST, loadContent } from '../../engine/content.ts'
import type { Exchange } from '../../engine/exchange.ts'
import { Fault, reasonOf } from '../../engine/fault.ts'
import type { Usages } from '../../engine/mapping-rules.ts'
import { Message } from '../../engine/message.ts'
import type { Outcome, Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import { AUTH_REP, type AuthRepConfig, type AuthRepFailure } from '../../model/auth-rep.ts'
import { type Credentials, compileCredentials } from './credentials.ts'
import { type AuthRepFault, faults } from './faults.ts'
import { parse } from './parse.ts'
import { compileUsage } from './usage.ts'

/**
 * Lets a call pass when the accounts of a 3scale service do, and reports it with its status when it is over.
 *
 *     <AuthRep name="AR-Weather">
 *       <Service>weather</Service>
 *       <UserKey ref="request.queryparam.user_key"/>
 *       <MappingRules>
 *         <MappingRule method="GET" pattern="/forecast" metric="forecast" delta="1"/>
 *       </MappingRules>
 *     </AuthRep>
 *
 * Source: APIcast's credentials, mapping rules and authorization; ours in an Apigee flow.
 */
type Env = CompileEnv<AuthRepFault>

const FAULT_OF: Readonly<Record<AuthRepFailure, AuthRepFault>> = {
  authFailed: 'AuthFailed',
  authMissing: 'AuthMissing',
  noMatch: 'NoMatch',
  limitsExceeded: 'LimitsExceeded',
}

/** A call on its way through the policy. */
interface Asked {
  readonly credentials: Credentials
  usages: Usages | null
}

function compile(config: AuthRepConfig, env: Env): Step {
  const { version, defaults } = config
  const readers = compileCredentials(config, env)
  const usage = compileUsage(config)
  const backend = env.access.open(config.access)
  const fail = failureOf(config, env)
  const debug = debugOf(config)

  function begin(x: Exchange): Outcome | Promise<Outcome> {
    const asked: Asked = { credentials: readers.read(x), usages: null }
    const readsForm = readers.needsForm(x, asked.credentials) || (usage.asksParameters && x.request.isForm)
    if (!readsForm) return identify(x, asked)
    const loading = loadContent(x, CONTENT_OF_REQUEST)
    if (loading instanceof Promise) return loading.then((fault) => fault ?? withForm(x, asked))
    return loading ?? withForm(x, asked)
  }

  function withForm(x: Exchange, asked: Asked): Outcome | Promise<Outcome> {
    readers.addFromForm(x, asked.credentials)
    return identify(x, asked)
  }

  function identify(x: Exchange, asked: Asked): Outcome | Promise<Outcome> {
    const { credentials } = asked
    credentials.userKey ??= defaults.userKey ?? null
    if (credentials.appId === null && defaults.appId !== undefined) {
      credentials.appId = defaults.appId
      credentials.appKey = defaults.appKey ?? null
    }
    if (isMissing(credentials, version)) return refuse(x, 'authMissing')
    asked.usages = usage.read(x)
    debug?.(x, asked)
    if (asked.usages === null) return refuse(x, 'noMatch')
    const question: AccessQuestion = { ...credentials, deltas: asked.usages.deltas }
    const answer = backend.ask(question, env.now())
    return answer instanceof Promise ? answer.then((late) => settle(x, late)) : settle(x, answer)
  }

  function settle(x: Exchange, answer: Admission | Refusal): Outcome {
    if (config.rateLimitHeaders) addLimitHeaders(x, answer)
    if (answer instanceof Refusal) return refuse(x, answer.kind, answer)
    if (x.admissions === null) x.admissions = [answer]
    else x.admissions.push(answer)
    if (answer.application !== '') x.caller = { application: answer.application, account: answer.account }
    return undefined
  }

  function refuse(x: Exchange, failure: AuthRepFailure, refusal: Refusal | null = null): Fault {
    x.refused = true
    x.set(`authrep.${env.policy.name}.failed`, true)
    if (refusal !== null) {
      x.set(`authrep.${env.policy.name}.reason`, refusal.reason)
      x.caller ??= refusal.caller
      x.breach = refusal.breach
    }
    const retryAfter = refusal?.kind === 'limitsExceeded' ? refusal.retryAfterSeconds : null
    if (retryAfter !== null && retryAfter >= 0) addHeaders(x, ['Retry-After', String(retryAfter)])
    return fail(failure)
  }

  return begin
}

function isMissing({ userKey, appId, appKey }: Credentials, version: AuthRepConfig['version']): boolean {
  if (version === '1') return userKey === null || userKey === ''
  // An application without keys of its own needs no app_key, but a gateway wants to see one (APIcast).
  if (version === '2') return appId === null || appId === '' || appKey === null
  return (userKey === null || userKey === '') && (appId === null || appId === '')
}

type Fail = (failure: AuthRepFailure) => Fault

/** The faults of the policy; an APIcast service has texts of its own for them. */
function failureOf({ errors }: AuthRepConfig, env: Env): Fail {
  return (failure) => {
    const fault = env.fault(FAULT_OF[failure])
    const answer = errors?.[failure] ?? null
    if (answer === null) return fault
    const { status, contentType, text } = answer
    const reason = reasonOf(status)
    const message = Message.response(status, reason, ['Content-Type', contentType], text)
    return new Fault(fault.code, status, fault.text, fault.by, message, reason)
  }
}

function addLimitHeaders(x: Exchange, { limit }: { readonly limit: Admission['limit'] }): void {
  if (limit === null || limit.max === null) return
  addHeaders(x, [
    'RateLimit-Limit',
    String(limit.max),
    'RateLimit-Remaining',
    String(limit.remaining),
    'RateLimit-Reset',
    String(limit.resetSeconds),
  ])
}

function addHeaders(x: Exchange, headers: readonly string[]): void {
  x.answerHeaders = x.answerHeaders === null ? headers : [...x.answerHeaders, ...headers]
}

type Debug = (x: Exchange, asked: Asked) => void

/** Headers for who sends `X-3scale-Debug` with the token (APIcast). */
function debugOf({ debug }: AuthRepConfig): Debug | null {
  if (debug === null) return null
  const token = Buffer.from(debug.token)
  return (x, { credentials, usages }) => {
    const offered = x.request.headers.get('x-3scale-debug')
    if (offered === undefined) return
    x.request.headers.remove('x-3scale-debug')
    const bytes = Buffer.from(offered)
    if (bytes.length !== token.length || !timingSafeEqual(bytes, token)) return
    const pairs = (entries: readonly (readonly [string, string | number])[]): string =>
      entries.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
    const offeredPairs: [string, string][] = []
    if (credentials.userKey !== null) offeredPairs.push(['user_key', credentials.userKey])
    if (credentials.appId !== null) offeredPairs.push(['app_id', credentials.appId])
    if (credentials.appKey !== null) offeredPairs.push(['app_key', credentials.appKey])
    addHeaders(x, [
      'X-3scale-matched-rules',
      (usages?.matched ?? []).map(({ pattern }) => pattern).join(', '),
      'X-3scale-credentials',
      pairs(offeredPairs),
      'X-3scale-usage',
      pairs([...(usages?.deltas ?? [])].map(([metric, delta]) => [`usage[${metric}]`, delta])),
      'X-3scale-hostname',
      x.client.host,
      'X-3scale-service-id',
      debug.serviceId,
      'X-3scale-service-name',
      debug.serviceName,
    ])
  }
}

const authRep: PolicyKind = definePolicy<AuthRepConfig, typeof faults>({
  element: AUTH_REP,
  prefix: 'authrep',
  faults,
  identifies: true,
  parse,
  compile,
})

export default authRep
