import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RegistryError } from '../../../accounts/registry.ts'
import { type Guard, offeredSecrets } from '../../auth.ts'
import { AdminError } from '../../errors.ts'
import { type Answer, toJson, toXml } from './answer.ts'
import { APPLICATION_ROUTES } from './applications.ts'
import type { AccountContext, Handler, Route } from './context.ts'
import { CUSTOM_PLAN_ROUTES } from './custom-plans.ts'
import { flattened, InvalidFields, NotFound } from './input.ts'
import { PLAN_ROUTES } from './plans.ts'
import { PROXY_ROUTES } from './proxies.ts'
import { SERVICE_ROUTES } from './services.ts'

const ROUTES: readonly Route[] = [
  ...SERVICE_ROUTES,
  ...PLAN_ROUTES,
  ...CUSTOM_PLAN_ROUTES,
  ...APPLICATION_ROUTES,
  ...PROXY_ROUTES,
]

interface Compiled {
  readonly method: string
  readonly segments: readonly string[]
  readonly handler: Handler
}

// Words before `:names`, so that `applications/find` is not an id.
const COMPILED: readonly Compiled[] = ROUTES.map(([method, pattern, handler]) => ({
  method,
  segments: pattern.split('/'),
  handler,
})).sort((a, b) => a.segments.filter(isName).length - b.segments.filter(isName).length)

function isName(segment: string): boolean {
  return segment.startsWith(':')
}

type Format = 'json' | 'xml'

/** 3scale's Account Management API below /admin/api. Source: porta's controllers and its ActiveDocs. */
export function accountRoutes(scope: FastifyInstance, context: AccountContext, guard: Guard): void {
  scope.removeAllContentTypeParsers()
  for (const [type, parse] of BODY_PARSERS) {
    scope.addContentTypeParser(type, { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) =>
      parse(utf8Of(body)),
    )
  }
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    if (body.length === 0) return {}
    const type = request.headers['content-type'] ?? ''
    throw new AdminError(415, 'unknown_content_type', `The body must be ${BODY_TYPES}, not ${type.slice(0, 100)}.`)
  })
  scope.addHook('preHandler', async (request) => {
    mustBeEncoded(queryOf(request.url), 'query')
    const refusal = guard.refusal(request, [...offeredSecrets(request), ...secretsInBody(request.body)])
    if (refusal !== undefined) throw refusal
  })
  scope.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/*',
    handler: async (request: FastifyRequest<{ Params: { '*': string } }>, reply) => {
      const match = /^(.*?)(?:\.(json|xml))?$/.exec(request.params['*'].replace(/\/+$/, ''))!
      const format: Format = match[2] === 'json' ? 'json' : 'xml'
      return send(reply, format, await answer(request, match[1]!, context))
    },
  })
}

async function answer(request: FastifyRequest, path: string, context: AccountContext): Promise<Answer> {
  const method = request.method === 'PATCH' ? 'PUT' : request.method
  const segments = path.split('/')
  for (const { method: wanted, segments: pattern, handler } of COMPILED) {
    const names = wanted === method ? bind(pattern, segments) : null
    if (names === null) continue
    try {
      return await handler({ context, path: names, input: flattened(request.query, request.body) })
    } catch (error) {
      return failed(error)
    }
  }
  return NOT_FOUND
}

function bind(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null
  const names: Record<string, string> = Object.create(null)
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i]!
    if (isName(part)) names[part.slice(1)] = segment
    else if (part !== segment) return null
  }
  return names
}

const NOT_FOUND: Answer = { status: 404, body: { status: 'Not found' } }

function failed(error: unknown): Answer {
  if (error instanceof NotFound) return NOT_FOUND
  if (error instanceof InvalidFields) return { status: 422, body: { errors: error.errors } }
  if (error instanceof RegistryError) {
    if (error.reason === 'missing') return NOT_FOUND
    if (error.reason === 'owned-by-file') throw new AdminError(409, 'owned_by_file', error.message)
    return { status: 422, body: { errors: { [error.field ?? 'base']: [error.message] } } }
  }
  throw error
}

function send(reply: FastifyReply, format: Format, { status, body }: Answer): FastifyReply {
  reply.code(status)
  if (format === 'json') {
    reply.type('application/json; charset=utf-8')
    return reply.send(body === null ? '' : JSON.stringify(toJson(body)))
  }
  reply.type('application/xml; charset=utf-8')
  return reply.send(body === null ? '' : xmlOf(body))
}

/** Errors have a shape of their own: `<errors><error>name: text</error></errors>`. */
function xmlOf(body: object): string {
  if (!('errors' in body)) return 'status' in body && body.status === 'Not found' ? NOT_FOUND_XML : toXml(body)
  const errors = Object.entries(body.errors as Record<string, readonly string[]>).flatMap(([name, texts]) =>
    texts.map((text) => ({ type: 'error', text: name === 'base' ? text : `${humanized(name)} ${text}` })),
  )
  const inner = errors.map(({ text }) => `<error>${text.replace(/[&<>]/g, (c) => ESCAPES[c]!)}</error>`).join('')
  return `<?xml version="1.0" encoding="UTF-8"?><errors>${inner}</errors>`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const NOT_FOUND_XML = '<?xml version="1.0" encoding="UTF-8"?><error>Not found</error>'

/** `system_name` -> `System name` */
function humanized(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const BODY_PARSERS: readonly (readonly [type: string, parse: (text: string) => unknown])[] = [
  ['application/x-www-form-urlencoded', formOf],
  ['application/json', jsonOf],
]
const BODY_TYPES = BODY_PARSERS.map(([type]) => type).join(' or ')

function jsonOf(text: string): unknown {
  // The Ruby client names JSON even where it sends nothing.
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new AdminError(400, 'bad_json', 'The body is not well-formed JSON.')
  }
}

function utf8Of(body: Buffer): string {
  if (isUtf8(body)) return body.toString('utf8')
  throw new AdminError(400, 'bad_encoding', 'The body is not UTF-8.')
}

const queryOf = (url: string): string => (url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')

/** Nothing is stored that was guessed at. */
function mustBeEncoded(form: string, what: 'query' | 'body'): void {
  try {
    decodeURIComponent(form)
  } catch {
    const text = `The ${what} is not well-encoded: % is followed by two hex digits, and what they stand for is UTF-8.`
    throw new AdminError(400, 'bad_encoding', text)
  }
}

/** Flat names, or `service[name]`: one level, as forms of Rails have it. */
function formOf(text: string): Record<string, unknown> {
  mustBeEncoded(text, 'body')
  const form: Record<string, unknown> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const match = /^(\w+)\[(\w+)\]$/.exec(name)
    if (match === null) form[name] = value
    else {
      const [, outer, inner] = match as unknown as [string, string, string]
      const known = form[outer]
      const object = typeof known === 'object' && known !== null ? (known as Record<string, unknown>) : {}
      object[inner] = value
      form[outer] = object
    }
  }
  return form
}

/** Forms carry the token among their fields. */
function secretsInBody(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return []
  const { access_token: token, provider_key: key } = body as Record<string, unknown>
  return [token, key].filter((secret) => typeof secret === 'string')
}
