import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TracedCall } from '../../model/traced-call.ts'
import { EXPORT_FORMATS, type ExportFormat, exported } from '../../trace/export.ts'
import { type DebugSession, KEPT_MS, RING_CALLS_MAX, SessionError } from '../../trace/sessions.ts'
import { AdminError } from '../errors.ts'
import type { TraceContext } from '../options.ts'
import type { TraceCallsAnswer, TraceSessionAnswer, TraceSessionsAnswer } from './trace-answers.ts'

const tokenParameters = { access_token: { type: 'string' }, provider_key: { type: 'string' } } as const
const noParameters = { type: 'object', properties: tokenParameters, additionalProperties: false } as const
const filters = {
  type: 'object',
  maxProperties: 50,
  additionalProperties: { type: 'string', maxLength: 1_000 },
} as const

const newSessionBody = {
  type: 'object',
  required: ['proxy'],
  properties: {
    proxy: { type: 'string', minLength: 1, maxLength: 255 },
    environment: { type: 'string', minLength: 1, maxLength: 255 },
    revision: { type: 'integer', minimum: 1 },
    name: { type: 'string', pattern: '^[\\w. :-]{1,255}$' },
    headers: filters,
    query: filters,
    count: { type: ['integer', 'null'], minimum: 1, maximum: RING_CALLS_MAX },
    seconds: { type: ['integer', 'null'], minimum: 1, maximum: 20 * 24 * 3600 },
  },
  additionalProperties: false,
} as const

interface NewSessionBody {
  readonly proxy: string
  readonly environment?: string
  readonly revision?: number
  readonly name?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly count?: number | null
  readonly seconds?: number | null
}

const exportParameters = {
  type: 'object',
  properties: { ...tokenParameters, format: { type: 'string', enum: EXPORT_FORMATS } },
  additionalProperties: false,
} as const

const STATUS: Readonly<Record<SessionError['reason'], number>> = { undeployed: 404, exists: 409, 'too-many': 409 }
const CODES: Readonly<Record<SessionError['reason'], string>> = {
  undeployed: 'not_deployed',
  exists: 'session_exists',
  'too-many': 'too_many_sessions',
}

/** Debug sessions as the dashboard has them: without limits of count and time unless they are asked for, with calls in full. */
export function traceRoutes(scope: FastifyInstance, trace: TraceContext): void {
  const { sessions } = trace
  const schema = { querystring: noParameters }
  const sessionOf = (request: FastifyRequest): DebugSession => {
    const { id } = request.params as { id: string }
    const found = sessions.byId(id)
    if (found !== null) return found
    const text = `There is no trace session ${id.slice(0, 100)}; one that is over is kept for ${KEPT_MS / 60_000} minutes.`
    throw new AdminError(404, 'unknown_session', text)
  }
  scope.get('/trace/sessions', { schema }, (): TraceSessionsAnswer => {
    return { sessions: sessions.list.map(sessionAnswer).reverse(), deployed: trace.deployed() }
  })
  scope.post(
    '/trace/sessions',
    { schema: { querystring: noParameters, body: newSessionBody } },
    async (request: FastifyRequest<{ Body: NewSessionBody }>, reply) => {
      try {
        const session = await sessions.create(newSession(request.body, trace))
        reply.code(201)
        return sessionAnswer(session)
      } catch (error) {
        if (!(error instanceof SessionError)) throw error
        throw new AdminError(STATUS[error.reason], CODES[error.reason], `${error.message}.`)
      }
    },
  )
  scope.get('/trace/sessions/:id', { schema }, (request): TraceCallsAnswer => {
    const session = sessionOf(request)
    const calls = session.transactions.map(({ id, summary: { masked, unmatched, ...summary } }) => ({ id, ...summary }))
    return { session: sessionAnswer(session), calls: calls.reverse() }
  })
  scope.post('/trace/sessions/:id/stop', { schema }, async (request) => {
    const { id } = sessionOf(request)
    await sessions.stop(id)
    return sessionAnswer(sessionOf(request))
  })
  scope.delete('/trace/sessions/:id', { schema }, async (request, reply) => {
    await sessions.remove(sessionOf(request).id)
    return reply.code(204).send()
  })
  scope.get('/trace/sessions/:id/calls/:call', { schema }, (request): TracedCall => {
    const session = sessionOf(request)
    const { call } = request.params as { call: string }
    const found = session.transactions.find(({ id }) => id === call)
    if (found !== undefined) return JSON.parse(found.text) as TracedCall
    throw new AdminError(404, 'unknown_call', `The session ${session.name} has no call ${call.slice(0, 100)}.`)
  })
  scope.get(
    '/trace/sessions/:id/export',
    { schema: { querystring: exportParameters } },
    (request: FastifyRequest<{ Querystring: { format?: ExportFormat } }>, reply) => {
      const session = sessionOf(request)
      const format = request.query.format ?? 'json'
      const file = `trace-${session.proxy}-${session.revision}-${session.name}`.replace(/[^\w.-]+/g, '_')
      reply.header('content-disposition', `attachment; filename="${file}.${format}"`)
      reply.type(`application/${format}; charset=utf-8`)
      const where = { organization: trace.organization, nowMs: trace.now() }
      return reply.send(exported(session, session.transactions, format, where))
    },
  )
  scope.get('/trace/calls/:requestId', { schema }, (request): TracedCall => {
    const { requestId } = request.params as { requestId: string }
    const call = sessions.callOf(requestId)
    if (call !== null) return call
    const text = `No trace session has recorded the request ${requestId.slice(0, 100)}; start one and send it again.`
    throw new AdminError(404, 'unknown_call', text)
  })
}

function newSession(body: NewSessionBody, trace: TraceContext): Parameters<TraceContext['sessions']['create']>[0] {
  const { proxy, environment, revision } = body
  const fitting = trace
    .deployed()
    .filter(
      (one) =>
        one.proxy === proxy &&
        (environment === undefined || one.environment === environment) &&
        (revision === undefined || one.revision === revision),
    )
  const [found, other] = fitting
  if (found === undefined) {
    const where = environment === undefined ? '' : ` in environment ${environment}`
    const what = revision === undefined ? proxy : `revision ${revision} of ${proxy}`
    throw new AdminError(404, 'not_deployed', `${what} is not deployed${where}; GET /api/trace/sessions lists what is.`)
  }
  if (other !== undefined && other.environment !== found.environment) {
    const names = fitting.map((one) => one.environment).join(', ')
    throw new AdminError(400, 'bad_parameter', `${proxy} is deployed in ${names}; give environment.`)
  }
  return {
    ...found,
    name: body.name ?? nameAt(trace.now()),
    filter: {
      headers: Object.entries(body.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const),
      query: Object.entries(body.query ?? {}),
    },
    count: body.count ?? null,
    seconds: body.seconds ?? null,
  }
}

/** Two that are made in the same second are apart too. */
function nameAt(ms: number): string {
  return `trace ${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} ${randomBytes(2).toString('hex')}`
}

function sessionAnswer(session: DebugSession): TraceSessionAnswer {
  const { filter, transactions, masked, unmatched } = session
  return {
    id: session.id,
    name: session.name,
    environment: session.environment,
    proxy: session.proxy,
    revision: session.revision,
    headers: Object.fromEntries(filter.headers),
    query: Object.fromEntries(filter.query),
    count: session.count,
    createdAtMs: session.createdAtMs,
    expiresAtMs: session.expiresAtMs,
    state: session.state,
    calls: transactions.length,
    dropped: session.dropped,
    skipped: session.skipped,
    masked,
    unmatchedMasks: unmatched,
  }
}
