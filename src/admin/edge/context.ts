import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Catalog } from '../../catalog/catalog.ts'
import { CatalogError, type CatalogReason } from '../../catalog/error.ts'
import type { KeyValueStore } from '../../catalog/key-value-maps.ts'
import { AdminError } from '../errors.ts'

/** What the routes of Edge's management API work on. */
export interface EdgeContext {
  readonly catalog: Catalog
  readonly maps: KeyValueStore
  readonly organization: string
  readonly environment: string
}

const STATUS: Readonly<Record<CatalogReason, number>> = {
  missing: 404,
  invalid: 400,
  conflict: 400,
  'owned-by-file': 409,
}

/** A handler that works on the catalogue: what that refuses is answered with the vendor's status and code. */
export function answering(
  handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    try {
      return await handler(request, reply)
    } catch (error) {
      throw error instanceof CatalogError ? new AdminError(STATUS[error.reason], error.code, error.message) : error
    }
  }
}

export const nameOf = (request: FastifyRequest): string => (request.params as { name: string }).name

/** The number of a revision in a path; anything else is none. */
export function revisionOf(request: FastifyRequest): number {
  const { revision } = request.params as { revision: string }
  if (/^[1-9]\d{0,8}$/.test(revision)) return Number(revision)
  const text = `"${revision.slice(0, 50)}" is no revision; a revision is a whole number from 1`
  throw new AdminError(400, 'messaging.config.beans.InvalidRevision', text)
}
