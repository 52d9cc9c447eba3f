import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UsageScope } from '../../accounts/ports.ts'
import {
  type CountUsage,
  missing,
  UsageError,
  type UsageOptions,
  type UsageParameters,
  usageOfMetric,
  usageRange,
  usageResponseCode,
} from '../../analytics/threescale-usage.ts'
import type { Guard } from '../auth.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import { type Csv, summaryXml, topCsv, topXml, usageCsv, usageXml } from './stats-formats.ts'
import { metricOf, type SummaryMetric, shownMetric, summaryOf } from './stats-metric.ts'
import { keyHolder, SUBJECTS, type Subject } from './stats-subject.ts'
import { topApplications } from './stats-top.ts'

/** An answer in the formats that it is there in. */
interface Answer {
  readonly json: object
  readonly xml?: () => string
  readonly csv?: () => Csv
}

interface Asked {
  readonly options: AdminOptions
  readonly subject: Subject
  readonly parameters: UsageParameters
  /** One moment for the whole answer, so that the dates of a CSV belong to its values. */
  readonly nowMs: number
}

interface Question {
  readonly formats: readonly Format[]
  readonly of: readonly (keyof typeof SUBJECTS)[]
  answer(asked: Asked): Promise<Answer>
}

type Format = 'json' | 'xml' | 'csv'

/** By the last word of the path. Source: porta, app/controllers/stats/data. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  usage: { formats: ['json', 'xml', 'csv'], of: ['services', 'applications'], answer: usage },
  // The vendor's template for XML knows metrics only.
  usage_response_code: { formats: ['json', 'csv'], of: ['services', 'applications'], answer: responseCode },
  top_applications: { formats: ['json', 'xml', 'csv'], of: ['services'], answer: top },
  summary: { formats: ['json', 'xml'], of: ['services', 'applications'], answer: summary },
}

/**
 * 3scale's statistics: `/stats/{services|applications}/{id}/{question}[.{json|xml|csv}]` (access token or provider key) and their
 * twins below `/stats/api` (the session of the browser).
 */
export function statsRoutes(scope: FastifyInstance, options: AdminOptions, guard: Guard): void {
  scope.addHook('onRequest', async (request) => {
    keyHolder(request, options.services(), guard)
  })
  for (const prefix of ['', '/api']) {
    for (const kind of Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[]) {
      scope.get(
        `${prefix}/${kind}/:id/:file`,
        async (request: FastifyRequest<{ Params: { id: string; file: string } }>, reply) => {
          const { id, file } = request.params
          const [word, extension] = wordsOf(file)
          const question = Object.hasOwn(QUESTIONS, word) ? QUESTIONS[word]! : null
          if (question === null || !question.of.includes(kind)) return reply.callNotFound()
          const format = formatOf(word, question, extension)
          const subject = SUBJECTS[kind](request, id, options, guard)
          const asked = { options, subject, parameters: parametersOf(request.query), nowMs: options.clock.now() }
          return send(reply, format, await answered(question, asked))
        },
      )
    }
  }
}

function wordsOf(file: string): [word: string, extension: string] {
  const dot = file.indexOf('.')
  return dot < 0 ? [file, ''] : [file.slice(0, dot), file.slice(dot + 1)]
}

/** Without an extension it is JSON. */
function formatOf(word: string, { formats }: Question, extension: string): Format {
  if (extension === '') return 'json'
  const format = formats.find((one) => one === extension)
  if (format !== undefined) return format
  const there = formats.map((one) => `.${one}`).join(', ')
  throw new AdminError(406, 'unknown_format', `${word} is there as ${there}, not as .${extension}`)
}

async function answered(question: Question, asked: Asked): Promise<Answer> {
  try {
    return await question.answer(asked)
  } catch (error) {
    if (error instanceof UsageError) throw new AdminError(400, 'bad_parameter', error.message, error.hint, error.plain)
    throw error
  }
}

function send(reply: FastifyReply, format: Format, answer: Answer): FastifyReply {
  if (format === 'xml' && answer.xml !== undefined) {
    return reply.type('application/xml; charset=utf-8').send(answer.xml())
  }
  if (format === 'csv' && answer.csv !== undefined) {
    const { file, text } = answer.csv()
    return reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${file}"`)
      .send(text)
  }
  return reply.send(answer.json)
}

async function usage({ options, subject, parameters, nowMs }: Asked): Promise<Answer> {
  const name = parameters['metric_name'] ?? ''
  if (name === '') throw missing('metric_name')
  const metric = metricOf(subject.service, name)
  const count = countOf(options, subject.usage, 'metric', metric.systemName)
  const usageOptions = usageOptionsOf(subject, nowMs)
  const json = await usageOfMetric(shownMetric(metric), count, parameters, usageOptions)
  const edgesMs = (): readonly number[] => usageRange(parameters, usageOptions).edgesMs
  return { json, xml: () => usageXml(json), csv: () => usageCsv(json, edgesMs(), nowMs) }
}

async function responseCode({ options, subject, parameters, nowMs }: Asked): Promise<Answer> {
  const usageOptions = usageOptionsOf(subject, nowMs)
  const json = await usageResponseCode(options.analytics, subject.scope, parameters, {
    ...usageOptions,
    reported: (code) => countOf(options, subject.usage, 'code', code),
  })
  const edgesMs = (): readonly number[] => usageRange(parameters, usageOptions).edgesMs
  return { json, csv: () => usageCsv(json, edgesMs(), nowMs) }
}

async function top({ options, subject, parameters, nowMs }: Asked): Promise<Answer> {
  const json = await topApplications(options, subject, parameters, nowMs)
  return { json, xml: () => topXml(json), csv: () => topCsv(json, nowMs) }
}

async function summary({ subject }: Asked): Promise<Answer> {
  const json = summaryOf(subject.service, subject.application !== null)
  const flat = Array.isArray(json) ? json : Object.values(json).flat()
  return { json, xml: () => summaryXml(flat as readonly SummaryMetric[]) }
}

function usageOptionsOf({ application }: Subject, nowMs: number): UsageOptions {
  return { clock: { now: () => nowMs }, ...(application !== null && { application }) }
}

function countOf(options: AdminOptions, scope: UsageScope, kind: 'metric' | 'code', name: string): CountUsage {
  const { accounts } = options
  if (accounts === null) return (edgesMs) => new Array<number>(Math.max(0, edgesMs.length - 1)).fill(0)
  return (edgesMs) => accounts.usage.usage({ scope, kind, name, edgesMs, by: 'hour' })
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
