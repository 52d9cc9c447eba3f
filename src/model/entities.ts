import type { ApiProduct, Developer } from './consumers.ts'
import type { ApiProxy, Resource, Step } from './proxy.ts'
import type { VirtualHost } from './virtual-host.ts'

/** A backend by name, as target endpoints and callouts refer to it. Plain data, as all of this file. */
export interface TargetServer {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly enabled: boolean
  /** SSLInfo as the management API has it (`sSLInfo`); null: plain HTTP. */
  readonly ssl: SslInfo | null
}

/** Edge's SSLInfo. Names may be `ref://...`; in connections they may hold templates. */
export interface SslInfo {
  readonly enabled: boolean
  /** The certificate must be good, whatever else says otherwise. */
  readonly enforce: boolean
  readonly clientAuthEnabled: boolean
  readonly keyStore: string | null
  readonly keyAlias: string | null
  readonly trustStore: string | null
  readonly ignoreValidationErrors: boolean
  readonly ciphers: readonly string[]
  readonly protocols: readonly string[]
  readonly commonName: { readonly value: string; readonly wildcardMatch: boolean } | null
}

/** Key stores hold aliases with a key, trust stores aliases with certificates only. */
export interface KeyStore {
  readonly name: string
  readonly aliases: readonly KeyStoreAlias[]
}

export interface KeyStoreAlias {
  readonly name: string
  /** PEM, the certificate first, then its chain. */
  readonly cert: string
  /** PEM, unencrypted; null: a certificate to trust. */
  readonly key: string | null
}

/** `ref://name` stands for `refers`. */
export interface Reference {
  readonly name: string
  readonly refers: string
  readonly resourceType: 'KeyStore' | 'TrustStore'
}

/** A cache of the environment, as LookupCache and its kin name it. */
export interface CacheDescriptor {
  readonly name: string
  /** When an entry has no expiry of its own. Null: 300 s, Edge's default. */
  readonly expirySeconds: number | null
}

/** A key value map as a file names it; its entries are written at each start. */
export interface KeyValueMap {
  readonly name: string
  readonly scope: 'organization' | 'environment' | 'apiproxy'
  /** Of the scope apiproxy. */
  readonly proxy: string | null
  readonly encrypted: boolean
  readonly entries: Readonly<Record<string, string>>
}

/** Steps that proxies share, with their policies and resources. */
export type SharedFlow = Omit<ApiProxy, 'proxyEndpoints' | 'targetEndpoints'> & {
  readonly steps: readonly Step[]
}

/** Shared flows that run around every proxy of the environment; null: none. */
export interface FlowHooks {
  readonly PreProxyFlowHook: FlowHook | null
  readonly PreTargetFlowHook: FlowHook | null
  readonly PostTargetFlowHook: FlowHook | null
  readonly PostProxyFlowHook: FlowHook | null
}

export interface FlowHook {
  readonly sharedFlow: string
  /** A fault in it ends it and nothing else. */
  readonly continueOnError: boolean
}

/** What traces hide (Edge's mask configuration). */
export interface MaskConfig {
  /** Null: every proxy of the organisation. */
  readonly proxy: string | null
  readonly variables: readonly string[]
  readonly namespaces: Readonly<Record<string, string>>
  readonly xPathsRequest: readonly string[]
  readonly xPathsResponse: readonly string[]
  readonly xPathsFault: readonly string[]
  readonly jsonPathsRequest: readonly string[]
  readonly jsonPathsResponse: readonly string[]
  readonly jsonPathsFault: readonly string[]
}

/** Hides nothing. */
export const noMask: MaskConfig = {
  proxy: null,
  variables: [],
  namespaces: {},
  xPathsRequest: [],
  xPathsResponse: [],
  xPathsFault: [],
  jsonPathsRequest: [],
  jsonPathsResponse: [],
  jsonPathsFault: [],
}

/** A file that proxies may name as if it were in their bundle; one in the bundle goes before it, one of the environment before the organisation's. */
export interface ResourceFile extends Resource {
  readonly scope: 'environment' | 'organization'
}

/** What the proxies of one environment are compiled against. A change of any of it is a new publication. */
export interface EnvironmentEntities {
  readonly targetServers: readonly TargetServer[]
  readonly keyStores: readonly KeyStore[]
  readonly references: readonly Reference[]
  readonly caches: readonly CacheDescriptor[]
  readonly sharedFlows: readonly SharedFlow[]
  readonly flowHooks: FlowHooks
  readonly masks: readonly MaskConfig[]
  readonly products: readonly ApiProduct[]
  readonly developers: readonly Developer[]
  readonly resourceFiles: readonly ResourceFile[]
  /** Beside those of the files. */
  readonly virtualHosts: readonly VirtualHost[]
}

export const noEntities: EnvironmentEntities = {
  targetServers: [],
  keyStores: [],
  references: [],
  caches: [],
  sharedFlows: [],
  flowHooks: { PreProxyFlowHook: null, PreTargetFlowHook: null, PostTargetFlowHook: null, PostProxyFlowHook: null },
  masks: [],
  products: [],
  developers: [],
  resourceFiles: [],
  virtualHosts: [],
}
