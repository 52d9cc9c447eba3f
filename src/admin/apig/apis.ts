import type { FastifyInstance } from 'fastify'
import type { VersionDoc } from '../../dialects/apig/docs.ts'
import { RELEASE_ENV } from '../../dialects/apig/docs.ts'
import type { Draft } from '../../dialects/apig/draft.ts'
import { ApigError } from '../../dialects/apig/error.ts'
import type { Fields } from '../../dialects/apig/fields.ts'
import {
  checkUnique,
  createApi,
  deleteApi,
  offline,
  publish,
  switchVersion,
  updateApi,
  versionInEffect,
} from '../../dialects/apig/publishing.ts'
import { readApi } from '../../dialects/apig/read-api.ts'
import { addDomain, removeDomain } from '../../dialects/apig/resources.ts'
import { type ApigContext, route } from './context.ts'
import { envName, showApi, showVersion } from './shown.ts'

/** APIs, what is published of them, and the domains of their groups. */
export function apiRoutes(scope: FastifyInstance, context: ApigContext): void {
  const { catalog } = context
  route(scope, 'get', '/apis', 200, (call) => {
    const draft = catalog.apig
    const { name, group_id, req_uri, req_method, auth_type, env_id, id } = call.query
    const found = draft.where('api', (api) => {
      if (id !== undefined && api.id !== id) return false
      if (group_id !== undefined && api.group_id !== group_id) return false
      if (req_method !== undefined && api.req_method !== req_method) return false
      if (auth_type !== undefined && api.auth_type !== auth_type) return false
      if (req_uri !== undefined && !api.req_uri.includes(req_uri)) return false
      if (name !== undefined && !api.name.includes(name)) return false
      return env_id === undefined || versionInEffect(draft, api.id, env_id) !== null
    })
    return call.page(
      'apis',
      found.map((api) => showApi(draft, api)),
    )
  })
  route(scope, 'post', '/apis', 201, (call) =>
    catalog.changeApig((draft) => showApi(draft, createApi(draft, call.body))),
  )
  route(scope, 'post', '/apis/check', 204, (call) => {
    const draft = catalog.apig
    const group = call.body.text('group_id')
    draft.get('group', group)
    checkUnique(draft, readApi(call.body), group, call.body.textOr('api_id', null))
  })
  route(scope, 'post', '/apis/action', 201, (call) => {
    const action = call.body.choice('action', ['online', 'offline'])
    const apiId = call.body.text('api_id')
    const envId = call.body.textOr('env_id', RELEASE_ENV.id)
    const remark = call.body.textOr('remark', '')
    return catalog.changeApig((draft) => {
      const version = action === 'online' ? publish(draft, apiId, envId, remark) : offline(draft, apiId, envId)
      return publication(draft, version)
    })
  })
  route(scope, 'post', '/apis/publish', 200, (call) =>
    batchPublish(context, call.query['action'] ?? 'online', call.body),
  )
  route(scope, 'get', '/apis/publish/:id', 200, (call) => {
    const draft = catalog.apig
    draft.get('api', call.id())
    const { env_id } = call.query
    const found = draft.where(
      'version',
      (one) => one.api_id === call.id() && (env_id === undefined || one.env_id === env_id),
    )
    return call.page(
      'api_versions',
      found.reverse().map((one) => showVersion(draft, one)),
    )
  })
  route(scope, 'put', '/apis/publish/:id', 200, (call) =>
    catalog.changeApig((draft) => publication(draft, switchVersion(draft, call.id(), call.body.text('version_id')))),
  )
  route(scope, 'get', '/apis/versions/:id', 200, (call) => {
    const draft = catalog.apig
    const version = draft.get('version', call.id())
    return { ...version.api, ...(showVersion(draft, version) as object), sl_domain: '' }
  })
  route(scope, 'delete', '/apis/versions/:id', 204, (call) =>
    catalog.changeApig((draft) => {
      const version = draft.get('version', call.id())
      if (version.status !== 1) throw ApigError.of('APIG.3015', 'the version is not in effect')
      draft.put('version', { ...version, status: 2 })
    }),
  )
  route(scope, 'get', '/apis/runtime/:id', 200, (call) => {
    const draft = catalog.apig
    draft.get('api', call.id())
    const envId = call.query['env_id'] ?? RELEASE_ENV.id
    const version = versionInEffect(draft, call.id(), envId)
    if (version === null) throw ApigError.of('APIG.3015', `the API is not published in environment ${envId}`)
    return { ...version.api, ...(showVersion(draft, version) as object), publish_id: version.publish_id }
  })
  route(scope, 'get', '/apis/:id', 200, (call) => {
    const draft = catalog.apig
    return showApi(draft, draft.get('api', call.id()))
  })
  route(scope, 'put', '/apis/:id', 200, (call) =>
    catalog.changeApig((draft) => showApi(draft, updateApi(draft, call.id(), call.body))),
  )
  route(scope, 'delete', '/apis/:id', 204, (call) => catalog.changeApig((draft) => deleteApi(draft, call.id())))

  route(scope, 'post', '/api-groups/check', 204, (call) => {
    const name = call.body.text('group_name', { max: 255 })
    catalog.apig.mustBeNew('group', 'APIG.3201', name, (one) => one.name === name)
  })
  route(scope, 'post', '/api-groups/:id/domains', 201, (call) =>
    catalog.changeApig((draft) => {
      const { id, domain } = addDomain(draft, call.id(), call.body)
      return { id, url_domain: domain, status: 3, min_ssl_version: 'TLSv1.2' }
    }),
  )
  route(scope, 'delete', '/api-groups/:id/domains/:domain_id', 204, (call) =>
    catalog.changeApig((draft) => removeDomain(draft, call.id(), call.id('domain_id'))),
  )
}

const publication = (
  _draft: Draft,
  { publish_id, id, publish_time, api_id, env_id, api, remark }: VersionDoc,
): unknown => ({
  publish_id,
  api_id,
  api_name: api.name,
  env_id,
  remark,
  publish_time,
  version_id: id,
})

/** All or none: what is wrong with one is told, and nothing is changed. */
function batchPublish({ catalog }: ApigContext, action: string, body: Fields): Promise<unknown> {
  if (action !== 'online' && action !== 'offline') throw ApigError.field('APIG.2012', 'action', 'online or offline')
  const ids = body.texts('apis', { countMax: 1_000 })
  const envId = body.textOr('env_id', RELEASE_ENV.id)
  const remark = body.textOr('remark', '')
  return catalog.changeApig((draft) => ({
    success: ids.map((id) => {
      const version = action === 'online' ? publish(draft, id, envId, remark) : offline(draft, id, envId)
      return { ...(publication(draft, version) as object), env_name: envName(draft, envId) }
    }),
    failure: [],
  }))
}
