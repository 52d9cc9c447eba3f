import { responseTypeOf } from '../engine/apig-faults.ts'
import type { Exchange } from '../engine/exchange.ts'
import { reasonOf } from '../engine/fault.ts'
import { Message } from '../engine/message.ts'
import { Reply, type Step } from '../engine/outcome.ts'
import type { CorsPolicy, GatewayResponse, HeaderEdit, PublishedApi } from '../model/apig.ts'
import { compileTemplate, jsonEscape, type Read } from './context.ts'
import { stateOf } from './state.ts'

/** What the API changes in the answers of its backend: the CORS switch, then the response-header plug-in. */
export function answerSteps(api: PublishedApi): Step[] {
  const steps: Step[] = []
  if (api.cors && api.corsPolicy === null) steps.push(corsSwitch)
  if (api.responseHeaders.length > 0) steps.push(headerEdits(api.responseHeaders))
  return steps
}

/** The backend's own CORS header wins. */
const corsSwitch: Step = (x) => {
  const { headers } = x.responseNow
  if (headers.get('access-control-allow-origin') === undefined) headers.set('Access-Control-Allow-Origin', '*')
  return undefined
}

type Edit = (x: Exchange, message: Message) => void

function headerEdits(edits: readonly HeaderEdit[]): Step {
  const compiled = edits.map(compileEdit)
  return (x) => {
    const message = x.responseNow
    for (const edit of compiled) edit(x, message)
    return undefined
  }
}

function compileEdit({ name, value, action }: HeaderEdit): Edit {
  const lower = name.toLowerCase()
  const text = compileTemplate(value, (one) => one)
  switch (action) {
    case 'override':
      return (x, { headers }) => headers.set(name, text(x))
    case 'append':
      return (x, { headers }) => headers.set(name, [...headers.all(lower), text(x)].join(', '))
    case 'delete':
      return (_x, { headers }) => headers.remove(lower)
    case 'skip':
      return (x, { headers }) => {
        if (headers.get(lower) === undefined) headers.set(name, text(x))
      }
    case 'add':
      return (x, { headers }) => headers.add(name, text(x))
  }
}

/** The CORS plug-in: preflights are answered, and all other answers get its headers, errors included. */
export function corsStep(policy: CorsPolicy): Step {
  const allowed = new Set(policy.origins)
  const common: string[] = []
  if (policy.credentials) common.push('Access-Control-Allow-Credentials', 'true')
  const exposed = policy.exposed === '' ? [] : ['Access-Control-Expose-Headers', policy.exposed]
  return (x) => {
    const origin = x.request.headers.get('origin')
    if (origin === undefined) return undefined
    const any = allowed.has('*')
    if (!any && !allowed.has(origin)) {
      x.answerHeaders = ['Vary', 'Origin']
      return isPreflight(x) ? new Reply(Message.response(204, reasonOf(204), [], null)) : undefined
    }
    const headers = ['Access-Control-Allow-Origin', any && !policy.credentials ? '*' : origin, ...common]
    if (!any || policy.credentials) headers.push('Vary', 'Origin')
    if (!isPreflight(x)) {
      x.answerHeaders = [...headers, ...exposed]
      return undefined
    }
    headers.push('Access-Control-Allow-Methods', policy.methods)
    if (policy.headers !== '') headers.push('Access-Control-Allow-Headers', policy.headers)
    headers.push('Access-Control-Max-Age', String(policy.maxAgeSeconds))
    x.answerHeaders = headers
    return new Reply(Message.response(204, reasonOf(204), [], null))
  }
}

const isPreflight = (x: Exchange): boolean =>
  stateOf(x).method === 'OPTIONS' && x.request.headers.get('access-control-request-method') !== undefined

/** Words errors as the gateway responses of the group say. Null: none is customised. */
export function gatewayResponses(responses: Readonly<Record<string, GatewayResponse>>): Step | null {
  const compiled = new Map(Object.entries(responses).map(([type, response]) => [type, compileResponse(response)]))
  if (compiled.size === 0) return null
  return (x) => {
    const { fault } = x
    if (fault === null) return undefined
    const response = compiled.get(responseTypeOf(fault))
    if (response !== undefined) x.error = response(x, fault.status)
    return undefined
  }
}

function compileResponse({ status, body, headers }: GatewayResponse): (x: Exchange, status: number) => Message {
  const text = compileTemplate(body, jsonEscape)
  const pairs: (readonly [string, Read])[] = []
  for (let i = 0; i < headers.length; i += 2) {
    pairs.push([headers[i]!, compileTemplate(headers[i + 1]!, (value) => value)])
  }
  const typed = pairs.some(([name]) => name.toLowerCase() === 'content-type')
  return (x, usual) => {
    const code = status ?? usual
    const message = Message.response(code, reasonOf(code), [], text(x))
    if (!typed) message.headers.set('Content-Type', 'application/json')
    for (const [name, value] of pairs) message.headers.set(name, value(x))
    return message
  }
}
