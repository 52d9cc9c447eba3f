// A year of statistics: how large the data file is, and how soon the questions of each page are answered at the API.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { stringify } from 'yaml'
import { latencyBucket } from '../src/analytics/latency.ts'
import type { AnsweredBy } from '../src/analytics/record.ts'
import { kindRules, type Labels, type Level, labelNames, levelRules, type SeriesKind } from '../src/analytics/series.ts'
import { Totals } from '../src/analytics/totals.ts'
import { PERIODS, periodStartMs } from '../src/core/calendar.ts'
import { openDatabase } from '../src/stores/sqlite/database.ts'
import { QUARTER } from '../src/stores/sqlite/usage-questions.ts'
import { Program } from './program.ts'

const SERVICES = 50
const APPLICATIONS_EACH = 10
const HOURS = 8_760
const HOUR_MS = 3_600_000
/** Of all; the n-th application has an n-th of what the first one has. At random times: which minutes and quarters have none follows. */
const CALLS_AN_HOUR = 15_000
const ROUNDS = 5

/** Kinds of call of one application that differ in a label, and what of its calls each has. */
const CALL_KINDS: readonly (readonly [share: number, labels: Partial<Labels>])[] = [
  [0.63, { method: 'GET', status: '200', answeredBy: 'target' }],
  [0.3, { method: 'POST', status: '201', answeredBy: 'target' }],
  [
    0.04,
    { method: 'GET', status: '404', answeredBy: 'target', errorCode: 'messaging.adaptors.http.flow.ErrorResponseCode' },
  ],
  [0.015, { method: 'GET', status: '429', answeredBy: 'policy', errorCode: 'APIG.0308' }],
  [
    0.01,
    { method: 'GET', status: '503', answeredBy: 'target', errorCode: 'messaging.adaptors.http.flow.ErrorResponseCode' },
  ],
  [
    0.005,
    {
      method: 'GET',
      status: '499',
      answeredBy: 'client',
      errorCode: 'messaging.adaptors.http.flow.UnexpectedEOFAtClient',
    },
  ],
]

export interface YearRow {
  readonly page: string
  readonly medianMs: number
  readonly worstMs: number
  readonly kilobytes: number
}

export interface Year {
  readonly rows: number
  readonly fileMb: number
  readonly fillSeconds: number
  readonly questions: readonly YearRow[]
}

/** Fills a data folder, and asks a gateway on it. */
export async function yearOf(): Promise<Year> {
  const data = mkdtempSync(join(tmpdir(), 'postern-year-'))
  try {
    const config = join(data, 'postern.yaml')
    writeFileSync(config, stringify(configOf()))
    const began = performance.now()
    const rows = fill(data)
    const fillSeconds = (performance.now() - began) / 1_000
    const fileMb = readdirSync(data)
      .filter((name) => name.startsWith('postern.db'))
      .reduce((sum, name) => sum + statSync(join(data, name)).size / 1024 ** 2, 0)
    const program = await Program.start({ config, workers: 1, data })
    try {
      const questions: YearRow[] = []
      for (const [page, path] of QUESTIONS) questions.push(await ask(program, page, path))
      return { rows, fileMb: Math.round(fileMb), fillSeconds, questions }
    } finally {
      await program.stop()
    }
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

const serviceId = (i: number): string => String(100 + i)
const applicationId = (i: number): string => String(1_000 + i)
const proxyName = (i: number): string => `api-${i}`

function configOf(): object {
  const services = Array.from({ length: SERVICES }, (_, i) => ({
    id: serviceId(i),
    systemName: `service-${i}`,
    plans: [{ id: i + 1, name: 'Basic', limits: [{ metric: 'hits', period: 'day', value: 1_000_000 }] }],
  }))
  const applications = Array.from({ length: SERVICES * APPLICATIONS_EACH }, (_, i) => {
    const service = Math.floor(i / APPLICATIONS_EACH)
    return { id: applicationId(i), name: `app ${i}`, service: serviceId(service), plan: service + 1, userKey: `uk${i}` }
  })
  return {
    version: 1,
    responseCodes: true,
    services,
    accounts: [{ id: 'acme', applications }],
    apis: services.map(({ systemName }, i) => ({
      name: proxyName(i),
      basePath: `/${systemName}`,
      target: 'http://127.0.0.1:9',
      service: systemName,
    })),
  }
}

type Outcome = readonly [share: number, status: number, answeredBy: AnsweredBy]

const outcomeOf = (share: number, { status, answeredBy }: Partial<Labels>): Outcome => [
  share,
  Number(status),
  answeredBy as AnsweredBy,
]
const OUTCOMES: readonly Outcome[] = CALL_KINDS.map(([share, labels]) => outcomeOf(share, labels))

/** One row of so many calls. */
function totalsOf(calls: number, outcomes: readonly Outcome[], dice: () => number): Uint8Array {
  const totals = new Totals()
  for (const [share, status, answeredBy] of outcomes) {
    const expected = calls * share
    const count = Math.floor(expected) + (dice() < expected % 1 ? 1 : 0)
    if (count === 0) continue
    const base = { minuteMs: 0, environment: '', proxy: '', revision: 1, serviceId: '', application: '', account: '' }
    const ms = 4 + 60 * dice()
    const spread = [latencyBucket(ms), Math.ceil(count / 2), latencyBucket(ms * 3), Math.floor(count / 2)]
    totals.addRow({
      ...base,
      method: '',
      pathTemplate: '',
      status,
      targetStatus: answeredBy === 'target' ? status : 0,
      answeredBy,
      errorCode: '',
      authorized: answeredBy !== 'policy',
      calls: count,
      bytesIn: 300 * count,
      bytesOut: 2_000 * count,
      totalMs: ms * count,
      targetMs: ms * 0.8 * count,
      policyMs: ms * 0.1 * count,
      latency: spread,
    })
  }
  return totals.pack()
}

/** Writes the rows as the store would have left them: hours and days for ever, quarters 90 days, minutes 48 hours. */
function fill(dataFolder: string): number {
  const nowMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  const database = openDatabase(dataFolder, nowMs)
  const { writer } = database
  writer.exec('PRAGMA synchronous = OFF')
  writer.exec('BEGIN')
  const dice = seeded(11)
  const pools = new Map<string, Uint8Array[]>()
  const pool = (calls: number, outcomes: readonly Outcome[]): Uint8Array[] => {
    const key = `${calls} ${outcomes.map(([, status]) => status).join()}`
    let known = pools.get(key)
    if (known === undefined) {
      known = Array.from({ length: 64 }, () => totalsOf(calls, outcomes, dice))
      pools.set(key, known)
    }
    return known
  }
  const series = seriesWriter(writer)
  const counted: Counted[] = []
  const count = (kind: SeriesKind, labels: Partial<Labels>, callsAnHour: number, outcomes = OUTCOMES): void => {
    const { levels } = kindRules.find((rule) => rule.kind === kind)!
    counted.push({ id: series(kind, labels), callsAnHour, outcomes, levels })
  }
  count('all', {}, CALLS_AN_HOUR)
  const callsOf = shares(SERVICES * APPLICATIONS_EACH)
  for (let i = 0; i < SERVICES; i++) {
    const proxy = { environment: 'test', proxy: proxyName(i) }
    const own = Array.from({ length: APPLICATIONS_EACH }, (_, j) => callsOf[i + j * SERVICES]! * CALLS_AN_HOUR)
    const callsAnHour = own.reduce((sum, calls) => sum + calls, 0)
    count('proxy', proxy, callsAnHour)
    count('service', { service: serviceId(i) }, callsAnHour)
    count('error', { ...proxy, errorCode: 'messaging.adaptors.http.flow.ErrorResponseCode' }, callsAnHour * 0.03)
    for (let j = 0; j < APPLICATIONS_EACH; j++) {
      const application = applicationId(i * APPLICATIONS_EACH + j)
      count('application', { service: serviceId(i), application }, own[j]!)
      for (const [share, labels] of CALL_KINDS) {
        const whole = { ...proxy, revision: '1', service: serviceId(i), application, account: 'acme', path: '/' }
        count('call', { ...whole, ...labels }, own[j]! * share, [outcomeOf(1, labels)])
      }
    }
  }
  let rows = 0
  for (const { level, lengthMs, keptMs } of levelRules) {
    const insert = writer.prepare(`INSERT INTO rollup_${level} VALUES (?, ?, ?)`)
    const sinceMs = Math.max(nowMs - HOURS * HOUR_MS, nowMs - keptMs)
    // Series by series, which is a tenth of the work; a file that was written as time goes by is as large.
    for (const one of counted) {
      if (!one.levels.includes(level)) continue
      const expected = (one.callsAnHour * lengthMs) / HOUR_MS
      const isThere = 1 - Math.exp(-expected)
      const blobs = pool(Math.max(1, Math.round(expected / isThere)), one.outcomes)
      for (let atMs = Math.floor(sinceMs / lengthMs) * lengthMs; atMs < nowMs; atMs += lengthMs) {
        if (dice() >= isThere) continue
        insert.run(one.id, atMs / 1000, blobs[Math.floor(dice() * blobs.length)]!)
        rows++
      }
    }
  }
  rows += fillUsage(writer, nowMs, callsOf, dice)
  writer.exec('COMMIT')
  writer.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  return rows
}

/** The share of each, the first the largest; all together are 1. */
function shares(count: number): number[] {
  const weights = Array.from({ length: count }, (_, i) => 1 / (i + 1))
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / all)
}

interface Counted {
  readonly id: number
  readonly callsAnHour: number
  readonly outcomes: readonly Outcome[]
  readonly levels: readonly Level[]
}

function seriesWriter(writer: DatabaseSync): (kind: SeriesKind, labels: Partial<Labels>) => number {
  const columns = labelNames.map((label) => label.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
  const marks = columns.map(() => '?').join(', ')
  const insert = writer.prepare(`INSERT INTO series (kind, ${columns.join(', ')}) VALUES (?, ${marks})`)
  return (kind, labels) => Number(insert.run(kind, ...labelNames.map((label) => labels[label] ?? '')).lastInsertRowid)
}

/** Hits of each application and service: the counters of 3scale's periods. */
function fillUsage(writer: DatabaseSync, nowMs: number, callsOf: readonly number[], dice: () => number): number {
  const addSeries = writer.prepare(
    "INSERT INTO usage_series (service, application, kind, name) VALUES (?, ?, 'metric', 'hits')",
  )
  const add = writer.prepare(
    'INSERT INTO usage VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value',
  )
  let rows = 0
  const one = (service: string, application: string, periods: readonly string[], perHour: number): void => {
    const id = Number(addSeries.run(service, application).lastInsertRowid)
    for (const period of periods) {
      const number = PERIODS.indexOf(period as (typeof PERIODS)[number])
      const sums = new Map<number, number>()
      for (let atMs = nowMs - HOURS * HOUR_MS; atMs < nowMs; atMs += HOUR_MS) {
        const start = periodStartMs(PERIODS[number]!, atMs) / 1000
        sums.set(start, (sums.get(start) ?? 0) + perHour)
      }
      for (const [start, value] of sums) add.run(id, number, start, value)
      rows += sums.size
    }
    const { lengthMs, keptMs } = levelRules.find(({ level }) => level === 'quarter')!
    const expected = (perHour * lengthMs) / HOUR_MS
    const isThere = 1 - Math.exp(-expected)
    for (let atMs = nowMs - keptMs; atMs < nowMs; atMs += lengthMs) {
      if (dice() >= isThere) continue
      add.run(id, QUARTER, atMs / 1000, Math.max(1, Math.round(expected / isThere)))
      rows++
    }
  }
  for (let i = 0; i < SERVICES; i++) {
    const own = Array.from({ length: APPLICATIONS_EACH }, (_, j) => callsOf[i + j * SERVICES]! * CALLS_AN_HOUR)
    const callsAnHour = own.reduce((sum, calls) => sum + calls, 0)
    one(serviceId(i), '', ['hour', 'day', 'week', 'month', 'eternity'], Math.round(callsAnHour))
    for (const [j, calls] of own.entries()) {
      const periods = ['hour', 'day', 'week', 'month', 'year', 'eternity']
      one(serviceId(i), applicationId(i * APPLICATIONS_EACH + j), periods, Math.round(calls))
    }
  }
  return rows
}

const SERVICE = serviceId(7)
const APPLICATION = applicationId(77)
const PROXY = proxyName(7)

const LAST = ['24h', '7d', '30d', '12m']

/** A step of the chart, that long and so many days ago: what its page asks when it is clicked. */
function behind(by: string, days: number, ago: number): string {
  const dayMs = 24 * HOUR_MS
  const todayMs = Math.floor(Date.now() / dayMs) * dayMs
  const at = (ms: number): string => new Date(ms).toISOString()
  const since = todayMs - ago * dayMs
  return `/api/statistics?by=${by}&since=${at(since)}&until=${at(since + days * dayMs)}`
}

/** What each page asks, over the ranges of its time bar. */
const QUESTIONS: readonly (readonly [page: string, path: string])[] = [
  ['Overview', '/api/overview'],
  ['Overview, chart', '/api/response-codes?last=1h'],
  ...LAST.map((last): [string, string] => [`Response codes, ${last}`, `/api/response-codes?last=${last}`]),
  ...LAST.map((last): [string, string] => [
    `Response codes of a service, ${last}`,
    `/api/response-codes?last=${last}&service=${SERVICE}`,
  ]),
  ...LAST.map((last): [string, string] => [
    `Response codes of a proxy, ${last}`,
    `/api/response-codes?last=${last}&proxy=${PROXY}`,
  ]),
  ...LAST.map((last): [string, string] => [
    `Application, ${last}`,
    `/api/response-codes?last=${last}&application=${APPLICATION}`,
  ]),
  ['Response codes, 30d by hour in Kolkata', '/api/response-codes?last=30d&granularity=hour&timezone=Asia/Kolkata'],
  ['Behind a day, codes', behind('status', 1, 3)],
  ['Behind a day, errors', behind('errorCode', 1, 3)],
  ['Behind a month, codes', behind('status', 30, 70)],
  ['Behind a month, errors', behind('errorCode', 30, 70)],
  ...LAST.map((last): [string, string] => [`Usage, ${last}`, `/api/usage?service=${SERVICE}&last=${last}`]),
  ['Usage, 30d by hour in Kolkata', `/api/usage?service=${SERVICE}&last=30d&granularity=hour&timezone=Asia/Kolkata`],
  ...LAST.map((last): [string, string] => [
    `Top applications, ${last}`,
    `/api/top-applications?service=${SERVICE}&metric=hits&last=${last}`,
  ]),
  ['Applications', '/api/applications'],
  ['Application, its limits', `/api/applications/${APPLICATION}`],
  ['Proxies', '/api/proxies'],
  [
    '3scale: codes of a service, year',
    `/stats/services/${SERVICE}/usage_response_code.json?response_code=2XX&period=year`,
  ],
  [
    '3scale: usage of an application, year',
    `/stats/applications/${APPLICATION}/usage.json?metric_name=hits&period=year`,
  ],
]

async function ask(program: Program, page: string, path: string): Promise<YearRow> {
  const times: number[] = []
  let kilobytes = 0
  for (let round = 0; round <= ROUNDS; round++) {
    const began = performance.now()
    const answer = await program.ask(path)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
    // The first one fills caches.
    if (round > 0) times.push(performance.now() - began)
    kilobytes = Math.round(text.length / 102.4) / 10
  }
  times.sort((a, b) => a - b)
  const rounded = (ms: number): number => Math.round(ms * 10) / 10
  return { page, medianMs: rounded(times[ROUNDS >> 1]!), worstMs: rounded(times.at(-1)!), kilobytes }
}

/** The same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}

export function yearText({ rows, fileMb, fillSeconds, questions }: Year): readonly string[] {
  return [
    `  ${(rows / 1e6).toFixed(1)} million rows, ${fileMb} MB on disk (written in ${fillSeconds.toFixed(0)} s)`,
    ...questions.map(
      ({ page, medianMs, worstMs, kilobytes }) =>
        `${medianMs.toFixed(1).padStart(8)} ms  worst ${worstMs.toFixed(1).padStart(6)} ms  ${String(kilobytes).padStart(7)} kB  ${page}`,
    ),
  ]
}

if (import.meta.main) for (const line of yearText(await yearOf())) process.stdout.write(`${line}\n`)
