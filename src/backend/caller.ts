import type { ApplicationView, Directory, ServiceView } from '../accounts/directory.ts'
import { type BackendError, backendError } from './errors.ts'
import { commonText } from './parameters.ts'
import type { Params } from './rack-query.ts'

/** Who asks: a provider key, or the token of one service. */
export type Provider =
  | { readonly kind: 'key'; readonly key: string; readonly serviceId: string | null }
  | { readonly kind: 'token'; readonly service: ServiceView }

/** A key is only looked at when its service is; a token must belong to its service. */
export function readProvider(params: Params, directory: Directory): Provider | BackendError {
  const key = commonText(params, 'provider_key')
  const serviceId = commonText(params, 'service_id')
  if (key !== null) return { kind: 'key', key, serviceId }
  const token = commonText(params, 'service_token')
  if (token === null) return backendError('provider_key_or_service_token_required')
  if (serviceId === null) return backendError('service_id_missing')
  const service = directory.service(serviceId)
  if (service?.service.serviceToken !== token) return backendError('service_token_invalid', token, serviceId)
  return { kind: 'token', service }
}

/** The service that the call is about. */
export function serviceOf(provider: Provider, directory: Directory): ServiceView | BackendError {
  if (provider.kind === 'token') return provider.service
  const { key, serviceId } = provider
  const ids = directory.servicesOfProvider(key)
  if (serviceId === null) {
    const first = ids.length === 0 ? null : directory.service(ids[0]!)
    return first ?? backendError('provider_key_invalid_or_service_missing', key)
  }
  if (ids.length === 0) return backendError('provider_key_invalid', key)
  // Ids with a dash: what comes after the last one is tried first.
  for (const id of [serviceId.slice(serviceId.lastIndexOf('-') + 1), serviceId]) {
    const service = ids.includes(id) ? directory.service(id) : null
    if (service !== null) return service
  }
  return backendError('service_id_invalid', serviceId)
}

/** The application that calls, by what its service wants it to show. */
export function applicationOf(
  service: ServiceView,
  appId: string | null,
  userKey: string | null,
  directory: Directory,
): ApplicationView | BackendError {
  const { id, backendVersion } = service.service
  if (appId !== null && userKey !== null) return backendError('authentication_error')
  if (backendVersion === '1') {
    const app = userKey === null ? null : directory.byUserKey(id, userKey)
    return app ?? backendError('user_key_invalid', userKey ?? '')
  }
  const app = appId === null ? null : directory.byAppId(id, appId)
  return app ?? backendError('application_not_found', appId ?? '')
}
