import type { FastifyRequest } from 'fastify'
import type { UsageScope } from '../../accounts/ports.ts'
import type { Scope } from '../../analytics/ports.ts'
import type { Service } from '../../model/service.ts'
import { type Guard, offeredSecrets } from '../auth.ts'
import { AdminError } from '../errors.ts'
import type { AdminOptions } from '../options.ts'
import { findService } from '../services.ts'
import { sameSecret } from '../token.ts'
import { type ShownApplication, statsApplication } from './stats-application.ts'

/** Whose statistics a call asks for. */
export interface Subject {
  readonly service: Service
  /** Of our own calls. */
  readonly scope: Scope
  /** Of what was reported. */
  readonly usage: UsageScope
  /** Put into the answer; null: it is about the service. */
  readonly application: ShownApplication | null
}

/** By the word in the path. Each throws 404 for what is not there, 403 for who may not see it. */
export const SUBJECTS: Readonly<
  Record<
    'services' | 'applications',
    (request: FastifyRequest, id: string, options: AdminOptions, guard: Guard) => Subject
  >
> = {
  services: serviceSubject,
  applications: applicationSubject,
}

/** 401 for who has neither the admin token nor any service's provider key. Null: may read everything. */
export function keyHolder(
  request: FastifyRequest,
  services: readonly Service[],
  guard: Guard,
): readonly string[] | null {
  const secrets = offeredSecrets(request)
  const refusal = guard.refusal(request, secrets)
  if (refusal === undefined) return null
  if (services.some((service) => holdsKey(service, secrets))) return secrets
  throw refusal
}

function holdsKey({ providerKey }: Service, secrets: readonly string[]): boolean {
  return providerKey !== null && secrets.some((secret) => sameSecret(secret, providerKey))
}

function serviceSubject(request: FastifyRequest, id: string, options: AdminOptions, guard: Guard): Subject {
  const services = options.services()
  const service = findService(services, id)
  if (service === undefined) throw new AdminError(404, 'not_found', 'Service not found')
  mustHold(request, service, services, guard)
  return {
    service,
    scope: { kind: 'service', id: service.id },
    usage: { kind: 'service', service: service.id },
    application: null,
  }
}

/** By its own id, not by app_id. */
function applicationSubject(request: FastifyRequest, id: string, options: AdminOptions, guard: Guard): Subject {
  const services = options.services()
  const registry = options.accounts?.registry ?? null
  const application = registry?.application(id) ?? null
  const service = services.find((one) => one.id === application?.serviceId)
  if (registry === null || application === null || service === undefined) {
    throw new AdminError(404, 'not_found', 'Application not found')
  }
  mustHold(request, service, services, guard)
  return {
    service,
    scope: { kind: 'application', id },
    usage: { kind: 'application', service: service.id, application: id },
    application: statsApplication(application, service, registry.account(application.accountId)),
  }
}

function mustHold(request: FastifyRequest, service: Service, services: readonly Service[], guard: Guard): void {
  const secrets = keyHolder(request, services, guard)
  if (secrets !== null && !holdsKey(service, secrets)) {
    throw new AdminError(403, 'forbidden', `This provider key is not that of service ${service.systemName}`)
  }
}
