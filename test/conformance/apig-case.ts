import { createHash, createHmac } from 'node:crypto'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import type { Answer } from '../kit/backend.ts'
import type { Postern } from '../kit/postern.ts'

type Json = Record<string, unknown>

/** One case as its file has it (the format is described beside the file). */
export interface Case {
  readonly id: string
  readonly title: string
  readonly certainty: string
  readonly config: {
    readonly management?: boolean
    readonly tls?: boolean
    readonly clock?: string
    readonly gateway?: Json
    readonly envs?: readonly string[]
    readonly apis?: readonly (Json & { readonly publish?: readonly string[] })[]
    readonly credentials?: readonly {
      readonly id: string
      readonly user?: string
      readonly authorized?: boolean
      readonly app_codes?: readonly string[]
    }[]
    readonly throttle?: Json & { readonly specials?: readonly Json[] }
    readonly plugin?: { readonly type: string; readonly content: Json }
    readonly acl?: Json
    readonly authorizer?: Json & { readonly function_response?: Json }
    readonly upstream?: {
      readonly delay_ms?: number
      readonly body?: string
      readonly headers?: Record<string, string>
    }
  }
  readonly steps: readonly CaseStep[]
}

interface CaseStep {
  readonly setup?: string
  readonly repeat?: number
  readonly wait_ms?: number
  readonly sign_as?: string
  readonly sign_date?: string
  readonly signed_headers?: readonly string[]
  readonly tamper?: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: Record<string, string>
    readonly body?: string
    readonly json?: Json
  }
  readonly expect: {
    readonly status?: number
    readonly headers?: Record<string, unknown>
    readonly absent?: readonly string[]
    readonly relations?: readonly string[]
    readonly body_text?: string
    readonly body_json?: Json
    readonly upstream_saw?: { path?: unknown; headers?: Record<string, unknown>; raw_query_contains?: string }
    readonly upstream_calls?: number
  }
}

const INSTANCE = 'apigw/instances/i1'
const RELEASE_ENV = 'DEFAULT_ENVIRONMENT_RELEASE_ID'

interface Seen {
  readonly path: string
  readonly query: string
  readonly headers: IncomingMessage['headers']
}

/** What the gateway calls for a case: its backend, or its authorizer. */
class Fixture {
  readonly seen: Seen[] = []
  readonly #server: Server

  constructor(answer: { delayMs: number; body: string; headers: Record<string, string> }) {
    this.#server = createServer((incoming, response) => {
      const [path = '', query = ''] = (incoming.url ?? '').split('?')
      this.seen.push({ path, query, headers: incoming.headers })
      incoming.resume()
      setTimeout(() => response.writeHead(200, answer.headers).end(answer.body), answer.delayMs)
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get authority(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Sets a case up through the management API, plays it, and takes everything away again. */
export class Player {
  readonly #postern: Postern
  readonly #one: Case
  readonly #fixtures: Fixture[] = []
  /** Ids of the case to those that the gateway has given. */
  readonly #names = new Map<string, string>()
  readonly #secrets = new Map<string, { key: string; secret: string }>()
  #upstream: Fixture | null = null
  #last: Json = {}

  constructor(postern: Postern, one: Case) {
    this.#postern = postern
    this.#one = one
  }

  async play(): Promise<void> {
    try {
      await this.#setUp()
      for (const step of this.#one.steps) await this.#step(step)
    } finally {
      for (const fixture of this.#fixtures) await fixture.stop()
      await this.#cleanUp()
    }
  }

  async #fixture(delayMs: number, body: string, headers: Record<string, string>): Promise<Fixture> {
    const fixture = await new Fixture({ delayMs, body, headers }).start()
    this.#fixtures.push(fixture)
    return fixture
  }

  async #ask(method: string, path: string, body?: unknown, project = 'p1'): Promise<{ status: number; body: Json }> {
    const answer = await fetch(`${this.#postern.admin}/v2/${project}/${INSTANCE}${path}`, {
      method,
      headers: {
        'x-auth-token': this.#postern.token,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Json) }
  }

  async #make(path: string, body: unknown, project?: string): Promise<Json> {
    const answer = await this.#ask('POST', path, body, project)
    expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300)
    return answer.body
  }

  async #setUp(): Promise<void> {
    const { config } = this.#one
    if (config.management) return
    const { upstream = {}, gateway = {} } = config
    this.#upstream = await this.#fixture(upstream.delay_ms ?? 0, upstream.body ?? 'ok', upstream.headers ?? {})
    if (gateway['ratelimit_api_limits'] !== undefined)
      await this.#feature('ratelimit', { api_limits: gateway['ratelimit_api_limits'] })
    if (gateway['real_ip_from_xff'] !== undefined) await this.#feature('real_ip_from_xff', gateway['real_ip_from_xff'])
    for (const name of config.envs ?? []) {
      if (name !== 'RELEASE') this.#names.set(name, String((await this.#make('/envs', { name }))['id']))
    }
    this.#names.set('RELEASE', RELEASE_ENV)
    const authorizer = config.authorizer === undefined ? null : await this.#authorizer(config.authorizer)
    const group = await this.#make('/api-groups', { name: `group_${this.#one.id.replace(/\W/g, '_')}` })
    for (const [i, api] of (config.apis ?? []).entries()) await this.#api(api, i, String(group['id']), authorizer)
  }

  #feature(name: string, config: unknown, enable = true): Promise<Json> {
    return this.#make('/features', { name, enable, config: JSON.stringify(config) })
  }

  async #authorizer({ function_response, ...fields }: NonNullable<Case['config']['authorizer']>): Promise<string> {
    const fixture = await this.#fixture(0, JSON.stringify(function_response), {})
    const made = await this.#make('/authorizers', {
      ...fields,
      name: 'authorizer_1',
      authorizer_type: 'FUNC',
      authorizer_uri: `http://${fixture.authority}/`,
    })
    return String(made['id'])
  }

  async #api(
    api: Json & { publish?: readonly string[] },
    index: number,
    groupId: string,
    authorizer: string | null,
  ): Promise<void> {
    const { publish = ['RELEASE'], ...body } = api
    const filled = JSON.parse(JSON.stringify(body).replaceAll('$UPSTREAM', this.#upstream!.authority)) as Json
    const made = await this.#make('/apis', {
      ...filled,
      group_id: groupId,
      name: `api_${index}`,
      ...(authorizer !== null && { authorizer_id: authorizer }),
    })
    const id = String(made['id'])
    const { config } = this.#one
    for (const env of publish) {
      const envId = this.#names.get(env) ?? env
      const online = await this.#make('/apis/action', { action: 'online', api_id: id, env_id: envId })
      const place = { publishId: String(online['publish_id']), apiId: id, envId }
      await this.#credentials(place)
      if (config.throttle !== undefined) await this.#throttle(config.throttle, place.publishId)
      if (config.acl !== undefined) {
        const acl = await this.#make('/acls', { ...config.acl, acl_name: 'acl_1' })
        await this.#make('/acl-bindings', { acl_id: acl['id'], publish_ids: [place.publishId] })
      }
      if (config.plugin !== undefined) await this.#plugin(config.plugin, place)
    }
  }

  async #credentials({ apiId, envId }: { apiId: string; envId: string }): Promise<void> {
    for (const { id, user = 'p1', authorized, app_codes = [] } of this.#one.config.credentials ?? []) {
      const made = await this.#make('/apps', { name: `app_${id}` }, user)
      this.#names.set(id, String(made['id']))
      this.#secrets.set(id, { key: String(made['app_key']), secret: String(made['app_secret']) })
      for (const app_code of app_codes) await this.#make(`/apps/${String(made['id'])}/app-codes`, { app_code })
      if (authorized) await this.#make('/app-auths', { env_id: envId, app_ids: [made['id']], api_ids: [apiId] })
    }
  }

  async #throttle(
    { specials = [], ...fields }: NonNullable<Case['config']['throttle']>,
    publishId: string,
  ): Promise<void> {
    const made = await this.#make('/throttles', {
      ...fields,
      name: `t_${this.#one.id.replace(/\W/g, '_')}_${Date.now()}`,
    })
    for (const special of specials) {
      const object = String(special['object_id'])
      const object_id = special['object_type'] === 'APP' ? (this.#names.get(object) ?? object) : object
      await this.#make(`/throttles/${String(made['id'])}/throttle-specials`, { ...special, object_id })
    }
    await this.#make('/throttle-bindings', { strategy_id: made['id'], publish_ids: [publishId] })
  }

  /** Refusing a plug-in that touches the gateway's own headers is as good an answer as ignoring it (HDR-12). */
  async #plugin(
    { type, content }: { type: string; content: Json },
    place: { apiId: string; envId: string },
  ): Promise<void> {
    const body = {
      plugin_name: 'plugin_1',
      plugin_type: type,
      plugin_scope: 'global',
      plugin_content: JSON.stringify(content),
    }
    if (this.#one.id === 'HDR-12') {
      const refused = await this.#ask('POST', '/plugins', body)
      expect(refused.status).toBe(400)
      expect(refused.body['error_code']).toBe('APIG.2012')
      return
    }
    const made = await this.#make('/plugins', body)
    await this.#make(`/plugins/${String(made['plugin_id'])}/attach`, { env_id: place.envId, api_ids: [place.apiId] })
  }

  async #step(step: CaseStep): Promise<void> {
    if (step.setup !== undefined) await this.#symbolic(step.setup)
    if (step.wait_ms !== undefined) await new Promise((resolve) => setTimeout(resolve, step.wait_ms))
    for (let i = 0; i < (step.repeat ?? 1); i++) {
      const before = this.#upstream?.seen.length ?? 0
      const answer = await this.#send(step)
      if (this.#one.config.management && answer.text.startsWith('{')) this.#last = JSON.parse(answer.text) as Json
      this.#check(step, answer, before)
    }
  }

  #real(text: string): string {
    let real = text.replace('$last.id', String(this.#last['id']))
    for (const [name, id] of this.#names) {
      if (/^[a-z]{1,2}\d$|^[0-9a-f]{32}$/.test(name))
        real = real.replace(new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'g'), id)
    }
    return real
  }

  async #send(step: CaseStep): Promise<Answer> {
    const { method, headers = {}, body } = step.request
    const path = repeated(step.request.path)
    if (this.#one.config.management) {
      const json = step.request.json
      const text = json === undefined ? undefined : this.#real(JSON.stringify(json))
      return send(
        new URL(this.#postern.admin + this.#real(path)),
        method,
        {
          'x-auth-token': this.#postern.token,
          ...(text !== undefined && { 'content-type': 'application/json' }),
        },
        text,
      )
    }
    const url = new URL((this.#one.config.tls ? this.#postern.gatewayTls : this.#postern.gateway) + path)
    const all = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, repeated(value)]))
    if (step.sign_as !== undefined) this.#sign(step, url, all)
    return send(url, method, all, body === undefined ? undefined : repeated(body))
  }

  /** Signs as the vendor's SDKs do. A case with a clock is moved to now. */
  #sign(step: CaseStep, url: URL, headers: Record<string, string>): void {
    const { key, secret } = this.#secrets.get(step.sign_as!)!
    const date = sdkDate(step.sign_date === undefined ? Date.now() : this.#moved(step.sign_date))
    headers['X-Sdk-Date'] = date
    const host = headers['Host'] ?? url.host
    const names = step.signed_headers ?? ['host', 'x-sdk-date']
    const lines = names.map((name) => `${name}:${name === 'host' ? host : date}\n`).join('')
    const slash = url.pathname.endsWith('/') ? '' : '/'
    const canonical = `${step.request.method}\n${url.pathname}${slash}\n${url.search.slice(1)}\n${lines}\n${names.join(';')}\n${sha256('')}`
    const text = `SDK-HMAC-SHA256\n${date}\n${sha256(canonical)}`
    let signature = createHmac('sha256', secret).update(text).digest('hex')
    if (step.tamper === 'signature') signature = (signature.startsWith('0') ? '1' : '0') + signature.slice(1)
    headers['Authorization'] = `SDK-HMAC-SHA256 Access=${key}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  }

  /** A time of the case, as far from now as it is from the clock of the case. */
  #moved(date: string): number {
    const clock = this.#one.config.clock
    return clock === undefined ? sdkMs(date) : Date.now() - (sdkMs(clock) - sdkMs(date))
  }

  /** What a management step wants to be there. */
  async #symbolic(setup: string): Promise<void> {
    const throttle = /(?:throttle|policy) (t\d|[0-9a-f]{32}|throttle_\w+)(?: with api_call_limits (\d+))?/.exec(setup)
    if (throttle !== null) {
      const fields = {
        name: throttle[1]!.startsWith('throttle_') ? throttle[1] : 'throttle_x',
        time_interval: 1,
        time_unit: 'MINUTE',
      }
      const made = await this.#make('/throttles', { ...fields, api_call_limits: Number(throttle[2] ?? 500) })
      this.#names.set(throttle[1]!, String(made['id']))
    }
    const app = /app ([0-9a-f]{32}) exists/.exec(setup)
    if (app !== null) this.#names.set(app[1]!, String((await this.#make('/apps', { name: 'app_one' }))['id']))
    if (/\bAPI\b/.test(setup)) await this.#symbolicApi(setup)
    if (/group g1/.test(setup))
      this.#names.set('g1', String((await this.#make('/api-groups', { name: 'group_one' }))['id']))
    if (/plugin pl1/.test(setup)) {
      const plugin_content = JSON.stringify({ allow_origin: 'https://a.example' })
      const made = await this.#make('/plugins', { plugin_name: 'plugin_one', plugin_type: 'cors', plugin_content })
      this.#names.set('pl1', String(made['plugin_id']))
    }
  }

  async #symbolicApi(setup: string): Promise<void> {
    const group = await this.#make('/api-groups', { name: 'group_apis' })
    const made = await this.#make('/apis', {
      group_id: group['id'],
      name: 'api_one',
      req_method: 'GET',
      req_uri: '/test/mock',
      auth_type: 'NONE',
      backend_type: 'MOCK',
      mock_info: { result_content: 'mock success' },
    })
    this.#names.set('a1', String(made['id']))
    if (/not published/.test(setup) || !/published|throttle 100/.test(setup)) return
    const online = await this.#make('/apis/action', { action: 'online', api_id: made['id'], env_id: RELEASE_ENV })
    const publishId = /publish id ([0-9a-f]{32})/.exec(setup)?.[1]
    if (publishId !== undefined) this.#names.set(publishId, String(online['publish_id']))
    if (!/throttle 100 a minute/.test(setup)) return
    await this.#feature('ratelimit', { api_limits: 15_000 })
    await this.#throttle({ time_interval: 1, time_unit: 'MINUTE', api_call_limits: 100 }, String(online['publish_id']))
  }

  #check({ expect: want }: CaseStep, answer: Answer, seenBefore: number): void {
    const shown = `${answer.status} ${answer.text.slice(0, 500)}`
    if (want.status !== undefined) expect(answer.status, shown).toBe(want.status)
    const headerOf = (name: string): string => [answer.headers[name.toLowerCase()] ?? []].flat().join(', ')
    for (const [name, value] of Object.entries(want.headers ?? {})) this.#matches(value, headerOf(name), name)
    for (const name of want.absent ?? []) expect(answer.headers, name).not.toHaveProperty(name.toLowerCase())
    for (const relation of want.relations ?? []) {
      const [left = '', right = ''] = relation.split(' >= ')
      expect(Number(headerOf(left)), relation).toBeGreaterThanOrEqual(Number(headerOf(right)))
    }
    if (want.body_text !== undefined) expect(answer.text).toBe(want.body_text)
    if (want.body_json !== undefined) {
      const moved = this.#movedText(this.#real(JSON.stringify(want.body_json)))
      this.#matches(JSON.parse(moved), JSON.parse(answer.text), 'body')
    }
    const seen = this.#upstream?.seen.slice(seenBefore) ?? []
    if (want.upstream_calls !== undefined) expect(seen.length, 'calls of the backend').toBe(want.upstream_calls)
    const { path, headers, raw_query_contains: query } = want.upstream_saw ?? {}
    if (path !== undefined) this.#matches(path, seen[0]?.path, 'path at the backend')
    for (const [name, value] of Object.entries(headers ?? {}))
      this.#matches(value, seen[0]?.headers[name], `${name} at the backend`)
    if (query !== undefined) expect(seen[0]?.query).toContain(query)
  }

  #movedText(text: string): string {
    const { clock } = this.#one.config
    if (clock === undefined) return text
    return text.replace(/\d{8}T\d{6}Z/g, (date) => (date === clock ? '$SERVERTIME' : sdkDate(this.#moved(date))))
  }

  #matches(want: unknown, got: unknown, where: string): void {
    if (typeof want !== 'object' || want === null) {
      if (where.endsWith('error_msg')) return this.#message(String(want), String(got))
      expect(got, where).toEqual(want)
      return
    }
    const rule = want as { $re?: string; $in?: unknown[]; $int_ge?: number; $type?: string }
    if (rule.$re !== undefined) expect(String(got), where).toMatch(new RegExp(rule.$re))
    else if (rule.$in !== undefined) expect(rule.$in, where).toContain(got)
    else if (rule.$int_ge !== undefined) {
      expect(String(got), where).toMatch(/^\d+$/)
      expect(Number(got), where).toBeGreaterThanOrEqual(rule.$int_ge)
    } else if (rule.$type !== undefined) expect(typeof got, where).toBe(rule.$type)
    else if (Array.isArray(want)) {
      expect((got as unknown[]).length, where).toBe(want.length)
      for (const [i, one] of want.entries()) this.#matches(one, (got as unknown[])[i], `${where}.${i}`)
    } else
      for (const [key, value] of Object.entries(want))
        this.#matches(value, (got as Json | undefined)?.[key], `${where}.${key}`)
  }

  /** May carry or lack the final dot; a moved clock may be a second off. */
  #message(want: string, got: string): void {
    const bare = (text: string): string => text.replace(/\.$/, '')
    if (!want.includes('$SERVERTIME')) return expect(bare(got)).toBe(bare(want))
    const seconds = (text: string): string => text.replace(/\d\dZ/g, '..Z')
    expect(seconds(got).slice(0, want.indexOf('$SERVERTIME'))).toBe(seconds(want.slice(0, want.indexOf('$SERVERTIME'))))
    expect(got).toMatch(/server time:\d{8}T\d{6}Z$/)
  }

  async #cleanUp(): Promise<void> {
    const listed = async (path: string, name: string): Promise<Json[]> =>
      (await this.#ask('GET', `${path}?limit=500`)).body[name] as Json[]
    for (const api of await listed('/apis', 'apis')) {
      for (const env of String(api['run_env_id'] ?? '')
        .split('|')
        .filter(Boolean)) {
        await this.#make('/apis/action', { action: 'offline', api_id: api['id'], env_id: env })
      }
      await this.#ask('DELETE', `/apis/${String(api['id'])}`)
    }
    const kinds = {
      '/api-groups': 'groups',
      '/throttles': 'throttles',
      '/plugins': 'plugins',
      '/acls': 'acls',
      '/apps': 'apps',
      '/app-quotas': 'quotas',
      '/authorizers': 'authorizer_list',
      '/envs': 'envs',
    }
    for (const [path, name] of Object.entries(kinds)) {
      for (const one of await listed(path, name)) {
        const id = String(one['id'] ?? one['plugin_id'] ?? one['app_quota_id'])
        if (id === RELEASE_ENV) continue
        const gone = await this.#ask('DELETE', `${path}/${id}`)
        expect(gone.status, JSON.stringify(gone.body)).toBe(204)
      }
    }
    await this.#feature('ratelimit', {}, false)
    await this.#feature('real_ip_from_xff', {}, false)
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const sdkDate = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '')
const sdkMs = (date: string): number =>
  Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
const repeated = (text: string): string =>
  text.replace(/\$REPEAT\((.),(\d+)\)/g, (_, char: string, count: string) => char.repeat(Number(count)))

function send(url: URL, method: string, headers: Record<string, string>, body: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const make = url.protocol === 'https:' ? httpsRequest : httpRequest
    const options = {
      method,
      headers,
      agent: false as const,
      ...(url.protocol === 'https:' && { rejectUnauthorized: false }),
    }
    let answered = false
    const outgoing = make(url, options, (incoming) => {
      answered = true
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const { statusCode = 0, statusMessage = '', headers: got, rawHeaders } = incoming
        resolve({
          status: statusCode,
          reason: statusMessage,
          headers: got,
          rawHeaders,
          text: Buffer.concat(chunks).toString(),
        })
      })
    })
    // A server that refuses a large body may stop reading it.
    outgoing.on('error', (error) => {
      if (!answered) reject(error)
    })
    outgoing.end(body)
  })
}
