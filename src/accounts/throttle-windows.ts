import type { Counters } from '../core/counters.ts'
import { UNIT_MS } from '../core/windows.ts'
import type { Throttle } from '../model/throttle.ts'
import { compileThrottle, type WindowState } from './throttle.ts'

/** One API that a throttle is bound to. */
export interface ThrottleBinding {
  readonly throttle: Throttle
  readonly environment: string
  /** Names the API in the counters. */
  readonly api: string
}

/** Whose windows are looked at: counters keep no names, so somebody must say which there may be. */
export interface WindowOwners {
  readonly users: readonly string[]
  readonly apps: readonly string[]
  readonly ips: readonly string[]
}

export interface ThrottleView {
  readonly throttle: Throttle
  readonly windowMs: number
  readonly apis: readonly string[]
  /** Those that were used; the fullest first. */
  readonly windows: readonly (WindowState & {
    readonly dimension: Dimension
    readonly key: string
    readonly api: string
  })[]
}

type Dimension = 'api' | 'user' | 'app' | 'ip'

const LOOKS_MAX = 20_000

/** All throttles with their running windows, at most `windowsMax` of them. Throttles of one name are one. */
export async function throttleViews(
  throttles: readonly Throttle[],
  bindings: readonly ThrottleBinding[],
  counters: Counters,
  owners: WindowOwners,
  nowMs: number,
  windowsMax: number,
): Promise<ThrottleView[]> {
  const all = [
    ...new Map([...throttles, ...bindings.map(({ throttle }) => throttle)].map((one) => [one.name, one])).values(),
  ]
  let looks = 0
  const views = await Promise.all(
    all.map(async (throttle) => {
      const bound = bindings.filter((binding) => binding.throttle.name === throttle.name)
      // What is shared is counted once, whichever API is asked.
      const counted = throttle.shared ? bound.slice(0, 1) : bound
      const windows: ThrottleView['windows'][number][] = []
      for (const { environment, api } of counted) {
        const compiled = compileThrottle(throttle, { counters, environment, api, gatewayLimitPerSecond: 0 })
        if (compiled === null) continue
        const keys: readonly (readonly [Dimension, readonly string[]])[] = [
          ['api', [throttle.shared ? throttle.name : api]],
          ['user', owners.users],
          ['app', owners.apps],
          ['ip', owners.ips],
        ]
        for (const [dimension, names] of keys) {
          for (const key of names) {
            if (++looks > LOOKS_MAX) break
            const state = await compiled.window(dimension, dimension === 'api' ? null : key, nowMs)
            if (state !== null && state.used > 0)
              windows.push({ ...state, dimension, key, api: throttle.shared ? '' : api })
          }
        }
      }
      return {
        throttle,
        windowMs: throttle.intervalCount * UNIT_MS[throttle.unit],
        apis: bound.map(({ api }) => api),
        windows,
      }
    }),
  )
  return fullest(views, windowsMax)
}

function fullest(views: readonly ThrottleView[], windowsMax: number): ThrottleView[] {
  const share = ({ used, limit }: WindowState): number => used / limit
  const kept = new Set(
    views
      .flatMap(({ windows }) => windows)
      .sort((a, b) => share(b) - share(a))
      .slice(0, windowsMax),
  )
  return views.map((view) => ({
    ...view,
    windows: [...kept].filter((window) => view.windows.includes(window)),
  }))
}
