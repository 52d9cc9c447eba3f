/** Who may call Apigee's proxies: products, developers, their apps and keys. Plain data. */

/** `pending` and `revoked` keys and apps are there and may not call. */
export type Approval = 'approved' | 'pending' | 'revoked'

export type QuotaUnit = 'minute' | 'hour' | 'day' | 'week' | 'month'

/** What may be called, and how often: 3scale calls it an application plan. */
export interface ApiProduct {
  readonly name: string
  readonly displayName: string
  /** Names of proxies; empty: all. */
  readonly proxies: readonly string[]
  /** Empty: all. */
  readonly environments: readonly string[]
  /** Patterns for the path behind the base path; empty: all. */
  readonly resources: readonly string[]
  readonly scopes: readonly string[]
  readonly quota: { readonly limit: number; readonly interval: number; readonly unit: QuotaUnit } | null
  /** `manual`: a key that asks for it waits for approval. */
  readonly approvalType: 'auto' | 'manual'
  readonly attributes: Readonly<Record<string, string>>
}

/** The owner of apps: 3scale calls it an account. */
export interface Developer {
  readonly email: string
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  readonly userName: string
  readonly active: boolean
  readonly attributes: Readonly<Record<string, string>>
  readonly apps: readonly DeveloperApp[]
}

export interface DeveloperApp {
  readonly name: string
  readonly id: string
  readonly callbackUrl: string
  readonly status: Approval
  readonly attributes: Readonly<Record<string, string>>
  readonly keys: readonly ConsumerKey[]
}

/** One credential of an app. */
export interface ConsumerKey {
  readonly key: string
  readonly secret: string
  readonly status: Approval
  /** Null: never. */
  readonly expiresAtMs: number | null
  /** In the order in which they are tried. */
  readonly products: readonly { readonly name: string; readonly status: Approval }[]
  /** Absent: nobody noted it. */
  readonly issuedAtMs?: number
  /** Absent: none. */
  readonly attributes?: Readonly<Record<string, string>>
  /** Absent: none of its own. */
  readonly scopes?: readonly string[]
}
