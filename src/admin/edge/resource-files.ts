import type { FastifyInstance, FastifyRequest } from 'fastify'
import { resourceFiles } from '../../catalog/resource-kind.ts'
import type { ResourceFile } from '../../model/entities.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, fileOf } from './context.ts'

const PLACES: Readonly<Record<string, ResourceFile['scope']>> = {
  '': 'organization',
  '/environments/:env': 'environment',
  '/e/:env': 'environment',
}

/**
 * `/resourcefiles` of the organisation and of an environment. What a proxy names is looked for in its bundle first, then in the environment,
 * then in the organisation (Edge, "Resource files"). Those of a revision are pieces of its bundle.
 */
export function resourceFileRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  for (const [place, level] of Object.entries(PLACES)) {
    const path = `${place}/resourcefiles`
    const keyOf = (request: FastifyRequest): string => {
      const { type, name } = request.params as { type: string; name: string }
      return `${level}/${type}/${name}`
    }
    const environmentOf = (request: FastifyRequest): string | undefined => (request.params as { env?: string }).env
    const found = (request: FastifyRequest): ResourceFile =>
      catalog.entity('resourcefiles', keyOf(request), environmentOf(request)) as ResourceFile
    const body = (request: FastifyRequest, type: unknown, name: unknown): object => ({
      scope: level,
      type,
      name,
      text: textOf(request),
    })
    const list = (request: FastifyRequest, type?: string): unknown => ({
      resourceFile: (catalog.entities('resourcefiles', environmentOf(request)) as readonly ResourceFile[])
        .filter((file) => file.scope === level && (type === undefined || file.type === type))
        .map(resourceFiles.show),
    })

    scope.get(
      path,
      answering((request) => list(request)),
    )
    scope.post(
      path,
      answering(async (request, reply) => {
        const { type, name } = request.query as { type?: string; name?: string }
        const file = await catalog.createEntity('resourcefiles', body(request, type, name), environmentOf(request))
        reply.code(201)
        return resourceFiles.show(file as ResourceFile)
      }),
    )
    scope.get(
      `${path}/:type`,
      answering((request) => list(request, (request.params as { type: string }).type)),
    )
    scope.get(
      `${path}/:type/:name`,
      answering((request, reply) => reply.type('application/octet-stream').send(found(request).text)),
    )
    scope.put(
      `${path}/:type/:name`,
      answering(async (request) => {
        const { type, name } = request.params as { type: string; name: string }
        const read = (): object => resourceFiles.read(body(request, type, name))
        return resourceFiles.show(
          (await catalog.changeEntity('resourcefiles', keyOf(request), read, environmentOf(request))) as ResourceFile,
        )
      }),
    )
    scope.delete(
      `${path}/:type/:name`,
      answering(async (request) =>
        resourceFiles.show(
          (await catalog.removeEntity('resourcefiles', keyOf(request), environmentOf(request))) as ResourceFile,
        ),
      ),
    )
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(request: FastifyRequest): string {
  const file = fileOf(request)
  if (file === null) {
    const text = 'send the file as application/octet-stream, or as a file of multipart/form-data'
    throw new AdminError(400, 'messaging.config.beans.InvalidBody', text)
  }
  try {
    return utf8.decode(file)
  } catch {
    throw new AdminError(400, 'messaging.config.beans.InvalidBody', 'the file is no text in UTF-8')
  }
}
