import type { CallRecord } from '../analytics/record.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { CallMask } from '../engine/query-mask.ts'
import type { RecentSlot } from '../trace/recent-slot.ts'
import type { Call } from './call.ts'

/** Fills the slot of a call that is over, from its record and from what only the call knows. Masked before it is written. */
export function keepCall(slot: RecentSlot, call: Call, record: CallRecord, mask: CallMask): void {
  const { down, x } = call
  keepRecord(slot, record)
  const query = call.query === '' ? '' : mask.query(call.query)
  slot.texts(call.id, call.host, call.path, query)
  slot.httpVersion = down.httpVersion
  slot.clientAddress = x === null ? down.remoteAddress : x.address
  slot.forwards = call.forwardCount
  if (x === null) {
    if (call.ownFault !== null) slot.message = mask.text(call.ownFault.text)
    return
  }
  slot.basePath = x.endpoint.basePath
  slot.suffixLength = x.pathSuffix.length
  slot.flow = x.conditionalFlow
  slot.route = x.routeName ?? ''
  slot.targetSentMs = since(x, x.targetSentAt)
  slot.targetReceivedMs = since(x, x.targetReceivedAt)
  slot.answerStartedMs = since(x, x.answerStartedAt)
  slot.answerSentMs = since(x, x.answerSentAt)
  if (x.target !== null) keepTarget(slot, call, x, mask, query)
  if (x.fault !== null) keepFault(slot, x, mask)
  if (call.bodies !== null) {
    const { masker } = mask
    slot.requestBody = call.bodies.requestText(masker)
    const message = x.fault === null || x.answeredBy === 'target' ? 'response' : 'fault'
    slot.responseBody = call.bodies.responseText(masker, message, (x.error ?? x.response)?.body.content ?? null)
  }
}

/** What never became a call: the record is all there is. */
export function keepRefused(slot: RecentSlot, requestId: string, record: CallRecord, message: string): void {
  keepRecord(slot, record)
  slot.texts(requestId, '', '', '')
  slot.httpVersion = ''
  slot.clientAddress = ''
  slot.forwards = 0
  slot.message = message
}

function keepRecord(slot: RecentSlot, record: CallRecord): void {
  slot.timeMs = record.timeMs
  slot.environment = record.environment
  slot.proxy = record.proxy
  slot.revision = record.revision
  slot.service = record.serviceId
  slot.application = record.application
  slot.account = record.account
  slot.method = record.method
  slot.status = record.status
  slot.targetStatus = record.targetStatus
  slot.answeredBy = record.answeredBy
  slot.errorCode = record.errorCode
  slot.totalMs = record.totalMs
  slot.targetMs = record.targetMs
  slot.policyMs = record.policyMs
  slot.bytesIn = record.bytesIn
  slot.bytesOut = record.bytesOut
  slot.basePath = ''
  slot.suffixLength = 0
  slot.flow = ''
  slot.route = ''
  slot.targetName = ''
  slot.targetUrl = ''
  slot.targetSentMs = Number.NaN
  slot.targetReceivedMs = Number.NaN
  slot.answerStartedMs = Number.NaN
  slot.answerSentMs = Number.NaN
  slot.message = ''
  slot.step = ''
  slot.policyType = ''
  slot.faultRule = ''
  slot.breach = null
  slot.requestBody = null
  slot.responseBody = null
}

function keepTarget(slot: RecentSlot, call: Call, x: Exchange, mask: CallMask, masked: string): void {
  slot.targetName = x.target!.name
  if (x.sentUrl === null) return
  const { path, queryText } = x.request
  slot.targetUrl = plainBase(x.sentUrl)
  slot.targetTexts(path, queryText === call.query ? masked : mask.query(queryText))
}

/** Without query, user and password. */
function plainBase(url: string): string {
  const question = url.indexOf('?')
  const base = question < 0 ? url : url.slice(0, question)
  return base.includes('@') ? base.replace(/^(https?:\/\/)[^/]*@/i, '$1') : base
}

function keepFault(slot: RecentSlot, x: Exchange, mask: CallMask): void {
  slot.message = mask.text(x.fault!.text)
  slot.faultRule = x.faultRule
  if (x.refusedBy !== null) {
    slot.step = x.refusedBy.name
    slot.policyType = x.refusedBy.kind
  }
  slot.breach = x.breach
}

const since = (x: Exchange, at: number): number => (at === 0 ? Number.NaN : at - x.receivedAt)
