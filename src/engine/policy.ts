import type { MaybePromise } from '../core/async.ts'
import type { Cache } from '../core/cache.ts'
import type { Counters } from '../core/counters.ts'
import type { KeyValueMaps } from '../core/key-value-maps.ts'
import type { LocalAddress } from '../core/local-address.ts'
import type { LogFiles } from '../core/log-files.ts'
import type { EnvironmentEntities } from '../model/entities.ts'
import type { Problems } from '../model/problem.ts'
import type { HttpConnection, Policy } from '../model/proxy.ts'
import type { Position, SourceText } from '../model/source.ts'
import type { XmlElement } from '../model/xml.ts'
import type { Access } from './access.ts'
import type { Applications } from './applications.ts'
import type { Balancer } from './balancer.ts'
import type { ConnectionTls } from './connection-tls.ts'
import type { Exchange } from './exchange.ts'
import type { Fault, FaultTable } from './fault.ts'
import type { Step } from './outcome.ts'
import type { Test } from './plan.ts'
import type { Template } from './template.ts'
import type { FlowMessage, MessageReference, Variable } from './variables.ts'

/**
 * One kind of policy. `parse` runs on the main thread, once, and gives plain data; `compile` runs in every thread, once
 * for each deployment, and does everything costly; the step it gives runs for each call. A step returns a fault, it does
 * not throw one: a throw is a bug.
 */
export interface PolicyKind<Config = unknown, Faults extends FaultTable = FaultTable> {
  /** The root element: 'ServiceCallout'. */
  readonly element: string
  /** Of its variables: `<prefix>.<policy>.failed`. Its errorcodes are `steps.<prefix>.<Fault>`. */
  readonly prefix: string
  readonly faults: Faults
  /** It establishes who calls. */
  readonly identifies?: true
  /** One policy may be attached to one request and one response flow; the errors for more. */
  readonly attachedOnce?: { readonly request: string; readonly response: string }
  /** Reports what is wrong to `problems` and goes on, so that all errors show at once. */
  parse(xml: XmlElement, problems: Problems): Config
  compile(config: Config, env: CompileEnv<keyof Faults & string>): Step
  /** What a deployment makes once, on the main thread, before it is served. Again at each publication: it must not add up. */
  deploy?(config: Config, at: Deployed): void
}

/** Where a policy is deployed, and what its deployment may touch. */
export interface Deployed {
  readonly environment: string
  readonly proxy: string
  readonly revision: number
  readonly maps: KeyValueMaps
}

/** Pins a kind to the contract and forgets its own types, so that kinds of all sorts fit one table. */
export function definePolicy<Config, Faults extends FaultTable>(kind: PolicyKind<Config, Faults>): PolicyKind {
  return kind as unknown as PolicyKind
}

/** Kinds by root element. */
export type PolicyKinds = ReadonlyMap<string, PolicyKind>

export interface TemplateOptions {
  readonly ignoreUnresolved: boolean
  /** Other delimiters, one character each. */
  readonly prefix?: string
  readonly suffix?: string
  /** In URLs `${name}` means `{name}`. */
  readonly dollar?: boolean
}

/** A shared flow that was compiled. Its steps are there when the deployment is. */
export interface SharedFlowPlan {
  readonly name: string
  readonly steps: readonly Step[]
}

/** All that a policy may touch. What it asks for here decides what is made ready before its step runs. */
export interface CompileEnv<FaultName extends string = string> {
  readonly policy: Policy
  /** Name of the proxy that it is deployed with. */
  readonly proxy: string
  readonly revision: number
  readonly environment: string
  readonly organization: string
  /** The accessor of a variable. Asking for one that reads a body has that body loaded before the step. */
  variable(name: string): Variable
  /** The same of a name that shows only at run time: a body that it reads is there when something else asked for it. */
  lateVariable(name: string): Variable
  /** A message by name; null: the message of the current segment. Does not ask for its content. */
  message(name: string | null): MessageReference
  /** Has the body of a message of the flow loaded before the step runs; other names need nothing. */
  needContent(message: string | null): void
  template(source: SourceText, options: TemplateOptions): Template
  /** A template whose text shows only at run time: its mistakes are literal text, bodies it reads are not asked for. */
  lateTemplate(text: string, options: TemplateOptions): Template
  condition(source: SourceText): Test
  /** A fault of this kind's table. Make it here when it has no details, in the step when it has. */
  fault(name: FaultName, ...details: string[]): Fault
  /** The fault entities.UnresolvedVariable. */
  unresolved(name: string): Fault
  /** Something that only shows when it is compiled: a bad pattern, a bad path. */
  problem(code: string, at: Position, message: string): void
  /** The same where it is doubtful and no error. */
  warn(code: string, at: Position, message: string): void
  /** A shared flow of the environment, compiled for this proxy; null: there is none of that name. */
  sharedFlow(name: string): SharedFlowPlan | null
  /** A resource file of the bundle (`jsc://a.js`); null when there is none. */
  resource(url: string): string | null
  /** All resource files of a type, by name. */
  resources(type: string): Readonly<Record<string, string>>
  /** What the environment has by name: target servers, key stores, caches, shared flows. */
  readonly entities: EnvironmentEntities
  /** Shared by all threads: policies that limit calls count here. */
  readonly counters: Counters
  /** Entries of all caches, shared by all threads. */
  readonly cache: Cache
  /** Key value maps, shared by all threads and kept. */
  readonly maps: KeyValueMaps
  /** Files that are written to for logging. */
  readonly logFiles: LogFiles
  /** Who holds which key. */
  readonly applications: Applications
  /** What the SSLInfo of a connection says; null: nothing. Its mistakes are problems. */
  tls(connection: HttpConnection): ConnectionTls | null
  /** The load balancer of a connection; null: it has a URL. Its mistakes are problems. */
  balancer(connection: HttpConnection): Balancer | null
  readonly outbound: Outbound
  /** Who may call a 3scale service. */
  readonly access: Access
  now(): number
}

export interface OutboundRequest {
  /** Absolute http or https URL, checked by who calls nobody: a bad one is answered with kind 'url'. */
  readonly url: string
  readonly method: string
  /** Flat: name, value, ... Framing and hop-by-hop headers are the transport's. */
  readonly headers: readonly string[]
  readonly body: Buffer | string | null
  /** A proxy of this gateway: `url` is path and query then. Null or absent: another server. */
  readonly local?: LocalAddress | null
  /** How TLS is spoken; null or absent: as with any https URL. */
  readonly tls?: ConnectionTls | null
  /** For the whole exchange. */
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly ioTimeoutMs: number
  /** Largest answer that is kept. */
  readonly answerBytesMax: number
  /** Variables that hold the request and its answer, for traces and their masks. */
  readonly messages?: { readonly request: string; readonly response: string }
}

export interface OutboundAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: string[]
  readonly body: Buffer
}

export type OutboundFailure = 'url' | 'unreachable' | 'tls' | 'timeout' | 'broken' | 'too-big'

export class OutboundError {
  readonly kind: OutboundFailure
  readonly message: string

  constructor(kind: OutboundFailure, message: string) {
    this.kind = kind
    this.message = message
  }
}

/** Calls other servers on behalf of a step; the whole answer or why there is none. Never rejects. */
export interface Outbound {
  call(x: Exchange, request: OutboundRequest): MaybePromise<OutboundAnswer | OutboundError>
}

export type { FlowMessage }
