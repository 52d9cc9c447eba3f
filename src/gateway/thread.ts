import type { MessagePort } from 'node:worker_threads'
import { CallRecord } from '../analytics/record.ts'
import type { Recorder } from '../analytics/rollup.ts'
import { requestIds } from '../core/ids.ts'
import type { Log } from '../core/log.ts'
import { needsXml, prepareXml } from '../core/xml-document.ts'
import { defaultSettings } from '../model/deployment.ts'
import { createUpstreamClient } from '../wire/client.ts'
import { listen } from '../wire/server.ts'
import type { Downstream, UpstreamClient, WireServer } from '../wire/types.ts'
import type { Call } from './call.ts'
import { fillRecord } from './call-record.ts'
import { HealthMonitors } from './health-monitor.ts'
import { Life, type LifeServices } from './life.ts'
import { GatewayClient } from './local-client.ts'
import { WireOutbound } from './outbound.ts'
import type { FromWorker, ListenOptions, Publication, ToWorker } from './protocol.ts'
import { protocolError } from './protocol-error.ts'
import { emptySnapshot, type PublishServices, snapshotOf } from './publish.ts'

const FULL_WARNING_EVERY_MS = 10_000

/** What the composition of a thread hands in. */
export interface ThreadServices {
  readonly main: MessagePort
  readonly log: Log
  readonly recorder: Recorder
  readonly publish: Omit<PublishServices, 'engine'>
  /** Records go to this store thread from now on. */
  attach(store: MessagePort): void
  /** Hands over what the recorder holds and resolves when it is kept; rejects when it is not. */
  flush(): Promise<void>
}

/** One gateway thread: serves what is published to it, and does as the main thread says. */
export class GatewayThread implements LifeServices {
  readonly client: UpstreamClient = new GatewayClient(createUpstreamClient(), () => this.#life)
  readonly nextId: () => string = requestIds()
  readonly #services: ThreadServices
  readonly #outbound: WireOutbound
  readonly #life: Life
  readonly #monitors: HealthMonitors
  readonly #publish: PublishServices
  readonly #record: CallRecord = new CallRecord()
  #servers: WireServer[] = []
  #quietUntil = 0

  constructor(services: ThreadServices) {
    const snapshot = emptySnapshot(defaultSettings)
    this.#services = services
    this.#outbound = new WireOutbound(this.client, snapshot.destinations)
    this.#publish = {
      ...services.publish,
      engine: {
        outbound: this.#outbound,
        counters: services.publish.counters,
        cache: services.publish.cache,
        maps: services.publish.maps,
        servers: services.publish.servers,
        now: Date.now,
      },
    }
    this.#life = new Life(this, snapshot)
    this.#monitors = new HealthMonitors(this.client, services.log)
    services.main.on('message', (message: ToWorker) => this.#obey(message))
  }

  finished(call: Call, gone: boolean): void {
    fillRecord(this.#record, call, gone)
    this.#services.recorder.add(this.#record)
  }

  crashed(call: Call, error: unknown): void {
    const stack = error instanceof Error ? error.stack : String(error)
    const proxy = call.served?.endpoint.proxy.name
    this.#services.log.error({ requestId: call.id, proxy, error: stack }, 'a bug: a step or the gateway threw')
  }

  #obey(message: ToWorker): void {
    switch (message.kind) {
      case 'attach':
        return this.#services.attach(message.store)
      case 'publish':
        void this.#published(message.publication).then((answer) => this.#tell(answer))
        return
      case 'listen':
        void this.#listen(message.options)
        return
      case 'close':
        void this.#close(message.graceMs)
        return
    }
  }

  async #published(publication: Publication): Promise<FromWorker> {
    const { generation } = publication
    try {
      if (publication.proxies.some(needsXml)) await prepareXml()
      const snapshot = snapshotOf(publication, this.#publish)
      this.#outbound.use(snapshot.destinations)
      this.#life.snapshot = snapshot
      this.#monitors.use(snapshot.balancers, snapshot.destinations)
      return { kind: 'published', generation, error: null }
    } catch (error) {
      return { kind: 'published', generation, error: error instanceof Error ? error.message : String(error) }
    }
  }

  async #listen(options: ListenOptions): Promise<void> {
    const { host, reusePort, limits, tls } = options
    const onRequest = (down: Downstream): void => this.#life.accept(down)
    const shared = {
      host,
      reusePort,
      limits,
      onRequest,
      protocolError: protocolError(this.#life, this.nextId, this.#services.recorder),
      onFull: () => this.#warnFull(limits.connectionsMax),
    }
    try {
      const plain = await listen({ ...shared, port: options.port })
      this.#servers.push(plain)
      let tlsPort = 0
      if (tls !== undefined) {
        const secure = await listen({ ...shared, port: tls.port, tls })
        this.#servers.push(secure)
        tlsPort = secure.port
      }
      this.#tell({ kind: 'listening', port: plain.port, tlsPort, error: null })
    } catch (error) {
      for (const server of this.#servers.splice(0)) void server.close(0)
      const text = error instanceof Error ? error.message : String(error)
      this.#tell({ kind: 'listening', port: 0, tlsPort: 0, error: text })
    }
  }

  /** Once in a while: there may be thousands of them a second. */
  #warnFull(connections: number): void {
    const now = performance.now()
    if (now < this.#quietUntil) return
    this.#quietUntil = now + FULL_WARNING_EVERY_MS
    this.#services.log.warn({ connections }, 'this thread has as many connections as it may: new ones are closed')
  }

  async #close(graceMs: number): Promise<void> {
    const cut = setTimeout(() => {
      const connections = this.#servers.reduce((sum, server) => sum + server.connections, 0)
      this.#services.log.warn({ connections }, 'the grace is over: calls that still run are cut')
    }, graceMs - 100)
    await Promise.all(this.#servers.map((server) => server.close(graceMs)))
    clearTimeout(cut)
    this.#monitors.stop()
    this.client.close()
    await this.#services.flush().catch((error: Error) => {
      this.#services.log.error({ reason: error.message }, 'the last records of this thread are lost')
    })
    this.#services.main.close()
    // Timers of policies that wait for nobody must not keep the thread.
    process.exit(0)
  }

  #tell(message: FromWorker): void {
    this.#services.main.postMessage(message)
  }
}
