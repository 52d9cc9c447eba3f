import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CatalogError } from '../../catalog/error.ts'
import { AdminError } from '../errors.ts'
import { answering, type EdgeContext, fileOf, nameOf, revisionOf } from './context.ts'

/** What may be put into a revision one by one, and in which folder it goes. */
const FOLDERS = ['policies', 'targets', 'proxies', 'sharedflows'] as const

type Params = Readonly<Record<'piece' | 'type' | 'file', string>>

const paramsOf = (request: FastifyRequest): Params => request.params as Params

/** Files of a revision one by one, as apigeetool uploads them: XML by its name, resources by type and name. */
export function pieceRoutes(scope: FastifyInstance, { catalog }: EdgeContext): void {
  for (const [word, bundles] of [
    ['apis', catalog],
    ['sharedflows', catalog.flows],
  ] as const) {
    const path = `/${word}/:name/revisions/:revision`
    const put = async (request: FastifyRequest, file: string): Promise<void> => {
      const content = fileOf(request)
      if (content === null) {
        const text = 'send the file as application/xml or application/octet-stream'
        throw new AdminError(400, 'messaging.config.beans.InvalidBody', text)
      }
      await bundles.addFile(nameOf(request), revisionOf(request), file, content)
    }
    const contentOf = (request: FastifyRequest, file: string): Uint8Array => {
      const content = bundles.revisions.file(nameOf(request), revisionOf(request), file)
      if (content !== null) return content
      const text = `revision ${revisionOf(request)} of ${nameOf(request)} has no file ${file}`
      throw new CatalogError('missing', 'messaging.config.beans.ResourceDoesNotExist', text)
    }
    const drop = async (request: FastifyRequest, file: string): Promise<void> => {
      contentOf(request, file)
      await bundles.removeFile(nameOf(request), revisionOf(request), file)
    }

    for (const folder of FOLDERS) {
      const fileAt = (request: FastifyRequest): string => `${folder}/${safe('name', paramsOf(request).piece)}.xml`
      scope.post(
        `${path}/${folder}`,
        answering(async (request, reply) => {
          const name = safe('name', (request.query as { name?: string }).name ?? nameOfRoot(request.body))
          await put(request, `${folder}/${name}.xml`)
          reply.code(201)
          return { name }
        }),
      )
      scope.delete(
        `${path}/${folder}/:piece`,
        answering(async (request) => {
          await drop(request, fileAt(request))
          return { name: paramsOf(request).piece }
        }),
      )
      // Endpoints of proxies have an answer of their own.
      if (folder === 'proxies') continue
      scope.get(
        `${path}/${folder}/:piece`,
        answering((request, reply) => shownXml(contentOf(request, fileAt(request)), request, reply)),
      )
    }

    for (const resources of ['resources', 'resourcefiles']) {
      const fileAt = (request: FastifyRequest): string =>
        `resources/${safe('type', paramsOf(request).type)}/${safe('name', paramsOf(request).file)}`
      scope.post(
        `${path}/${resources}`,
        answering(async (request, reply) => {
          const { type, name } = request.query as { type?: string; name?: string }
          await put(request, `resources/${safe('type', type)}/${safe('name', name)}`)
          reply.code(201)
          return { name, type }
        }),
      )
      scope.get(
        `${path}/${resources}/:type/:file`,
        answering((request, reply) => reply.type('application/octet-stream').send(contentOf(request, fileAt(request)))),
      )
      scope.put(
        `${path}/${resources}/:type/:file`,
        answering(async (request) => {
          contentOf(request, fileAt(request))
          await put(request, fileAt(request))
          return { name: paramsOf(request).file, type: paramsOf(request).type }
        }),
      )
      scope.delete(
        `${path}/${resources}/:type/:file`,
        answering(async (request) => {
          await drop(request, fileAt(request))
          return { name: paramsOf(request).file, type: paramsOf(request).type }
        }),
      )
    }
  }
}

/** As it stands in the bundle where XML is asked for, else its name and kind. */
function shownXml(content: Uint8Array, request: FastifyRequest, reply: FastifyReply): unknown {
  const text = Buffer.from(content).toString('utf8')
  if (/\bxml\b/.test(request.headers.accept ?? '')) return reply.type('application/xml').send(text)
  const root = /<([A-Za-z][\w.-]*)(?=[\s/>])[^>]*>/.exec(text.replace(/<\?[^>]*\?>|<!--[\s\S]*?-->/g, ''))
  const attribute = (name: string, otherwise: string): string =>
    new RegExp(`\\s${name}\\s*=\\s*["']([^"'<]*)["']`).exec(root?.[0] ?? '')?.[1] ?? otherwise
  return {
    async: attribute('async', 'false') === 'true',
    continueOnError: attribute('continueOnError', 'false') === 'true',
    displayName: /<DisplayName>([^<]*)<\/DisplayName>/.exec(text)?.[1] ?? attribute('name', ''),
    enabled: attribute('enabled', 'true') === 'true',
    name: attribute('name', ''),
    policyType: root?.[1] ?? '',
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
