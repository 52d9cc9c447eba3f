import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UsageScope } from '../../accounts/ports.ts'
import type { Scope } from '../../analytics/ports.ts'
import {
  type CountUsage,
  type MetricUsage,
  type ResponseCodeUsage,
  UsageError,
  type UsageOptions,
  type UsageParameters,
  usageOfMetric,
  usageRange,
  usageResponseCode,
} from '../../analytics/threescale-usage.ts'
import { Zone } from '../../analytics/zone.ts'
import type { Metric, Service } from '../../model/service.ts'
import { type Guard, offeredSecrets } from '../auth.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import { findService } from '../services.ts'
import { sameSecret } from '../token.ts'
import { shownId, statsApplication } from './stats-application.ts'

interface StatsParams {
  id: string
  file: string
}

/** Whose statistics a call asks for. */
interface Subject {
  readonly service: Service
  /** Of our own calls. */
  readonly scope: Scope
  /** Of what was reported. */
  readonly usage: UsageScope
  /** Put into the answer; null: it is about the service. */
  readonly application: object | null
}

type Answer = ResponseCodeUsage | MetricUsage
type Format = (answer: Answer, reply: FastifyReply, range: readonly number[], nowMs: number) => FastifyReply

/** By the extension; without one it is JSON. */
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
 * 3scale's statistics: `/stats/{services|applications}/{id}/{usage|usage_response_code}` (access token or provider key) and their
 * twins below `/stats/api` (the session of the browser). Source: porta, app/controllers/stats.
 */
export function statsRoutes(scope: FastifyInstance, options: AdminOptions, guard: Guard): void {
  scope.addHook('onRequest', async (request) => {
    keyHolder(request, options.services(), guard)
  })
  for (const prefix of ['', '/api']) {
    for (const [kind, find] of Object.entries(SUBJECTS)) {
      scope.get(`${prefix}/${kind}/:id/:file`, (request: FastifyRequest<{ Params: StatsParams }>, reply) => {
        const { id, file } = request.params
        const match = /^(usage|usage_response_code)(\.\w+)?$/.exec(file)
        if (match === null) return reply.callNotFound()
        const format = formats[match[2] ?? '']
        if (format === undefined) {
          throw new AdminError(406, 'unknown_format', `${match[1]} is there as .json and .csv, not as ${match[2]}`)
        }
        const subject = find(request, id, options, guard)
        return answerUsage(options, subject, match[1] as keyof typeof QUESTIONS, request, reply, format)
      })
    }
  }
}

const SUBJECTS = {
  services: serviceSubject,
  applications: applicationSubject,
} as const

type Question = (
  options: AdminOptions,
  subject: Subject,
  parameters: UsageParameters,
  usageOptions: UsageOptions,
) => Promise<Answer>

const QUESTIONS: { readonly usage: Question; readonly usage_response_code: Question } = {
  usage: (options, subject, parameters, usageOptions) => {
    const metric = metricOf(subject.service, parameters['metric_name'] ?? '')
    const { id, friendlyName, systemName, unit } = metric
    const shown = { id: shownId(id), name: friendlyName, system_name: systemName, unit }
    const count = countOf(options, subject.usage, 'metric', systemName)
    return usageOfMetric(shown, count, parameters, usageOptions)
  },
  usage_response_code: (options, subject, parameters, usageOptions) =>
    usageResponseCode(options.analytics, subject.scope, parameters, {
      ...usageOptions,
      reported: (code) => countOf(options, subject.usage, 'code', code),
    }),
}

async function answerUsage(
  options: AdminOptions,
  subject: Subject,
  question: keyof typeof QUESTIONS,
  request: FastifyRequest,
  reply: FastifyReply,
  format: Format,
): Promise<FastifyReply> {
  const nowMs = options.clock.now()
  // One moment for the whole answer, so that the dates of a CSV belong to its values.
  const usageOptions: UsageOptions = {
    clock: { now: () => nowMs },
    ...(subject.application === null ? {} : { application: subject.application }),
  }
  const parameters = parametersOf(request.query)
  try {
    const answer = await QUESTIONS[question](options, subject, parameters, usageOptions)
    return format(answer, reply, usageRange(parameters, usageOptions).edgesMs, nowMs)
  } catch (error) {
    if (error instanceof UsageError) throw new AdminError(400, 'bad_parameter', error.message, error.hint, error.plain)
    throw error
  }
}

function countOf(options: AdminOptions, scope: UsageScope, kind: 'metric' | 'code', name: string): CountUsage {
  const { accounts } = options
  if (accounts === null) return (edgesMs) => new Array<number>(Math.max(0, edgesMs.length - 1)).fill(0)
  return (edgesMs) => accounts.usage.usage({ scope, kind, name, edgesMs, by: 'hour' })
}

function metricOf(service: Service, name: string): Metric {
  if (name === '') throw new UsageError('Required parameter missing: metric_name', null, true)
  const metric = service.metrics.find(({ systemName }) => systemName === name)
  if (metric !== undefined) return metric
  const names = service.metrics.map(({ systemName }) => systemName).join(', ')
  throw new UsageError(`metric ${name} not found`, `the metrics of this service are ${names}`)
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

function serviceSubject(request: FastifyRequest, id: string, options: AdminOptions, guard: Guard): Subject {
  const services = options.services()
  const service = findService(services, id)
  if (service === undefined) throw new AdminError(404, 'not_found', 'Service not found')
  mustHold(request, service, services, guard)
  return {
    service,
    scope: { kind: 'service', id: service.id },
    usage: { kind: 'service', service: service.id },
    application: null,
  }
}

/** By its own id, not by app_id. */
function applicationSubject(request: FastifyRequest, id: string, options: AdminOptions, guard: Guard): Subject {
  const services = options.services()
  const registry = options.accounts?.registry ?? null
  const application = registry?.application(id) ?? null
  const service = services.find((one) => one.id === application?.serviceId)
  if (registry === null || application === null || service === undefined) {
    throw new AdminError(404, 'not_found', 'Application not found')
  }
  mustHold(request, service, services, guard)
  return {
    service,
    scope: { kind: 'application', id },
    usage: { kind: 'application', service: service.id, application: id },
    application: statsApplication(application, service, registry.account(application.accountId)),
  }
}

function mustHold(request: FastifyRequest, service: Service, services: readonly Service[], guard: Guard): void {
  const secrets = keyHolder(request, services, guard)
  if (secrets !== null && !holdsKey(service, secrets)) {
    throw new AdminError(403, 'forbidden', `This provider key is not that of service ${service.systemName}`)
  }
}

/** The vendor's columns; where a metric has two names, a code has one. Dates as Ruby writes them. */
function csv(answer: Answer, edgesMs: readonly number[]): string {
  const zone = Zone.named(answer.period.timezone)!
  const names =
    'response_code' in answer
      ? [answer.response_code.code, answer.response_code.code]
      : Object.entries(answer.metric).flatMap(([key, value]) =>
          key === 'system_name' || key === 'name' ? [value] : [],
        )
  // The vendor has the system name first.
  const cells = ('response_code' in answer ? names : names.reverse()).map((name) => cell(String(name)))
  const lines = answer.values.map(
    (value, index) => `${cells.join(',')},${rubyTime(zone.format(edgesMs[index]!))},${value}`,
  )
  return ['Metric System Name,Metric Name,Date,Value', ...lines, ''].join('\n')
}

/** No spreadsheet may take a name for a formula. */
const cell = (text: string): string => (/^[\w ]+$/.test(text) ? text : `"'${text.replaceAll('"', '""')}"`)

/** '2009-12-10T20:00:00+01:00' -> '2009-12-10 20:00:00 +0100' */
function rubyTime(iso: string): string {
  const offset = iso.slice(19)
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} ${offset === 'Z' ? 'UTC' : offset.replace(':', '')}`
}
