import type { MessagePort } from 'node:worker_threads'
import { CallRecord } from '../analytics/record.ts'
import type { Recorder } from '../analytics/rollup.ts'
import { requestIds } from '../core/ids.ts'
import type { Log } from '../core/log.ts'
import { Tally } from '../core/tally.ts'
import { needsXml, prepareXml } from '../core/xml-document.ts'
import { defaultSettings } from '../model/deployment.ts'
import { RecentCalls } from '../trace/recent-calls.ts'
import { createUpstreamClient } from '../wire/client.ts'
import { listen } from '../wire/server.ts'
import type { Downstream, ProtocolErrorReply, ServerOptions, UpstreamClient, WireServer } from '../wire/types.ts'
import { GatewayAccess } from './access/index.ts'
import type { LocalAccounts } from './access/local.ts'
import type { Call } from './call.ts'
import { fillRecord, isAuthorized } from './call-record.ts'
import { HealthMonitors } from './health-monitor.ts'
import { keepCall } from './keep-call.ts'
import { Life, type LifeServices } from './life.ts'
import { GatewayClient } from './local-client.ts'
import { cycleOf, hopsOf } from './loop-guard.ts'
import { WireOutbound } from './outbound.ts'
import {
  type BackendListenOptions,
  type FromWorker,
  type ListenOptions,
  NO_PORTS,
  type Publication,
  type ToWorker,
} from './protocol.ts'
import { protocolError } from './protocol-error.ts'
import { emptySnapshot, Publisher, type PublishServices } from './publish.ts'
import { type Answerers, answerTo } from './questions.ts'
import { ApiServing } from './serve-apis.ts'
import { SessionRecorders } from './session-recorders.ts'
import { SpanExporter, type TelemetrySetup } from './telemetry/exporter.ts'
import { Tracing } from './telemetry/tracing.ts'

const FULL_WARNING_EVERY_MS = 10_000
/** How long a collector may take for the last spans before the thread ends. */
const LAST_SPANS_MS = 1_000
const SWEEP_EVERY_MS = 60_000

/** The door beside the gateway's: the Service Management API. */
export interface Backend {
  accept(down: Downstream): void
  readonly protocolError: ProtocolErrorReply
  readonly answers: Tally
}

/** What the composition of a thread hands in. */
export interface ThreadServices {
  readonly main: MessagePort
  readonly log: Log
  readonly recorder: Recorder
  /** Gateway threads of this process, this one included. */
  readonly workers: number
  readonly gatewayId: string
  readonly publish: Omit<PublishServices, 'engine' | 'apis'>
  readonly accounts: LocalAccounts
  readonly version: string
  /** Where spans go; null: none are exported. */
  readonly telemetry: TelemetrySetup | null
  readonly backend: Backend
  /** Services, accounts or applications are others now. */
  accountsChanged(): void
  /** Records go to this store thread from now on. */
  attach(store: MessagePort): void
  /** Hands over what the recorder holds and resolves when it is kept; rejects when it is not. */
  flush(): Promise<void>
}

/** One gateway thread: serves what is published to it, and does as the main thread says. */
export class GatewayThread implements LifeServices {
  readonly client: UpstreamClient = new GatewayClient(createUpstreamClient(), () => this.#life)
  readonly nextId: () => string = requestIds()
  readonly tracing: Tracing | null
  readonly #exporter: SpanExporter | null
  readonly #services: ThreadServices
  readonly #outbound: WireOutbound
  readonly #access: GatewayAccess
  readonly #life: Life
  readonly #monitors: HealthMonitors
  readonly #recorders: SessionRecorders
  readonly #publisher: Publisher
  readonly #record: CallRecord = new CallRecord()
  readonly #backendCalls: Tally = new Tally()
  readonly #recent: RecentCalls = new RecentCalls(Date.now)
  readonly #answerers: Answerers = {
    load: () => ({
      generation: this.#life.snapshot.generation,
      connections: this.#connections,
      doorAnswers: this.#services.backend.answers.rows(),
      backendCalls: this.#backendCalls.rows(),
      reports: this.#access.reports,
    }),
    recentCalls: (filter) => this.#recent.page(filter),
    recentCall: (requestId) => this.#recent.find(requestId),
  }
  #servers: WireServer[] = []
  #quietUntil = 0
  #loopQuietUntil = 0

  constructor(services: ThreadServices) {
    const snapshot = emptySnapshot(defaultSettings)
    this.#services = services
    this.#outbound = new WireOutbound(this.client, snapshot.destinations)
    this.#access = new GatewayAccess(services.accounts, {
      client: this.client,
      destinations: () => this.#life.snapshot.destinations,
      version: services.version,
      counters: services.publish.counters,
      log: services.log,
      backendCalls: this.#backendCalls,
      responseCodes: () => this.#life.snapshot.responseCodes,
      now: Date.now,
    })
    const engine = {
      outbound: this.#outbound,
      access: this.#access,
      counters: services.publish.counters,
      cache: services.publish.cache,
      maps: services.publish.maps,
      servers: services.publish.servers,
      logFiles: services.publish.logFiles,
      now: Date.now,
    }
    this.#publisher = new Publisher({
      ...services.publish,
      engine,
      apis: new ApiServing({ ...engine, gatewayId: services.gatewayId }),
    })
    const { telemetry: setup, log, version, gatewayId } = services
    this.#exporter =
      setup === null
        ? null
        : new SpanExporter({
            setup,
            resource: { serviceName: setup.serviceName, version, instance: gatewayId },
            client: this.client,
            log,
          })
    this.tracing = this.#exporter === null ? null : new Tracing(setup!.share, this.#exporter)
    this.#life = new Life(this, snapshot)
    this.#recorders = new SessionRecorders({
      kinds: services.publish.kinds,
      engine,
      send: (recorded) => this.#tell({ kind: 'recorded', call: recorded, error: null }),
      failed: (error) => services.log.error({ error: error.stack }, 'a bug: a call could not be recorded'),
    })
    this.#monitors = new HealthMonitors(this.client, services.log)
    setInterval(() => this.#recent.sweep(), SWEEP_EVERY_MS).unref()
    services.main.on('message', (message: ToWorker) => this.#obey(message))
  }

  finished(call: Call, gone: boolean): void {
    fillRecord(this.#record, call, gone)
    if (call.recording !== null) this.#recorders.finished(call.recording, this.#record)
    this.#services.recorder.add(this.#record)
    this.tracing?.finished(call, this.#record)
    if (this.#recent.keeps) {
      const { masks } = call.snapshot
      const mask = masks.of(call.served?.endpoint.proxy.deployed ?? null)
      keepCall(this.#recent.slot(), call, this.#record, mask)
    }
    const { serviceId, status, timeMs } = this.#record
    const admissions = call.x?.admissions ?? null
    if (admissions !== null) for (const admission of admissions) admission.ended(status)
    // A call of a service that asks nobody is a hit.
    else if (serviceId !== '' && isAuthorized(call)) {
      this.#services.accounts.recorder.add(serviceId, '', 'metric', 'hits', timeMs, 1)
    }
  }

  /** Names the cycle, as far as the gateways on it say who they are. One line a second: anybody can send a high count. */
  looped(call: Call): void {
    this.#recorders.looped(call)
    const now = performance.now()
    if (now < this.#loopQuietUntil) return
    this.#loopQuietUntil = now + 1_000
    const hops = hopsOf(call.down.rawHeaders)
    const fields = { requestId: call.id, forwards: call.forwardCount, hops, cycle: cycleOf(hops) }
    this.#services.log.warn(fields, 'a request went through too many gateways: it goes in a circle')
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
      case 'accounts':
        this.#services.accountsChanged()
        return this.#tell({ kind: 'accounts', error: null })
      case 'ask':
        void answerTo(this.#answerers, message).then((answer) => this.#tell(answer))
        return
      case 'trace':
        void this.#recorders.use(message.orders, this.#life.snapshot).then(
          () => this.#tell({ kind: 'tracing', error: null }),
          (error: Error) => this.#tell({ kind: 'tracing', error: error.message }),
        )
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
      const texts = [...publication.environments, ...publication.proxies]
      if (texts.some(({ text }) => text !== null && needsXml(text))) await prepareXml()
      const { snapshot, keep } = await this.#publisher.snapshotOf(publication)
      await this.#recorders.serve(snapshot)
      keep()
      this.#outbound.use(snapshot.destinations)
      this.#life.snapshot = snapshot
      const { max, hours } = snapshot.settings.recentCalls
      this.#recent.resize(Math.ceil(max / this.#services.workers), hours)
      this.#monitors.use(snapshot.balancers, snapshot.destinations)
      return { kind: 'published', generation, error: null }
    } catch (error) {
      return { kind: 'published', generation, error: error instanceof Error ? error.message : String(error) }
    }
  }

  async #listen(options: ListenOptions): Promise<void> {
    const { reusePort, limits } = options
    const { backend } = this.#services
    const shared = { reusePort, limits, onFull: () => this.#warnFull(limits.connectionsMax) }
    try {
      const [port, tlsPort] = await this.#open(options, {
        ...shared,
        onRequest: (down) => this.#life.accept(down),
        protocolError: protocolError(this.#life, this.nextId, this.#services.recorder, this.#recent),
      })
      const [backendPort, backendTlsPort] = await this.#open(options.backend, {
        ...shared,
        onRequest: (down) => backend.accept(down),
        protocolError: backend.protocolError,
      })
      this.#tell({ kind: 'listening', ports: { port, tlsPort, backendPort, backendTlsPort }, error: null })
    } catch (error) {
      for (const server of this.#servers.splice(0)) void server.close(0)
      const text = error instanceof Error ? error.message : String(error)
      this.#tell({ kind: 'listening', ports: NO_PORTS, error: text })
    }
  }

  /** One door, plain and over TLS; gives the ports. */
  async #open(
    { host, port, tls }: BackendListenOptions,
    shared: Omit<ServerOptions, 'host' | 'port' | 'tls'>,
  ): Promise<[port: number, tlsPort: number]> {
    const plain = await listen({ ...shared, host, port })
    this.#servers.push(plain)
    if (tls === undefined) return [plain.port, 0]
    const secure = await listen({ ...shared, host, port: tls.port, tls })
    this.#servers.push(secure)
    return [plain.port, secure.port]
  }

  get #connections(): number {
    return this.#servers.reduce((sum, server) => sum + server.connections, 0)
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
      this.#services.log.warn({ connections: this.#connections }, 'the grace is over: calls that still run are cut')
    }, graceMs - 100)
    await Promise.all(this.#servers.map((server) => server.close(graceMs)))
    clearTimeout(cut)
    this.#monitors.stop()
    await this.#access.close()
    await this.#exporter?.close(LAST_SPANS_MS)
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
