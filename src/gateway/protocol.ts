import type { MessagePort } from 'node:worker_threads'
import type { HostMap } from '../model/deployment.ts'
import type { ServerLimits, ServerTls } from '../wire/types.ts'

/** What a gateway thread is born with. */
export interface WorkerSetup {
  /** Names the thread in shared locks; never used twice while the process lives. */
  readonly number: number
  /** Shared memory: made by the store of the counters, handed on untouched. */
  readonly counters: unknown
  /** The same for what is known of the servers of load balancers. */
  readonly servers: unknown
  /** To the thread that owns the entries of the caches. */
  readonly cache: MessagePort
  /** To the thread that owns the key value maps. */
  readonly maps: MessagePort
  readonly hostMap: HostMap
  readonly logLevel: string
}

export interface ListenOptions {
  readonly host: string
  /** 0: any free one; the answer says which. */
  readonly port: number
  readonly reusePort: boolean
  readonly limits: ServerLimits
  /** The same door for HTTPS, on a port of its own. */
  readonly tls?: TlsListenOptions
}

export interface TlsListenOptions extends ServerTls {
  /** 0: any free one. */
  readonly port: number
}

/** Everything deployed, as text: what a thread parses and compiles by itself. */
export interface Publication {
  readonly generation: number
  /** JSON of `Settings`. */
  readonly settings: string
  /** Calls of a service count in 3scale's response code statistics. */
  readonly responseCodes: boolean
  /** Each the JSON of one `DeployedProxy`. */
  readonly proxies: readonly string[]
}

export type ToWorker =
  /** Where its batches of records go; again when another store thread takes over. */
  | { readonly kind: 'attach'; readonly store: MessagePort }
  | { readonly kind: 'publish'; readonly publication: Publication }
  | { readonly kind: 'listen'; readonly options: ListenOptions }
  | { readonly kind: 'close'; readonly graceMs: number }

export type FromWorker =
  | { readonly kind: 'published'; readonly generation: number; readonly error: string | null }
  | { readonly kind: 'listening'; readonly port: number; readonly tlsPort: number; readonly error: string | null }

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
