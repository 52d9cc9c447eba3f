import type { Service } from '../model/service.ts'

/** By id, else by system name: 3scale's paths take both. */
export function findService(services: readonly Service[], idOrName: string): Service | undefined {
  return services.find(({ id }) => id === idOrName) ?? services.find(({ systemName }) => systemName === idOrName)
}
