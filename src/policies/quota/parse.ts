import { booleanOf, COMMON_CHILDREN, warnRepeated, warnUnknown } from '../../engine/edits-parse.ts'
import type { QuotaUnit } from '../../model/consumers.ts'
import type { Problems } from '../../model/problem.ts'
import { childOf, childrenOf, type XmlElement } from '../../model/xml.ts'
import { type QuotaType, startTimeOf } from './windows.ts'

/** A value that is written, or comes from a variable, or from the variable with what is written as its fallback. */
export interface Given<T> {
  /** Empty: none. */
  readonly ref: string
  readonly value: T | null
}

export interface Config {
  readonly type: QuotaType
  readonly allow: Given<number>
  /** Counts by class: `ref` names the variable that holds the class. */
  readonly classes: { readonly ref: string; readonly counts: Readonly<Record<string, number>> } | null
  readonly interval: Given<number>
  readonly unit: Given<QuotaUnit>
  readonly startMs: number | null
  readonly identifierRef: string
  readonly weight: Given<number>
  /** The VerifyAPIKey step whose product says count, interval and unit; empty: none. */
  readonly productStep: string
}

const OWN_CHILDREN = [
  'Allow',
  'Interval',
  'TimeUnit',
  'StartTime',
  'Distributed',
  'Synchronous',
  'AsynchronousConfiguration',
  'Identifier',
  'MessageWeight',
  'UseQuotaConfigInAPIProduct',
]
const CHILDREN = [...OWN_CHILDREN, ...COMMON_CHILDREN]
const REFUSED: Readonly<Record<string, string>> = {
  SharedName: 'give each count a Quota policy of its own',
  CountOnly: 'count with a Quota policy that enforces, or with the statistics',
  EnforceOnly: 'a Quota policy always counts',
}
const TYPES: readonly string[] = ['default', 'calendar', 'flexi', 'rollingwindow']
const UNITS: readonly string[] = ['minute', 'hour', 'day', 'week', 'month']
export const COUNT_MAX = 1_000_000_000_000
export const INTERVAL_MAX = 1_000_000

/** A whole number in a range; null: it is none. */
export function wholeOf(text: string, min: number, max: number): number | null {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : null
}

export function unitOf(text: string): QuotaUnit | null {
  const unit = text.toLowerCase()
  return UNITS.includes(unit) ? (unit as QuotaUnit) : null
}

/** Reads `<Quota>`; every mistake goes to `problems`. */
export function parse(xml: XmlElement, problems: Problems): Config {
  for (const child of xml.children) {
    const instead = REFUSED[child.name]
    if (instead !== undefined) {
      problems.error('NotSupported', child.at, `<${child.name}> is not supported; ${instead}`)
    } else if (!CHILDREN.includes(child.name)) warnUnknown(child, xml, CHILDREN, problems)
  }
  warnRepeated(xml, OWN_CHILDREN, problems)
  const type = typeOf(xml, problems)
  checkDistribution(xml, problems)
  return {
    type,
    ...allowOf(xml, problems),
    interval: intervalOf(xml, problems),
    unit: unitGiven(xml, problems),
    startMs: startOf(xml, type, problems),
    identifierRef: attribute(childOf(xml, 'Identifier'), 'ref'),
    weight: weightOf(xml, problems),
    productStep: attribute(childOf(xml, 'UseQuotaConfigInAPIProduct'), 'stepName'),
  }
}

function typeOf(xml: XmlElement, problems: Problems): QuotaType {
  const type = xml.attributes['type']?.trim() ?? 'default'
  if (TYPES.includes(type)) return type as QuotaType
  problems.error('InvalidQuotaType', xml.at, `type="${type}" is none of ${TYPES.join(', ')}`)
  return 'default'
}

function allowOf(xml: XmlElement, problems: Problems): Pick<Config, 'allow' | 'classes'> {
  const product = childOf(xml, 'UseQuotaConfigInAPIProduct')
  const own = childOf(xml, 'Allow')
  const allow = own ?? childOf(childOf(product, 'DefaultConfig'), 'Allow')
  const count = attribute(allow, 'count')
  const ref = attribute(allow, 'countRef')
  const value = count === '' ? null : wholeOf(count, 0, COUNT_MAX)
  if (count !== '' && value === null) {
    problems.error('InvalidAllowCount', allow!.at, `count="${count}" is no whole number from 0 to ${COUNT_MAX}`)
  }
  const element = childOf(allow, 'Class')
  if (count === '' && ref === '' && element === undefined && product === undefined) {
    problems.error('InvalidAllowCount', allow?.at ?? xml.at, 'a Quota needs <Allow count="..."/> or countRef')
  }
  return { allow: { ref, value }, classes: element === undefined ? null : classesOf(element, problems) }
}

function classesOf(element: XmlElement, problems: Problems): Config['classes'] {
  const counts: Record<string, number> = Object.create(null)
  for (const allow of childrenOf(element, 'Allow')) {
    const value = wholeOf(attribute(allow, 'count'), 0, COUNT_MAX)
    const name = attribute(allow, 'class')
    if (value !== null && name !== '') counts[name] = value
    else problems.error('InvalidAllowCount', allow.at, '<Allow> of a class needs class="..." and count="..."')
  }
  const ref = attribute(element, 'ref')
  if (ref === '')
    problems.error('InvalidAllowCount', element.at, '<Class> needs ref="...", the variable with the class')
  return { ref, counts }
}

function intervalOf(xml: XmlElement, problems: Problems): Given<number> {
  const { element, ref, text } = given(xml, 'Interval')
  const value = text === '' ? null : wholeOf(text, 1, INTERVAL_MAX)
  const missing = text === '' && ref === '' && !fromProduct(xml)
  if (missing || (text !== '' && value === null)) {
    const at = element?.at ?? xml.at
    problems.error('InvalidQuotaInterval', at, `<Interval> is "${text}", not a whole number from 1 to ${INTERVAL_MAX}`)
  }
  return { ref, value }
}

function unitGiven(xml: XmlElement, problems: Problems): Given<QuotaUnit> {
  const { element, ref, text } = given(xml, 'TimeUnit')
  const value = unitOf(text)
  const missing = text === '' && ref === '' && !fromProduct(xml)
  if (missing || (text !== '' && value === null)) {
    const hint = /^second$/i.test(text) ? '; for seconds use SpikeArrest' : ''
    const at = element?.at ?? xml.at
    problems.error('InvalidQuotaTimeUnit', at, `<TimeUnit> is "${text}", none of ${UNITS.join(', ')}${hint}`)
  }
  return { ref, value }
}

function startOf(xml: XmlElement, type: QuotaType, problems: Problems): number | null {
  const element = childOf(xml, 'StartTime')
  const text = element?.text.trim() ?? ''
  if (element === undefined || text === '') {
    if (type === 'calendar') problems.error('InvalidStartTime', xml.at, 'type="calendar" needs a <StartTime>')
    return null
  }
  if (type !== 'calendar') {
    problems.error('StartTimeNotSupported', element.at, '<StartTime> belongs to type="calendar"')
    return null
  }
  const startMs = startTimeOf(text)
  if (startMs === null) {
    problems.error('InvalidStartTime', element.at, `<StartTime> is "${text}", not like 2026-01-31 12:00:00 (UTC)`)
  }
  return startMs
}

function weightOf(xml: XmlElement, problems: Problems): Given<number> {
  const { element, ref, text } = given(xml, 'MessageWeight')
  const value = text === '' ? 1 : wholeOf(text, 0, COUNT_MAX)
  if (value === null) {
    problems.error('InvalidMessageWeight', element!.at, `<MessageWeight> is "${text}", not a whole number from 0`)
  }
  return { ref, value }
}

/** Counts are one for all threads whatever these say; what contradicts itself is an error on Edge, so it is here. */
function checkDistribution(xml: XmlElement, problems: Problems): void {
  booleanOf(xml, 'Distributed', true, problems)
  const synchronous = booleanOf(xml, 'Synchronous', false, problems)
  const asynchronous = childOf(xml, 'AsynchronousConfiguration')
  if (asynchronous === undefined) return
  if (synchronous) {
    const text = '<AsynchronousConfiguration> together with <Synchronous>true</Synchronous>; remove one'
    problems.error('InvalidAsynchronizeConfigurationForSynchronousQuota', asynchronous.at, text)
  }
  const seconds = childOf(asynchronous, 'SyncIntervalInSeconds')
  if (seconds !== undefined && wholeOf(seconds.text.trim(), 0, INTERVAL_MAX) === null) {
    const text = '<SyncIntervalInSeconds> must be a whole number from 0'
    problems.error('InvalidSynchronizeIntervalForAsyncConfiguration', seconds.at, text)
  }
}

function given(xml: XmlElement, name: string) {
  const inProduct = childOf(childOf(xml, 'UseQuotaConfigInAPIProduct'), 'DefaultConfig')
  const element = childOf(xml, name) ?? childOf(inProduct, name)
  return { element, ref: attribute(element, 'ref'), text: element?.text.trim() ?? '' }
}

function fromProduct(xml: XmlElement): boolean {
  return childOf(xml, 'UseQuotaConfigInAPIProduct') !== undefined
}

function attribute(element: XmlElement | undefined, name: string): string {
  return element?.attributes[name]?.trim() ?? ''
}
