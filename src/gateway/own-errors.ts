import { inApigWords } from '../engine/apig-faults.ts'
import { errorMessage } from '../engine/error-body.ts'
import type { Fault } from '../engine/fault.ts'
import { Headers } from '../engine/headers.ts'
import { platformFault } from '../engine/platform-faults.ts'
import type { Dialect } from '../model/proxy.ts'
import { sendOwn } from './answer.ts'
import type { Call } from './call.ts'

/** Nobody serves that host and path. APIcast says so with an empty body. */
export function noRoute(call: Call): void {
  const url = call.query === '' ? call.path : `${call.path}?${call.query}`
  const fault = platformFault('messaging.adaptors.http.flow.ApplicationNotFound', 'default', url)
  if (call.snapshot.settings.dialect !== 'apicast') return ownError(call, fault)
  call.ownFault = fault
  sendOwn(call, fault.status, fault.reason, [], '')
}

/** Answers with an error of the gateway's own, in the configured dialect unless the rule belongs to one. */
export function ownError(call: Call, raised: Fault, dialect: Dialect = call.snapshot.settings.dialect): void {
  const fault = dialect === 'apig' ? inApigWords(raised) : raised
  call.ownFault = fault
  const message = errorMessage(dialect, fault, {
    requestId: call.id,
    accept: new Headers(call.down.rawHeaders).get('accept'),
  })
  sendOwn(call, message.status, message.reason, message.headers.raw, message.content)
}
