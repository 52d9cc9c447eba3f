import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { TooMuchToRead } from '../analytics/too-much.ts'
import type { AdminLog } from './options.ts'

/** An answer that is not the one that was asked for. Thrown by handlers; the shape of the API that was called makes the body. */
export class AdminError extends Error {
  readonly status: number
  readonly code: string
  /** What would be right, for vendors whose message has no room for it. */
  readonly hint: string | null
  /** As plain text, whatever format was asked for. */
  readonly plain: boolean

  constructor(status: number, code: string, message: string, hint: string | null = null, plain = false) {
    super(message)
    this.status = status
    this.code = code
    this.hint = hint
    this.plain = plain
  }
}

export interface ShapedError {
  readonly type: string
  readonly body: string
}

/** How one API words an error. `path` is without its query. */
export type ErrorShape = (error: AdminError, requestId: string, path: string) => ShapedError

const json = 'application/json; charset=utf-8'

/**
 * Each admin API answers errors in its vendor's shape. threescale: {"error": text}, and plain text where CSV was asked for
 * (porta's statistics controllers). edge: Apigee's management API. native: ours.
 */
export const errorShapes: {
  readonly native: ErrorShape
  readonly threescale: ErrorShape
  readonly edge: ErrorShape
  readonly apig: ErrorShape
} = {
  native: (error, requestId) => ({
    type: json,
    body: JSON.stringify({ error: { code: error.code, message: error.message, requestId } }),
  }),
  threescale: (error, _requestId, path) =>
    error.plain || path.endsWith('.csv')
      ? { type: 'text/plain; charset=utf-8', body: error.message }
      : {
          type: json,
          body: JSON.stringify({ error: error.message, ...(error.hint === null ? {} : { hint: error.hint }) }),
        },
  edge: (error) => ({
    type: json,
    body: JSON.stringify({ code: error.code, message: error.message, contexts: [] }),
  }),
  apig: (error) => ({
    type: json,
    body: JSON.stringify({ error_code: apigCode(error), error_msg: error.message }),
  }),
}

/** The management codes of APIG for what the door itself refuses. */
function apigCode({ code, status }: AdminError): string {
  if (code.startsWith('APIG.')) return code
  if (status === 401) return 'APIG.1002'
  if (status === 403) return 'APIG.1005'
  return status >= 500 ? 'APIG.9999' : 'APIG.2000'
}

/** The vocabulary of a path, for what no route of ours has: unknown paths and malformed requests. First match wins. */
const shapeOfPath: readonly (readonly [prefix: string, shape: ErrorShape])[] = [
  ['/stats/', errorShapes.threescale],
  ['/admin/api/', errorShapes.threescale],
  ['/internal/', errorShapes.threescale],
  ['/v1/', errorShapes.edge],
  ['/v2/', errorShapes.apig],
  ['/', errorShapes.native],
]

export function shapeFor(path: string): ErrorShape {
  const row = shapeOfPath.find(([prefix]) => path.startsWith(prefix))
  return row === undefined ? errorShapes.native : row[1]
}

/** The path without its query: a query may carry the token, so that nothing but this is ever logged or shown. */
export function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

/** fastify's own failures that have a better wording than its own. */
const known: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'The body is larger than this call takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'unknown_content_type', 'This Content-Type is not one that this call takes.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'bad_json', 'The Content-Type says JSON, but there is no body.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'bad_json', 'The body is not well-formed JSON.'],
  FST_ERR_BAD_URL: [400, 'bad_path', 'The path is not well-formed: a % must be followed by two hex digits.'],
  FST_ERR_HANDLER_TIMEOUT: [
    503,
    'timeout',
    'No answer within 30 seconds. Try again, with a shorter range if there is one.',
  ],
}

interface SchemaProblem {
  readonly instancePath: string
  readonly keyword: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** Types of JSON schema as people say them. */
const typeWords: Readonly<Record<string, string>> = {
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  string: 'one text, given once',
}

/** What a schema found wrong, in words that name the parameter and what would be right. */
export function schemaMessage(problems: readonly SchemaProblem[], where: string): Error {
  const problem = problems[0]
  if (problem === undefined) return new Error(`The ${where} is wrong.`)
  const name = problem.instancePath.slice(1).replaceAll('/', '.') || `The ${where}`
  const { params } = problem
  if (problem.keyword === 'additionalProperties') {
    return new Error(`There is no parameter ${JSON.stringify(params['additionalProperty'])} for this call.`)
  }
  if (problem.keyword === 'enum')
    return new Error(`${name} must be one of ${(params['allowedValues'] as string[]).join(', ')}.`)
  if (problem.keyword === 'required') return new Error(`The parameter ${String(params['missingProperty'])} is missing.`)
  if (problem.keyword === 'type')
    return new Error(`${name} must be ${typeWords[String(params['type'])] ?? `one ${String(params['type'])}`}.`)
  return new Error(`${name} ${problem.message ?? 'is wrong'}.`)
}

/** Whatever was thrown, as an error that may be shown: no stack, no inner words. */
export function toAdminError(error: unknown): AdminError {
  if (error instanceof AdminError) return error
  if (error instanceof TooMuchToRead) return new AdminError(400, 'too_much_to_read', `Too much: ${error.message}.`)
  const { code, statusCode, validation, message } = error as Partial<FastifyError>
  const row = code === undefined ? undefined : known[code]
  if (row !== undefined) return new AdminError(row[0], row[1], row[2])
  if (validation !== undefined) return new AdminError(400, 'bad_parameter', message ?? 'A parameter is wrong.')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AdminError(statusCode, 'bad_request', message ?? STATUS_CODES[statusCode] ?? 'Bad request')
  }
  return new AdminError(500, 'internal_error', 'Something failed inside; the log has it under this request id.')
}

export function sendError(
  error: AdminError,
  shape: ErrorShape,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const shaped = shape(error, request.id, pathOf(request.url))
  if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="postern admin"')
  return reply.code(error.status).type(shaped.type).send(shaped.body)
}

/** Answers every failure and every unknown path of this scope. `shape` null: by the path's first words. */
export function answerErrors(scope: FastifyInstance, shape: ErrorShape | null, log: AdminLog): void {
  scope.setErrorHandler((thrown: unknown, request, reply) => {
    const error = toAdminError(thrown)
    if (error.status === 500)
      log.error({ requestId: request.id, path: pathOf(request.url), err: thrown }, 'admin call failed')
    return sendError(error, shape ?? shapeFor(pathOf(request.url)), request, reply)
  })
  scope.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url)
    return sendError(
      new AdminError(404, 'not_found', `There is no ${request.method} ${path} here.`),
      shape ?? shapeFor(path),
      request,
      reply,
    )
  })
}
