import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { edgeOf, exported } from '../../trace/export.ts'
import type { TraceFilter } from '../../trace/orders.ts'
import { type DebugSession, EDGE_COUNT, EDGE_SECONDS, SessionError, type Transaction } from '../../trace/sessions.ts'
import { AdminError } from '../errors.ts'
import type { TraceContext } from '../options.ts'
import { answering, type EdgeContext, nameOf, revisionOf } from './context.ts'

const MISSING = 'messaging.config.beans.DebugSessionDoesNotExist'
const INVALID = 'messaging.config.beans.InvalidDebugSession'

const REFUSED: Readonly<Record<SessionError['reason'], readonly [status: number, code: string]>> = {
  undeployed: [400, 'messaging.config.beans.RevisionNotDeployed'],
  exists: [409, 'messaging.config.beans.DebugSessionAlreadyExists'],
  'too-many': [409, 'messaging.config.beans.TooManyDebugSessions'],
}

/**
 * Edge's debug sessions: `.../apis/{api}/revisions/{revision}/debugsessions`. Filters are in the query: `header_NAME` and
 * `qparam_NAME`, all of them must fit. A session takes 20 calls in 10 minutes at most, as Edge's. Data come as JSON, or (by `Accept` or
 * `format=xml`) as the XML of an offline trace.
 */
export function debugSessionRoutes(scope: FastifyInstance, { organization }: EdgeContext, trace: TraceContext): void {
  const { sessions } = trace
  const sessionOf = (request: FastifyRequest): DebugSession => {
    const { env, session } = request.params as { env: string; session: string }
    const found = sessions.of(env, nameOf(request), revisionOf(request)).find(({ name }) => name === session)
    if (found !== undefined) return found
    const text = `there is no debug session ${session.slice(0, 100)} of revision ${revisionOf(request)} of ${nameOf(request)}`
    throw new AdminError(404, MISSING, text)
  }
  const send = (
    request: FastifyRequest,
    reply: FastifyReply,
    session: DebugSession,
    transactions: readonly Transaction[],
    json: () => unknown,
  ): unknown => {
    if (!wantsXml(request)) return json()
    reply.type('application/xml; charset=utf-8')
    return exported(session, transactions, 'xml', { organization, nowMs: trace.now() })
  }

  for (const word of ['environments', 'e']) {
    const path = `/${word}/:env/apis/:name/revisions/:revision/debugsessions`
    scope.get(
      path,
      answering((request) => {
        const { env } = request.params as { env: string }
        return sessions.of(env, nameOf(request), revisionOf(request)).map(({ name }) => name)
      }),
    )
    scope.post(
      path,
      answering(async (request, reply) => {
        const { env } = request.params as { env: string }
        const asked = newSession(parameters(request))
        try {
          const made = { ...asked, environment: env, proxy: nameOf(request), revision: revisionOf(request) }
          const session = await sessions.create({ ...made, count: EDGE_COUNT })
          reply.code(201)
          return shown(session, organization)
        } catch (error) {
          if (!(error instanceof SessionError)) throw error
          throw new AdminError(...REFUSED[error.reason], error.message)
        }
      }),
    )
    scope.get(
      `${path}/:session`,
      answering((request) => shown(sessionOf(request), organization)),
    )
    scope.delete(
      `${path}/:session`,
      answering(async (request) => {
        const session = sessionOf(request)
        await sessions.remove(session.id)
        return shown(session, organization)
      }),
    )
    scope.get(
      `${path}/:session/data`,
      answering((request, reply) => {
        const session = sessionOf(request)
        const { limit } = request.query as { limit?: string }
        const latest = limit === undefined ? session.transactions : session.transactions.slice(-limitOf(limit))
        return send(request, reply, session, latest, () => latest.map(({ id }) => id))
      }),
    )
    scope.get(
      `${path}/:session/data/:transaction`,
      answering((request, reply) => {
        const session = sessionOf(request)
        const { transaction } = request.params as { transaction: string }
        const found = session.transactions.find(({ id }) => id === transaction)
        if (found === undefined) {
          const text = `the debug session ${session.name} has no transaction ${transaction.slice(0, 100)}`
          throw new AdminError(404, 'messaging.config.beans.DebugTransactionDoesNotExist', text)
        }
        return send(request, reply, session, [found], () => edgeOf(found))
      }),
    )
  }
}

type Parameters = Readonly<Record<string, unknown>>

/** In the query; clients that send a form have them there. */
function parameters({ query, body }: FastifyRequest): Parameters {
  const form = typeof body === 'object' && body !== null && !Buffer.isBuffer(body) ? body : {}
  return { ...(query as Parameters), ...form }
}

/** The ways in which the admin token may come are no parameters of a session. */
const CREDENTIALS: ReadonlySet<string> = new Set(['access_token', 'provider_key'])

function newSession(asked: Parameters): { name: string; seconds: number; filter: TraceFilter } {
  const headers: [string, string][] = []
  const query: [string, string][] = []
  let name = ''
  let seconds = EDGE_SECONDS
  for (const [key, value] of Object.entries(asked)) {
    const texts = (Array.isArray(value) ? value : [value]).map(String)
    if (key === 'session') name = nameIn(texts)
    else if (key === 'timeout') seconds = secondsIn(texts)
    else if (/^header_./.test(key)) for (const one of texts) headers.push([key.slice(7).toLowerCase(), one])
    else if (/^qparam_./.test(key)) for (const one of texts) query.push([key.slice(7), one])
    else if (!CREDENTIALS.has(key)) {
      const text = `there is no parameter ${JSON.stringify(key.slice(0, 100))}; those of a session are session, timeout, header_NAME and qparam_NAME`
      throw new AdminError(400, INVALID, text)
    }
  }
  if (name === '') throw new AdminError(400, INVALID, 'session=NAME is missing: what the session is called')
  if (headers.length + query.length > 50) throw new AdminError(400, INVALID, 'a session has at most 50 filters')
  return { name, seconds, filter: { headers, query } }
}

function nameIn(texts: readonly string[]): string {
  const name = texts.length === 1 ? texts[0]! : ''
  if (/^[\w. :-]{1,255}$/.test(name)) return name
  const text = 'session must be given once: 1 to 255 letters, digits, blanks and any of _ . : -'
  throw new AdminError(400, INVALID, text)
}

function secondsIn(texts: readonly string[]): number {
  const text = texts.length === 1 ? texts[0]! : ''
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= EDGE_SECONDS) return Number(text)
  const hint = `timeout is a number of seconds from 1 to ${EDGE_SECONDS}; a session without an end is POST /api/trace/sessions`
  throw new AdminError(400, INVALID, hint)
}

function limitOf(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new AdminError(400, INVALID, 'limit is a whole number from 1')
}

function wantsXml({ query, headers }: FastifyRequest): boolean {
  const { format } = query as { format?: string }
  if (format !== undefined) {
    if (format === 'xml' || format === 'json') return format === 'xml'
    throw new AdminError(400, INVALID, 'format is json or xml')
  }
  return /^\s*(?:application|text)\/xml\b/i.test(headers.accept ?? '')
}

/** A session as Edge's JSON names its parts; the rest is ours. */
function shown(session: DebugSession, organization: string): unknown {
  return {
    organization,
    environment: session.environment,
    aPI: session.proxy,
    revision: String(session.revision),
    session: session.name,
    name: session.name,
    timeout: String(session.seconds ?? 0),
    count: session.count,
    state: session.state,
    transactions: session.transactions.length,
    unmatchedMasks: session.unmatched,
  }
}
