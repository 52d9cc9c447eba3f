import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Analytics } from '../../analytics/ports.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import { CatalogError } from '../../catalog/error.ts'
import { ApigError } from '../../dialects/apig/error.ts'
import { Fields } from '../../dialects/apig/fields.ts'
import { AdminError } from '../errors.ts'

/** What the routes of APIG's management API work on. */
export interface ApigContext {
  readonly catalog: Catalog
  readonly analytics: Analytics
  /** The gateway door, for debugging calls. */
  readonly gateway: () => { readonly host: string; readonly port: number }
  now(): number
}

/** One call to it. */
export class ApigCall {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly query: Readonly<Record<string, string>>
  readonly #params: Readonly<Record<string, string>>

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.request = request
    this.reply = reply
    this.query = request.query as Readonly<Record<string, string>>
    this.#params = request.params as Readonly<Record<string, string>>
  }

  /** A part of the path. */
  id(name = 'id'): string {
    return this.#params[name] ?? ''
  }

  /** An id in the query that has to be there. */
  queryId(name: string): string {
    const value = this.query[name] ?? ''
    if (value === '') throw ApigError.field('APIG.2001', name, 'an id, as a parameter of the query')
    return value
  }

  /** A call of `PUT ...?action=delete`, the vendor's way to remove several at once. */
  mustDelete(): void {
    if (this.query['action'] !== 'delete') throw ApigError.field('APIG.2012', 'action', 'delete')
  }

  /** The tenant: it owns what it makes. */
  get project(): string {
    return this.#params['project_id'] ?? ''
  }

  /** The body; a call without one has no fields. */
  get body(): Fields {
    return new Fields(this.request.body ?? {})
  }

  /** `{total, size, NAME: [...]}` of the page that was asked for. */
  page(name: string, all: readonly unknown[]): unknown {
    const offset = Math.max(0, whole(this.query['offset'], 0))
    const asked = whole(this.query['limit'], LIMIT_USUAL)
    const limit = asked <= 0 ? LIMIT_USUAL : Math.min(asked, LIMIT_MAX)
    const items = all.slice(offset, offset + limit)
    return { total: all.length, size: items.length, [name]: items }
  }
}

const LIMIT_USUAL = 20
const LIMIT_MAX = 500

const whole = (text: string | undefined, otherwise: number): number =>
  text !== undefined && /^-?\d{1,9}$/.test(text) ? Number(text) : otherwise

type Method = 'get' | 'post' | 'put' | 'delete'

/** A route whose refusals are answered with the management codes. */
export function route(
  scope: FastifyInstance,
  method: Method,
  path: string,
  status: number,
  handler: (call: ApigCall) => unknown,
): void {
  scope[method](path, async (request, reply) => {
    try {
      const answer = await handler(new ApigCall(request, reply))
      reply.code(status)
      return status === 204 ? reply.send() : answer
    } catch (error) {
      throw adminError(error)
    }
  })
}

function adminError(error: unknown): unknown {
  if (error instanceof ApigError) return new AdminError(error.status, error.code, error.message)
  if (error instanceof CatalogError) return new AdminError(400, 'APIG.2012', error.message)
  return error
}
