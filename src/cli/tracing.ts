import { proxyName } from '../apig/compile.ts'
import type { Fleet } from '../gateway/fleet.ts'
import type { PosternConfig } from '../model/deployment.ts'
import { DebugSessions } from '../trace/sessions.ts'

/** One revision that is served, which a debug session may be about. */
export interface Traceable {
  readonly environment: string
  readonly proxy: string
  readonly revision: number
}

/** All of them: proxies, and APIs of the apig dialect. */
export function traceable({ proxies, apig, settings }: PosternConfig): Traceable[] {
  return [
    ...proxies.map(({ proxy, environment }) => ({
      environment: environment ?? settings.environment,
      proxy: proxy.name,
      revision: proxy.revision,
    })),
    ...apig.apis.map((api) => ({ environment: api.stage, proxy: proxyName(api), revision: 1 })),
  ]
}

/** Debug sessions whose calls the gateway threads record. */
export function debugSessions(fleet: Fleet, deployed: () => readonly Traceable[]): DebugSessions {
  return new DebugSessions({
    now: Date.now,
    after: (ms, run) => {
      const timer = setTimeout(run, ms).unref()
      return () => clearTimeout(timer)
    },
    tell: (orders) => fleet.trace(orders),
    isDeployed: (environment, proxy, revision) =>
      deployed().some((one) => one.environment === environment && one.proxy === proxy && one.revision === revision),
  })
}
