import { createHmac } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../core/clock.ts'
import { sameSecret } from './token.ts'

const ACCESS_SECONDS = 1_800
const REFRESH_SECONDS = 86_400

type Kind = 'access' | 'refresh'

/**
 * Tokens for clients that log in before they call. Nothing is kept here: a token is the moment it ends and that moment signed with the
 * admin token, so another admin token ends all of them.
 */
export class Logins {
  readonly #token: string
  readonly #clock: Clock

  constructor(token: string, clock: Clock) {
    this.#token = token
    this.#clock = clock
  }

  /** Is this a token of that kind which has not ended? */
  holds(secret: string, kind: Kind = 'access'): boolean {
    const match = /^postern-(access|refresh)-(\d{1,12})-([\w-]{43})$/.exec(secret)
    if (match?.[1] !== kind) return false
    const ends = Number(match[2])
    return sameSecret(match[3]!, this.#signature(kind, ends)) && ends * 1000 > this.#clock.now()
  }

  /** What a login answers: RFC 6749, section 5.1. */
  open(): object {
    return {
      access_token: this.#make('access', ACCESS_SECONDS),
      token_type: 'bearer',
      refresh_token: this.#make('refresh', REFRESH_SECONDS),
      expires_in: ACCESS_SECONDS - 1,
      scope: 'postern.admin',
    }
  }

  #make(kind: Kind, seconds: number): string {
    const ends = Math.floor(this.#clock.now() / 1000) + seconds
    return `postern-${kind}-${ends}-${this.#signature(kind, ends)}`
  }

  #signature(kind: Kind, ends: number): string {
    return createHmac('sha256', this.#token).update(`postern: ${kind} token until ${ends}`).digest('base64url')
  }
}

/** What a form asks for: whether it may have it. `password` and `passcode` are the admin token, as for every other call. */
const GRANTS: Readonly<
  Record<string, (form: URLSearchParams, logins: Logins, isToken: (text: string) => boolean) => boolean>
> = {
  password: (form, _, isToken) => isToken(form.get('passcode') ?? form.get('password') ?? ''),
  refresh_token: (form, logins) => logins.holds(form.get('refresh_token') ?? '', 'refresh'),
}

/**
 * `POST /oauth/token`, as Edge's login server has it: apigee-edge-js and the Maven plugin log in there and send the access token from then
 * on. Its own client id and secret are public and say nothing, so they are not looked at.
 */
export function loginRoutes(scope: FastifyInstance, logins: Logins, isToken: (text: string) => boolean): void {
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string | Buffer) => new URLSearchParams(String(body)),
  )
  const refuse = (reply: FastifyReply, status: number, error: string, text: string): FastifyReply =>
    reply.code(status).send({ error, error_description: text })
  scope.post('/oauth/token', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const form = request.body
    if (!(form instanceof URLSearchParams)) {
      return refuse(reply, 400, 'invalid_request', 'send a form: grant_type=password&username=...&password=...')
    }
    const grant = form.get('grant_type') ?? ''
    if (!Object.hasOwn(GRANTS, grant)) {
      const known = Object.keys(GRANTS).join(' or ')
      return refuse(reply, 400, 'unsupported_grant_type', `grant_type must be ${known}`)
    }
    if (GRANTS[grant]!(form, logins, isToken)) return logins.open()
    const text =
      grant === 'password'
        ? 'Bad credentials: the password is the admin token (POSTERN_ADMIN_TOKEN, or the file admin-token of the data folder)'
        : 'the refresh token is wrong or has ended; log in again'
    return refuse(reply, 401, 'unauthorized', text)
  })
}
