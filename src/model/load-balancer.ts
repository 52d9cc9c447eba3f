import type { Problems } from './problem.ts'
import type { Position, SourceText } from './source.ts'
import { childOf, childrenOf, textOf, type XmlElement } from './xml.ts'

export const ALGORITHMS = ['RoundRobin', 'Weighted', 'LeastConnections'] as const

/** Edge's LoadBalancer over target servers of the environment. */
export interface LoadBalancer {
  readonly algorithm: (typeof ALGORITHMS)[number]
  readonly servers: readonly BalancedServer[]
  /** Failures in a row after which a server leaves the rotation; 0: never. */
  readonly maxFailures: number
  readonly retryEnabled: boolean
  /** Statuses that count as failures. */
  readonly unhealthyStatuses: readonly number[]
  /** After this long a server that left comes back by itself; null: it does not. */
  readonly disableSeconds: number | null
  /** What follows host and port, a template; null: nothing. */
  readonly path: SourceText | null
  readonly monitor: HealthMonitor | null
  readonly at: Position
}

export interface BalancedServer {
  readonly name: string
  readonly weight: number
  /** Used only when all others are out. */
  readonly fallback: boolean
  readonly enabled: boolean
  readonly at: Position
}

/** What brings servers back, and takes them out before a call finds out. */
export interface HealthMonitor {
  readonly intervalSeconds: number
  readonly probe: TcpProbe | HttpProbe
}

export interface TcpProbe {
  readonly kind: 'tcp'
  readonly connectTimeoutSeconds: number
  /** Null: that of the server. */
  readonly port: number | null
}

export interface HttpProbe {
  readonly kind: 'http'
  readonly connectTimeoutSeconds: number
  readonly readTimeoutSeconds: number
  readonly port: number | null
  readonly verb: string
  readonly path: string
  /** Flat: name, value, ... */
  readonly headers: readonly string[]
  readonly payload: string
  /** Null: as the server is spoken to. */
  readonly secure: boolean | null
  readonly trustAll: boolean
  readonly withId: boolean
  readonly successStatuses: readonly number[]
  /** Headers that a good answer has, flat. */
  readonly successHeaders: readonly string[]
}

const COUNT_MAX = 1_000_000
const SECONDS_MAX = 86_400
const TIMEOUT_SECONDS = 5
const INTERVAL_SECONDS = 5

/** Reads values; what cannot be is an error of the one name. */
class Reading {
  readonly #code: 'InvalidLoadBalancer' | 'InvalidHealthMonitor'
  readonly #problems: Problems

  constructor(code: 'InvalidLoadBalancer' | 'InvalidHealthMonitor', problems: Problems) {
    this.#code = code
    this.#problems = problems
  }

  error(at: Position, text: string): void {
    this.#problems.error(this.#code, at, text)
  }

  unknown(xml: XmlElement, known: readonly string[]): void {
    for (const child of xml.children) {
      if (known.includes(child.name)) continue
      this.#problems.warn('UnknownElement', child.at, `<${child.name}> is not known in ${xml.name} and has no effect`)
    }
  }

  whole(xml: XmlElement, child: string, otherwise: number, min: number, max: number): number {
    const text = textOf(xml, child)
    if (text === undefined || text === '') return otherwise
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
    if (value >= min && value <= max) return value
    this.error(
      childOf(xml, child)!.at,
      `<${child}> must be a whole number from ${min} to ${max}, not ${text.slice(0, 50)}`,
    )
    return otherwise
  }

  flag(xml: XmlElement, child: string, otherwise: boolean): boolean {
    const text = textOf(xml, child)?.toLowerCase()
    if (text === undefined || text === '') return otherwise
    if (text !== 'true' && text !== 'false') {
      this.error(childOf(xml, child)!.at, `<${child}> must be true or false, not ${text.slice(0, 50)}`)
    }
    return text === 'true'
  }

  statuses(xml: XmlElement | undefined): number[] {
    return childrenOf(xml ?? NOTHING, 'ResponseCode').flatMap((element) => {
      const status = Number(element.text.trim())
      if (Number.isInteger(status) && status >= 100 && status <= 599) return [status]
      this.error(element.at, `<ResponseCode> must be a status from 100 to 599, not ${element.text.trim().slice(0, 50)}`)
      return []
    })
  }

  headers(xml: XmlElement | undefined): string[] {
    return childrenOf(xml ?? NOTHING, 'Header').flatMap((element) => {
      const name = element.attributes['name']?.trim() ?? ''
      if (name !== '') return [name, element.text.trim()]
      this.error(element.at, '<Header> needs the attribute name')
      return []
    })
  }
}

const NOTHING: XmlElement = {
  name: '',
  attributes: {},
  children: [],
  text: '',
  content: '',
  at: { file: '', line: 1, column: 1 },
  textAt: { file: '', line: 1, column: 1 },
}

/**
 * Reads `<LoadBalancer>` with the `<HealthMonitor>` beside it. Whether its servers exist shows when it is compiled.
 * Source: Apigee's "Load balancing across backend servers".
 */
export function loadBalancerOf(
  xml: XmlElement,
  monitor: XmlElement | undefined,
  path: SourceText | null,
  problems: Problems,
): LoadBalancer {
  const read = new Reading('InvalidLoadBalancer', problems)
  read.unknown(xml, [
    'Algorithm',
    'Server',
    'MaxFailures',
    'RetryEnabled',
    'ServerUnhealthyResponse',
    'TargetDisableSecs',
  ])
  const algorithm = algorithmOf(xml, read)
  const servers = childrenOf(xml, 'Server').map((element) => serverOf(element, read))
  if (servers.length === 0) read.error(xml.at, '<LoadBalancer> names no <Server>')
  for (const [i, server] of servers.entries()) {
    if (servers.findIndex(({ name }) => name === server.name) < i) {
      read.error(server.at, `server ${server.name} is named twice`)
    }
  }
  const fallbacks = servers.filter((server) => server.fallback)
  if (fallbacks.length > 1)
    read.error(fallbacks[1]!.at, 'a second server with <IsFallback>true</IsFallback>; there can be one')
  if (servers.length > 0 && fallbacks.length === servers.length) {
    read.error(fallbacks[0]!.at, 'a fallback alone; name a server that it stands in for')
  }
  const maxFailures = read.whole(xml, 'MaxFailures', 0, 0, COUNT_MAX)
  const disableSeconds = read.whole(xml, 'TargetDisableSecs', 0, 0, SECONDS_MAX)
  return {
    algorithm,
    servers,
    maxFailures,
    retryEnabled: read.flag(xml, 'RetryEnabled', true),
    unhealthyStatuses: read.statuses(childOf(xml, 'ServerUnhealthyResponse')),
    disableSeconds: disableSeconds === 0 ? null : disableSeconds,
    path,
    monitor:
      monitor === undefined ? null : monitorOf(monitor, maxFailures, new Reading('InvalidHealthMonitor', problems)),
    at: xml.at,
  }
}

function algorithmOf(xml: XmlElement, read: Reading): LoadBalancer['algorithm'] {
  const text = textOf(xml, 'Algorithm')
  if (text === undefined || text === '') return 'RoundRobin'
  const algorithm = ALGORITHMS.find((name) => name.toLowerCase() === text.toLowerCase())
  if (algorithm === undefined) {
    read.error(
      childOf(xml, 'Algorithm')!.at,
      `<Algorithm> is ${text.slice(0, 50)}, not one of ${ALGORITHMS.join(', ')}`,
    )
  }
  return algorithm ?? 'RoundRobin'
}

function serverOf(xml: XmlElement, read: Reading): BalancedServer {
  const name = xml.attributes['name']?.trim() ?? ''
  if (name === '') read.error(xml.at, '<Server> needs the attribute name: a target server of the environment')
  read.unknown(xml, ['Weight', 'IsFallback', 'IsEnabled'])
  return {
    name,
    weight: read.whole(xml, 'Weight', 1, 1, COUNT_MAX),
    fallback: read.flag(xml, 'IsFallback', false),
    enabled: read.flag(xml, 'IsEnabled', true),
    at: xml.at,
  }
}

/** Null: it is switched off, or there was an error. */
function monitorOf(xml: XmlElement, maxFailures: number, read: Reading): HealthMonitor | null {
  const error = (at: Position, text: string): null => {
    read.error(at, text)
    return null
  }
  read.unknown(xml, ['IsEnabled', 'IntervalInSec', 'TCPMonitor', 'HTTPMonitor'])
  const tcp = childOf(xml, 'TCPMonitor')
  const http = childOf(xml, 'HTTPMonitor')
  if (tcp !== undefined && http !== undefined)
    return error(http.at, '<HTTPMonitor> together with <TCPMonitor>; name one')
  const intervalSeconds = read.whole(xml, 'IntervalInSec', INTERVAL_SECONDS, 1, SECONDS_MAX)
  if (!read.flag(xml, 'IsEnabled', true)) return null
  if (maxFailures === 0) {
    return error(xml.at, '<HealthMonitor> needs <MaxFailures> above 0: without it no server leaves the rotation')
  }
  if (tcp !== undefined) return { intervalSeconds, probe: tcpProbe(tcp, read) }
  if (http !== undefined) return { intervalSeconds, probe: httpProbe(http, read) }
  return error(xml.at, '<HealthMonitor> needs <TCPMonitor> or <HTTPMonitor>')
}

function portOf(xml: XmlElement, read: Reading): number | null {
  const port = read.whole(xml, 'Port', 0, 1, 65_535)
  return port === 0 ? null : port
}

function tcpProbe(xml: XmlElement, read: Reading): TcpProbe {
  read.unknown(xml, ['ConnectTimeoutInSec', 'Port'])
  const connectTimeoutSeconds = read.whole(xml, 'ConnectTimeoutInSec', TIMEOUT_SECONDS, 1, SECONDS_MAX)
  return { kind: 'tcp', connectTimeoutSeconds, port: portOf(xml, read) }
}

function httpProbe(xml: XmlElement, read: Reading): HttpProbe {
  read.unknown(xml, ['Request', 'SuccessResponse'])
  const request = childOf(xml, 'Request') ?? NOTHING
  const success = childOf(xml, 'SuccessResponse')
  read.unknown(request, [
    'ConnectTimeoutInSec',
    'SocketReadTimeoutInSec',
    'Port',
    'Verb',
    'Path',
    'Header',
    'Payload',
    'IsSSL',
    'TrustAllSSL',
    'UseTargetServerSSLInfo',
    'IncludeHealthCheckIdHeader',
  ])
  const path = textOf(request, 'Path') ?? ''
  if (/[\s\u0000-\u001f]/.test(path)) read.error(childOf(request, 'Path')!.at, '<Path> has no white space; write %20')
  const statuses = read.statuses(success)
  const isSecure = textOf(request, 'IsSSL')
  return {
    kind: 'http',
    connectTimeoutSeconds: read.whole(request, 'ConnectTimeoutInSec', TIMEOUT_SECONDS, 1, SECONDS_MAX),
    readTimeoutSeconds: read.whole(request, 'SocketReadTimeoutInSec', TIMEOUT_SECONDS, 1, SECONDS_MAX),
    port: portOf(request, read),
    verb: verbOf(request, read),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: read.headers(request),
    payload: textOf(request, 'Payload') ?? '',
    secure: isSecure === undefined || isSecure === '' ? null : read.flag(request, 'IsSSL', false),
    trustAll: read.flag(request, 'TrustAllSSL', false),
    withId: read.flag(request, 'IncludeHealthCheckIdHeader', false),
    successStatuses: statuses.length === 0 ? [200] : statuses,
    successHeaders: read.headers(success),
  }
}

function verbOf(request: XmlElement, read: Reading): string {
  const verb = textOf(request, 'Verb') ?? 'GET'
  if (/^[A-Za-z]{1,20}$/.test(verb)) return verb.toUpperCase()
  read.error(childOf(request, 'Verb')!.at, `<Verb> is no method: ${verb.slice(0, 50)}`)
  return 'GET'
}
