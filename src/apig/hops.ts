import { apigFault } from '../engine/apig-faults.ts'
import type { Step } from '../engine/outcome.ts'
import type { PublishedApi } from '../model/apig.ts'

const LOOP = apigFault('Loop')

/** How this gateway and API name themselves in `Via` (RFC 9110, section 7.6.3): a pseudonym and a comment. */
export function hopOf(api: PublishedApi, gatewayId: string): string {
  return `1.1 ${gatewayId} (${nameOf(api)})`
}

/** Fits a comment of a header. */
const nameOf = (api: PublishedApi): string =>
  encodeURI(`${api.groupName}/${api.apiName}`.toWellFormed()).replace(/[()\\]/g, '_')

/** Refuses a call whose last hop was this gateway at this API: its backend is itself. */
export function selfCall(api: PublishedApi, gatewayId: string): Step {
  const own = hopOf(api, gatewayId)
  return (x) => {
    const via = x.request.headers.get('via')
    return via?.endsWith(own) ? LOOP : undefined
  }
}
