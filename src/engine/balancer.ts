import type { ServerState } from '../core/server-states.ts'
import type { HealthMonitor, LoadBalancer } from '../model/load-balancer.ts'
import type { LocalConnection } from '../model/local-connection.ts'
import { didYouMean } from '../model/nearest.ts'
import type { HttpConnection } from '../model/proxy.ts'
import type { CompileContext } from './compile-steps.ts'
import { type ConnectionTls, compileTls } from './connection-tls.ts'
import type { Exchange } from './exchange.ts'

/** One server of a balancer, as this thread sees it. */
export interface Server {
  readonly name: string
  /** `http://host:port`. */
  readonly base: string
  readonly tls: ConnectionTls | null
  readonly weight: number
  readonly fallback: boolean
  readonly state: ServerState
  /** Calls of this thread that run now. */
  active: number
}

/** Host and port of a server, and the Path of its load balancer. */
export function serverUrl(server: Server, path: string): string {
  return path === '' || path.startsWith('/') ? server.base + path : `${server.base}/${path}`
}

/** What the balancing of one call tells of itself, for fault rules and logs. */
const VARIABLES = {
  server: 'loadbalancing.targetserver',
  failed: 'loadbalancing.failedservers',
  fallback: 'loadbalancing.isfallback',
} as const

/** A LoadBalancer, compiled: chooses servers, and hears how they did. Failures and turns are those of all threads. */
export class Balancer {
  readonly name: string
  readonly servers: readonly Server[]
  readonly monitor: HealthMonitor | null
  readonly maxFailures: number
  readonly #config: LoadBalancer
  readonly #next: () => number
  readonly #now: () => number

  constructor(name: string, config: LoadBalancer, servers: readonly Server[], next: () => number, now: () => number) {
    this.name = name
    this.servers = servers
    this.monitor = config.monitor
    this.maxFailures = config.maxFailures
    this.#config = config
    this.#next = next
    this.#now = now
  }

  /** Calls may have to be sent again: their body must be at hand. */
  get retries(): boolean {
    return this.#config.retryEnabled && this.servers.length > 1
  }

  turn(): Turn {
    return new Turn(this)
  }

  isUnhealthy(status: number): boolean {
    return this.#config.unhealthyStatuses.includes(status)
  }

  /** A server in the rotation that is none of `tried`; the fallback when all others are out; null: there is none. */
  choose(tried: readonly Server[]): Server | null {
    const now = this.#now()
    let inRotation = false
    const able: Server[] = []
    for (const server of this.servers) {
      if (server.fallback || server.state.isDown(now)) continue
      inRotation = true
      if (!tried.includes(server)) able.push(server)
    }
    if (able.length > 0) return ALGORITHMS[this.#config.algorithm](able, this.#next())
    if (inRotation) return null
    const fallback = this.servers.find((server) => server.fallback)
    if (fallback === undefined || tried.includes(fallback) || fallback.state.isDown(now)) return null
    return fallback
  }

  /** True: the server leaves the rotation with this failure. */
  failed(server: Server): boolean {
    const { maxFailures, disableSeconds } = this.#config
    return server.state.failed(maxFailures, disableSeconds === null ? null : disableSeconds * 1000, this.#now())
  }
}

const ALGORITHMS: Readonly<Record<LoadBalancer['algorithm'], (able: readonly Server[], turn: number) => Server>> = {
  RoundRobin: (able, turn) => able[turn % able.length]!,
  Weighted(able, turn) {
    let rest = turn % able.reduce((sum, server) => sum + server.weight, 0)
    for (const server of able) {
      if (rest < server.weight) return server
      rest -= server.weight
    }
    return able[0]!
  },
  LeastConnections(able, turn) {
    let least = able[turn % able.length]!
    for (const server of able) if (server.active < least.active) least = server
    return least
  },
}

/** The servers that one call goes to, one after the other. */
export class Turn {
  /** The one that is called now. */
  server: Server | null = null
  readonly #balancer: Balancer
  readonly #failed: Server[] = []

  constructor(balancer: Balancer) {
    this.#balancer = balancer
  }

  /** Chooses the next server and tells so in variables of the call; null: there is none (any more). */
  next(x: Exchange): Server | null {
    this.done()
    const server = this.#balancer.choose(this.#failed)
    this.server = server
    if (server === null) return null
    server.active++
    x.set(VARIABLES.server, server.name)
    if (this.#failed.length === 0) x.set(VARIABLES.failed, [])
    x.set(VARIABLES.fallback, server.fallback)
    return server
  }

  /**
   * The server could not be called, or its answer counts as a failure. The next server when the call is to be sent again; null also
   * where it cannot be (`again` false).
   */
  failed(x: Exchange, again = true): Server | null {
    const { server } = this
    if (server === null) return null
    this.#failed.push(server)
    this.#balancer.failed(server)
    x.set(
      VARIABLES.failed,
      this.#failed.map(({ name }) => name),
    )
    return again && this.#balancer.retries ? this.next(x) : null
  }

  /** The answer is one: true unless its status counts as a failure. */
  answered(status: number): boolean {
    if (this.#balancer.isUnhealthy(status)) return false
    this.server?.state.succeeded()
    return true
  }

  /** The call is over. */
  done(): void {
    if (this.server !== null) this.server.active--
    this.server = null
  }
}

type BalancerContext = Pick<CompileContext, 'deployed' | 'settings' | 'problems' | 'services'>

/** The balancers of one deployment. Their shared states are named after it: a new one begins anew. */
export class Balancers {
  readonly list: Balancer[] = []
  readonly #context: BalancerContext

  constructor(context: BalancerContext) {
    this.#context = context
  }

  /** That of a connection, which `owner` (target endpoint or policy) names within the proxy; null: it has none. */
  add(connection: HttpConnection | LocalConnection, owner: string): Balancer | null {
    if ('local' in connection || connection.balancer === null) return null
    const { deployed, services } = this.#context
    const { name, revision } = deployed.proxy
    const id = [name, revision, deployed.deployment ?? 0, owner].join(' ')
    const servers = this.#servers(connection, connection.balancer, id)
    const rotation = services.servers.rotation(id)
    const balancer = new Balancer(id, connection.balancer, servers, () => rotation.next(), services.now)
    this.list.push(balancer)
    return balancer
  }

  /** Those that are switched off are left out. Problems: TargetServerNotFound, those of SSLInfo. */
  #servers(connection: HttpConnection, config: LoadBalancer, id: string): Server[] {
    const { settings, problems, services } = this.#context
    const own = compileTls(connection, settings, problems)
    return config.servers.flatMap((one): Server[] => {
      const entity = settings.entities.targetServers.find((server) => server.name === one.name)
      if (entity === undefined) {
        const known = settings.entities.targetServers.map((server) => server.name)
        const text = `the environment has no target server ${one.name}${didYouMean(one.name, known)}; make it with targetServers: in postern.yaml or over the management API`
        problems.error('TargetServerNotFound', one.at, text)
        return []
      }
      if (!entity.enabled || !one.enabled) return []
      const ownTls = entity.ssl === null ? null : compileTls({ ssl: entity.ssl, at: one.at }, settings, problems)
      const secure = entity.ssl?.enabled === true || connection.ssl?.enabled === true
      const host = entity.host.includes(':') && !entity.host.startsWith('[') ? `[${entity.host}]` : entity.host
      const base = `${secure ? 'https' : 'http'}://${host}:${entity.port}`
      return [
        {
          name: one.name,
          base,
          tls: ownTls ?? own,
          weight: one.weight,
          fallback: one.fallback,
          state: services.servers.server(`${id} ${one.name} ${base}`),
          active: 0,
        },
      ]
    })
  }
}
