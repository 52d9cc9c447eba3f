import { createServer } from 'node:net'
import { type MessagePort, Worker } from 'node:worker_threads'
import type { Log } from '../core/log.ts'
import type { HostMap } from '../model/deployment.ts'
import type { RecordedCall, TraceOrder } from '../trace/orders.ts'
import {
  type DoorPorts,
  type FromWorker,
  type ListenOptions,
  NO_PORTS,
  type Publication,
  type Text,
  type ToWorker,
  type WorkerSetup,
} from './protocol.ts'
import { type Answered, type Asked, OpenQuestions, type QuestionName } from './questions.ts'
import type { TelemetrySetup } from './telemetry/exporter.ts'

/** A thread that does not answer for this long is replaced... */
const ANSWER_TIMEOUT_MS = 5_000
/** ... or for this long when it is new: it loads first, and a busy machine may let it wait. */
const FIRST_ANSWER_TIMEOUT_MS = 30_000
/** A question beside the orders is given up after this; the thread is not replaced for it. */
const QUESTION_TIMEOUT_MS = 2_000
/** A thread that keeps dying is started again after a pause that doubles up to this. */
const RESTART_PAUSE_MS_MAX = 5_000
const HEAP_MB_MAX = 1024
/** What the calls in flight hold is copied at each collection of the nursery; more than this buys little for much memory. */
const YOUNG_MB_MAX = 24

export interface FleetOptions {
  /** Module that the threads run: composes a worker (`cli/worker.ts`). */
  readonly entry: URL
  readonly workers: number
  readonly counters: unknown
  readonly servers: unknown
  readonly hostMap: HostMap
  readonly dataFolder: string
  readonly sealKey: Uint8Array
  readonly gatewayId: string
  readonly debugSecret: string
  /** A new port to the owner of the caches, one for each thread. */
  cachePort(): MessagePort
  /** The same to the writer of log files. */
  logFilesPort(): MessagePort
  /** The same to the owner of the key value maps. */
  mapsPort(): MessagePort
  readonly log: Log
  readonly logLevel: string
  /** Where spans go; null: none are exported. */
  readonly telemetry: TelemetrySetup | null
  readonly listen: ListenOptions
  /** A thread has ended: free what it may have held. */
  onExit(number: number): void
  /** A call that debug sessions asked for is over. */
  onRecorded(call: RecordedCall): void
}

/**
 * The gateway threads, seen from the main thread: started, told of every publication, replaced when they die or fall
 * silent, ended for certain.
 */
export class Fleet {
  readonly #options: FleetOptions
  readonly #members = new Map<number, Member>()
  #nextNumber = 1
  #ports: DoorPorts = NO_PORTS
  #publication: Publication
  #closing = false
  #restarts = 0
  #deathsInARow = 0
  #storePort: (() => MessagePort) | null = null
  #traceOrders: readonly TraceOrder[] = []

  constructor(options: FleetOptions, publication: Publication) {
    this.#options = options
    this.#publication = publication
    // Threads load while the main thread goes on with its own start.
    for (let i = 0; i < options.workers; i++) this.#spawn()
  }

  get port(): number {
    return this.#ports.port
  }

  /** 0: there is no TLS door. */
  get tlsPort(): number {
    return this.#ports.tlsPort
  }

  get backendPort(): number {
    return this.#ports.backendPort
  }

  /** 0: there is no such door. */
  get backendTlsPort(): number {
    return this.#ports.backendTlsPort
  }

  get size(): number {
    return this.#members.size
  }

  /** Threads that were replaced since start. */
  get restarts(): number {
    return this.#restarts
  }

  /** Gives every thread, now and later, a port to the store thread. Again when that was replaced. */
  attachStore(newPort: () => MessagePort): void {
    this.#storePort = newPort
    for (const member of this.#members.values()) member.attach(newPort())
  }

  /** Resolves when all threads serve. Rejects with the first thread's reason when the port cannot be had. */
  async start(): Promise<void> {
    const { host, port, backend } = this.#options.listen
    if (port !== 0) await assertFree(host, port)
    if (backend.port !== 0) await assertFree(backend.host, backend.port)
    const members = [...this.#members.values()]
    await Promise.all(members.map((member) => member.publish(this.#publication)))
    for (const member of members) await this.#listen(member)
  }

  /**
   * Resolves when every thread runs on the new publication; gives how many fell silent and were replaced. Rejects when a
   * thread cannot compile it: then all go on with the one before.
   */
  async publish(publication: Publication): Promise<{ replaced: number }> {
    const before = this.#publication
    this.#publication = publication
    const members = [...this.#members.values()]
    const answers = await Promise.allSettled(members.map((member) => member.publish(publication)))
    const refused = answers.find((answer) => answer.status === 'rejected' && answer.reason instanceof RefusedError)
    if (refused?.status === 'rejected') {
      this.#publication = before
      await Promise.allSettled(members.map((member) => member.publish(before)))
      throw refused.reason
    }
    let replaced = 0
    answers.forEach((answer, i) => {
      if (answer.status === 'fulfilled') return
      replaced++
      const { number } = members[i]!
      this.#options.log.error({ worker: number, reason: String(answer.reason) }, 'a gateway thread is replaced')
      this.kill(number)
    })
    return { replaced }
  }

  /** Resolves when every thread reads accounts anew; one that does not answer is replaced. */
  async accountsChanged(): Promise<void> {
    const members = [...this.#members.values()]
    const answers = await Promise.allSettled(members.map((member) => member.accountsChanged()))
    answers.forEach((answer, i) => {
      if (answer.status === 'rejected') this.kill(members[i]!.number)
    })
  }

  /**
   * Asks every thread that runs now. A thread that ends meanwhile, or does not answer in time, is only counted: what is asked
   * for must make sense without it.
   */
  async ask<Name extends QuestionName>(
    name: Name,
    ask: Asked<Name>,
    timeoutMs: number = QUESTION_TIMEOUT_MS,
  ): Promise<{ readonly answers: Answered<Name>[]; readonly silent: number }> {
    const asked = [...this.#members.values()].map((member) => member.questions.ask(name, ask, timeoutMs))
    const settled = await Promise.allSettled(asked)
    const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    return { answers, silent: settled.length - answers.length }
  }

  /**
   * Resolves when every thread records by these orders; one that does not answer is replaced. Rejects when a thread cannot compile what
   * they ask for: then it records none of it.
   */
  async trace(orders: readonly TraceOrder[]): Promise<void> {
    this.#traceOrders = orders
    const members = [...this.#members.values()]
    const answers = await Promise.allSettled(members.map((member) => member.trace(orders)))
    answers.forEach((answer, i) => {
      if (answer.status === 'rejected' && !(answer.reason instanceof RefusedError)) this.kill(members[i]!.number)
    })
    const refused = answers.find((answer) => answer.status === 'rejected' && answer.reason instanceof RefusedError)
    if (refused?.status === 'rejected') throw refused.reason
  }

  /** Numbers of the threads that run now. */
  get numbers(): number[] {
    return [...this.#members.keys()]
  }

  /** Ends a thread at once, with the connections that it has; another takes its place. */
  kill(number: number): void {
    this.#members.get(number)?.kill()
  }

  /** Lets running calls end for up to `graceMs`, then ends the threads. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#members.values()].map((member) => member.close(graceMs)))
  }

  async #listen(member: Member): Promise<void> {
    const { listen } = this.#options
    const { tls, backend } = listen
    const { port, tlsPort, backendPort, backendTlsPort } = this.#ports
    // Where any free port was asked for, all threads share the one that the first has got.
    this.#ports = await member.listen({
      ...listen,
      port: port || listen.port,
      ...(tls !== undefined && { tls: { ...tls, port: tlsPort || tls.port } }),
      backend: {
        ...backend,
        port: backendPort || backend.port,
        ...(backend.tls !== undefined && { tls: { ...backend.tls, port: backendTlsPort || backend.tls.port } }),
      },
    })
  }

  #spawn(): Member {
    const number = this.#nextNumber++
    const { counters, servers, hostMap, gatewayId, debugSecret, dataFolder, sealKey, logLevel, telemetry } =
      this.#options
    const cache = this.#options.cachePort()
    const maps = this.#options.mapsPort()
    const logFiles = this.#options.logFilesPort()
    const setup: WorkerSetup = {
      number,
      workers: this.#options.workers,
      counters,
      servers,
      cache,
      maps,
      logFiles,
      hostMap,
      gatewayId,
      debugSecret,
      telemetry,
      dataFolder,
      sealKey,
      logLevel,
    }
    const worker = new Worker(this.#options.entry, {
      name: `gateway ${number}`,
      workerData: setup,
      transferList: [cache, maps, logFiles],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX, maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    })
    const member = new Member(number, worker, this.#options)
    this.#members.set(number, member)
    worker.on('exit', (code) => this.#ended(member, code))
    if (this.#storePort !== null) member.attach(this.#storePort())
    return member
  }

  #ended(member: Member, code: number): void {
    this.#members.delete(member.number)
    this.#options.onExit(member.number)
    if (this.#closing) return
    this.#restarts++
    const pauseMs = this.#deathsInARow === 0 ? 0 : Math.min(50 * 2 ** this.#deathsInARow, RESTART_PAUSE_MS_MAX)
    this.#deathsInARow++
    this.#options.log.error({ worker: member.number, code, pauseMs }, 'a gateway thread ended and is replaced')
    setTimeout(() => this.#replace(), pauseMs)
  }

  /** A new thread that cannot record serves all the same. */
  async #traceAsBefore(member: Member): Promise<void> {
    try {
      await member.trace(this.#traceOrders)
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      this.#options.log.error({ worker: member.number, reason: error.message }, 'debug sessions are not recorded here')
    }
  }

  #replace(): void {
    if (this.#closing) return
    const member = this.#spawn()
    member
      .publish(this.#publication)
      .then(() => this.#traceAsBefore(member))
      .then(() => this.#listen(member))
      .then(
        () => {
          this.#deathsInARow = 0
        },
        () => member.kill(),
      )
  }
}

/** Threads share the port, so they would share it with another Postern too, without a word. */
async function assertFree(host: string, port: number): Promise<void> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()))
  })
}

/** A thread cannot compile a publication; no other thread could. */
class RefusedError extends Error {}

/** One thread and the answers that are awaited from it. */
class Member {
  readonly number: number
  readonly questions: OpenQuestions
  readonly #worker: Worker
  #waiting: { kind: string; resolve: (answer: FromWorker) => void; reject: (error: Error) => void } | null = null
  #last: Promise<unknown> = Promise.resolve()
  #loaded = false
  /** Texts of the publication that the thread serves, by their id. */
  #held: ReadonlySet<number> = new Set()
  readonly #exited: Promise<void>

  constructor(number: number, worker: Worker, { log, onRecorded }: Pick<FleetOptions, 'log' | 'onRecorded'>) {
    this.number = number
    this.#worker = worker
    this.questions = new OpenQuestions((message) => this.#post(message))
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()))
    worker.on('message', (message: FromWorker) => {
      this.#loaded = true
      if (message.kind === 'recorded') return onRecorded(message.call)
      if (message.kind === 'answer') return this.questions.answered(message)
      if (this.#waiting?.kind !== message.kind) return
      const { resolve } = this.#waiting
      this.#waiting = null
      resolve(message)
    })
    worker.on('error', (error: Error) => log.error({ worker: number, error: error.message }, 'a gateway thread broke'))
    worker.once('exit', () => {
      this.#waiting?.reject(new Error('the thread ended'))
      this.questions.end()
    })
  }

  async publish(publication: Publication): Promise<void> {
    const answer = await this.#ask(
      () => ({ kind: 'publish', publication: this.#withoutHeld(publication) }),
      'published',
    )
    if (answer.error !== null) throw new RefusedError(answer.error)
    this.#held = new Set([...publication.environments, ...publication.proxies].map(({ id }) => id))
  }

  /** What the thread has needs not be sent again. */
  #withoutHeld(publication: Publication): Publication {
    const strip = (one: Text): Text => (this.#held.has(one.id) ? { id: one.id, text: null } : one)
    return {
      ...publication,
      environments: publication.environments.map(strip),
      proxies: publication.proxies.map(strip),
    }
  }

  async listen(options: ListenOptions): Promise<DoorPorts> {
    const answer = await this.#ask(() => ({ kind: 'listen', options }), 'listening')
    if (answer.error !== null) throw new Error(answer.error)
    return answer.kind === 'listening' ? answer.ports : NO_PORTS
  }

  async accountsChanged(): Promise<void> {
    await this.#ask(() => ({ kind: 'accounts' }), 'accounts')
  }

  async trace(orders: readonly TraceOrder[]): Promise<void> {
    const answer = await this.#ask(() => ({ kind: 'trace', orders }), 'tracing')
    if (answer.error !== null) throw new RefusedError(answer.error)
  }

  async close(graceMs: number): Promise<void> {
    this.#post({ kind: 'close', graceMs })
    const late = setTimeout(() => this.kill(), graceMs + 2_000)
    await this.#exited
    clearTimeout(late)
  }

  kill(): void {
    void this.#worker.terminate()
  }

  /** One question at a time, in order. */
  #ask(messageNow: () => ToWorker, kind: FromWorker['kind']): Promise<FromWorker> {
    const asked = this.#last.then(
      () =>
        new Promise<FromWorker>((resolve, reject) => {
          const timeoutMs = this.#loaded ? ANSWER_TIMEOUT_MS : FIRST_ANSWER_TIMEOUT_MS
          const timer = setTimeout(() => this.#waiting?.reject(new Error(`no answer for ${timeoutMs} ms`)), timeoutMs)
          const settled = (): void => {
            clearTimeout(timer)
            this.#waiting = null
          }
          this.#waiting = {
            kind,
            resolve: (answer) => {
              settled()
              resolve(answer)
            },
            reject: (error) => {
              settled()
              reject(error)
            },
          }
          this.#post(messageNow())
        }),
    )
    this.#last = asked.catch(() => undefined)
    return asked
  }

  attach(store: MessagePort): void {
    this.#worker.postMessage({ kind: 'attach', store } satisfies ToWorker, [store])
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }
}
