import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  type ResponseCodeUsage,
  UsageError,
  type UsageOptions,
  type UsageParameters,
  usageRange,
  usageResponseCode,
} from '../../analytics/threescale-usage.ts'
import { Zone } from '../../analytics/zone.ts'
import type { Service } from '../../model/service.ts'
import { type Guard, offeredSecrets } from '../auth.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import { findService } from '../services.ts'
import { sameSecret } from '../token.ts'

interface StatsParams {
  id: string
  file: string
}

type Format = (answer: ResponseCodeUsage, reply: FastifyReply, range: readonly number[], nowMs: number) => FastifyReply

/** By the extension; without one it is JSON. The vendor's XML is made for metrics and fails for response codes. */
const formats: Readonly<Record<string, Format>> = {
  '': (answer, reply) => reply.send(answer),
  '.json': (answer, reply) => reply.send(answer),
  '.csv': (answer, reply, edgesMs, nowMs) =>
    reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="usage-${Math.floor(nowMs / 1000)}.csv"`)
      .send(csv(answer, edgesMs)),
}

/**
 * 3scale's statistics of services: `/stats/services/{id}/usage_response_code` (access token or provider key) and its twin below
 * `/stats/api` (the session of the browser). Source: porta, app/controllers/stats.
 */
export function statsRoutes(scope: FastifyInstance, options: AdminOptions, guard: Guard): void {
  scope.addHook('onRequest', async (request) => {
    keyHolder(request, options.services(), guard)
  })
  for (const prefix of ['', '/api']) {
    scope.get(`${prefix}/services/:id/:file`, (request: FastifyRequest<{ Params: StatsParams }>, reply) => {
      const { id, file } = request.params
      const match = /^usage_response_code(\.\w+)?$/.exec(file)
      if (match === null) return reply.callNotFound()
      const format = formats[match[1] ?? '']
      if (format === undefined) {
        throw new AdminError(
          406,
          'unknown_format',
          `usage_response_code is there as .json and .csv, not as ${match[1]}`,
        )
      }
      return answerUsage(options, serviceFor(request, id, options.services(), guard), request, reply, format)
    })
  }
}

async function answerUsage(
  options: AdminOptions,
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  format: Format,
): Promise<FastifyReply> {
  const nowMs = options.clock.now()
  // One moment for the whole answer, so that the dates of a CSV belong to its values.
  const usageOptions: UsageOptions = { clock: { now: () => nowMs } }
  const parameters = parametersOf(request.query)
  try {
    const answer = await usageResponseCode(
      options.analytics,
      { kind: 'service', id: service.id },
      parameters,
      usageOptions,
    )
    return format(answer, reply, usageRange(parameters, usageOptions).edgesMs, nowMs)
  } catch (error) {
    if (error instanceof UsageError) throw new AdminError(400, 'bad_parameter', error.message, error.hint, error.plain)
    throw error
  }
}

/** Of a parameter that is given twice the last one counts, as in Rails. */
function parametersOf(query: unknown): UsageParameters {
  const parameters: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(query as Record<string, string | string[]>)) {
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) parameters[name] = last
  }
  return parameters
}

/** 401 for who has neither the admin token nor any service's provider key. Null: may read everything. */
function keyHolder(request: FastifyRequest, services: readonly Service[], guard: Guard): readonly string[] | null {
  const secrets = offeredSecrets(request)
  const refusal = guard.refusal(request, secrets)
  if (refusal === undefined) return null
  if (services.some((service) => holdsKey(service, secrets))) return secrets
  throw refusal
}

function holdsKey({ providerKey }: Service, secrets: readonly string[]): boolean {
  return providerKey !== null && secrets.some((secret) => sameSecret(secret, providerKey))
}

function serviceFor(request: FastifyRequest, id: string, services: readonly Service[], guard: Guard): Service {
  const service = findService(services, id)
  if (service === undefined) throw new AdminError(404, 'not_found', 'Service not found')
  const secrets = keyHolder(request, services, guard)
  if (secrets !== null && !holdsKey(service, secrets)) {
    throw new AdminError(403, 'forbidden', `This provider key is not that of service ${service.systemName}`)
  }
  return service
}

/** The vendor's columns; where a metric has two names, a code has one. Dates as Ruby writes them. No spreadsheet may take a code for a formula. */
function csv(answer: ResponseCodeUsage, edgesMs: readonly number[]): string {
  const zone = Zone.named(answer.period.timezone)!
  const { code } = answer.response_code
  const name = /^\w+$/.test(code) ? code : `"'${code.replaceAll('"', '""')}"`
  const lines = answer.values.map(
    (value, index) => `${name},${name},${rubyTime(zone.format(edgesMs[index]!))},${value}`,
  )
  return ['Metric System Name,Metric Name,Date,Value', ...lines, ''].join('\n')
}

/** '2009-12-10T20:00:00+01:00' -> '2009-12-10 20:00:00 +0100' */
function rubyTime(iso: string): string {
  const offset = iso.slice(19)
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} ${offset === 'Z' ? 'UTC' : offset.replace(':', '')}`
}
