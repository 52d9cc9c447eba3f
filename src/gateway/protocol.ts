import type { MessagePort } from 'node:worker_threads'
import type { HostMap } from '../model/deployment.ts'
import type { RecordedCall, TraceOrder } from '../trace/orders.ts'
import type { ServerLimits, ServerTls } from '../wire/types.ts'
import type { AnswerMessage, QuestionMessage } from './questions.ts'
import type { ApigTexts } from './serve-apis.ts'
import type { TelemetrySetup } from './telemetry/exporter.ts'

/** What a gateway thread is born with. */
export interface WorkerSetup {
  /** Names the thread in shared locks; never used twice while the process lives. */
  readonly number: number
  /** How many threads there are: each has its share of what is kept of calls. */
  readonly workers: number
  /** Shared memory: made by the store of the counters, handed on untouched. */
  readonly counters: unknown
  /** The same for what is known of the servers of load balancers. */
  readonly servers: unknown
  /** To the thread that owns the entries of the caches. */
  readonly cache: MessagePort
  /** To the thread that writes log files. */
  readonly logFiles: MessagePort
  /** To the thread that owns the key value maps. */
  readonly maps: MessagePort
  readonly hostMap: HostMap
  /** Where the databases are that threads read. */
  readonly dataFolder: string
  /** Opens what is sealed in them. */
  readonly sealKey: Uint8Array
  /** Names the gateway among others that a request passes. */
  readonly gatewayId: string
  /** Seals debug tokens. */
  readonly debugSecret: string
  readonly logLevel: string
  /** Null: no spans are exported. */
  readonly telemetry: TelemetrySetup | null
}

export interface ListenOptions {
  readonly host: string
  /** 0: any free one; the answer says which. */
  readonly port: number
  readonly reusePort: boolean
  readonly limits: ServerLimits
  /** The same door for HTTPS, on a port of its own. */
  readonly tls?: TlsListenOptions
  /** The door of the Service Management API. */
  readonly backend: BackendListenOptions
}

export interface BackendListenOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly tls?: TlsListenOptions
}

/** The ports that were opened; 0: there is no such door. */
export interface DoorPorts {
  readonly port: number
  readonly tlsPort: number
  readonly backendPort: number
  readonly backendTlsPort: number
}

export const NO_PORTS: DoorPorts = { port: 0, tlsPort: 0, backendPort: 0, backendTlsPort: 0 }

export interface TlsListenOptions extends ServerTls {
  /** 0: any free one. */
  readonly port: number
}

/** JSON with a number that stands for it: equal numbers, equal texts. Null: the thread has it from the publication before. */
export interface Text {
  readonly id: number
  readonly text: string | null
}

/** Everything deployed, as text: what a thread parses and compiles by itself. */
export interface Publication {
  readonly generation: number
  /** Each of one `Settings`; the first is the gateway's own, the others are of environments beside it. */
  readonly environments: readonly Text[]
  /** Calls of a service count in 3scale's response code statistics. */
  readonly responseCodes: boolean
  /** Each of one `DeployedProxy`. */
  readonly proxies: readonly Text[]
  readonly apig: ApigTexts
}

export type ToWorker =
  /** Where its batches of records go; again when another store thread takes over. */
  | { readonly kind: 'attach'; readonly store: MessagePort }
  | { readonly kind: 'publish'; readonly publication: Publication }
  /** Services, accounts or applications are others now. */
  | { readonly kind: 'accounts' }
  /** What is to be recorded from now on, and nothing else. */
  | { readonly kind: 'trace'; readonly orders: readonly TraceOrder[] }
  | { readonly kind: 'listen'; readonly options: ListenOptions }
  | { readonly kind: 'close'; readonly graceMs: number }
  | QuestionMessage

export type FromWorker =
  | { readonly kind: 'published'; readonly generation: number; readonly error: string | null }
  | { readonly kind: 'accounts'; readonly error: null }
  | { readonly kind: 'listening'; readonly ports: DoorPorts; readonly error: string | null }
  | { readonly kind: 'tracing'; readonly error: string | null }
  /** Of nobody's asking: a call was recorded. */
  | { readonly kind: 'recorded'; readonly call: RecordedCall; readonly error: null }
  | AnswerMessage

/** Limits of the gateway's door, of each thread (APIG's figures; Edge's are tighter and act after routing). */
export const SERVER_LIMITS: ServerLimits = {
  requestLineBytesMax: 32 * 1024,
  headerBytesMax: 32 * 1024,
  headersBytesMax: 128 * 1024,
  headersCountMax: 1000,
  headerTimeoutMs: 15_000,
  bodyTimeoutMs: 60_000,
  idleTimeoutMs: 65_000,
  connectionsMax: 50_000,
}
