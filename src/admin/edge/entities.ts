import type { FastifyInstance } from 'fastify'
import { ENTITY_KINDS, type EntityWord } from '../../catalog/entity-kinds.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, nameOf } from './context.ts'

/** Target servers, caches, ...: the same five calls for every kind of the table. */
export function entityRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  for (const word of Object.keys(ENTITY_KINDS) as EntityWord[]) {
    const { show } = ENTITY_KINDS[word]
    for (const environment of ['environments', 'e']) {
      const path = `/${environment}/:env/${word}`
      scope.get(
        path,
        answering(() => catalog.entities(word).map(({ name }) => name)),
      )
      scope.post(
        path,
        answering(async (request, reply) => {
          const { name } = request.query as { name?: string }
          const body = name === undefined ? request.body : { name, ...(request.body as object | null) }
          const entity = await catalog.setEntity(word, body, 'create')
          reply.code(201)
          return show(entity)
        }),
      )
      scope.get(
        `${path}/:name`,
        answering((request) => show(catalog.entity(word, nameOf(request)))),
      )
      for (const method of ['PUT', 'POST'] as const) {
        scope.route({
          method,
          url: `${path}/:name`,
          handler: answering(async (request) => {
            const body = { name: nameOf(request), ...(request.body as object | null) }
            if (body.name !== nameOf(request)) {
              const text = `the name in the body is ${JSON.stringify(body.name)}, that of the path ${nameOf(request)}`
              throw new AdminError(400, 'messaging.config.beans.NameMismatch', text)
            }
            return show(await catalog.setEntity(word, body, 'update'))
          }),
        })
      }
      scope.delete(
        `${path}/:name`,
        answering(async (request) => show(await catalog.removeEntity(word, nameOf(request)))),
      )
    }
  }
}
