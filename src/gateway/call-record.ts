import { THROTTLED_CODE } from '../accounts/throttle-text.ts'
import type { CallRecord } from '../analytics/record.ts'
import type { AnsweredBy } from '../core/answered-by.ts'
import type { Exchange } from '../engine/exchange.ts'
import type { Call } from './call.ts'

/** Fills the record of a call that is over. `gone`: the client left before its answer was out. */
export function fillRecord(record: CallRecord, call: Call, gone: boolean): void {
  const { x, served, down } = call
  const plan = served?.endpoint.proxy ?? null
  const fault = x?.fault ?? call.ownFault
  record.timeMs = call.receivedAtMs
  record.environment = plan?.settings.environment ?? call.snapshot.settings.environment
  record.proxy = plan?.name ?? ''
  record.revision = plan?.revision ?? 0
  const admission = x?.admissions?.[0] ?? null
  record.serviceId = admission?.service ?? served?.serviceId ?? ''
  record.application = x?.caller?.application ?? ''
  record.account = x?.caller?.account ?? ''
  record.method = METHODS.has(down.method) ? down.method : 'OTHER'
  record.pathTemplate = served === null ? '' : served.endpoint.basePath
  const ending = endingOf(call, gone)
  record.status = ending?.status ?? call.status
  record.targetStatus = call.targetStatus
  record.answeredBy = ending?.by ?? x?.answeredBy ?? 'gateway'
  record.errorCode = ending?.code ?? fault?.code ?? ''
  record.bytesIn = call.tunnel === null ? down.bytesIn : call.tunnel.bytes
  record.bytesOut = down.bytesOut
  const now = x === null || x.answerSentAt === 0 ? performance.now() : endOf(call, x)
  record.totalMs = now - down.receivedAtMs
  record.targetMs = x === null || x.targetReceivedAt === 0 ? 0 : x.targetReceivedAt - x.targetSentAt
  record.policyMs =
    x === null || x.answerStartedAt === 0 ? 0 : Math.max(0, x.answerStartedAt - down.receivedAtMs - record.targetMs)
  record.authorized = call.snapshot.responseCodes && record.serviceId !== '' && isAuthorized(call)
}

/** In 3scale's sense: no access rule refused the call, a throttle is one, and an APIcast service must have let it in. */
export function isAuthorized({ x, served, ownFault }: Call): boolean {
  const fault = x?.fault ?? ownFault
  if (x === null || x.refused || fault?.code === THROTTLED_CODE) return false
  return x.admissions !== null || served?.endpoint.proxy.deployed.proxy.dialect !== 'apicast'
}

/** A tunnel lasts as long as its client likes: what counts is how soon it was open. */
const endOf = (call: Call, x: Exchange): number => (call.tunnel === null ? x.answerSentAt : x.answerStartedAt)

interface Ending {
  readonly status: number
  readonly by: AnsweredBy
  readonly code: string
}

const CLIENT_GONE: Ending = { status: 499, by: 'client', code: 'messaging.adaptors.http.flow.UnexpectedEOFAtClient' }

/** How a call ended that was not answered to its end; null: it was. */
function endingOf(call: Call, gone: boolean): Ending | null {
  if (!gone) return null
  // A tunnel ends when either side leaves; only one that the target broke is an error.
  if (call.tunnel !== null && !call.brokeOff) return null
  if (call.brokeOff)
    return { status: call.status, by: 'target', code: 'messaging.adaptors.http.flow.UnexpectedEOFAtTarget' }
  const { refusedStatus } = call.down
  return refusedStatus === 0 ? CLIENT_GONE : { status: refusedStatus, by: 'gateway', code: 'protocol.http.BadRequest' }
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
