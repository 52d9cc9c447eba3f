import { CallRecord } from '../analytics/record.ts'
import type { Recorder } from '../analytics/rollup.ts'
import { inApigWords } from '../engine/apig-faults.ts'
import { errorMessage } from '../engine/error-body.ts'
import { Fault } from '../engine/fault.ts'
import type { RecentCalls } from '../trace/recent-calls.ts'
import type { ProtocolErrorReply } from '../wire/types.ts'
import { keepRefused } from './keep-call.ts'
import type { Life } from './life.ts'

/** Edge's errorcodes for what the transport refuses, by status. */
const CODES: Readonly<Record<number, string>> = {
  400: 'protocol.http.BadRequest',
  408: 'messaging.adaptors.http.flow.RequestTimeOut',
  413: 'protocol.http.TooBigBody',
  414: 'protocol.http.TooBigLine',
  417: 'protocol.http.ExpectationFailed',
  431: 'protocol.http.TooBigHeaders',
}

/** How a request that never became one is answered: in the configured dialect, with a request id, and counted. */
export function protocolError(
  life: Life,
  nextId: () => string,
  recorder: Recorder,
  recent: RecentCalls,
): ProtocolErrorReply {
  const record = new CallRecord()
  return (status, reason, detail) => {
    const { settings } = life.snapshot
    const requestId = nextId()
    const code = CODES[status] ?? 'protocol.http.BadRequest'
    const raised = new Fault(code, status, detail, 'gateway', null, reason)
    const fault = settings.dialect === 'apig' ? inApigWords(raised) : raised
    const message = errorMessage(settings.dialect, fault, { requestId, accept: undefined })
    record.timeMs = Date.now()
    record.environment = settings.environment
    record.method = 'OTHER'
    record.status = fault.status
    record.answeredBy = 'gateway'
    record.errorCode = fault.code
    recorder.add(record)
    if (recent.keeps) keepRefused(recent.slot(), requestId, record, fault.text)
    return {
      status: fault.status,
      reason: fault.reason,
      headers: [...message.headers.raw, 'X-Request-Id', requestId],
      body: message.content,
    }
  }
}
