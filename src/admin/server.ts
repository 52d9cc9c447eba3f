import type { AddressInfo, Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { requestIds } from '../core/ids.ts'
import { apigRoutes } from './apig/routes.ts'
import { adminOnly, Guard, ownPagesOnly } from './auth.ts'
import { logChanges } from './edge/change-log.ts'
import { edgeRoutes } from './edge/routes.ts'
import {
  answerErrors,
  type ErrorShape,
  errorShapes,
  pathOf,
  schemaMessage,
  sendError,
  shapeFor,
  toAdminError,
} from './errors.ts'
import { loginRoutes } from './logins.ts'
import { MetricsPage } from './metrics.ts'
import { nativeRoutes } from './native/routes.ts'
import { traceRoutes } from './native/trace.ts'
import type { AdminOptions } from './options.ts'
import { pageRoutes } from './pages.ts'
import { accountRoutes } from './threescale/accounts/routes.ts'
import { gatewayStatusRoutes } from './threescale/gateway-status.ts'
import { internalRoutes } from './threescale/internal.ts'
import { statsRoutes } from './threescale/stats.ts'

export interface Admin {
  readonly port: number
  /** Stops listening and ends what runs, after `graceMs` by force. */
  close(graceMs?: number): Promise<void>
}

const bodyBytesMax = 1024 * 1024
const headerBytesMax = 32 * 1024
const connectionsMax = 256
const requestTimeoutMs = 30_000
const keepAliveTimeoutMs = 30_000
const closeGraceMs = 2_000

/** On every answer: nothing is sniffed, framed, cached by others or read by another site. */
const commonHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/** Opens the admin door: all admin APIs, the dashboard and `/metrics`. Rejects when the port cannot be had. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const app = buildAdmin(options)
  await app.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 9000 })
  return {
    port: (app.server.address() as AddressInfo).port,
    close: async (graceMs = closeGraceMs) => {
      const force = setTimeout(() => app.server.closeAllConnections(), graceMs)
      await app.close().finally(() => clearTimeout(force))
    },
  }
}

/** The door without a socket; tests use its `inject`. */
export function buildAdmin(options: AdminOptions): FastifyInstance {
  const { log } = options
  const nextId = requestIds()
  const guard = new Guard(options.token, options.clock)
  const app = Fastify({
    logger: false,
    genReqId: nextId,
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    handlerTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: headerBytesMax },
    // Unknown parameters are refused rather than dropped.
    ajv: { customOptions: { removeAdditional: false } },
    schemaErrorFormatter: schemaMessage,
    frameworkErrors: (error, request, reply) => {
      const path = pathOf(request.url)
      sendError(toAdminError(error), shapeFor(path), request, reply.headers(commonHeaders))
    },
    clientErrorHandler: (_error, socket) => refuseMalformed(socket),
  })
  app.server.maxConnections = connectionsMax
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(commonHeaders).header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    const ms = Math.round(reply.elapsedTime)
    const { method, id: requestId } = request
    log.debug({ requestId, method, path: pathOf(request.url), status: reply.statusCode, ms }, 'admin call')
  })
  answerErrors(app, null, log)
  healthRoutes(app, options)
  gatewayStatusRoutes(app, options)
  mount(app, options, guard)
  return app
}

/** Each API in a scope of its own: its prefix, its way in, its errors. */
function mount(app: FastifyInstance, options: AdminOptions, guard: Guard): void {
  const startedMs = options.clock.now()
  const metrics = new MetricsPage(options.analytics, options.metrics)
  app.register(async (scope) => pageRoutes(scope, guard, options.dashboardFolder))
  app.register(async (scope) => loginRoutes(scope, guard.logins, (secret) => guard.isAdminToken(secret)))
  app.register(async (scope) => {
    scope.addHook('onRequest', ownPagesOnly)
    scope.addHook('onRequest', adminOnly(guard))
    scope.addHook('onSend', neverStored)
    scope.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  })
  /** `asks`: who may come in is asked by the routes themselves, which know other credentials beside the admin token. */
  const api = (prefix: string, errors: ErrorShape, asks: boolean, routes: (scope: FastifyInstance) => void): void => {
    app.register(
      async (scope) => {
        scope.addHook('onRequest', ownPagesOnly)
        if (!asks) scope.addHook('onRequest', adminOnly(guard))
        scope.addHook('onSend', neverStored)
        answerErrors(scope, errors, options.log)
        routes(scope)
      },
      { prefix },
    )
  }
  const { edge, apig, accounts, clock, trace } = options
  api('/api', errorShapes.native, false, (scope) => {
    nativeRoutes(scope, options, startedMs)
    if (trace !== null) traceRoutes(scope, trace)
  })
  api('/stats', errorShapes.threescale, true, (scope) => statsRoutes(scope, options, guard))
  if (apig !== null) api('/v2', errorShapes.apig, false, (scope) => apigRoutes(scope, apig))
  if (accounts !== null) {
    api('/internal', errorShapes.threescale, false, (scope) => internalRoutes(scope, options, accounts))
    api('/admin/api', errorShapes.threescale, true, (scope) => accountRoutes(scope, { ...accounts, clock }, guard))
  }
  if (edge !== null) {
    api('/v1', errorShapes.edge, false, (scope) => {
      logChanges(scope, options.log)
      edgeRoutes(scope, edge, trace)
    })
  }
}

/** Open to everyone: they say whether the program lives and serves, and nothing else. */
function healthRoutes(app: FastifyInstance, options: AdminOptions): void {
  app.get('/livez', async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'live' }))
  app.get('/readyz', async (_request, reply) => {
    const { ready, why } = options.readiness()
    reply.header('cache-control', 'no-store')
    return ready ? { status: 'ready' } : reply.code(503).send({ status: 'not ready', why: why ?? 'still starting' })
  })
}

async function neverStored(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('cache-control', 'no-store')
}

const malformed = JSON.stringify({
  error: { code: 'malformed_request', message: 'This is not a well-formed HTTP/1.1 request.' },
})

function refuseMalformed(socket: Socket): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  socket.end(
    'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\n' +
      `Content-Length: ${Buffer.byteLength(malformed)}\r\n\r\n${malformed}`,
  )
}
