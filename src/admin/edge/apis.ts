import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiProxy } from '../../model/proxy.ts'
import { AdminError } from '../errors.ts'
import { proxyAnswer, revisionAnswer } from './answers.ts'
import { answering, type EdgeContext, nameOf, pageOf, revisionOf, zipOf } from './context.ts'

/** `/apis`: import, revisions, export, delete. */
export function apiRoutes(scope: FastifyInstance, { catalog, organization, environment }: EdgeContext): void {
  /** A proxy of a file has the one revision that was loaded. */
  const heads = (name: string): { revision: number; importedAtMs: number }[] => {
    const file = catalog.deploymentOf(name, environment)
    if (file === null || catalog.revisions.names().includes(name)) return catalog.revisions.of(name)
    return [{ revision: file.revision, importedAtMs: 0 }]
  }
  const answer = (name: string, revision: number): unknown => {
    const importedAtMs = heads(name).find((head) => head.revision === revision)?.importedAtMs ?? 0
    return revisionAnswer(catalog.proxy(name, revision), importedAtMs, organization)
  }

  scope.get(
    '/apis',
    answering((request) => pageOf(catalog.names, request)),
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
      const proxy = await catalog.import(name, zipOf(request))
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
  const replace = async (request: FastifyRequest): Promise<unknown> => {
    const proxy = await catalog.replaceRevision(nameOf(request), revisionOf(request), zipOf(request))
    return answer(proxy.name, proxy.revision)
  }
  scope.post('/apis/:name/revisions/:revision', answering(replace))
  scope.put('/apis/:name/revisions/:revision', answering(replace))
  /** Parts of a revision: names, and of a proxy endpoint what clients read to print its address. */
  for (const part of ['proxies', 'targets', 'policies', 'resourcefiles', 'resources'] as const) {
    scope.get(
      `/apis/:name/revisions/:revision/${part}`,
      answering((request) => partsOf(catalog.proxy(nameOf(request), revisionOf(request)), part)),
    )
  }
  scope.get(
    '/apis/:name/revisions/:revision/proxies/:endpoint',
    answering((request) => {
      const { endpoint } = request.params as { endpoint: string }
      const proxy = catalog.proxy(nameOf(request), revisionOf(request))
      const found = proxy.proxyEndpoints.find((one) => one.name === endpoint)
      if (found === undefined) {
        const text = `ProxyEndpoint ${endpoint} does not exist in revision ${proxy.revision} of ${proxy.name}`
        throw new AdminError(404, 'messaging.config.beans.ProxyEndpointDoesNotExist', text)
      }
      const { basePath, virtualHosts } = found
      return {
        connection: { basePath, connectionType: 'httpConnection', virtualHost: virtualHosts },
        name: found.name,
        type: 'Proxy',
      }
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

type Part = 'proxies' | 'targets' | 'policies' | 'resourcefiles' | 'resources'

function partsOf(proxy: ApiProxy, part: Part): unknown {
  switch (part) {
    case 'proxies':
      return proxy.proxyEndpoints.map(({ name }) => name)
    case 'targets':
      return proxy.targetEndpoints.map(({ name }) => name)
    case 'policies':
      return proxy.policies.map(({ name }) => name)
    case 'resources':
      return proxy.resources.map(({ type, name }) => `${type}://${name}`)
    case 'resourcefiles':
      return { resourceFile: proxy.resources.map(({ type, name }) => ({ name, type })) }
  }
}
