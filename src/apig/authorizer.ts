import type { MaybePromise } from '../core/async.ts'
import { apigFault } from '../engine/apig-faults.ts'
import type { Exchange } from '../engine/exchange.ts'
import { Fault } from '../engine/fault.ts'
import { compileJavaRegex } from '../engine/language/java-regex.ts'
import type { Step } from '../engine/outcome.ts'
import { type OutboundAnswer, OutboundError } from '../engine/policy.ts'
import type { Authorizer, AuthorizerIdentity } from '../model/apig.ts'
import { pathNames } from './parameters.ts'
import type { ApigServices } from './services.ts'
import { sha256 } from './signature.ts'
import { stateOf } from './state.ts'

/** Its answer is 1 MB at most, as that of a function. */
const ANSWER_BYTES_MAX = 1024 * 1024
const CONNECT_TIMEOUT_MS = 3_000
const CONTEXT_MAX = 100

const REFUSED = apigFault('AuthorizerRefused')
const UNREACHABLE = apigFault('AuthorizerUnreachable')
const BAD_ANSWER = apigFault('AuthorizerAnswer')
const TOO_LARGE = apigFault('BodyTooLarge')
const CLIENT_GONE = apigFault('ClientGone')

interface Verdict {
  readonly allow: boolean
  readonly context: Readonly<Record<string, string>>
}

/**
 * Asks the custom authorizer: a POST of the event that the vendor gives a function, answered by
 * `{"statusCode": 200, "body": "{\"status\": \"allow\", \"context\": {...}}"}`. Answers are kept for its `ttl` by the values
 * of its identities, for all threads.
 */
export function authorizerStep(authorizer: Authorizer, services: ApigServices): Step {
  const identities = authorizer.identities.map((identity) => identityReader(identity))
  const cacheKey = `apig-authorizer ${authorizer.id} `
  /** Questions that are on their way, by the key of their answers. */
  const asked = new Map<string, Promise<Verdict | Fault>>()

  async function ask(x: Exchange): Promise<Verdict | Fault> {
    if (authorizer.needBody && !x.request.body.isEmpty) {
      const failure = await x.request.body.load(services.features.bodyBytesMax)
      if (failure !== undefined) return failure === 'too-big' ? TOO_LARGE : CLIENT_GONE
    }
    const answer = await services.outbound.call(x, {
      url: authorizer.url,
      method: 'POST',
      headers: ['Content-Type', 'application/json'],
      body: JSON.stringify(eventOf(x, authorizer)),
      timeoutMs: authorizer.timeoutMs,
      connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, authorizer.timeoutMs),
      ioTimeoutMs: authorizer.timeoutMs,
      answerBytesMax: ANSWER_BYTES_MAX,
    })
    if (answer instanceof OutboundError) return answer.kind === 'too-big' ? BAD_ANSWER : UNREACHABLE
    return verdictOf(answer) ?? BAD_ANSWER
  }

  function settle(x: Exchange, verdict: Verdict): Fault | undefined {
    stateOf(x).authorizer = new Map(Object.entries(verdict.context))
    return verdict.allow ? undefined : REFUSED
  }

  async function askFor(x: Exchange, key: string): Promise<Verdict | Fault> {
    const verdict = await ask(x)
    if (!(verdict instanceof Fault))
      await services.cache.put(key, JSON.stringify(verdict), authorizer.ttlSeconds * 1_000)
    return verdict
  }

  /** Calls that came together wait for one question; what went wrong with it is told to the one that asked, the others ask anew. */
  async function askOnce(x: Exchange, key: string): Promise<Verdict | Fault> {
    const other = asked.get(key)
    if (other !== undefined) {
      const verdict = await other
      return verdict instanceof Fault ? ask(x) : verdict
    }
    const own = askFor(x, key)
    asked.set(key, own)
    try {
      return await own
    } finally {
      asked.delete(key)
    }
  }

  async function askAndKeep(x: Exchange, key: string): Promise<Fault | undefined> {
    const kept = await services.cache.get(key)
    if (typeof kept === 'string') return settle(x, JSON.parse(kept) as Verdict)
    const verdict = await askOnce(x, key)
    return verdict instanceof Fault ? verdict : settle(x, verdict)
  }

  return (x): MaybePromise<Fault | undefined> => {
    const values: string[] = []
    for (const read of identities) {
      const value = read(x)
      if (value instanceof Fault) return value
      values.push(value)
    }
    if (authorizer.ttlSeconds > 0 && values.length > 0) {
      return askAndKeep(x, cacheKey + sha256(JSON.stringify(values)))
    }
    return ask(x).then((verdict) => (verdict instanceof Fault ? verdict : settle(x, verdict)))
  }
}

function identityReader({ name, location, validation }: AuthorizerIdentity): (x: Exchange) => string | Fault {
  const fault = apigFault('IdentityMissing', `${location.toLowerCase()} ${name}`)
  const lower = name.toLowerCase()
  const compiled = validation === '' ? null : compileJavaRegex(validation)
  const regex = compiled?.ok === true ? compiled.regex : null
  return (x) => {
    const value = location === 'HEADER' ? x.request.headers.get(lower) : x.request.query.get(name)
    if (value === undefined || value === '') return fault
    return regex === null || regex.matcher(value).matches() ? value : fault
  }
}

/** As FunctionGraph hands it to a function; the body in Base64. */
function eventOf(x: Exchange, authorizer: Authorizer): unknown {
  const { request } = x
  const { api, pathValues } = stateOf(x)
  const headers: Record<string, string> = Object.create(null)
  for (const name of request.headers.names())
    headers[name.toLowerCase()] = request.headers.all(name.toLowerCase()).join(',')
  const path: Record<string, string> = Object.create(null)
  for (const [i, name] of pathNames(api.path).entries()) path[name] = pathValues[i] ?? ''
  const query: Record<string, string> = Object.create(null)
  for (const name of request.query.names()) query[name] = request.query.get(name) ?? ''
  return {
    headers,
    queryStringParameters: query,
    httpMethod: stateOf(x).method,
    path: request.path,
    pathParameters: path,
    requestContext: { apiId: api.id, requestId: x.id, stage: api.stage, sourceIp: x.address },
    user_data: authorizer.userData,
    ...(authorizer.needBody && { body: request.bytes.toString('base64'), isBase64Encoded: true }),
  }
}

/** Null: the answer is not what a function must give. */
function verdictOf(answer: OutboundAnswer): Verdict | null {
  const outer = answer.status === 200 ? jsonObject(answer.body.toString('utf8')) : null
  if (outer === null || outer['statusCode'] !== 200) return null
  const { body } = outer
  const inner = typeof body === 'string' ? jsonObject(body) : isObject(body) ? body : null
  const status = inner?.['status']
  if (status !== 'allow' && status !== 'deny') return null
  const context: Record<string, string> = Object.create(null)
  const given = inner!['context']
  if (isObject(given)) {
    for (const [name, value] of Object.entries(given).slice(0, CONTEXT_MAX)) {
      if (typeof value === 'string') context[name] = value
      else if (typeof value === 'number' || typeof value === 'boolean') context[name] = String(value)
    }
  }
  return { allow: status === 'allow', context: { ...context } }
}

function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
