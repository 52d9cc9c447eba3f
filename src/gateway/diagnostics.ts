import type { DebugAllow } from '../model/deployment.ts'
import type { Call } from './call.ts'

/** The headers, for the reference. */
export const DIAGNOSTIC_HEADERS: readonly { name: string; example: string; when: string }[] = [
  { name: 'X-Request-Id', example: '32 hex digits', when: 'always' },
  {
    name: 'X-Apig-count',
    example: '1',
    when: 'the request was sent on, to a target or by a callout; above 10 it is refused with APIG.0612',
  },
  { name: 'X-Apig-Latency', example: '13', when: 'debug: ms from the request to the head of the answer' },
  {
    name: 'X-Apig-Upstream-Latency',
    example: '11',
    when: 'debug, and a target answered: ms from sending to the head of its answer',
  },
  {
    name: 'X-Apig-RateLimit-api',
    example: 'remain:9,limit:10,time:10 second',
    when: 'debug, and the throttle limits the API',
  },
  {
    name: 'X-Apig-RateLimit-user',
    example: 'remain:9,limit:10,time:10 second',
    when: 'debug, and the throttle limits users and the call has one',
  },
  {
    name: 'X-Apig-RateLimit-app',
    example: 'remain:9,limit:10,time:10 second',
    when: 'debug, and the throttle limits credentials and the call has one',
  },
  {
    name: 'X-Apig-RateLimit-ip',
    example: 'remain:9,limit:10,time:10 second',
    when: 'debug, and the throttle limits client addresses',
  },
  {
    name: 'X-Apig-RateLimit-api-allenv',
    example: 'remain:199,limit:200,time:1 second',
    when: 'debug, and the gateway-wide limit is set',
  },
  {
    name: 'RateLimit-Policy',
    example: '"ip";q=5;w=60, "api";q=100;w=60',
    when: 'rateLimitFields, and a limit was asked: calls and seconds of each window',
  },
  { name: 'RateLimit', example: '"ip";r=4;t=12, "api";r=99;t=12', when: 'the same: calls and seconds left' },
  {
    name: 'Retry-After',
    example: '12',
    when: 'rateLimitFields, and a limit refused: seconds until its window is over',
  },
]

/**
 * Adds the headers by which a caller learns what happened (APIG, "Response headers"), for the stages that were reached:
 * the request id always, the count when the request was sent on, the rest under `X-Apig-Mode: debug`.
 */
export function diagnosticHeaders(call: Call, headers: string[]): void {
  const { x } = call
  headers.push('X-Request-Id', call.id)
  if (x?.forwarded) headers.push('X-Apig-count', String(call.forwardCount))
  if (!call.debug) {
    if (call.limits !== null) for (const text of call.limits) headers.push(text)
    return
  }
  const receivedAt = call.down.receivedAtMs
  const headAt = x === null || x.targetReceivedAt === 0 ? performance.now() : x.targetReceivedAt
  headers.push('X-Apig-Latency', String(Math.floor(headAt - receivedAt)))
  if (x !== null && x.targetReceivedAt !== 0) {
    headers.push('X-Apig-Upstream-Latency', String(Math.floor(x.targetReceivedAt - x.targetSentAt)))
  }
  if (call.limits !== null) for (const text of call.limits) headers.push(text)
}

/** Whether a caller who asks for debug headers gets them. */
export function mayDebug(allow: DebugAllow, remoteAddress: string, hasToken: () => boolean): boolean {
  switch (allow) {
    case 'everyone':
      return true
    case 'loopback':
      return /^(?:::1$|(?:::ffff:)?127\.)/.test(remoteAddress)
    case 'token':
      return hasToken()
    case 'nobody':
      return false
  }
}
