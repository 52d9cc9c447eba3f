import type { ApplicationView } from './directory.ts'
import { REFERRER_BYPASS } from './referrer-filter.ts'

/** What a caller offered. Null: not given; an empty app_key is given. */
export interface Offered {
  readonly appKey: string | null
  readonly referrer: string | null
  /** Which of its two names was used, and the value. */
  readonly redirect: { readonly name: 'redirect_url' | 'redirect_uri'; readonly value: string } | null
}

/** A refusal in 3scale's words. */
export interface Denial {
  readonly code: string
  readonly reason: string
}

type Validator = (app: ApplicationView, offered: Offered) => Denial | null

const denial = (code: string, reason: string): Denial => ({ code, reason })

const NOT_ACTIVE = denial('application_not_active', 'application is not active')
const SERVICE_NOT_ACTIVE = denial('service_not_active', 'service is not active')
const OAUTH_NOT_ENABLED = denial('oauth_not_enabled', 'oauth is not enabled')
export const LIMITS_EXCEEDED: Denial = denial('limits_exceeded', 'usage limits are exceeded')

const wrongKey = (key: string | null): Denial =>
  denial(
    'application_key_invalid',
    key === null || key.trim() === '' ? 'application key is missing' : `application key "${key}" is invalid`,
  )

const key: Validator = ({ service, application }, { appKey }) => {
  if (service.service.backendVersion === '1' || application.keys.length === 0) return null
  return appKey !== null && application.keys.includes(appKey) ? null : wrongKey(appKey)
}

const oauthKey: Validator = ({ application }, { appKey }) =>
  appKey === null || application.keys.includes(appKey) ? null : wrongKey(appKey)

const referrer: Validator = ({ service, admitsReferrer }, { referrer }) => {
  if (!service.service.referrerFiltersRequired || admitsReferrer === null || referrer === REFERRER_BYPASS) return null
  if (referrer === null) return denial('referrer_not_allowed', 'referrer is missing')
  return admitsReferrer(referrer) ? null : denial('referrer_not_allowed', `referrer "${referrer}" is not allowed`)
}

const state: Validator = ({ application }) => (application.state === 'live' ? null : NOT_ACTIVE)

const serviceState: Validator = ({ service }) => (service.service.state === 'active' ? null : SERVICE_NOT_ACTIVE)

const oauthSetting: Validator = ({ service }) => (service.service.backendVersion === 'oauth' ? null : OAUTH_NOT_ENABLED)

const redirect: Validator = ({ application }, { redirect }) =>
  redirect === null || redirect.value === application.redirectUrl
    ? null
    : denial(`${redirect.name}_invalid`, `${redirect.name} "${redirect.value}" is invalid`)

/** In the order in which they are asked; the limits come after all of them. */
const VALIDATORS: Readonly<Record<'keys' | 'oauth' | 'oidc', readonly Validator[]>> = {
  keys: [key, referrer, state, serviceState],
  oauth: [oauthSetting, oauthKey, redirect, referrer, state, serviceState],
  oidc: [oauthKey, referrer, state, serviceState],
}

/** The first reason why the application may not call, limits apart; null: it may. `oauth`: through an oauth_* endpoint. */
export function deny(app: ApplicationView, offered: Offered, oauth: boolean): Denial | null {
  const kind = oauth ? 'oauth' : app.service.service.backendVersion === 'oauth' ? 'oidc' : 'keys'
  for (const validate of VALIDATORS[kind]) {
    const denied = validate(app, offered)
    if (denied !== null) return denied
  }
  return null
}
