import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Guard, offeredSecrets } from './auth.ts'
import { pathOf } from './errors.ts'
import { reloadPage, signInPage, unbuiltPage } from './sign-in.ts'

/**
 * Addresses that the dashboard draws a page for, as its menu has them; the first is where `/` leads. Below those that end in
 * `/*` stands the name of one thing, which may be long and hold anything.
 */
export const pages: readonly string[] = [
  '/overview',
  '/analytics/usage',
  '/analytics/response-codes',
  '/analytics/top-applications',
  '/applications',
  '/applications/*',
  '/throttles',
  '/proxies',
  '/proxies/*',
  '/explain',
  '/explain/*',
  '/trace',
  '/trace/*',
]

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Scripts, styles and calls come from this door only; nothing inline, nothing framed. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

interface Asset {
  readonly type: string
  readonly body: Buffer
  readonly etag: string
}

/** Every file of the built dashboard, in memory: a few, small, and never a path of a request. Undefined: it was not built. */
function readAssets(folder: string | null): ReadonlyMap<string, Asset> | undefined {
  if (folder === null) return undefined
  const assets = new Map<string, Asset>()
  try {
    for (const file of readdirSync(folder)) {
      const type = types[extname(file)]
      if (type === undefined) continue
      const body = readFileSync(join(folder, file))
      assets.set(file, { type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` })
    }
  } catch {
    return undefined
  }
  return assets.has('index.html') ? assets : undefined
}

/** The dashboard: its files are open (they hold nothing), its pages need the session that the link with the token begins. */
export function pageRoutes(scope: FastifyInstance, guard: Guard, folder: string | null): void {
  const assets = readAssets(folder)
  scope.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', policy)
  })
  scope.get('/assets/:file', (request: FastifyRequest<{ Params: { file: string } }>, reply) => {
    const { file } = request.params
    const asset = file === 'index.html' ? undefined : assets?.get(file)
    return asset === undefined ? reply.callNotFound() : sendAsset(asset, request, reply)
  })
  const page = assets?.get('index.html')
  const draw = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const admitted = admit(guard, request, reply)
    if (admitted !== undefined) return admitted
    if (page === undefined) return sendHtml(reply, 503, unbuiltPage())
    return pathOf(request.url) === '/' ? reply.redirect(pages[0]!, 302) : sendAsset(page, request, reply)
  }
  for (const path of ['/', ...pages]) scope.get(path, draw)
  signInRoutes(scope, guard)
}

/** Undefined: has a session. Otherwise the answer that was sent instead of the page. */
function admit(guard: Guard, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const { token, ...others } = request.query as Record<string, string | string[] | undefined>
  if (token !== undefined) {
    if (typeof token !== 'string' || !guard.isAdminToken(token)) return sendHtml(reply, 401, signInPage(true))
    // At once to the same address without it, so that it stays in no address bar, history or referrer.
    return openSession(guard, reply, pathOf(request.url) + queryOf(others))
  }
  if (guard.isReader(request) || offeredSecrets(request).some((secret) => guard.isToken(secret))) return undefined
  // A link on another site: the browser keeps the strict cookie back until a page of ours asks again.
  if (request.headers['sec-fetch-site'] === 'cross-site') return sendHtml(reply, 200, reloadPage(request.url))
  return sendHtml(reply, 401, signInPage(false))
}

function queryOf(parameters: Readonly<Record<string, string | string[] | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters))
    for (const each of [value ?? ''].flat()) query.append(name, each)
  return query.size === 0 ? '' : `?${query}`
}

function openSession(guard: Guard, reply: FastifyReply, to: string): FastifyReply {
  return reply.header('set-cookie', guard.sessions.open()).header('cache-control', 'no-store').redirect(to, 303)
}

/** For scripts, which want no page. */
const sessionPath = '/session'

/** The form of the sign-in page, for who opens an address without the link: it leads to the page of that address. */
function signInRoutes(scope: FastifyInstance, guard: Guard): void {
  const form = 'application/x-www-form-urlencoded'
  scope.addContentTypeParser(form, { parseAs: 'string', bodyLimit: 4096 }, (_request, body, done) => {
    done(null, new URLSearchParams(body as string))
  })
  const enter = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const token = request.body instanceof URLSearchParams ? (request.body.get('token') ?? '').trim() : ''
    if (!guard.isAdminToken(token)) return sendHtml(reply, 401, signInPage(true))
    const { token: _wrong, ...others } = request.query as Record<string, string | string[] | undefined>
    const path = pathOf(request.url)
    return openSession(guard, reply, path === sessionPath ? '/' : path + queryOf(others))
  }
  for (const path of [sessionPath, '/', ...pages]) scope.post(path, enter)
}

function sendHtml(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply.code(status).type(types['.html']!).header('cache-control', 'no-store').send(html)
}

function sendAsset(asset: Asset, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('etag', asset.etag).header('cache-control', 'no-cache')
  if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send()
  return reply.type(asset.type).send(asset.body)
}
