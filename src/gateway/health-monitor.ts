import { connect } from 'node:net'
import type { Log } from '../core/log.ts'
import type { Balancer, Server } from '../engine/balancer.ts'
import { Headers } from '../engine/headers.ts'
import type { HttpProbe, TcpProbe } from '../model/load-balancer.ts'
import type { UpstreamClient, UpstreamError, UpstreamHandler } from '../wire/types.ts'
import type { Destination, Destinations } from './url.ts'

/** Looks more often than any interval is long, so that a check is late by little when the thread that did the last is gone. */
const TICK_MS = 250

/**
 * Looks after the servers of load balancers that have a HealthMonitor. Every thread runs one; for each server and interval one of
 * them does the check. A good answer brings the server back, a bad one counts as a failure.
 */
export class HealthMonitors {
  readonly #client: UpstreamClient
  readonly #log: Log
  #balancers: readonly Balancer[] = []
  #destinations: Destinations | null = null
  #tick: NodeJS.Timeout | null = null

  constructor(client: UpstreamClient, log: Log) {
    this.#client = client
    this.#log = log
  }

  /** From now on these, and no others. */
  use(balancers: readonly Balancer[], destinations: Destinations): void {
    this.#balancers = balancers.filter((balancer) => balancer.monitor !== null)
    this.#destinations = destinations
    if (this.#balancers.length === 0) this.stop()
    else this.#tick ??= setInterval(() => this.#look(), TICK_MS).unref()
  }

  stop(): void {
    if (this.#tick !== null) clearInterval(this.#tick)
    this.#tick = null
  }

  #look(): void {
    const now = Date.now()
    for (const balancer of this.#balancers) {
      const intervalMs = balancer.monitor!.intervalSeconds * 1000
      for (const server of balancer.servers) {
        if (server.state.claimCheck(now, intervalMs)) void this.#check(balancer, server)
      }
    }
  }

  async #check(balancer: Balancer, server: Server): Promise<void> {
    const { probe } = balancer.monitor!
    const to = this.#destinations?.parse(probe.kind === 'http' ? httpUrl(probe, server) : server.base)
    if (to == null) return
    const wrong =
      probe.kind === 'tcp' ? await checkTcp(probe, to) : await this.#checkHttp(probe, server, to, balancer.name)
    const wasDown = server.state.isDown(Date.now())
    if (wrong === null) {
      server.state.succeeded()
      if (wasDown) this.#log.info({ balancer: balancer.name, server: server.name }, 'a target server is back')
    } else if (balancer.failed(server)) {
      this.#log.warn({ balancer: balancer.name, server: server.name, reason: wrong }, 'a target server is out')
    }
  }

  /** Null: the server is well; otherwise why not. */
  #checkHttp(probe: HttpProbe, server: Server, to: Destination, checkId: string): Promise<string | null> {
    const id = `${server.tls?.id ?? ''}:trust-all`
    const tls = probe.trustAll ? { ...server.tls, id, rejectUnauthorized: false } : server.tls
    const origin = this.#destinations!.secured(to.origin, tls)
    return new Promise((resolve) => {
      const call = this.#client.dispatch(
        {
          origin,
          method: probe.verb,
          target: to.query === '' ? to.path : `${to.path}?${to.query}`,
          headers: [
            'Host',
            to.authority,
            ...probe.headers,
            ...(probe.withId ? ['X-Apigee-Healthcheck-Id', checkId] : []),
          ],
          body: probe.payload === '' ? null : probe.payload,
          connectTimeoutMs: probe.connectTimeoutSeconds * 1000,
          ioTimeoutMs: probe.readTimeoutSeconds * 1000,
        },
        new ProbeAnswer((status, headers) => {
          resolve(judge(probe, status, headers))
          // The rest of the answer is of no interest.
          queueMicrotask(() => call.abort())
        }, resolve),
      )
    })
  }
}

/** Tells the head of an answer, or why there is none. */
class ProbeAnswer implements UpstreamHandler {
  readonly #onAnswer: (status: number, headers: string[]) => void
  readonly #onFailure: (reason: string) => void

  constructor(onAnswer: (status: number, headers: string[]) => void, onFailure: (reason: string) => void) {
    this.#onAnswer = onAnswer
    this.#onFailure = onFailure
  }

  onHead(status: number, _reason: string, headers: string[]): void {
    this.#onAnswer(status, headers)
  }

  onData(): boolean {
    return true
  }

  onEnd(): void {}

  onError(error: UpstreamError): void {
    this.#onFailure(error.kind)
  }
}

function judge(probe: HttpProbe, status: number, raw: string[]): string | null {
  if (!probe.successStatuses.includes(status)) return `status ${status}`
  const headers = new Headers(raw)
  for (let i = 0; i < probe.successHeaders.length; i += 2) {
    const name = probe.successHeaders[i]!
    if (headers.get(name) !== probe.successHeaders[i + 1]) return `header ${name}`
  }
  return null
}

function httpUrl(probe: HttpProbe, server: Server): string {
  const [, scheme, host] = /^(https?):\/\/(.*):\d+$/.exec(server.base)!
  const secure = probe.secure ?? scheme === 'https'
  const port = probe.port ?? Number(server.base.slice(server.base.lastIndexOf(':') + 1))
  return `${secure ? 'https' : 'http'}://${host}:${port}${probe.path}`
}

function checkTcp(probe: TcpProbe, to: Destination): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: to.origin.host, port: probe.port ?? to.origin.port })
    const end = (result: string | null): void => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(probe.connectTimeoutSeconds * 1000, () => end('connect-timeout'))
    socket.once('connect', () => end(null))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}
