import type { Exchange } from '../../engine/exchange.ts'
import { Fault, type FaultTable } from '../../engine/fault.ts'
import { Message } from '../../engine/message.ts'
import { Reply, type Step } from '../../engine/outcome.ts'
import { type CompileEnv, definePolicy, type PolicyKind } from '../../engine/policy.ts'
import type { Template } from '../../engine/template.ts'
import { type Config, parse } from './config.ts'
import { acceptsHeaders, acceptsMethod, allows, listOf } from './rules.ts'

/**
 * Lets scripts of other origins call the proxy.
 *
 *     <CORS name="CORS-App">
 *       <AllowOrigins>https://app.example.com</AllowOrigins>
 *       <AllowMethods>GET, POST</AllowMethods>
 *     </CORS>
 *
 * Source: Apigee X's reference of the CORS policy; the Fetch standard for what browsers read.
 */
const faults = {
  UnresolvedVariable: {
    status: 500,
    message: 'CORS[{policy}]: {1}',
    cause: 'A list names a variable that is not set, and IgnoreUnresolvedVariables is false.',
  },
} as const satisfies FaultTable

type Env = CompileEnv<keyof typeof faults>

/** The lists of one call. */
interface Lists {
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  readonly exposed: readonly string[]
}

type ReadList = (x: Exchange) => readonly string[] | Fault

function compile(config: Config, env: Env): Step {
  const { credentials, answersPreflight } = config
  const maxAge = String(config.maxAge)
  const options = { ignoreUnresolved: config.ignoreUnresolved }
  const read = {
    origins: compileList(env.template(config.origins, options), env),
    methods: compileList(env.template(config.methods, options), env),
    headers: compileList(env.template(config.headers, options), env),
    exposed: compileList(env.template(config.exposed, options), env),
  }

  function answer(x: Exchange, origin: string, lists: Lists): void {
    const headers = originHeaders(origin, lists.origins, credentials)
    if (lists.exposed.length > 0) headers.push('Access-Control-Expose-Headers', lists.exposed.join(', '))
    x.answerHeaders = headers
  }

  function preflight(x: Exchange, origin: string, asked: string, lists: Lists): Reply | undefined {
    const askedHeaders = listOf(x.request.headers.all('access-control-request-headers').join(','))
    const accepted =
      allows(lists.origins, origin) &&
      acceptsMethod(lists.methods, asked) &&
      acceptsHeaders(lists.headers, askedHeaders)
    if (!answersPreflight) {
      setVariables(x, config, lists, origin, accepted)
      return undefined
    }
    x.answerHeaders = accepted ? preflightHeaders(origin, asked, askedHeaders, lists) : VARIES
    return new Reply(new Message('response'))
  }

  function preflightHeaders(origin: string, asked: string, askedHeaders: readonly string[], lists: Lists): string[] {
    const answered = originHeaders(origin, lists.origins, credentials)
    answered.push('Access-Control-Allow-Methods', named(lists.methods, [asked], credentials))
    const headers = named(lists.headers, askedHeaders, credentials)
    if (headers !== '') answered.push('Access-Control-Allow-Headers', headers)
    answered.push('Access-Control-Max-Age', maxAge)
    return answered
  }

  return (x) => {
    const origin = x.request.headers.get('origin')
    if (origin === undefined) return undefined
    const origins = read.origins(x)
    if (origins instanceof Fault) return origins
    const methods = read.methods(x)
    if (methods instanceof Fault) return methods
    const headers = read.headers(x)
    if (headers instanceof Fault) return headers
    const exposed = read.exposed(x)
    if (exposed instanceof Fault) return exposed
    const lists: Lists = { origins, methods, headers, exposed }
    const asked = x.request.verb === 'OPTIONS' ? x.request.headers.get('access-control-request-method') : undefined
    if (asked !== undefined) return preflight(x, origin.trim(), asked.trim(), lists)
    if (allows(origins, origin.trim())) answer(x, origin.trim(), lists)
    else x.answerHeaders = VARIES
    return undefined
  }
}

/** To an origin that is not allowed: caches must not give the answer to one that is. */
const VARIES = ['Vary', 'Origin']

/** A list without variables is the same array for each call. */
function compileList(template: Template, env: Env): ReadList {
  let lastText = ''
  let last: readonly string[] = []
  return (x) => {
    const text = template(x)
    if (text instanceof Fault) return env.fault('UnresolvedVariable', text.text)
    if (text !== lastText) {
      lastText = text
      last = listOf(text)
    }
    return last
  }
}

/** `*` only where no credentials travel: browsers refuse it then. */
function originHeaders(origin: string, origins: readonly string[], credentials: boolean): string[] {
  if (credentials) {
    return ['Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Credentials', 'true', 'Vary', 'Origin']
  }
  if (origins.includes('*')) return ['Access-Control-Allow-Origin', '*']
  return ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin']
}

/** With credentials `*` is a name like any other to browsers, so what was asked for stands in its place. */
function named(allowed: readonly string[], asked: readonly string[], credentials: boolean): string {
  return (credentials && allowed.includes('*') ? asked : allowed).join(', ')
}

/** What the documentation promises where the policy leaves the preflight to others. */
function setVariables(x: Exchange, config: Config, lists: Lists, origin: string, accepted: boolean): void {
  const set = (name: string, value: string | number | boolean): void =>
    x.set(`cross_origin_resource_sharing.${name}`, value)
  set('preflight.accepted', accepted)
  set('allow.origin', allows(lists.origins, origin) ? origin : '')
  set('allow.origins.list', lists.origins.join(', '))
  set('allow.methods', lists.methods.join(', '))
  set('allow.headers', lists.headers.join(', '))
  set('allow.credentials', config.credentials)
  set('expose.headers', lists.exposed.join(', '))
  set('max.age', config.maxAge)
}

const cors: PolicyKind = definePolicy<Config, typeof faults>({
  element: 'CORS',
  prefix: 'cors',
  faults,
  parse,
  compile,
})

export default cors
