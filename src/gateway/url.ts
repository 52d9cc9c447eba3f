import type { ConnectionTls } from '../engine/connection-tls.ts'
import type { HostMap } from '../model/deployment.ts'
import type { Origin } from '../wire/types.ts'

/** An absolute URL taken apart as a gateway needs it. */
export interface Destination {
  readonly origin: Origin
  /** For the Host header: as in the URL, without a default port. */
  readonly authority: string
  /** Begins with a slash. */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
}

const ORIGINS_MAX = 4096
const KNOWN_MAX = 4096
const URL_PATTERN =
  /^(https?):\/\/((?:\[[0-9a-fA-F:.]+\]|[^\s/?#@:[\]\\%]+)(?::(\d{1,5}))?)(\/[^\s?#]*)?(?:\?([^\s#]*))?(?:#\S*)?$/i

/** Parses URLs and keeps one `Origin` for each scheme, host and port, sent elsewhere where the host map says so. */
export class Destinations {
  readonly #hostMap: HostMap
  readonly #verifyTls: boolean
  readonly #origins = new Map<string, Origin>()
  // Most URLs are the fixed ones of targets; those with variables share what is left of the room.
  readonly #known = new Map<string, Destination>()
  readonly #secured = new WeakMap<ConnectionTls, WeakMap<Origin, Origin>>()

  constructor(hostMap: HostMap, verifyTls: boolean) {
    this.#hostMap = hostMap
    this.#verifyTls = verifyTls
  }

  /** Null when the text is not an absolute http or https URL. */
  parse(url: string): Destination | null {
    const known = this.#known.get(url)
    if (known !== undefined) return known
    const destination = this.#parse(url)
    if (destination !== null) {
      if (this.#known.size >= KNOWN_MAX) this.#known.clear()
      this.#known.set(url, destination)
    }
    return destination
  }

  /** The same place, spoken to as `tls` says, over connections of its own; a place without TLS stays as it is. */
  secured(origin: Origin, tls: ConnectionTls | null): Origin {
    if (tls === null || !origin.secure) return origin
    let origins = this.#secured.get(tls)
    if (origins === undefined) {
      origins = new WeakMap()
      this.#secured.set(tls, origins)
    }
    let secured = origins.get(origin)
    if (secured === undefined) {
      secured = { ...origin, key: `${origin.key}#${tls.id}`, tls }
      origins.set(origin, secured)
    }
    return secured
  }

  #parse(url: string): Destination | null {
    const match = URL_PATTERN.exec(url.replaceAll(' ', '%20'))
    if (match === null) return null
    const authority = match[2]!
    const origin = this.#origin(match[1]!.toLowerCase(), authority.toLowerCase(), match[3])
    if (origin === null) return null
    return { origin, authority, path: match[4] ?? '/', query: match[5] ?? '' }
  }

  #origin(scheme: string, authority: string, port: string | undefined): Origin | null {
    const key = `${scheme}://${authority}`
    const known = this.#origins.get(key)
    if (known !== undefined) return known
    const portNumber = port === undefined ? (scheme === 'https' ? 443 : 80) : Number(port)
    if (portNumber < 1 || portNumber > 65_535) return null
    const host = port === undefined ? authority : authority.slice(0, -port.length - 1)
    const origin = this.#mapped(key, host, portNumber) ?? this.#direct(scheme === 'https', host, portNumber)
    // URLs may be filled in from requests: forget all rather than grow without end.
    if (this.#origins.size >= ORIGINS_MAX) this.#origins.clear()
    this.#origins.set(key, origin)
    return origin
  }

  #mapped(key: string, host: string, port: number): Origin | null {
    const scheme = key.slice(0, key.indexOf(':'))
    const to = this.#hostMap[key] ?? this.#hostMap[`${scheme}://${host}:${port}`] ?? this.#portless(scheme, host, port)
    if (to === undefined) return null
    const match = URL_PATTERN.exec(to)
    if (match === null) return null
    const secure = match[1]!.toLowerCase() === 'https'
    const toPort = match[3] === undefined ? (secure ? 443 : 80) : Number(match[3])
    const toHost = match[3] === undefined ? match[2]! : match[2]!.slice(0, -match[3].length - 1)
    return this.#direct(secure, toHost, toPort)
  }

  #portless(scheme: string, host: string, port: number): string | undefined {
    return port === (scheme === 'https' ? 443 : 80) ? this.#hostMap[`${scheme}://${host}`] : undefined
  }

  #direct(secure: boolean, host: string, port: number): Origin {
    const bare = host.startsWith('[') ? host.slice(1, -1) : host
    const key = `${secure ? 'https' : 'http'}://${host}:${port}`
    if (!secure) return { key, secure, host: bare, port }
    return { key, secure, host: bare, port, tls: { rejectUnauthorized: this.#verifyTls } }
  }
}

/** Path and query of a request: base path of the URL, what is appended to it, both queries, the URL's own first. */
export function joinTarget(path: string, suffix: string, urlQuery: string, query: string): string {
  let joined = path
  if (suffix !== '') {
    if (path.endsWith('/')) joined = path + (suffix.startsWith('/') ? suffix.slice(1) : suffix)
    else joined = suffix.startsWith('/') ? path + suffix : `${path}/${suffix}`
  }
  if (urlQuery === '') return query === '' ? joined : `${joined}?${query}`
  return query === '' ? `${joined}?${urlQuery}` : `${joined}?${urlQuery}&${query}`
}
