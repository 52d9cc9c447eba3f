import type { MappingRule } from './mapping-rule.ts'
import type { BackendVersion } from './service.ts'

/** What a gateway does with its back end's verdicts, and without the back end (APIcast, policy "caching"). */
export const CACHING_MODES = ['strict', 'resilient', 'allow', 'none'] as const

export type CachingMode = (typeof CACHING_MODES)[number]

/** Asks who may call, counts, and reports: the AuthRep policy, and every APIcast service. Plain data. */
export interface AuthRepConfig {
  readonly access: AccessConfig
  readonly version: BackendVersion | null
  readonly credentials: CredentialSource
  /** For calls that bring none (APIcast, policy "default_credentials"). */
  readonly defaults: Partial<Record<'userKey' | 'appId' | 'appKey', string>>
  /** Empty with `usage`: that is what each call uses. */
  readonly rules: readonly MappingRule[]
  /** Used by every call, whatever the rules say. */
  readonly usage: Readonly<Record<string, number>>
  /** Null: the faults of the policy. */
  readonly errors: AuthRepErrors | null
  /** Null: nobody gets debug headers. */
  readonly debug: AuthRepDebug | null
  /** RateLimit-Limit, -Remaining and -Reset in the answer. */
  readonly rateLimitHeaders: boolean
  /** The Referer of a call goes to the accounts, for referrer filters (APIcast, policy "3scale_referrer"). */
  readonly sendsReferrer: boolean
}

/** Whose accounts are asked, and how. */
export interface AccessConfig {
  /** Id (or system name, where the accounts are ours) of the service. */
  readonly service: string
  /** Null: the accounts of this process. */
  readonly backend: RemoteBackend | null
  readonly caching: CachingMode
  /** Null: each call is reported at once (APIcast, policy "3scale_batcher"). */
  readonly batch: { readonly authsTtlSeconds: number; readonly reportSeconds: number } | null
}

/** A Service Management API elsewhere. */
export interface RemoteBackend {
  /** http or https URL, without a slash at its end. */
  readonly endpoint: string
  /** For the Host header; null: that of the endpoint. */
  readonly host: string | null
  readonly authentication: 'service_token' | 'provider_key'
  readonly secret: string
}

/** Where the credentials of a call are. `variables`: names of variables; '': there is none. */
export type CredentialSource =
  | {
      readonly kind: 'variables'
      readonly userKey: string
      readonly appId: string
      readonly appKey: string
      readonly referrer: string
    }
  | {
      readonly kind: 'query' | 'headers' | 'authorization'
      readonly userKey: string
      readonly appId: string
      readonly appKey: string
    }

export interface ErrorAnswer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

export type AuthRepFailure = 'authFailed' | 'authMissing' | 'noMatch' | 'limitsExceeded'

export type AuthRepErrors = Readonly<Record<AuthRepFailure, ErrorAnswer>>

/** Who sends the token gets headers that tell what was found. */
export interface AuthRepDebug {
  readonly token: string
  readonly serviceId: string
  readonly serviceName: string
}

/** The kind of policy that has such a configuration. */
export const AUTH_REP = 'AuthRep'
