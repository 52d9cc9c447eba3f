import { apigFault } from '../engine/apig-faults.ts'
import { type Server, serverUrl } from '../engine/balancer.ts'
import type { Exchange } from '../engine/exchange.ts'
import { Fault } from '../engine/fault.ts'
import { Parameters } from '../engine/parameters.ts'
import type { TargetPlan } from '../engine/plan.ts'
import { platformFault } from '../engine/platform-faults.ts'
import type { Dialect } from '../model/proxy.ts'
import type { UpstreamError, UpstreamFailure, UpstreamRequest } from '../wire/types.ts'
import type { Call } from './call.ts'
import { connectionTokens, FORWARDED_FOR, headerRule, PASS } from './header-rules.ts'
import { localOrigin } from './local-client.ts'
import { type Destination, joinTarget } from './url.ts'

/** What goes to the target, from the request as the flows left it; a fault when its URL cannot be made. */
export function targetRequest(call: Call, x: Exchange, target: TargetPlan): UpstreamRequest | Fault {
  const written = x.targetUrl ?? target.fixedUrl ?? target.url(x)
  if (written instanceof Fault) return written
  const server = call.turn?.server ?? null
  const url = server === null ? written : serverUrl(server, written)
  const local = target.local === null || x.targetUrl !== null ? null : target.local(x)
  if (local instanceof Fault) return local
  const to =
    local === null
      ? call.snapshot.destinations.parse(url.trim())
      : { origin: localOrigin(local), authority: call.host, path: url.trim(), query: '' }
  if (to === null) return platformFault('protocol.http.BadPath', url.slice(0, 200))
  // Edge leaves open whether the suffix follows an explicit target.url; every careful sample says false first, so it does not.
  const suffix = x.copyPathSuffix && x.targetUrl === null ? x.pathSuffix : ''
  const query = x.copyQuery ? keptQuery(x, target) : ''
  const path = joinTarget(to.path, suffix, to.query, query)
  x.sentUrl = url
  const { request } = x
  request.uri = path
  const source = request.body.takeSource()
  const body = source ?? (request.body.isEmpty ? null : request.bytes)
  const webSocket = call.down.webSocket && body === null && request.verb === 'GET'
  return {
    origin: call.snapshot.destinations.secured(to.origin, server === null ? target.tls : server.tls),
    method: request.verb,
    target: path,
    headers: requestHeaders(call, x, target, to),
    body,
    connectTimeoutMs: target.connectTimeoutMs,
    ioTimeoutMs: target.ioTimeoutMs,
    webSocket,
  }
}

/** The same request for another server; null: its address is none. */
export function rerouted(call: Call, request: UpstreamRequest, server: Server): UpstreamRequest | null {
  const to = call.snapshot.destinations.parse(server.base)
  if (to === null) return null
  const headers = request.headers.slice()
  headers[1] = to.authority
  call.x!.sentUrl = server.base + request.target
  return { ...request, origin: call.snapshot.destinations.secured(to.origin, server.tls), headers }
}

/** Its body goes by while it is sent: it cannot be sent again. */
export function isStreamed({ body }: UpstreamRequest): boolean {
  return body !== null && typeof body !== 'string' && !Buffer.isBuffer(body)
}

function keptQuery(x: Exchange, target: TargetPlan): string {
  const keep = target.retainQuery
  if (keep === null) return x.request.queryText
  const kept = new Parameters(x.request.queryText)
  for (const name of kept.names()) if (!keep.has(name)) kept.remove(name)
  return kept.text
}

/** Headers that describe the content, or a WebSocket, stay with it, whatever the lists of a target say. */
export function isKept(lower: string, keep: ReadonlySet<string>): boolean {
  return keep.has(lower) || lower.startsWith('content-') || lower.startsWith('sec-websocket-')
}

function requestHeaders(call: Call, x: Exchange, target: TargetPlan, to: Destination): string[] {
  const raw = x.request.headers.raw
  const tokens = connectionTokens(raw)
  const keep = target.retainRequestHeaders
  const headers: string[] = ['Host', target.hostHeader ?? to.authority]
  const { hop } = target
  let forwarded = ''
  let via = ''
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const rule = headerRule(name)
    if (rule !== PASS) {
      if (rule === FORWARDED_FOR) forwarded = forwarded === '' ? raw[i + 1]! : `${forwarded}, ${raw[i + 1]}`
      continue
    }
    if (tokens?.has(name.toLowerCase())) continue
    if (hop !== undefined && name.length === 3 && name.toLowerCase() === 'via') {
      via += `${raw[i + 1]}, `
      continue
    }
    if (keep !== null && !isKept(name.toLowerCase(), keep)) continue
    headers.push(name, raw[i + 1]!)
  }
  const address = x.client.address
  headers.push('X-Forwarded-For', forwarded === '' ? address : `${forwarded}, ${address}`)
  if (hop !== undefined) headers.push('Via', via + hop)
  headers.push('X-Request-Id', call.id, 'X-Apig-count', String(call.forwardCount))
  return headers
}

/** OpenSSL's name for it (CERT_HAS_EXPIRED, ...): the client is told no more than that. */
export function tlsReason(error: UpstreamError): string {
  return (error.cause as NodeJS.ErrnoException | null)?.code ?? ''
}

/** How a failed connection shows on Edge. */
const FAILURES: Readonly<Record<UpstreamFailure, (error: UpstreamError) => Fault>> = {
  dns: () => platformFault('messaging.adaptors.http.flow.ServiceUnavailable'),
  refused: () => platformFault('messaging.adaptors.http.flow.ServiceUnavailable'),
  'connect-timeout': () => platformFault('messaging.adaptors.http.flow.ServiceUnavailable'),
  tls: (error) => platformFault('messaging.adaptors.http.flow.SslHandshakeFailed', tlsReason(error)),
  'io-timeout': () => platformFault('messaging.adaptors.http.flow.GatewayTimeout'),
  reset: () => platformFault('messaging.adaptors.http.flow.UnexpectedEOFAtTarget'),
  'bad-response': () => platformFault('messaging.adaptors.http.flow.BadGateway'),
  'bad-request': (error) => platformFault('protocol.http.BadPath', error.message),
  body: () => platformFault('messaging.adaptors.http.flow.UnexpectedEOFAtClient'),
  aborted: () => platformFault('messaging.adaptors.http.flow.UnexpectedEOFAtClient'),
}

/** Failures that APIG tells apart and Edge does not. */
const OF_APIG: Partial<Readonly<Record<UpstreamFailure, Fault>>> = { dns: apigFault('NameUnresolved') }

export function targetFault(error: UpstreamError, dialect: Dialect): Fault {
  return (dialect === 'apig' ? OF_APIG[error.kind] : undefined) ?? FAILURES[error.kind](error)
}
