import type { Scope } from '../../analytics/ports.ts'
import type { Application, Service } from '../../model/service.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import { findService } from '../services.ts'
import type { ServiceAnswer } from './answers.ts'

export interface ScopeQuery {
  readonly service?: string
  readonly proxy?: string
  readonly application?: string
}

/** What a question is about. Throws 400 for more than one, 404 for a service that is not there. */
export function scopeOf(options: AdminOptions, { service, proxy, application }: ScopeQuery): Scope {
  if ([service, proxy, application].filter((one) => one !== undefined).length > 1) {
    throw new AdminError(400, 'bad_parameter', 'Give one of service, proxy and application.')
  }
  if (service !== undefined) return { kind: 'service', id: serviceOf(options, service).id }
  // Not checked: statistics of a proxy or an application outlive it.
  if (application !== undefined) return { kind: 'application', id: application }
  return proxy === undefined ? { kind: 'all' } : { kind: 'proxy', name: proxy }
}

/** By id or system name. */
export function serviceOf(options: AdminOptions, idOrName: string): Service {
  const service = findService(options.services(), idOrName)
  if (service !== undefined) return service
  throw new AdminError(404, 'unknown_service', `There is no service ${idOrName}; /api/services lists them.`)
}

/** By its own id, not by app_id. */
export function applicationOf(options: AdminOptions, id: string): { application: Application; service: Service } {
  const application = options.accounts?.registry.application(id) ?? null
  const service = options.services().find((one) => one.id === application?.serviceId)
  if (application !== null && service !== undefined) return { application, service }
  throw new AdminError(404, 'unknown_application', `There is no application ${id}; /api/applications lists them.`)
}

export function serviceAnswer({ id, systemName, name }: Service): ServiceAnswer {
  return { id, systemName, name }
}
