import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ENTITY_KINDS, type EntityWord } from '../../catalog/entity-kinds.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, nameOf } from './context.ts'

const ENVIRONMENTS = ['/environments/:env', '/e/:env']

/** Target servers, caches, products, developers, ...: the same calls for every kind of the table. */
export function entityRoutes(scope: FastifyInstance, context: EdgeContext): void {
  for (const word of Object.keys(ENTITY_KINDS) as EntityWord[]) {
    if (ENTITY_KINDS[word].ownRoutes) continue
    const places = ENTITY_KINDS[word].scope === 'environment' ? ENVIRONMENTS : ['']
    for (const place of places) kindRoutes(scope, context, word, `${place}/${word}`)
  }
}

function kindRoutes(scope: FastifyInstance, { catalog }: EdgeContext, word: EntityWord, path: string): void {
  const kind = ENTITY_KINDS[word]
  /** Undefined: of the organisation. */
  const environmentOf = (request: FastifyRequest): string | undefined => (request.params as { env?: string }).env
  const update = async (request: FastifyRequest): Promise<unknown> => {
    const given = request.body as object | null
    const changed = await catalog.changeEntity(
      word,
      nameOf(request),
      (before) => {
        const unsaid = kind.keepsUnsaid ? (kind.show(before) as object) : { name: nameOf(request) }
        const entity = kind.read({ ...unsaid, ...given }, before)
        if (kind.key(entity) === kind.key(before)) return entity
        const text = `the body is of ${kind.key(entity)}, the path of ${nameOf(request)}`
        throw new AdminError(400, 'messaging.config.beans.NameMismatch', text)
      },
      environmentOf(request),
    )
    return kind.show(changed)
  }

  scope.get(
    path,
    answering((request) => {
      const { expand } = request.query as { expand?: string }
      const all = catalog.entities(word, environmentOf(request))
      return expand === 'true' ? { [EXPANDED[word] ?? word]: all.map(kind.show) } : all.map((one) => kind.key(one))
    }),
  )
  scope.post(
    path,
    answering(async (request, reply) => {
      const { name } = request.query as { name?: string }
      const body = name === undefined ? request.body : { name, ...(request.body as object | null) }
      const entity = await catalog.createEntity(word, body, environmentOf(request))
      reply.code(201)
      return kind.show(entity)
    }),
  )
  scope.get(
    `${path}/:name`,
    answering((request) => kind.show(catalog.entity(word, nameOf(request), environmentOf(request)))),
  )
  scope.put(`${path}/:name`, answering(update))
  scope.post(
    `${path}/:name`,
    answering(async (request, reply) => {
      const { action } = request.query as { action?: string }
      if (action === undefined) return update(request)
      const { actions = [] } = kind
      if (!actions.includes(action)) {
        const known = actions.length === 0 ? '' : `; it has ${actions.join(', ')}`
        const text = `${kind.noun} has no action ${JSON.stringify(action)}${known}`
        throw new AdminError(400, 'messaging.config.beans.InvalidAction', text)
      }
      await catalog.changeEntity(word, nameOf(request), (before) => kind.act!(before, action), environmentOf(request))
      return reply.code(204).send()
    }),
  )
  scope.delete(
    `${path}/:name`,
    answering(async (request) => kind.show(await catalog.removeEntity(word, nameOf(request), environmentOf(request)))),
  )
}

/** What holds the list of an answer to `?expand=true`. */
const EXPANDED: Readonly<Partial<Record<EntityWord, string>>> = { apiproducts: 'apiProduct', developers: 'developer' }
