import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { ApigError } from '../../dialects/apig/error.ts'
import type { Fields } from '../../dialects/apig/fields.ts'
import { draftApi } from '../../dialects/apig/runtime.ts'
import { RELEASE } from '../../model/apig.ts'
import { type ApigContext, route } from './context.ts'

const ANSWER_BYTES_MAX = 2_097_152
const TIMEOUT_MS = 20_000
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'] as const

/**
 * Debugging an API: one call through the gateway with debug headers. DEVELOPER debugs the definition as it is, published
 * or not, and without its authentication; CONSUMER what is published in an environment.
 */
export function debugRoutes(scope: FastifyInstance, context: ApigContext): void {
  route(scope, 'post', '/apis/debug/:id', 200, async (call) => {
    const { catalog } = context
    const draft = catalog.apig
    const api = draft.get('api', call.id())
    const { body } = call
    const mode = body.choice('mode', ['DEVELOPER', 'MARKET', 'CONSUMER'])
    if (mode === 'MARKET') throw body.wrong('mode', 'DEVELOPER or CONSUMER')
    const asked = requestOf(body)
    if (mode === 'CONSUMER') return debug(context, textOf(asked, body.textOr('stage', RELEASE)))
    // A stage of its own for this one call, so that nobody else meets what is not published.
    const stage = `debug-${randomBytes(8).toString('hex')}`
    const debugged = draftApi(draft.state(), api, stage)
    return catalog.withApi(debugged, () => debug(context, textOf(asked, stage)))
  })
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly domain: string | null
  readonly headers: readonly string[]
  readonly body: string
}

function requestOf(body: Fields): Asked {
  body.choice('scheme', ['HTTP', 'HTTPS'], 'HTTPS')
  const path = body.text('path', { max: 1_024, pattern: /^\/[^\s?#]*$/, rule: 'a path that begins with a slash' })
  const query = new URLSearchParams()
  const lists = (name: string): [string, string[]][] => {
    const inner = body.inner(name)
    return (inner?.names() ?? []).map((one) => [one, inner!.texts(one, { max: 32_768, min: 0 })])
  }
  for (const [name, values] of lists('query')) for (const value of values) query.append(name, value)
  const headers = lists('header').flatMap(([name, values]) =>
    values.map((value) => {
      if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) || /[\r\n\0]/.test(value)) {
        throw body.wrong(`header.${name}`, 'a header name and one line of text')
      }
      return `${name}: ${value}`
    }),
  )
  const text = query.toString().replaceAll('+', '%20')
  return {
    method: body.choice('method', METHODS),
    path: text === '' ? path : `${path}?${text}`,
    domain: body.textOr('domain', null, { pattern: /^[A-Za-z0-9.:-]+$/, rule: 'a host name' }),
    headers,
    body: body.textOr('body', '', { max: ANSWER_BYTES_MAX }),
  }
}

function textOf({ method, path, domain, headers, body }: Asked, stage: string): (authority: string) => string {
  return (authority) => {
    const lines = [
      `${method} ${path} HTTP/1.1`,
      `Host: ${domain ?? authority}`,
      'User-Agent: APIGatewayDebugClient/1.0',
      'X-Apig-Mode: debug',
      ...(stage === RELEASE ? [] : [`X-Stage: ${stage}`]),
      ...headers,
      ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
      'Connection: close',
    ]
    return `${lines.join('\r\n')}\r\n\r\n${body}`
  }
}

/** Sends the text as it is shown, and shows what comes back as it came. */
async function debug({ gateway }: ApigContext, textFor: (authority: string) => string): Promise<unknown> {
  const { host, port } = gateway()
  const request = textFor(`${host}:${port}`)
  const began = performance.now()
  const chunks: Buffer[] = []
  let bytes = 0
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.write(request))
    const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS)
    socket.on('data', (chunk: Buffer) => {
      if (bytes <= ANSWER_BYTES_MAX) chunks.push(chunk)
      bytes += chunk.length
      if (bytes > ANSWER_BYTES_MAX) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
  }).catch((error: Error) => {
    throw ApigError.of('APIG.2000', `the gateway did not answer: ${error.message}`)
  })
  const answer = Buffer.concat(chunks).toString('utf8')
  return {
    request,
    response: bytes > ANSWER_BYTES_MAX ? `${answer.slice(0, ANSWER_BYTES_MAX)}[TRUNCATED]` : answer,
    latency: Math.round(performance.now() - began),
    log: '',
  }
}
