import type { FastifyInstance } from 'fastify'
import { RELEASE_ENV } from '../../dialects/apig/docs.ts'
import { ApigError } from '../../dialects/apig/error.ts'
import { Fields, type TextRule } from '../../dialects/apig/fields.ts'
import { versionInEffect } from '../../dialects/apig/publishing.ts'
import { type ImportOptions, importSection } from '../../dialects/apig/section.ts'
import { openApiOf } from '../../dialects/openapi/export.ts'
import { readTree } from '../../dialects/openapi/file.ts'
import { documentPlace, openApiSection } from '../../dialects/openapi/index.ts'
import { yamlLimits } from '../../dialects/postern/yaml-tree.ts'
import { Problems } from '../../model/problem.ts'
import { type ApigCall, type ApigContext, route } from './context.ts'

const MODES = ['merge', 'override'] as const

/**
 * APIs from and to OpenAPI documents. An import publishes nothing, as the vendor's; fields: `file_name` (`file` too),
 * `is_create_group`, `group_id`, `api_mode` and `extend_mode`.
 */
export function openApiRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  for (const path of ['/openapi/import', '/openapi/async-import']) {
    route(scope, 'post', path, 200, async (call) => {
      const form = await formOf(call)
      const field = form.has('file') ? 'file' : 'file_name'
      const { value } = documentOf(form.text(field, FILE), field)
      const options: ImportOptions = {
        groupId: form.flag('is_create_group', true) ? null : form.text('group_id'),
        apis: form.choice('api_mode', MODES, 'merge'),
        extensions: form.choice('extend_mode', MODES, 'merge'),
      }
      const read = openApiSection(value, { publish: [] })
      if (read === null) throw form.wrong(field, 'OpenAPI 3 or Swagger 2')
      return catalog.changeApig((draft) => {
        if (options.groupId !== null) draft.get('group', options.groupId)
        const failures = read.faults.map(({ place, message }) => ({ path: place, message }))
        const made = importSection(draft, read.section, options, (at, message) =>
          failures.push({ path: documentPlace(read.places, at), message }),
        )
        // All or nothing: half an import would have to be cleaned up by hand.
        if (failures.length > 0) {
          const shown = failures
            .slice(0, 20)
            .map(({ path: at, message }) => (at === '' ? message : `${at}: ${message}`))
          throw ApigError.field('APIG.2012', field, shown.join('; '))
        }
        const apis = made.map(({ id, action }) => ({ api: draft.get('api', id), action }))
        return {
          group_id: options.groupId ?? draft.list('group').at(-1)?.id ?? '',
          success: apis.flatMap(({ api, action }) =>
            action === 'ignore' ? [] : [{ id: api.id, path: api.req_uri, method: api.req_method, action }],
          ),
          failure: [],
          ignore: apis.flatMap(({ api, action }) =>
            action === 'ignore' ? [{ path: api.req_uri, method: api.req_method }] : [],
          ),
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

const FILE: TextRule = {
  max: yamlLimits.charactersMax,
  rule: `an OpenAPI 3 or Swagger 2 document, JSON or YAML, of at most ${yamlLimits.charactersMax} characters`,
}

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
    throw ApigError.field('APIG.2000', 'body', 'a form (multipart/form-data) with the field file_name')
  }
}

function documentOf(text: string, field: string): { value: unknown } {
  const problems = new Problems()
  const value = readTree(text, 'file', problems)
  const error = problems.list.find(({ severity }) => severity === 'error')
  if (error === undefined) return { value }
  throw ApigError.field('APIG.2012', field, `line ${error.at.line}, column ${error.at.column}: ${error.message}`)
}
