import { expect } from 'vitest'
import { type Answer, Backend, call } from '../kit/backend.ts'
import { until } from '../kit/postern.ts'
import { childText, selectXml } from './tiny-xml.ts'

/** One case as its file has it (the format is described beside the files). */
export interface Case {
  readonly id: string
  readonly title: string
  readonly setup: Setup
  readonly steps: readonly CaseStep[]
}

export interface Setup {
  readonly services?: readonly {
    readonly id: string
    readonly provider_key: string
    readonly service_token: string
    readonly backend_version: string
    readonly state: string
    readonly referrer_filters_required: boolean
  }[]
  readonly metrics?: readonly { readonly name: string; readonly parent?: string }[]
  readonly plans?: readonly { readonly id: string; readonly name: string }[]
  readonly limits?: readonly {
    readonly plan: string
    readonly metric: string
    readonly period: string
    readonly value: number
  }[]
  readonly applications?: readonly {
    readonly id: string
    readonly plan: string
    readonly state: string
    readonly keys: readonly string[]
    readonly user_key?: string
    readonly referrer_filters?: readonly string[]
    readonly redirect_url?: string
  }[]
  readonly preload?: readonly { readonly app: string; readonly usage: Readonly<Record<string, number>> }[]
  readonly apicast_config?: object
}

interface CaseRequest {
  readonly method: string
  readonly path?: string
  readonly target?: string
  readonly query?: Readonly<Record<string, string>> | readonly (readonly [string, string])[]
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly raw_body?: string
}

interface Expectation {
  readonly status: number
  readonly body?: string
  readonly content_type_includes?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly headers_absent?: readonly string[]
  readonly xml?: readonly { readonly select: string; readonly equals?: string; readonly absent?: boolean }[]
  readonly json?: object
  readonly json_error_includes?: string
  readonly backend_calls?: number
  readonly backend_query?: Readonly<Record<string, string>>
}

interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

type UnitCase = readonly [string, string, Record<string, string>, string, string, Record<string, string>, boolean]

export interface CaseStep {
  readonly clock?: string
  readonly request?: CaseRequest
  readonly expect?: Expectation
  readonly gateway?: boolean
  readonly management?: boolean
  readonly backend_replies?: Reply
  readonly drain?: boolean
  readonly stats?: readonly {
    readonly scope: 'service' | 'application'
    readonly app?: string
    readonly metric?: string
    readonly response_code?: string
    readonly period: string
    readonly since?: string
    readonly value: number
  }[]
  readonly integration_error?: { readonly code: string; readonly message: string }
  readonly unit?: string
  readonly cases?: readonly UnitCase[]
}

/** What a case is played against. */
export interface Doors {
  readonly gateway: string
  readonly backend: string
  readonly admin: string
  readonly token: string
  now(): number
  setClock(nowMs: number): void
  /** Waits until everything that was reported is counted. */
  drain(): Promise<void>
}

/** The stand-ins for the API and for 3scale's back end. */
export class Stubs {
  readonly upstream: Backend
  readonly backend: Backend
  reply: Reply = { status: 200 }

  private constructor(upstream: Backend, backend: Backend) {
    this.upstream = upstream
    this.backend = backend
  }

  static async start(): Promise<Stubs> {
    const upstream = await Backend.start((_request, response) => response.end('yay, api backend'))
    const backend = await Backend.start((_request, response) => {
      response.writeHead(stubs.reply.status, stubs.reply.headers ?? {}).end()
    })
    const stubs = new Stubs(upstream, backend)
    return stubs
  }

  get reports(): number {
    return this.backend.received.filter(({ url }) => url.startsWith('/transactions/authrep.xml')).length
  }

  async stop(): Promise<void> {
    await Promise.all([this.upstream.stop(), this.backend.stop()])
  }
}

/** Plays the steps in order; throws what an assertion throws. */
export async function play(one: Case, doors: Doors, stubs: Stubs | null): Promise<void> {
  for (const { app, usage } of one.setup.preload ?? []) {
    const form: Record<string, string> = { provider_key: 'pk-test', 'transactions[0][app_id]': app }
    for (const [metric, value] of Object.entries(usage)) form[`transactions[0][usage][${metric}]`] = String(value)
    await send(`${doors.backend}/transactions.xml`, { method: 'POST', form })
  }
  if (one.setup.preload !== undefined) await doors.drain()
  let admitted = 0
  for (const step of one.steps) {
    if (step.clock !== undefined) doors.setClock(Date.parse(step.clock))
    if (step.unit !== undefined) await playUnit(step.cases!)
    if (step.drain) await doors.drain()
    if (step.request !== undefined) {
      if (stubs !== null && step.backend_replies !== undefined) stubs.reply = step.backend_replies
      const before = stubs?.backend.received.length ?? 0
      const answer = await send(doorOf(step, doors), step.request, doors.token)
      check(step.expect!, answer)
      if (stubs !== null && step.gateway) {
        if (answer.status === 200) admitted++
        await until(() => stubs.reports >= admitted)
        checkBackend(step.expect!, stubs, before)
      }
    }
    for (const stat of step.stats ?? []) await checkStat(stat, doors)
    if (step.integration_error !== undefined) await checkIntegrationError(step.integration_error, doors)
  }
}

function doorOf({ gateway, management, request }: CaseStep, doors: Doors): string {
  if (gateway) return doors.gateway + request!.target!
  const path = request!.path!
  const query = new URLSearchParams(
    Object.entries(request!.query ?? {}).map(([name, value]) =>
      typeof value === 'string' ? [name, value === 'AT' ? doors.token : value] : [...value],
    ) as string[][],
  ).toString()
  const isAdmin = management || /^\/(admin|stats|internal)\//.test(path)
  return (isAdmin ? doors.admin : doors.backend) + path + (query === '' ? '' : `?${query}`)
}

function send(url: string, request: CaseRequest, _token = ''): Promise<Answer> {
  const body = request.form === undefined ? request.raw_body : new URLSearchParams(request.form).toString()
  const headers = { ...request.headers }
  if (request.form !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded'
  return call(url, { method: request.method, headers, ...(body === undefined ? {} : { body }) })
}

function check(want: Expectation, answer: Answer): void {
  expect(answer.status, answer.text).toBe(want.status)
  if (want.body !== undefined) expect(answer.text.trim()).toBe(want.body)
  if (want.content_type_includes !== undefined) {
    expect(String(answer.headers['content-type'])).toContain(want.content_type_includes)
  }
  for (const [name, value] of Object.entries(want.headers ?? {})) expect(answer.headers[name], name).toBe(value)
  for (const name of want.headers_absent ?? []) expect(answer.headers).not.toHaveProperty(name)
  for (const { select, equals, absent } of want.xml ?? []) {
    const found = selectXml(answer.text, select)
    if (absent) expect(found, `${select} in ${answer.text}`).toEqual([])
    else expect(found.map(childText)[0], `${select} in ${answer.text}`).toBe(equals)
  }
  if (want.json !== undefined) expect(JSON.parse(answer.text)).toMatchObject(want.json)
  if (want.json_error_includes !== undefined) expect(JSON.parse(answer.text).error).toContain(want.json_error_includes)
}

function checkBackend(want: Expectation, stubs: Stubs, before: number): void {
  const calls = stubs.backend.received.slice(before)
  if (want.backend_calls !== undefined) expect(calls.length).toBe(want.backend_calls)
  if (want.backend_query === undefined) return
  const query = new URL(calls.at(-1)!.url, 'http://backend').searchParams
  for (const [name, value] of Object.entries(want.backend_query)) expect(query.get(name), name).toBe(value)
}

async function checkStat(stat: NonNullable<CaseStep['stats']>[number], doors: Doors): Promise<void> {
  const headers = { authorization: `Bearer ${doors.token}` }
  const shown = JSON.stringify(stat)
  if (stat.period === 'minute') {
    const answer = await call(`${doors.admin}/internal/services/42/applications/${stat.app}/minutes?metric=hits`, {
      headers,
    })
    const { minutes } = JSON.parse(answer.text) as { minutes: { value: number }[] }
    expect(
      minutes.reduce((sum, { value }) => sum + value, 0),
      shown,
    ).toBe(stat.value)
    return
  }
  const what = stat.metric === undefined ? 'usage_response_code' : 'usage'
  const subject = stat.scope === 'service' ? 'services/42' : `applications/${stat.app}`
  const since = (stat.since ?? new Date(doors.now()).toISOString()).slice(0, 19).replace('T', ' ')
  const query = new URLSearchParams({
    ...(stat.metric === undefined ? { response_code: stat.response_code! } : { metric_name: stat.metric }),
    since,
    until: since,
    granularity: stat.period,
  })
  const answer = await call(`${doors.admin}/stats/${subject}/${what}.json?${query}`, { headers })
  expect(answer.status, answer.text).toBe(200)
  expect(JSON.parse(answer.text).total, `${shown}: ${answer.text}`).toBe(stat.value)
}

async function checkIntegrationError(want: { code: string; message: string }, doors: Doors): Promise<void> {
  const headers = { authorization: `Bearer ${doors.token}` }
  const answer = await call(`${doors.admin}/internal/services/42/errors/`, { headers })
  expect(JSON.parse(answer.text).errors[0]).toMatchObject(want)
}

async function playUnit(_cases: readonly UnitCase[]): Promise<void> {
  const { compileRule } = await import('../../src/engine/mapping-rules.ts')
  for (const [ruleMethod, pattern, ruleQuery, method, uri, args, matches] of _cases) {
    const rule = compileRule({ method: ruleMethod, pattern, query: ruleQuery, metric: 'hits', delta: 1, last: false })
    const found = rule.matches(method, uri, (name) => args[name] ?? null)
    expect(found, `${ruleMethod} ${pattern} ${JSON.stringify(ruleQuery)} on ${method} ${uri}`).toBe(matches)
  }
}
