import { apigFault } from '../engine/apig-faults.ts'
import { Body } from '../engine/body.ts'
import type { Fault } from '../engine/fault.ts'
import { platformFault } from '../engine/platform-faults.ts'
import type { Dialect } from '../model/proxy.ts'
import type { Call } from './call.ts'
import { LimitedBody } from './limited-body.ts'

/** Edge's own limits are tighter than those of the door; they act once it is known that the proxy is Edge's. */
const EDGE_LINE_BYTES_MAX = 7_168
const EDGE_HEADERS_BYTES_MAX = 25 * 1024
/** ` HTTP/1.1` and the blank before the target. */
const LINE_REST_BYTES = 10

/** The limits of a dialect that are tighter than those of the door. */
export function overLimit(call: Call, dialect: Dialect): Fault | null {
  const { down } = call
  if (dialect === 'apig') {
    const bytesMax = call.snapshot.features.bodyBytesMax
    if (down.body === null) return null
    if (down.body.lengthBytes > bytesMax) return BODY_TOO_LARGE
    if (down.body.lengthBytes < 0) call.x!.request.body = new Body(null, new LimitedBody(down.body, bytesMax))
    return null
  }
  if (dialect !== 'apigee') return null
  if (down.method.length + down.target.length + LINE_REST_BYTES > EDGE_LINE_BYTES_MAX) {
    return platformFault('protocol.http.TooBigLine', EDGE_LINE_BYTES_MAX.toLocaleString('en'))
  }
  if (call.headersBytes <= EDGE_HEADERS_BYTES_MAX) return null
  return platformFault('protocol.http.TooBigHeaders', EDGE_HEADERS_BYTES_MAX.toLocaleString('en'))
}

export const BODY_TOO_LARGE: Fault = apigFault('BodyTooLarge')
