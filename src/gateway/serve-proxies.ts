import { compileThrottle } from '../accounts/throttle.ts'
import type { Counters } from '../core/counters.ts'
import { compileProxy } from '../engine/compile.ts'
import type { EngineServices } from '../engine/compile-env.ts'
import type { PolicyKinds } from '../engine/policy.ts'
import { type DeployedProxy, GATEWAY_LIMIT_OF_APIG, type Settings } from '../model/deployment.ts'
import { problemLine } from '../model/problem.ts'
import { boundHosts } from '../model/virtual-host.ts'
import { claimsOf } from './claims.ts'
import type { Text } from './protocol.ts'
import type { Served } from './served.ts'
import { ThrottleGate } from './throttle-gate.ts'

export interface ServingServices {
  readonly kinds: PolicyKinds
  readonly engine: EngineServices
  readonly counters: Counters
}

/** Calls are served between two slices of compiling. */
const SLICE_MS = 4

interface Known {
  readonly deployed: DeployedProxy
  /** What it was compiled against. */
  readonly settings: Settings
  readonly served: readonly Served[]
}

/**
 * Compiles the proxies of one thread. What is as it was stays compiled: deploying one proxy of many compiles that one, and nobody
 * waits for it; a change of what all are compiled against compiles them slice by slice, while the plans of before go on serving.
 */
export class ProxyServing {
  readonly #services: ServingServices
  #known: ReadonlyMap<number, Known> = new Map()

  constructor(services: ServingServices) {
    this.#services = services
  }

  /**
   * `settingsOf` gives the same object while the settings of an environment are the same. What was compiled counts as known from `keep`
   * on. Throws when a proxy does not compile: then all is as before.
   */
  async serve(
    texts: readonly Text[],
    settingsOf: (environment: string | undefined) => Settings,
  ): Promise<{ served: Served[]; keep(): void }> {
    const next = new Map<number, Known>()
    let sliceEndMs = performance.now() + SLICE_MS
    for (const { id, text } of texts) {
      const known = this.#known.get(id)
      const deployed = known?.deployed ?? (JSON.parse(text!) as DeployedProxy)
      const settings = settingsOf(deployed.environment)
      if (known?.settings === settings) {
        next.set(id, known)
        continue
      }
      next.set(id, { deployed, settings, served: compile(deployed, settings, this.#services) })
      if (performance.now() < sliceEndMs) continue
      await new Promise((resolve) => setImmediate(resolve))
      sliceEndMs = performance.now() + SLICE_MS
    }
    return {
      served: [...next.values()].flatMap(({ served }) => served),
      keep: () => {
        this.#known = next
      },
    }
  }
}

function compile(deployed: DeployedProxy, settings: Settings, services: ServingServices): Served[] {
  const { plan, problems } = compileProxy(deployed, settings, services.kinds, services.engine)
  const error = problems.find((problem) => problem.severity === 'error')
  if (error !== undefined) throw new Error(`${plan.name}: ${problemLine(error)}`)
  const throttle = compileThrottle(deployed.throttle, {
    counters: services.counters,
    environment: settings.environment,
    api: plan.name,
    gatewayLimitPerSecond:
      settings.gatewayLimitPerSecond ?? (deployed.proxy.dialect === 'apig' ? GATEWAY_LIMIT_OF_APIG : 0),
  })
  const gate = throttle === null ? null : new ThrottleGate(throttle, settings.rateLimitFields)
  return plan.endpoints.map((endpoint) => ({
    endpoint,
    serviceId: deployed.serviceId,
    access: null,
    hosts: deployed.hosts ?? boundHosts(endpoint.virtualHosts, settings.virtualHosts),
    strict: deployed.hosts !== undefined,
    claims: claimsOf(deployed),
    gate,
    recorder: null,
  }))
}
