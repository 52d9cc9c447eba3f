import type { TimeUnit } from '../core/windows.ts'
import type { Throttle } from './throttle.ts'

/** APIs of the apig dialect as they are published: everything by value, plain data that is sent to the gateway threads. */

/** All that the gateway serves of this dialect. */
export interface ApigRuntime {
  readonly apis: readonly PublishedApi[]
  readonly apps: readonly ApigApp[]
  readonly features: ApigFeatures
  /** Those that word errors of calls for which they have no API. */
  readonly groups: readonly ApigGroup[]
}

/** A group as calls see it that find none of its APIs. */
export interface ApigGroup {
  readonly id: string
  readonly name: string
  /** Host names, as those of a `PublishedApi`. */
  readonly hosts: readonly string[]
  /** Of its default gateway response, by type. */
  readonly responses: Readonly<Record<string, GatewayResponse>>
}

/** One version of one API in one environment. */
export interface PublishedApi {
  readonly id: string
  /** Without its group. */
  readonly apiName: string
  readonly groupId: string
  readonly groupName: string
  readonly versionId: string
  /** Host names of the group, lower case; `*.example.com` stands for any one label. Empty: any host. */
  readonly hosts: readonly string[]
  /** The environment by its name. */
  readonly stage: string
  readonly protocol: ApiProtocol
  /** `ANY` takes every method. */
  readonly method: string
  /** Begins with a slash; `{name}` stands for a segment, `{name+}` at the end for the rest. */
  readonly path: string
  /** Takes longer paths too, by whole segments (`match_mode` SWA). */
  readonly prefix: boolean
  readonly auth: ApiAuth
  readonly parameters: readonly RequestParameter[]
  readonly backend: Backend
  /** Backend policies: the first that applies wins over `backend`. */
  readonly branches: readonly BackendBranch[]
  /** The switch of the API; the CORS plug-in wins over it. */
  readonly cors: boolean
  readonly throttle: Throttle | null
  readonly rateRules: RateRules | null
  readonly access: readonly AccessList[]
  readonly responseHeaders: readonly HeaderEdit[]
  readonly corsPolicy: CorsPolicy | null
  readonly breaker: Breaker | null
  /** Errors that the group words itself, by type. */
  readonly responses: Readonly<Record<string, GatewayResponse>>
}

export type ApiProtocol = 'HTTP' | 'HTTPS' | 'BOTH'

export interface ApiAuth {
  readonly type: 'NONE' | 'APP' | 'AUTHORIZER'
  /** `app_code_auth_type` HEADER: an AppCode is enough. */
  readonly appCode: boolean
  /** Of type AUTHORIZER, or the second factor of APP. */
  readonly authorizer: Authorizer | null
  /** Ids of the credentials that may call. */
  readonly appIds: readonly string[]
}

/** A custom authorizer: an http or https URL that gets the event as JSON. */
export interface Authorizer {
  readonly id: string
  readonly name: string
  readonly url: string
  /** 0: every call asks. */
  readonly ttlSeconds: number
  readonly timeoutMs: number
  readonly identities: readonly AuthorizerIdentity[]
  readonly needBody: boolean
  readonly userData: string
}

export interface AuthorizerIdentity {
  readonly name: string
  readonly location: 'HEADER' | 'QUERY'
  /** Must match as a whole; empty: any. */
  readonly validation: string
}

/** A credential. */
export interface ApigApp {
  readonly id: string
  readonly name: string
  /** The account that owns it. */
  readonly user: string
  readonly key: string
  readonly secret: string
  readonly codes: readonly string[]
  readonly addresses: AddressList | null
  readonly quota: CredentialQuota | null
}

/** `values`: single addresses, `a-b`, CIDR. */
export interface AddressList {
  readonly permit: boolean
  readonly values: readonly string[]
}

export interface AccessList extends AddressList {
  readonly of: 'ip' | 'account'
}

/** Cycles of `intervalCount` units, counted from `resetAtMs`. */
export interface CredentialQuota {
  readonly id: string
  readonly calls: number
  readonly intervalCount: number
  readonly unit: TimeUnit
  readonly resetAtMs: number
}

export type ParameterLocation = 'PATH' | 'QUERY' | 'HEADER'

export interface RequestParameter {
  readonly name: string
  readonly location: ParameterLocation
  readonly required: boolean
  /** Null: whatever it holds is good. */
  readonly validation: ParameterValidation | null
  readonly defaultValue: string | null
  /** Stays where it came, too, when a backend parameter takes it elsewhere. */
  readonly passThrough: boolean
}

export interface ParameterValidation {
  readonly type: 'STRING' | 'NUMBER'
  /** Of a number its value, of a text its characters. */
  readonly min: number | null
  readonly max: number | null
  /** Empty: any. */
  readonly oneOf: readonly string[]
  /** Must match as a whole; empty: any. */
  readonly pattern: string
}

export interface BackendParameter {
  /** As the backend calls it. */
  readonly name: string
  readonly location: ParameterLocation
  readonly origin: 'REQUEST' | 'CONSTANT' | 'SYSTEM'
  /** Name of the request parameter, the constant, or `$context.NAME`. */
  readonly value: string
}

export type Backend = HttpBackend | MockBackend

export interface HttpBackend {
  readonly kind: 'http'
  /** Scheme and authority. */
  readonly origin: string
  /** `{name}` is filled by the backend parameter of that name, or the path parameter of the request. */
  readonly path: string
  /** `ANY`: that of the request. */
  readonly method: string
  readonly timeoutMs: number
  /** -1: a method that is idempotent is sent once more. */
  readonly retries: number
  /** Null: that of the URL. */
  readonly hostHeader: string | null
  readonly parameters: readonly BackendParameter[]
}

export interface MockBackend {
  readonly kind: 'mock'
  readonly status: number
  readonly body: string
  /** Flat: name, value, ... */
  readonly headers: readonly string[]
}

export interface BackendBranch {
  readonly name: string
  readonly all: boolean
  readonly conditions: readonly BranchCondition[]
  readonly backend: Backend
}

export interface BranchCondition {
  readonly origin: 'source' | 'param' | 'system' | 'cookie' | 'frontend_authorizer'
  /** Of a parameter, a cookie, a system parameter or an authorizer's context. */
  readonly name: string
  readonly location: ParameterLocation | null
  readonly type: 'exact' | 'enum' | 'pattern'
  readonly value: string
}

/** The rules of the rate_limit plug-in beyond the common limits. */
export interface RateRules {
  readonly parameters: readonly RateParameter[]
  readonly rules: readonly RateRule[]
}

export interface RateParameter {
  readonly name: string
  readonly type: 'path' | 'method' | 'header' | 'query' | 'system'
  /** Of a header, a query parameter or a system parameter. */
  readonly value: string
}

export interface RateRule {
  readonly name: string
  readonly test: Expression
  readonly intervalCount: number
  readonly unit: TimeUnit
  readonly limit: number
}

/** `["Host", "==", "a"]`, `["AND", [...], [...]]` as plug-ins write them. */
export type Expression =
  | { readonly kind: 'compare'; readonly left: string; readonly operator: CompareOperator; readonly right: string }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Expression[] }

export type CompareOperator = '==' | '~=' | '~~' | 'in' | '>' | '<' | '>=' | '<='

export interface HeaderEdit {
  readonly name: string
  readonly value: string
  readonly action: 'override' | 'append' | 'delete' | 'skip' | 'add'
}

export interface CorsPolicy {
  readonly origins: readonly string[]
  readonly methods: string
  readonly headers: string
  readonly exposed: string
  readonly maxAgeSeconds: number
  readonly credentials: boolean
}

export interface Breaker {
  /** Plug-in and, unless it is shared, API: names its counters. */
  readonly scope: string
  /** What is unhealthy: no answer in time, or a condition over it. */
  readonly unhealthy: 'timeout' | Expression
  readonly rule: BreakerRule
  readonly windowMs: number
  readonly openMs: number
  /** While it is open; null: 503. */
  readonly downgrade: Backend | null
}

export type BreakerRule =
  | { readonly mode: 'counter'; readonly failures: number }
  | { readonly mode: 'percentage'; readonly callsMin: number; readonly percent: number }

/** `status` null: that of the error. */
export interface GatewayResponse {
  readonly status: number | null
  /** May hold `$context.NAME`. */
  readonly body: string
  /** Flat: name, value, ...; values may hold `$context.NAME`. */
  readonly headers: readonly string[]
}

/** Switches of the gateway (`features`). */
export interface ApigFeatures {
  /** Of each API over all environments; null: the setting of the gateway. */
  readonly apiLimitPerSecond: number | null
  readonly bodyBytesMax: number
  readonly realIp: RealIp | null
  /** `Authorization: Basic` with key and secret. */
  readonly basic: boolean
  /** `X-HW-ID` and `X-HW-AppKey`. */
  readonly appSecret: boolean
  /** The header that carries signatures, lower case. */
  readonly authHeader: string
}

/** Where the address of the client is read, instead of the connection. */
export interface RealIp {
  /** Lower case. */
  readonly header: string
  /** Of the list; negative: from its end. */
  readonly index: number
}

export const BODY_BYTES_MAX_OF_APIG: number = 12 * 1024 * 1024

export const defaultFeatures: ApigFeatures = {
  apiLimitPerSecond: null,
  bodyBytesMax: BODY_BYTES_MAX_OF_APIG,
  realIp: null,
  basic: false,
  appSecret: false,
  authHeader: 'authorization',
}

export const noApig: ApigRuntime = { apis: [], apps: [], features: defaultFeatures, groups: [] }

/** The environment that every gateway has. */
export const RELEASE = 'RELEASE'
