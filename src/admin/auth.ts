import type { FastifyRequest } from 'fastify'
import type { Clock } from '../core/clock.ts'
import { AdminError, pathOf } from './errors.ts'
import { Logins } from './logins.ts'
import { isOwnPage, Sessions } from './session.ts'
import { sameSecret } from './token.ts'

/** Query parameters that may carry the token: 3scale's clients send one of them. */
const tokenParameters = ['access_token', 'provider_key']

/** Every secret that a request offers, wherever its API's clients put it. */
export function offeredSecrets(request: FastifyRequest): string[] {
  const secrets: string[] = []
  const { authorization } = request.headers
  const match = authorization === undefined ? null : /^(bearer|basic) +(.+)$/i.exec(authorization)
  if (match !== null) {
    if (match[1]!.toLowerCase() === 'bearer') secrets.push(match[2]!.trim())
    else secrets.push(...basicParts(match[2]!))
  }
  const header = request.headers['x-auth-token']
  if (typeof header === 'string' && header !== '') secrets.push(header)
  const query = request.query as Readonly<Record<string, unknown>>
  for (const name of tokenParameters) {
    const value = query[name]
    if (typeof value === 'string' && value !== '') secrets.push(value)
  }
  return secrets
}

/** User and password: 3scale's Ruby client sends the token as password, APIcast as user, apigeetool as password. */
function basicParts(encoded: string): string[] {
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const parts = colon === -1 ? [text] : [text.slice(0, colon), text.slice(colon + 1)]
  return parts.filter((part) => part !== '')
}

const howToSay =
  'Send the admin token as Authorization: Bearer TOKEN, as Basic user or password, as X-Auth-Token or as the parameter ' +
  'access_token. It is POSTERN_ADMIN_TOKEN, or else in the file admin-token of the data folder.'

/** Who may pass the admin door. */
export class Guard {
  readonly sessions: Sessions
  readonly logins: Logins
  readonly #token: string

  constructor(token: string, clock: Clock) {
    this.#token = token
    this.sessions = new Sessions(token, clock)
    this.logins = new Logins(token, clock)
  }

  /** The admin token itself, or the access token of a login. */
  isToken(secret: string): boolean {
    return this.isAdminToken(secret) || this.logins.holds(secret)
  }

  isAdminToken(secret: string): boolean {
    return sameSecret(secret, this.#token)
  }

  /** A browser with a session, asking from a page of ours, and only to read; debug sessions it may change too. */
  isReader(request: FastifyRequest): boolean {
    const may = isRead(request.method) ? isOwnPage(request.headers) : isPageWrite(request)
    return may && this.sessions.holds(request.headers.cookie)
  }

  /** Undefined: may pass. Otherwise why not. `secrets` are those of `offeredSecrets`. */
  refusal(request: FastifyRequest, secrets: readonly string[]): AdminError | undefined {
    if (secrets.some((secret) => this.isToken(secret)) || this.isReader(request)) return undefined
    if (secrets.length > 0) return new AdminError(401, 'wrong_token', `The token is not the admin token. ${howToSay}`)
    if (!this.sessions.holds(request.headers.cookie)) {
      return new AdminError(401, 'token_missing', `This call needs the admin token. ${howToSay}`)
    }
    return isRead(request.method)
      ? new AdminError(403, 'other_site', "The dashboard's session is good for the dashboard's own pages only.")
      : new AdminError(403, 'read_only', `The dashboard's session may only read. ${howToSay}`)
  }
}

/** What pages may change: debug sessions, which change nothing of what is served. */
const PAGES_WRITE = '/api/trace/sessions'

/** A browser says for certain that a page of ours wants it: no other page and no form of one can make it say so. */
function isPageWrite({ method, headers, url }: FastifyRequest): boolean {
  const path = pathOf(url)
  if (method !== 'POST' && method !== 'DELETE') return false
  if (path !== PAGES_WRITE && !path.startsWith(`${PAGES_WRITE}/`)) return false
  const { origin, host } = headers
  const own = origin === `http://${host}` || origin === `https://${host}`
  return own && isOwnPage(headers)
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** A fastify hook that lets in only who has the admin token. */
export function adminOnly(guard: Guard): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const refusal = guard.refusal(request, offeredSecrets(request))
    if (refusal !== undefined) throw refusal
  }
}

/**
 * No page of another site calls an API of this door, whatever credentials it has: a token that a browser knows must not be
 * of use to it. Programs send neither Origin nor Sec-Fetch-Site.
 */
export async function ownPagesOnly({ headers }: FastifyRequest): Promise<void> {
  if (isOwnPage(headers)) return
  throw new AdminError(
    403,
    'other_site',
    "A page of another site asked. Browsers get in from this door's own pages only; call it from a program.",
  )
}
