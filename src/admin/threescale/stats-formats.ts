import type { MetricUsage, ResponseCodeUsage } from '../../analytics/threescale-usage.ts'
import { Zone } from '../../analytics/zone.ts'
import { csvOf } from '../csv.ts'
import type { ShownApplication } from './stats-application.ts'
import type { ShownMetric } from './stats-metric.ts'
import type { TopApplications } from './stats-top.ts'

// The vendor's other formats: XML as its templates have it, CSV as its exporter writes it.

export interface Csv {
  readonly file: string
  readonly text: string
}

type Usage = ResponseCodeUsage | MetricUsage

/** A line for each value. `edgesMs`: where the values begin. */
export function usageCsv(answer: Usage, edgesMs: readonly number[], nowMs: number): Csv {
  const zone = Zone.named(answer.period.timezone)!
  const names =
    'response_code' in answer
      ? [answer.response_code.code, answer.response_code.code]
      : [(answer.metric as ShownMetric).system_name, (answer.metric as ShownMetric).name]
  const lines = answer.values.map((value, i) => [...names, rubyTime(zone.format(edgesMs[i]!)), value])
  return { file: fileName('usage', nowMs), text: csvOf([USAGE_COLUMNS, ...lines], '\n') }
}

const USAGE_COLUMNS = ['Metric System Name', 'Metric Name', 'Date', 'Value']

export function topCsv({ applications }: TopApplications, nowMs: number): Csv {
  const lines = applications.map(({ name, id, plan, account, value }) => [
    name,
    id,
    plan.name,
    plan.id,
    account.name,
    account.id,
    value,
  ])
  return { file: fileName('top-applications', nowMs), text: csvOf([TOP_COLUMNS, ...lines], '\n') }
}

const TOP_COLUMNS = [
  'Application Name',
  'Application ID',
  'Plan Name',
  'Plan ID',
  'Account Name',
  'Account ID',
  'Total',
]

const fileName = (what: string, nowMs: number): string => `${what}-${Math.floor(nowMs / 1000)}.csv`

/** '2009-12-10T20:00:00+01:00' -> '2009-12-10 20:00:00 +0100' */
function rubyTime(iso: string): string {
  const offset = iso.slice(19)
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} ${offset === 'Z' ? 'UTC' : offset.replace(':', '')}`
}

export function usageXml({ metric, period, values, total, application }: MetricUsage): string {
  const times = fields({
    since: period.since,
    until: period.until,
    name: period.name ?? '',
    granularity: String(period.granularity),
  })
  const data = `${tag('total', String(total))}<values length="${values.length}">${values.join(',')}</values>`
  const shown = application === undefined ? '' : applicationXml(application as ShownApplication)
  return document(
    'usage',
    `${metricXml(metric as ShownMetric)}${tagged('period', times)}${tagged('data', data)}${shown}`,
  )
}

function applicationXml({ id, name, plan, account }: ShownApplication): string {
  return tagged(
    'application',
    `${fields({ id, name })}${tagged('plan', fields({ id: plan?.id ?? '', name: plan?.name ?? '' }))}${tagged('account', fields({ name: account?.name ?? '', id: account?.id ?? '' }))}`,
  )
}

export function topXml({ applications, metric, period }: TopApplications): string {
  const list = applications.map(({ value, id, name, plan, account }) =>
    tagged(
      'application',
      `${fields({ value, id, name })}${tagged('plan', fields({ id: plan.id, name: plan.name }))}${tagged('account', fields({ name: account.name, id: account.id }))}`,
    ),
  )
  return document(
    'top',
    `${metricXml(metric)}${tagged('period', fields(period))}${tagged('applications', list.join(''))}`,
  )
}

export function summaryXml(metrics: readonly { readonly metric: object }[]): string {
  const list = metrics.map(({ metric }) =>
    tagged('metric', fields(metric as Readonly<Record<string, string | number>>)),
  )
  return `${DECLARATION}<metrics type="array">${list.join('')}</metrics>`
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'

const document = (root: string, inner: string): string => `${DECLARATION}${tagged(root, inner)}`

const metricXml = ({ id, name, system_name, unit }: ShownMetric): string =>
  tagged('metric', fields({ id, name, system_name, unit }))

function fields(values: Readonly<Record<string, string | number | null>>): string {
  return Object.entries(values)
    .map(([name, value]) => tag(name, String(value ?? '')))
    .join('')
}

const tag = (name: string, text: string): string => (text === '' ? `<${name}/>` : tagged(name, escaped(text)))

const tagged = (name: string, inner: string): string => `<${name}>${inner}</${name}>`

const escaped = (text: string): string =>
  text
    .replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'))
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
