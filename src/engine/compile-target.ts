import type { Settings } from '../model/deployment.ts'
import type { LocalConnection } from '../model/local-connection.ts'
import type { HttpConnection } from '../model/proxy.ts'
import type { Balancer } from './balancer.ts'
import type { Compiler } from './compile-env.ts'
import { compileTls } from './connection-tls.ts'
import { CONTENT_OF_REQUEST } from './content.ts'
import { compileLocal, localBase } from './local-target.ts'
import type { Segments, SuccessCodes, TargetPlan } from './plan.ts'

/** Defaults of Edge's HTTPTargetConnection properties, ms. */
const CONNECT_TIMEOUT_MS = 3_000
const IO_TIMEOUT_MS = 55_000

/** The plan of one connection: of a TargetEndpoint, or of a RouteRule's direct URL. */
export function compileTarget(
  name: string,
  connection: HttpConnection | LocalConnection,
  compiler: Compiler,
  settings: Settings,
  segments: Segments,
  balancer: Balancer | null,
): TargetPlan {
  const { properties } = connection
  const isLocal = 'local' in connection
  const nothing = { text: '', at: connection.at }
  const url = isLocal ? localBase(connection) : (connection.url ?? connection.balancer?.path ?? nothing)
  const streams = properties['request.streaming.enabled']?.trim().toLowerCase() === 'true'
  const retries = Number(properties['apicast.retries'] ?? 0)
  return {
    ...segments,
    name,
    url: compiler.template(url, { ignoreUnresolved: false, dollar: true }),
    fixedUrl: /[{}\\]/.test(url.text) ? null : url.text.trim(),
    tls: isLocal || balancer !== null ? null : compileTls(connection, settings, compiler.problems),
    local: isLocal
      ? compileLocal(connection, (source) => compiler.template(source, { ignoreUnresolved: false }))
      : null,
    balancer,
    retries,
    hostHeader: properties['apicast.host'] ?? null,
    needs: (balancer?.retries === true && !streams) || retries > 0 ? CONTENT_OF_REQUEST : 0,
    success: successCodes(properties['success.codes']),
    connectTimeoutMs: millis(properties['connect.timeout.millis'], CONNECT_TIMEOUT_MS),
    ioTimeoutMs: millis(properties['io.timeout.millis'], IO_TIMEOUT_MS),
    retainRequestHeaders: retained(properties, 'request.retain.headers', (name) => name.toLowerCase()),
    retainResponseHeaders: retained(properties, 'response.retain.headers', (name) => name.toLowerCase()),
    retainQuery: retained(properties, 'retain.queryparams', (name) => name),
  }
}

/** `connect.timeout.millis` and `io.timeout.millis` of a connection; policies that call out share them. */
export function connectionTimeouts(properties: Readonly<Record<string, string>>): {
  connectTimeoutMs: number
  ioTimeoutMs: number
} {
  return {
    connectTimeoutMs: millis(properties['connect.timeout.millis'], CONNECT_TIMEOUT_MS),
    ioTimeoutMs: millis(properties['io.timeout.millis'], IO_TIMEOUT_MS),
  }
}

/** `success.codes`: a list of codes and classes ("2xx, 404"); the default is all below 400. */
export function successCodes(text: string | undefined): SuccessCodes {
  if (text === undefined || text.trim() === '') return (status) => status < 400
  const words = text.split(',').map((word) => word.trim().toLowerCase())
  return (status) => words.includes(String(status)) || words.includes(`${Math.floor(status / 100)}xx`)
}

function millis(text: string | undefined, otherwise: number): number {
  const value = Number(text)
  return text === undefined || !Number.isFinite(value) || value <= 0 ? otherwise : value
}

/** A list counts whatever `.enabled` says; `.enabled` false without a list keeps nothing. Null: keep all. */
export function retained(
  properties: Readonly<Record<string, string>>,
  name: string,
  normal: (word: string) => string,
): ReadonlySet<string> | null {
  const list = properties[name]?.split(',').flatMap((word) => (word.trim() === '' ? [] : [normal(word.trim())]))
  if (list !== undefined && list.length > 0) return new Set(list)
  return properties[`${name}.enabled`]?.trim().toLowerCase() === 'false' ? new Set() : null
}
