import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { query } from 'jsonpath-rfc9535'
import { expect } from 'vitest'
import { prepareXml } from '../../src/core/xml-document.ts'
import { xpathText } from '../../src/engine/payload/xpath.ts'
import { type Answer, call } from '../kit/backend.ts'

interface CaseEntities {
  readonly kvms?: readonly {
    readonly scope: string
    readonly name: string
    readonly entries: Readonly<Record<string, string>>
  }[]
  readonly apiproducts?: readonly {
    readonly name: string
    readonly proxies?: readonly string[]
    readonly environments?: readonly string[]
    readonly apiResources?: readonly string[]
    readonly scopes?: readonly string[]
    readonly quota?: string
    readonly quotaInterval?: string
    readonly quotaTimeUnit?: string
  }[]
  readonly developers?: readonly { readonly email: string; readonly firstName: string; readonly lastName: string }[]
  readonly apps?: readonly {
    readonly developer: string
    readonly name: string
    readonly apiProducts: readonly string[]
    readonly credentials: readonly { readonly consumerKey: string; readonly consumerSecret: string }[]
  }[]
}

/** What a case wants to be there, as keys of `postern.yaml`. */
export function configOf({
  apiproducts = [],
  developers = [],
  apps = [],
  kvms = [],
}: CaseEntities): Record<string, unknown> {
  return {
    keyValueMaps: kvms.map(({ scope, name, entries }) => ({ scope, name, entries })),
    products: apiproducts.map((product) => ({
      name: product.name,
      apis: product.proxies ?? [],
      environments: product.environments ?? [],
      resources: product.apiResources ?? [],
      scopes: product.scopes ?? [],
      ...(product.quota !== undefined && {
        quota: {
          limit: Number(product.quota),
          interval: Number(product.quotaInterval ?? 1),
          unit: product.quotaTimeUnit ?? 'minute',
        },
      }),
    })),
    developers: developers.map(({ email, firstName, lastName }) => ({
      email,
      firstName,
      lastName,
      apps: apps
        .filter((app) => app.developer === email)
        .map((app) => ({
          name: app.name,
          products: app.apiProducts,
          keys: app.credentials.map(({ consumerKey, consumerSecret }) => ({
            key: consumerKey,
            secret: consumerSecret,
          })),
        })),
    })),
  }
}

/** One case as its file has it (the format is described beside the files). */
export interface Case {
  readonly id: string
  readonly title: string
  readonly confidence: string
  readonly bundles: readonly {
    readonly name: string
    readonly source: { readonly repo: string; readonly path: string }
  }[]
  readonly entities?: CaseEntities
  readonly mocks: Readonly<
    Record<string, { readonly urlPrefix: string; readonly down?: boolean; readonly rules?: readonly Rule[] }>
  >
  readonly steps: readonly CaseStep[]
}

interface Rule {
  readonly method?: string
  readonly path: string
  readonly respond: { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
}

interface CaseStep {
  readonly send: {
    readonly method: string
    readonly path: string
    readonly headers?: Record<string, string>
    readonly body?: string
  }
  readonly expect?: Expectation
  readonly expectMock?: Readonly<Record<string, readonly MockExpectation[]>>
  readonly save?: Readonly<Record<string, string>>
  readonly waitMsBefore?: number
}

interface Expectation {
  readonly status?: number
  readonly statusIn?: readonly number[]
  readonly headers?: Readonly<Record<string, string | { regex?: string; startsWith?: string; emptyOrAbsent?: boolean }>>
  readonly headersAbsent?: readonly string[]
  readonly bodyText?: string
  readonly bodyContains?: readonly string[]
  readonly bodyJson?: unknown
  readonly jsonPath?: Readonly<Record<string, unknown>>
  readonly xpath?: Readonly<Record<string, string | number>>
}

interface MockExpectation {
  readonly method?: string
  readonly path: string | { readonly regex: string }
  readonly query?: Readonly<Record<string, string>>
  readonly queryAbsent?: readonly string[]
  readonly count?: number
  readonly cumulative?: boolean
}

/** The loopback stand-ins of a case, and what they were asked. */
export class Mocks {
  readonly #servers: Server[] = []
  readonly hostMap: string[] = []
  readonly calls: Map<string, { method: string; url: URL }[]> = new Map()

  static async start(mocks: Case['mocks']): Promise<Mocks> {
    const all = new Mocks()
    for (const [name, mock] of Object.entries(mocks)) {
      const calls: { method: string; url: URL }[] = []
      all.calls.set(name, calls)
      const server = createServer((request, response) => {
        const url = new URL(request.url ?? '/', 'http://mock')
        calls.push({ method: request.method ?? '', url })
        const rule = mock.rules?.find(
          (one) => (one.method === undefined || one.method === request.method) && matches(one.path, url.pathname),
        )
        request.resume()
        response.writeHead(rule?.respond.status ?? 404, rule?.respond.headers ?? {}).end(rule?.respond.body ?? '')
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      all.hostMap.push(
        '--host-map',
        `${new URL(mock.urlPrefix).origin}=http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      )
      if (mock.down) await new Promise((resolve) => server.close(resolve))
      else all.#servers.push(server)
    }
    return all
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

const matches = (pattern: string, path: string): boolean => pattern === '*' || pattern === path

await prepareXml()

/** Plays the steps in order; throws what an assertion throws. */
export async function play(one: Case, gateway: string, mocks: Mocks): Promise<void> {
  const saved = new Map<string, string>()
  const fill = (text: string): string => text.replace(/\$\{(\w+)\}/g, (whole, name: string) => saved.get(name) ?? whole)
  for (const step of one.steps) {
    if (step.waitMsBefore !== undefined) await new Promise((resolve) => setTimeout(resolve, step.waitMsBefore))
    const before = new Map([...mocks.calls].map(([name, calls]) => [name, calls.length]))
    const { method, path, headers = {}, body } = step.send
    const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]))
    const answer = await call(gateway + fill(path), {
      method,
      headers: filled,
      ...(body === undefined ? {} : { body: fill(body) }),
    })
    if (step.expect !== undefined) check(step.expect, answer)
    for (const [name, path] of Object.entries(step.save ?? {}))
      saved.set(name, String(query(JSON.parse(answer.text), path)[0]))
    for (const [name, wanted] of Object.entries(step.expectMock ?? {})) {
      const calls = mocks.calls.get(name) ?? []
      for (const want of wanted) checkMock(want, want.cumulative ? calls : calls.slice(before.get(name)))
    }
  }
}

function check(want: Expectation, answer: Answer): void {
  const shown = `${answer.status} ${answer.text}`
  if (want.status !== undefined) expect(answer.status, shown).toBe(want.status)
  if (want.statusIn !== undefined) expect(want.statusIn, shown).toContain(answer.status)
  for (const [name, value] of Object.entries(want.headers ?? {})) {
    const got = String(answer.headers[name.toLowerCase()] ?? '')
    if (typeof value === 'string') expect(got, name).toBe(value)
    else if (value.regex !== undefined) expect(got, name).toMatch(new RegExp(value.regex))
    else if (value.startsWith !== undefined) expect(got.startsWith(value.startsWith), `${name}: ${got}`).toBe(true)
    else expect(got, name).toBe('')
  }
  for (const name of want.headersAbsent ?? []) expect(answer.headers).not.toHaveProperty(name.toLowerCase())
  if (want.bodyText !== undefined) expect(answer.text.trim()).toBe(want.bodyText)
  for (const part of want.bodyContains ?? []) expect(answer.text).toContain(part)
  if (want.bodyJson !== undefined) expect(JSON.parse(answer.text)).toEqual(want.bodyJson)
  for (const [path, value] of Object.entries(want.jsonPath ?? {})) {
    const got: unknown = query(JSON.parse(answer.text), path)[0]
    const rule = value as { regex?: string; number?: number; tolerance?: number }
    if (typeof value !== 'object' || value === null) expect(got, `${path} in ${shown}`).toEqual(value)
    else if (rule.regex !== undefined) expect(String(got), path).toMatch(new RegExp(rule.regex))
    else expect(Math.abs(Number(got) - rule.number!), `${path}: ${got}`).toBeLessThanOrEqual(rule.tolerance ?? 0)
  }
  for (const [path, value] of Object.entries(want.xpath ?? {}))
    expect(xpathText(path, answer.text, ['string']), path).toBe(String(value))
}

function checkMock(want: MockExpectation, calls: readonly { method: string; url: URL }[]): void {
  const found = calls.filter(({ method, url }) => {
    if (want.method !== undefined && want.method !== method) return false
    if (
      typeof want.path === 'string'
        ? !matches(want.path, url.pathname)
        : !new RegExp(want.path.regex).test(url.pathname)
    )
      return false
    if (Object.entries(want.query ?? {}).some(([name, value]) => url.searchParams.get(name) !== value)) return false
    return !(want.queryAbsent ?? []).some((name) => url.searchParams.has(name))
  })
  expect(
    found.length,
    `calls of the mock: ${calls.map(({ method, url }) => `${method} ${url.pathname}${url.search}`).join(', ')}`,
  ).toBe(want.count ?? 1)
}
