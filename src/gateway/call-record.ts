import { THROTTLED_CODE } from '../accounts/throttle-text.ts'
import type { CallRecord } from '../analytics/record.ts'
import type { Call } from './call.ts'

/** Fills the record of a call that is over. `gone`: the client left before its answer was out. */
export function fillRecord(record: CallRecord, call: Call, gone: boolean): void {
  const { x, served, down } = call
  const plan = served?.endpoint.proxy ?? null
  const fault = x?.fault ?? call.ownFault
  record.timeMs = call.receivedAtMs
  record.environment = call.snapshot.settings.environment
  record.proxy = plan?.name ?? ''
  record.revision = plan?.revision ?? 0
  record.serviceId = served?.serviceId ?? ''
  record.application = ''
  record.account = ''
  record.method = METHODS.has(down.method) ? down.method : 'OTHER'
  record.pathTemplate = served === null ? '' : served.endpoint.basePath
  record.status = gone ? 499 : call.status
  record.targetStatus = call.targetStatus
  record.answeredBy = gone ? 'client' : x === null ? 'gateway' : x.answeredBy
  record.errorCode = fault?.code ?? ''
  record.bytesIn = call.bytesIn
  record.bytesOut = down.bytesOut
  const now = x === null || x.answerSentAt === 0 ? performance.now() : x.answerSentAt
  record.totalMs = now - down.receivedAtMs
  record.targetMs = x === null || x.targetReceivedAt === 0 ? 0 : x.targetReceivedAt - x.targetSentAt
  record.policyMs =
    x === null || x.answerStartedAt === 0 ? 0 : Math.max(0, x.answerStartedAt - down.receivedAtMs - record.targetMs)
  // In 3scale's sense: a call of a service that no access rule refused. A throttle is one.
  record.authorized = call.snapshot.responseCodes && record.serviceId !== '' && fault?.code !== THROTTLED_CODE
}

/** Methods are kept by name only when there are few of them: anybody may invent more. */
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
])
