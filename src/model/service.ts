import type { Period } from '../core/calendar.ts'

/** How the applications of a service identify themselves: '1' user_key, '2' app_id and app_key, 'oauth' a client id. */
export type BackendVersion = '1' | '2' | 'oauth'

export const BACKEND_VERSIONS: readonly BackendVersion[] = ['1', '2', 'oauth']

/** When an API made a thing, and changed it last; not known of what comes from a file. */
export interface Stamps {
  readonly createdAtMs?: number | undefined
  readonly updatedAtMs?: number | undefined
}

/** What 3scale's portal keeps and shows beside, in its words: nothing here acts upon it, but for `approval_required` of plans. */
export type PortalFields = Readonly<Record<string, string | number | boolean>>

/** A 3scale service (product): what is counted, what plans there are, and who may ask about it. Plain data, as all of this file. */
export interface Service extends Stamps {
  readonly id: string
  readonly systemName: string
  readonly name: string
  readonly description: string
  readonly backendVersion: BackendVersion
  readonly state: 'active' | 'suspended'
  readonly referrerFiltersRequired: boolean
  /** Opens all services of its account; the first of them is its default service. */
  readonly providerKey: string | null
  /** Opens this service alone. */
  readonly serviceToken: string | null
  /** `hits` is always there, first. A method comes after the metric that it is part of. */
  readonly metrics: readonly Metric[]
  readonly plans: readonly Plan[]
  readonly portal?: PortalFields
}

export interface Metric extends Stamps {
  readonly id: string
  /** Never changes: usage is kept by it. */
  readonly systemName: string
  readonly friendlyName: string
  readonly unit: string
  readonly description: string
  /** System name of the metric that its usage counts for too; null: of none. A metric with a parent is called a method. */
  readonly parent: string | null
}

/** An application plan. */
export interface Plan extends Stamps {
  readonly id: string
  readonly systemName: string
  readonly name: string
  readonly state: 'published' | 'hidden'
  readonly limits: readonly Limit[]
  /** A copy of that plan, for one application alone. */
  readonly customOf?: string
  readonly portal?: PortalFields
}

/** No application of the plan may use more of a metric in one period. */
export interface Limit extends Stamps {
  readonly id: string
  /** System name. */
  readonly metric: string
  readonly period: Period
  /** 0: not at all. */
  readonly value: number
}

/** Who owns applications (a developer on Edge, a tenant on APIG). */
export interface Account {
  readonly id: string
  readonly name: string
  readonly state: 'approved' | 'suspended'
  readonly users: readonly { readonly id: string; readonly username: string; readonly email: string }[]
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export interface Application {
  /** Ours; statistics ask by it. */
  readonly id: string
  readonly accountId: string
  readonly serviceId: string
  readonly planId: string
  readonly name: string
  readonly description: string
  readonly state: 'live' | 'pending' | 'suspended'
  /** Version 2: app_id. OAuth: client id. */
  readonly appId: string | null
  /** Version 1. */
  readonly userKey: string | null
  /** Version 2: app_key. OAuth: the first is the client secret. */
  readonly keys: readonly string[]
  readonly referrerFilters: readonly { readonly id: string; readonly value: string }[]
  readonly redirectUrl: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** The metric that every service has. */
export const HITS: Metric = {
  id: '1',
  systemName: 'hits',
  friendlyName: 'Hits',
  unit: 'hit',
  description: 'Number of API hits',
  parent: null,
}

/** A service with nothing but what it must have. */
export function bareService(id: string, systemName: string, name: string): Service {
  return {
    id,
    systemName,
    name,
    description: '',
    backendVersion: '1',
    state: 'active',
    referrerFiltersRequired: false,
    providerKey: null,
    serviceToken: null,
    metrics: [HITS],
    plans: [],
  }
}
