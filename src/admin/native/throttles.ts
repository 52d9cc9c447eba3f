import type { FastifyInstance } from 'fastify'
import type { ThrottleView } from '../../accounts/throttle-windows.ts'
import type { AdminOptions } from '../options.ts'
import type { ThrottleAnswer, ThrottlesAnswer } from './answers.ts'
import { noParameters } from './parameters.ts'

const WINDOWS_MAX = 200
/** Addresses are those of the latest calls. */
const CALLS_LOOKED_AT = 500
const OWNERS_MAX = 1_000

/** `/throttles`: what is limited, and what is used of it now. */
export function throttleRoutes(scope: FastifyInstance, options: AdminOptions): void {
  scope.get('/throttles', { schema: { querystring: noParameters } }, () => throttles(options))
}

async function throttles(options: AdminOptions): Promise<ThrottlesAnswer> {
  const nowMs = options.clock.now()
  const { answers } = await options.recentCalls.page({ limit: CALLS_LOOKED_AT })
  const calls = answers.flatMap((page) => page.calls)
  const registry = options.accounts?.registry ?? null
  const known = (ids: readonly string[], called: readonly string[]): string[] =>
    [...new Set([...called, ...ids])].filter((id) => id !== '').slice(0, OWNERS_MAX)
  const views = await options.throttles({
    users: known(
      registry?.accounts.map(({ id }) => id) ?? [],
      calls.map(({ account }) => account),
    ),
    apps: known(
      registry?.applications.map(({ id }) => id) ?? [],
      calls.map(({ application }) => application),
    ),
    ips: known(
      [],
      calls.map(({ clientAddress }) => clientAddress),
    ),
    windowsMax: WINDOWS_MAX,
  })
  const nameOf = namesOf(options)
  return { nowMs, throttles: views.map((view) => shown(view, nameOf)) }
}

/** Names for people of what windows count; undefined: there is none. */
type Names = (window: ThrottleView['windows'][number]) => string | undefined

function namesOf({ accounts }: AdminOptions): Names {
  const registry = accounts?.registry
  return ({ dimension, key }) => {
    if (dimension === 'app') return registry?.application(key)?.name
    return dimension === 'user' ? registry?.account(key)?.name : undefined
  }
}

function shown({ throttle, windowMs, apis, windows }: ThrottleView, nameOf: Names): ThrottleAnswer {
  const { intervalCount, unit } = throttle
  return {
    name: throttle.name,
    period: `${intervalCount} ${unit}${intervalCount === 1 ? '' : 's'}`,
    seconds: windowMs / 1_000,
    shared: throttle.shared,
    bindings: apis,
    limits: throttle.limits,
    windows: windows.map((window) => {
      const name = nameOf(window)
      return name === undefined ? window : { ...window, name }
    }),
  }
}
