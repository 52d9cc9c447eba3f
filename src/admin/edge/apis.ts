import type { FastifyInstance } from 'fastify'
import { AdminError } from '../errors.ts'
import { proxyAnswer, revisionAnswer } from './answers.ts'
import { answering, type EdgeContext, nameOf, revisionOf } from './context.ts'

/** `/apis`: import, revisions, export, delete. */
export function apiRoutes(scope: FastifyInstance, { catalog, organization }: EdgeContext): void {
  /** A proxy of a file has the one revision that was loaded. */
  const heads = (name: string): { revision: number; importedAtMs: number }[] => {
    const file = catalog.deploymentOf(name)
    if (file === null || catalog.revisions.names().includes(name)) return catalog.revisions.of(name)
    return [{ revision: file.revision, importedAtMs: 0 }]
  }
  const answer = (name: string, revision: number): unknown => {
    const importedAtMs = heads(name).find((head) => head.revision === revision)?.importedAtMs ?? 0
    return revisionAnswer(catalog.proxy(name, revision), importedAtMs, organization)
  }

  scope.get(
    '/apis',
    answering(() => catalog.names),
  )
  scope.post(
    '/apis',
    answering(async (request, reply) => {
      const { action, name } = request.query as { action?: string; name?: string }
      if (action !== 'import') {
        const text = 'only action=import is supported: POST a zip to /apis?action=import&name=NAME'
        throw new AdminError(400, 'messaging.config.beans.InvalidAction', text)
      }
      if (name === undefined || name === '') {
        throw new AdminError(400, 'messaging.config.beans.NameMissing', 'the parameter name is missing')
      }
      if (!Buffer.isBuffer(request.body)) {
        const text =
          'send the zip of the bundle as application/octet-stream, or as the field file of multipart/form-data'
        throw new AdminError(400, 'messaging.config.beans.InvalidBundle', text)
      }
      const proxy = await catalog.import(name, request.body)
      reply.code(201)
      return answer(proxy.name, proxy.revision)
    }),
  )
  scope.get(
    '/apis/:name',
    answering((request) => proxyAnswer(nameOf(request), heads(nameOf(request)))),
  )
  scope.get(
    '/apis/:name/revisions',
    answering((request) => heads(nameOf(request)).map(({ revision }) => String(revision))),
  )
  scope.get(
    '/apis/:name/revisions/:revision',
    answering((request, reply) => {
      const [name, revision] = [nameOf(request), revisionOf(request)]
      const { format } = request.query as { format?: string }
      if (format === 'bundle') return reply.type('application/zip').send(catalog.revisions.zip(name, revision))
      return answer(name, revision)
    }),
  )
  scope.delete(
    '/apis/:name/revisions/:revision',
    answering(async (request) => {
      const [name, revision] = [nameOf(request), revisionOf(request)]
      const gone = answer(name, revision)
      await catalog.remove(name, revision)
      return gone
    }),
  )
  scope.delete(
    '/apis/:name',
    answering(async (request) => {
      const gone = proxyAnswer(nameOf(request), heads(nameOf(request)))
      await catalog.remove(nameOf(request), null)
      return gone
    }),
  )
}
