import { createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../core/clock.ts'
import { sameSecret } from './token.ts'

const sessionSeconds = 30 * 24 * 3600

/**
 * The dashboard's session: a cookie that proves that the browser once had the admin token, without holding it. Nothing is kept
 * here: the cookie is the moment it ends and that moment signed with the token, so another token ends all sessions.
 */
export class Sessions {
  readonly #token: string
  readonly #clock: Clock
  readonly #name: string

  constructor(token: string, clock: Clock) {
    this.#token = token
    this.#clock = clock
    // Browsers share cookies between the ports of a host: two gateways on one machine need two names.
    this.#name = `postern_${sign(token, 'name').slice(0, 8)}`
  }

  /** The Set-Cookie of a new session. SameSite=Strict and HttpOnly: no other site can use it, no script can read it. */
  open(): string {
    const ends = Math.floor(this.#clock.now() / 1000) + sessionSeconds
    return `${this.#name}=${ends}.${this.#signature(ends)}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${sessionSeconds}`
  }

  /** Does this request come from a browser with a session that has not ended? */
  holds(cookieHeader: string | undefined): boolean {
    const value = cookieHeader === undefined ? undefined : cookieOf(cookieHeader, this.#name)
    const match = value === undefined ? null : /^(\d{1,12})\.([\w-]{43})$/.exec(value)
    if (match === null) return false
    const ends = Number(match[1])
    return sameSecret(match[2]!, this.#signature(ends)) && ends * 1000 > this.#clock.now()
  }

  #signature(ends: number): string {
    return sign(this.#token, `dashboard session until ${ends}`)
  }
}

function sign(token: string, text: string): string {
  return createHmac('sha256', token).update(`postern: ${text}`).digest('base64url')
}

function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return undefined
}

/**
 * Did a page of ours (or the user, by hand) ask? Browsers say so in Sec-Fetch-Site, but only to https and loopback; elsewhere
 * Origin tells, which a page of another port sends too.
 */
export function isOwnPage(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const { origin, host } = headers
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`
}
