import type { FastifyInstance } from 'fastify'
import { RELEASE_ENV } from '../../dialects/apig/docs.ts'
import { ApigError } from '../../dialects/apig/error.ts'
import { Fields } from '../../dialects/apig/fields.ts'
import { versionInEffect } from '../../dialects/apig/publishing.ts'
import { importSection } from '../../dialects/apig/section.ts'
import { openApiOf } from '../../dialects/openapi/export.ts'
import { readTree } from '../../dialects/openapi/file.ts'
import { documentPlace, openApiSection } from '../../dialects/openapi/index.ts'
import { Problems } from '../../model/problem.ts'
import { type ApigCall, type ApigContext, route } from './context.ts'

/** APIs from and to OpenAPI documents. An import publishes nothing, as the vendor's. */
export function openApiRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  for (const path of ['/openapi/import', '/openapi/async-import']) {
    route(scope, 'post', path, 201, async (call) => {
      const form = await formOf(call)
      const { value } = documentOf(form.text('file', { max: FILE_CHARACTERS_MAX }))
      const makesGroup = form.flag('is_create_group', true)
      const groupId = makesGroup ? null : form.text('group_id')
      const read = openApiSection(value, { publish: [] })
      if (read === null) throw form.wrong('file', 'OpenAPI 3 or Swagger 2')
      return catalog.changeApig((draft) => {
        const failures: { path: string; message: string }[] = []
        const made = importSection(draft, read.section, groupId, (at, message) =>
          failures.push({ path: documentPlace(read.places, at), message }),
        )
        // All or nothing: half an import would have to be cleaned up by hand.
        if (failures.length > 0) {
          const shown = failures
            .slice(0, 20)
            .map(({ path: at, message }) => (at === '' ? message : `${at}: ${message}`))
          throw ApigError.field('APIG.2012', 'file', shown.join('; '))
        }
        const apis = [...made.values()].map((id) => draft.get('api', id))
        return {
          group_id: groupId ?? apis[0]?.group_id ?? draft.list('group').at(-1)?.id ?? '',
          success: apis.map(({ id, req_uri, req_method }) => ({
            id,
            path: req_uri,
            method: req_method,
            action: 'create',
          })),
          failure: [],
          ignore: [],
          swagger: { id: '', result: read.warnings.map(({ place, message }) => `${place}: ${message}`).join('\n') },
        }
      })
    })
  }
  for (const path of ['/openapi/export', '/openapi/async-export']) {
    route(scope, 'post', path, 200, (call) => {
      const draft = catalog.apig
      const group = draft.get('group', call.body.text('group_id'))
      const envId = call.body.textOr('env_id', RELEASE_ENV.id)
      draft.get('env', envId)
      const ids = call.body.texts('api_ids')
      const apis = draft.list('api').flatMap((api) => {
        if (api.group_id !== group.id || (ids.length > 0 && !ids.includes(api.id))) return []
        const version = versionInEffect(draft, api.id, envId)
        return version === null ? [] : [version.api]
      })
      call.reply.header('content-disposition', `attachment; filename="${encodeURIComponent(group.name)}.json"`)
      return openApiOf(group, apis, call.body.textOr('version', '1.0'))
    })
  }
}

const FILE_CHARACTERS_MAX = 4 * 1024 * 1024

/** A form with the file in it, or the same as JSON. */
async function formOf(call: ApigCall): Promise<Fields> {
  const { body, headers } = call.request
  if (!Buffer.isBuffer(body)) return call.body
  const type = headers['content-type'] ?? ''
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
    const values: Record<string, unknown> = {}
    for (const [name, value] of form) values[name] = typeof value === 'string' ? value : await value.text()
    return new Fields(values)
  } catch {
    throw ApigError.field('APIG.2000', 'body', 'a form (multipart/form-data) with the field file')
  }
}

function documentOf(text: string): { value: unknown } {
  const problems = new Problems()
  const value = readTree(text, 'file', problems)
  const error = problems.list.find(({ severity }) => severity === 'error')
  if (error === undefined) return { value }
  throw ApigError.field('APIG.2012', 'file', `line ${error.at.line}, column ${error.at.column}: ${error.message}`)
}
