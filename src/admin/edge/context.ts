import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Analytics } from '../../analytics/ports.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import { CatalogError, type CatalogReason } from '../../catalog/error.ts'
import type { KeyValueStore } from '../../catalog/key-value-maps.ts'
import { AdminError } from '../errors.ts'
import { multipartOf } from './multipart.ts'

/** What the routes of Edge's management API work on. */
export interface EdgeContext {
  readonly catalog: Catalog
  readonly maps: KeyValueStore
  readonly analytics: Analytics
  now(): number
  /** Where the gateway answers. */
  doors(): { readonly host: string; readonly port: number; readonly tlsPort: number }
  /** Drops all entries of a cache of an environment. */
  clearCache(name: string, environment: string): void
  readonly organization: string
  /** The gateway's own environment; the catalogue knows the others. */
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

/** The environment in a path; `checkNames` has seen that there is one. */
export const envOf = (request: FastifyRequest): string => (request.params as { env: string }).env

export const nameOf = (request: FastifyRequest): string => (request.params as { name: string }).name

/** The fields of a multipart body or of a form, by name; files as text. Empty for any other body. */
export function formOf(request: FastifyRequest): ReadonlyMap<string, string> {
  const parts = multipartOf(request.headers['content-type'] ?? '', request.body)
  if (parts !== null) return new Map(parts.map(({ name, bytes }) => [name, bytes.toString('utf8')]))
  if (typeof request.body !== 'object' || request.body === null || Buffer.isBuffer(request.body)) return new Map()
  return new Map(Object.entries(request.body).map(([name, value]) => [name, String(value)]))
}

/** A file that was sent: the body itself, or the first file of a multipart body; null: there is none. */
export function fileOf(request: FastifyRequest): Buffer | null {
  const parts = multipartOf(request.headers['content-type'] ?? '', request.body)
  if (parts !== null) return parts.find(({ isFile }) => isFile)?.bytes ?? null
  return Buffer.isBuffer(request.body) ? request.body : null
}

/** The zip of a bundle. Throws AdminError. */
export function zipOf(request: FastifyRequest): Uint8Array {
  const file = fileOf(request)
  if (file !== null) return file
  const text = 'send the zip of the bundle as application/octet-stream, or as a file of multipart/form-data'
  throw new AdminError(400, 'messaging.config.beans.InvalidBundle', text)
}

/** The number of a revision in a path; anything else is none. */
export function revisionOf(request: FastifyRequest): number {
  return revisionIn((request.params as { revision: string }).revision)
}

/** The same of a text. */
export function revisionIn(revision: string): number {
  if (/^[1-9]\d{0,8}$/.test(revision)) return Number(revision)
  const text = `"${revision.slice(0, 50)}" is no revision; a revision is a whole number from 1`
  throw new AdminError(400, 'messaging.config.beans.InvalidRevision', text)
}

/** The part of a sorted list that `count` and `startKey` (the first name of it) ask for; all of it without them. */
export function pageOf(names: readonly string[], request: FastifyRequest): readonly string[] {
  const { count, startKey } = request.query as Readonly<Record<string, unknown>>
  if (count !== undefined && !(typeof count === 'string' && /^[1-9]\d{0,8}$/.test(count))) {
    throw new AdminError(400, 'messaging.config.beans.InvalidParameter', 'count must be a whole number from 1')
  }
  if (startKey !== undefined && typeof startKey !== 'string') {
    throw new AdminError(400, 'messaging.config.beans.InvalidParameter', 'startKey must be one name')
  }
  const from = startKey === undefined ? names : names.filter((name) => name >= startKey)
  return count === undefined ? from : from.slice(0, Number(count))
}
