import type { Denial } from '../accounts/authorization.ts'
import type { ApplicationView } from '../accounts/directory.ts'
import type { LimitReading } from '../accounts/limits.ts'
import { periodEndMs, periodStartMs } from '../core/calendar.ts'
import { escapeAttribute, escapeXml } from './errors.ts'
import type { Options } from './options.ts'

const APP_KEYS_MAX = 256

/** The answer to authorize and authrep. `redirectName`: how the request called the redirect URL; null: no application section. */
export function statusXml(
  app: ApplicationView,
  denied: Denial | null,
  reading: LimitReading | null,
  redirectName: 'redirect_url' | 'redirect_uri' | null,
  options: Options,
  nowMs: number,
): string {
  let xml = `<?xml version="1.0" encoding="UTF-8"?><status><authorized>${denied === null}</authorized>`
  if (denied !== null) xml += `<reason>${escapeXml(denied.reason)}</reason>`
  if (redirectName !== null) xml += applicationXml(app, redirectName)
  xml += `<plan>${escapeXml(app.plan.plan.name)}</plan>`
  if (reading !== null) xml += reportsXml(app, reading, nowMs)
  if (options.listAppKeys) xml += keysXml(app)
  if (options.hierarchy) xml += hierarchyXml(app)
  return `${xml}</status>`
}

function applicationXml({ application }: ApplicationView, redirectName: string): string {
  const key = application.keys[0] ?? ''
  const url = application.redirectUrl ?? ''
  return (
    `<application><id>${escapeXml(application.appId ?? application.id)}</id><key>${escapeXml(key)}</key>` +
    `<${redirectName}>${escapeXml(url)}</${redirectName}></application>`
  )
}

function reportsXml({ plan: { limits } }: ApplicationView, reading: LimitReading, nowMs: number): string {
  if (limits.length === 0) return ''
  let xml = '<usage_reports>'
  for (const [i, { metric, period, max }] of limits.entries()) {
    const exceeded = reading.before[i]! > max ? ' exceeded="true"' : ''
    xml += `<usage_report metric="${escapeAttribute(metric)}" period="${period}"${exceeded}>`
    if (period !== 'eternity') {
      xml += `<period_start>${stamp(periodStartMs(period, nowMs))}</period_start>`
      xml += `<period_end>${stamp(periodEndMs(period, nowMs))}</period_end>`
    }
    xml += `<max_value>${max}</max_value><current_value>${reading.values[i]}</current_value></usage_report>`
  }
  return `${xml}</usage_reports>`
}

/** `2010-05-15 00:00:00 +0000` */
function stamp(atMs: number): string {
  const iso = new Date(atMs).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +0000`
}

function keysXml({ application, service }: ApplicationView): string {
  const keys = application.keys.slice(0, APP_KEYS_MAX).map((key) => `<key id="${escapeAttribute(key)}"/>`)
  const app = escapeAttribute(application.appId ?? application.id)
  return `<app_keys app="${app}" svc="${escapeAttribute(service.service.id)}">${keys.join('')}</app_keys>`
}

/** One for each usage report, so that a metric with two limits is there twice. */
function hierarchyXml({ plan, service }: ApplicationView): string {
  const metrics = plan.limits.map(({ metric, place }) => {
    const children = service.tree.children(place).join(' ')
    return `<metric name="${escapeAttribute(metric)}" children="${escapeAttribute(children)}"/>`
  })
  return `<hierarchy>${metrics.join('')}</hierarchy>`
}
