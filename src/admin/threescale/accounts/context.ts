import { randomBytes } from 'node:crypto'
import type { ProxySettingsStore } from '../../../accounts/proxy-settings.ts'
import type { Registry } from '../../../accounts/registry.ts'
import type { Clock } from '../../../core/clock.ts'
import type { Account, Application, Metric, Plan, Service, Stamps } from '../../../model/service.ts'
import type { Answer, Entity, List } from './answer.ts'
import { type Input, NotFound } from './input.ts'

/** What the calls of the Account Management API work on. */
export interface AccountContext {
  readonly registry: Registry
  readonly proxies: ProxySettingsStore
  readonly clock: Clock
  backendUrl(): string
}

/** One call. `path`: what the pattern's `:names` stand for. */
export interface Call {
  readonly context: AccountContext
  readonly path: Readonly<Record<string, string>>
  readonly input: Input
}

export type Handler = (call: Call) => Answer | Promise<Answer>

/** Method (PUT stands for PATCH too), path below /admin/api, what it does. */
export type Route = readonly [method: 'GET' | 'POST' | 'PUT' | 'DELETE', pattern: string, handler: Handler]

export const id = (text: string): number | string => (/^\d{1,15}$/.test(text) ? Number(text) : text)

export const stamp = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z')

/** Empty for what comes from a file. */
export const stamps = ({ createdAtMs, updatedAtMs }: Stamps): Record<string, string> => ({
  ...(createdAtMs !== undefined && { created_at: stamp(createdAtMs) }),
  ...(updatedAtMs !== undefined && { updated_at: stamp(updatedAtMs) }),
})

export const randomKey = (): string => randomBytes(16).toString('hex')

export function serviceOf({ context, path }: Call, name: string = 's'): Service {
  const { registry } = context
  const key = path[name]!
  const found = registry.service(key) ?? registry.services.find(({ systemName }) => systemName === key)
  if (found === undefined) throw new NotFound()
  return found
}

export function metricOf(service: Service, key: string): Metric {
  const found =
    service.metrics.find((metric) => metric.id === key) ?? service.metrics.find((metric) => metric.systemName === key)
  if (found === undefined) throw new NotFound()
  return found
}

/** A plan and the service that it is of: plans are named without their service. */
export function planOf({ context, path }: Call): { service: Service; plan: Plan } {
  for (const service of context.registry.services) {
    const plan = service.plans.find((one) => one.id === path['p'])
    if (plan !== undefined) return { service, plan }
  }
  throw new NotFound()
}

export function accountOf({ context, path }: Call): Account {
  const found = context.registry.account(path['a']!)
  if (found === null) throw new NotFound()
  return found
}

export function applicationOf(call: Call): Application {
  const found = call.context.registry.application(call.path['app']!)
  if (found === null || found.accountId !== call.path['a']) throw new NotFound()
  return found
}

const PER_PAGE_MAX = 500

/** The page that was asked for. */
export function paged(list: string, items: readonly Entity[], input: Input): List {
  const number = (name: string, otherwise: number): number => {
    const value = Number(input[name])
    return Number.isInteger(value) && value > 0 ? value : otherwise
  }
  const per = Math.min(PER_PAGE_MAX, number('per_page', PER_PAGE_MAX))
  const current = number('page', 1)
  const pages = Math.ceil(items.length / per)
  const shown = items.slice((current - 1) * per, current * per)
  if (pages <= 1) return { list, items: shown }
  const page = { per_page: per, total_entries: items.length, total_pages: pages, current_page: current }
  return { list, items: shown, page }
}
