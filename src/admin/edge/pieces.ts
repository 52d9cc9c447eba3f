import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, nameOf, revisionOf } from './context.ts'

/** What may be put into a revision one by one, and in which folder it goes. */
const FOLDERS = ['policies', 'targets', 'proxies', 'sharedflows'] as const

/** Files of a revision one by one, as apigeetool uploads them: XML by its name, resources by type and name. */
export function pieceRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  const kinds = [
    ['apis', catalog.addFile.bind(catalog)],
    ['sharedflows', catalog.flows.addFile.bind(catalog.flows)],
  ] as const
  for (const [word, add] of kinds) {
    const path = `/${word}/:name/revisions/:revision`
    const put = async (request: FastifyRequest, file: string): Promise<void> => {
      if (!Buffer.isBuffer(request.body)) {
        const text = 'send the file as application/xml or application/octet-stream'
        throw new AdminError(400, 'messaging.config.beans.InvalidBody', text)
      }
      await add(nameOf(request), revisionOf(request), file, request.body)
    }
    for (const folder of FOLDERS) {
      scope.post(
        `${path}/${folder}`,
        answering(async (request, reply) => {
          const name = safe('name', (request.query as { name?: string }).name ?? nameOfRoot(request.body))
          await put(request, `${folder}/${name}.xml`)
          reply.code(201)
          return { name }
        }),
      )
    }
    for (const resources of ['resources', 'resourcefiles']) {
      scope.post(
        `${path}/${resources}`,
        answering(async (request, reply) => {
          const { type, name } = request.query as { type?: string; name?: string }
          await put(request, `resources/${safe('type', type)}/${safe('name', name)}`)
          reply.code(201)
          return { name, type }
        }),
      )
    }
  }
}

function safe(parameter: string, value: string | undefined): string {
  if (value !== undefined && /^[A-Za-z0-9_$%][\w.\-$% ]{0,254}$/.test(value)) return value
  const text = `the parameter ${parameter} must be a name: letters, digits, blank and . _ - $ %, not beginning with a dot`
  throw new AdminError(400, 'messaging.config.beans.InvalidName', text)
}

/** The attribute `name` of the root element. */
function nameOfRoot(body: unknown): string | undefined {
  const head = Buffer.isBuffer(body) ? body.subarray(0, 4_096).toString('utf8') : ''
  return /<[A-Za-z][\w:.-]*\s[^>]*?\bname\s*=\s*["']([^"'<]*)["']/.exec(head)?.[1]
}
