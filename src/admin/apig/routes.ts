import type { FastifyInstance } from 'fastify'
import type { Docs, Kind } from '../../dialects/apig/docs.ts'
import type { Draft } from '../../dialects/apig/draft.ts'
import { FEATURE_NAMES } from '../../dialects/apig/features.ts'
import type { Fields } from '../../dialects/apig/fields.ts'
import { readAppBody, readAuthorizer, readQuota, VARIABLE_VALUE } from '../../dialects/apig/read-others.ts'
import * as resources from '../../dialects/apig/resources.ts'
import { AdminError } from '../errors.ts'
import { apiRoutes } from './apis.ts'
import { appRoutes } from './apps.ts'
import { bindingRoutes } from './bindings.ts'
import { type ApigCall, type ApigContext, route } from './context.ts'
import { debugRoutes } from './debug.ts'
import { openApiRoutes } from './openapi.ts'
import { responseRoutes } from './responses.ts'
import { showAcl, showApp, showFeature, showGroup, showPlugin, showQuota, showSpecial, showThrottle } from './shown.ts'
import { statisticsRoutes } from './statistics.ts'

const BODY_BYTES_MAX = 12 * 1024 * 1024

/** What every kind of resource has: list, create, read, change, delete. */
interface ResourceRow<K extends Kind> {
  readonly kind: K
  readonly path: string
  /** What holds the list. */
  readonly list: string
  create(draft: Draft, fields: Fields, call: ApigCall): Docs[K]
  update(draft: Draft, id: string, fields: Fields): Docs[K]
  remove(draft: Draft, id: string): void
  show(draft: Draft, doc: Docs[K]): unknown
  /** Which query parameters narrow the list, and the field each is compared with. */
  readonly filters: Readonly<Record<string, string>>
}

const row = <K extends Kind>(one: ResourceRow<K>): ResourceRow<K> => one
const itself = (_draft: Draft, doc: unknown): unknown => doc

const ROWS = [
  row({
    kind: 'group',
    path: '/api-groups',
    list: 'groups',
    create: resources.createGroup,
    update: resources.updateGroup,
    remove: resources.deleteGroup,
    show: (_draft, doc) => showGroup(doc),
    filters: { id: 'id', name: 'name' },
  }),
  row({
    kind: 'env',
    path: '/envs',
    list: 'envs',
    create: resources.createEnv,
    update: resources.updateEnv,
    remove: resources.deleteEnv,
    show: itself,
    filters: { name: 'name' },
  }),
  row({
    kind: 'variable',
    path: '/env-variables',
    list: 'variables',
    create: resources.createVariable,
    update: (draft, id, fields) => {
      const before = draft.get('variable', id)
      return draft.put('variable', { ...before, variable_value: fields.text('variable_value', VARIABLE_VALUE) })
    },
    remove: (draft, id) => draft.remove('variable', draft.get('variable', id).id),
    show: itself,
    filters: { group_id: 'group_id', env_id: 'env_id', variable_name: 'variable_name' },
  }),
  row({
    kind: 'throttle',
    path: '/throttles',
    list: 'throttles',
    create: resources.createThrottle,
    update: resources.updateThrottle,
    remove: resources.deleteThrottle,
    show: showThrottle,
    filters: { id: 'id', name: 'name' },
  }),
  row({
    kind: 'app',
    path: '/apps',
    list: 'apps',
    create: (draft, fields, call) => resources.createApp(draft, fields, call.project),
    update: (draft, id, fields) => {
      const before = draft.get('app', id)
      const { name, remark, app_key, app_secret } = readAppBody(fields)
      const twin = draft.list('app').find((one) => one.app_key === app_key && one.id !== id)
      if (twin !== undefined) throw fields.wrong('app_key', 'a key of its own; another app has it')
      draft.mustBeNew('app', 'APIG.3203', name, (one) => one.name === name && one.id !== id)
      return draft.put('app', {
        ...before,
        name,
        remark,
        app_key: fields.has('app_key') ? app_key : before.app_key,
        app_secret: fields.has('app_secret') ? app_secret : before.app_secret,
        update_time: draft.now,
      })
    },
    remove: resources.deleteApp,
    show: showApp,
    filters: { id: 'id', name: 'name', app_key: 'app_key' },
  }),
  row({
    kind: 'quota',
    path: '/app-quotas',
    list: 'quotas',
    create: resources.createQuota,
    update: (draft, id, fields) => {
      const before = draft.get('quota', id)
      const body = readQuota(fields)
      draft.mustBeNew('quota', 'APIG.3207', body.name, (one) => one.name === body.name && one.id !== id)
      return draft.put('quota', { ...body, id, create_time: before.create_time })
    },
    remove: resources.deleteQuota,
    show: showQuota,
    filters: { name: 'name' },
  }),
  row({
    kind: 'plugin',
    path: '/plugins',
    list: 'plugins',
    create: resources.createPlugin,
    update: resources.updatePlugin,
    remove: resources.deletePlugin,
    show: (_draft, doc) => showPlugin(doc),
    filters: { plugin_name: 'plugin_name', plugin_type: 'plugin_type', plugin_id: 'id' },
  }),
  row({
    kind: 'acl',
    path: '/acls',
    list: 'acls',
    create: resources.createAcl,
    update: resources.updateAcl,
    remove: resources.deleteAcl,
    show: showAcl,
    filters: { id: 'id', name: 'acl_name', acl_type: 'acl_type', entity_type: 'entity_type' },
  }),
  row({
    kind: 'authorizer',
    path: '/authorizers',
    list: 'authorizer_list',
    create: resources.createAuthorizer,
    update: (draft, id, fields) => {
      const before = draft.get('authorizer', id)
      const body = readAuthorizer(fields)
      draft.mustBeNew('authorizer', 'APIG.3207', body.name, (one) => one.name === body.name && one.id !== id)
      return draft.put('authorizer', { ...body, id, create_time: before.create_time })
    },
    remove: resources.deleteAuthorizer,
    show: itself,
    filters: { id: 'id', name: 'name', type: 'type' },
  }),
] as const

/**
 * APIG's management API, below `/v2/{project_id}/apigw/instances/{instance_id}`. Any project and instance is accepted: a
 * project is who owns the credentials that it makes. Source: the vendor's v2 API reference and what its Terraform provider sends.
 */
export function apigRoutes(scope: FastifyInstance, context: ApigContext): void {
  scope.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    async (_request: unknown, body: unknown) => body,
  )
  scope.register(
    async (inside) => {
      route(inside, 'get', '/', 200, (call) => ({
        id: call.id('instance_id'),
        project_id: call.project,
        instance_name: 'postern',
        status: 'Running',
        type: 'apig',
        spec: 'BASIC',
        loadbalancer_provider: 'elb',
      }))
      for (const one of ROWS) resourceRoutes(inside, context, one as unknown as ResourceRow<Kind>)
      featureRoutes(inside, context)
      specialRoutes(inside, context)
      apiRoutes(inside, context)
      appRoutes(inside, context)
      bindingRoutes(inside, context)
      responseRoutes(inside, context)
      debugRoutes(inside, context)
      openApiRoutes(inside, context)
      statisticsRoutes(inside, context)
      refusedRoutes(inside)
    },
    { prefix: '/:project_id/apigw/instances/:instance_id' },
  )
}

function resourceRoutes<K extends Kind>(scope: FastifyInstance, { catalog }: ApigContext, one: ResourceRow<K>): void {
  const { kind, path, list, show, filters } = one
  route(scope, 'get', path, 200, (call) => {
    const draft = catalog.apig
    const wanted = Object.entries(filters).filter(([name]) => (call.query[name] ?? '') !== '')
    const found = draft.where(kind, (doc) =>
      wanted.every(([name, field]) =>
        matches(
          String((doc as unknown as Record<string, unknown>)[field]),
          call.query[name]!,
          call.query['precise_search'],
          name,
        ),
      ),
    )
    return call.page(
      list,
      found.map((doc) => show(draft, doc)),
    )
  })
  route(scope, 'post', path, 201, (call) =>
    catalog.changeApig((draft) => show(draft, one.create(draft, call.body, call))),
  )
  route(scope, 'get', `${path}/:id`, 200, (call) => {
    const draft = catalog.apig
    return show(draft, draft.get(kind, call.id()))
  })
  route(scope, 'put', `${path}/:id`, 200, (call) =>
    catalog.changeApig((draft) => show(draft, one.update(draft, call.id(), call.body))),
  )
  route(scope, 'delete', `${path}/:id`, 204, (call) => catalog.changeApig((draft) => one.remove(draft, call.id())))
}

/** Names are looked for anywhere in the text unless `precise_search` names them; ids and types are compared whole. */
function matches(value: string, wanted: string, precise: string | undefined, name: string): boolean {
  if (!name.endsWith('name') || precise?.split(',').includes(name)) return value === wanted
  return value.toLowerCase().includes(wanted.toLowerCase())
}

function featureRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  route(scope, 'get', '/features', 200, (call) => {
    const draft = catalog.apig
    const off = (id: string): Docs['feature'] => ({ id, enable: false, config: '', update_time: '' })
    return call.page(
      'features',
      FEATURE_NAMES.map((name) => showFeature(draft.find('feature', name) ?? off(name))),
    )
  })
  route(scope, 'post', '/features', 201, (call) =>
    catalog.changeApig((draft) => showFeature(resources.setFeature(draft, call.body))),
  )
}

function specialRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  const path = '/throttles/:throttle_id/throttle-specials'
  route(scope, 'get', path, 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('throttle', call.id('throttle_id'))
    const all = draft.where('special', (one) => one.throttle_id === id)
    const type = call.query['object_type']
    const found = type === undefined ? all : all.filter((one) => one.object_type === type)
    return call.page(
      'throttle_specials',
      found.map((one) => showSpecial(draft, one)),
    )
  })
  route(scope, 'post', path, 201, (call) =>
    catalog.changeApig((draft) =>
      showSpecial(draft, resources.createSpecial(draft, call.id('throttle_id'), call.body)),
    ),
  )
  route(scope, 'put', `${path}/:strategy_id`, 200, (call) =>
    catalog.changeApig((draft) =>
      showSpecial(draft, resources.updateSpecial(draft, call.id('throttle_id'), call.id('strategy_id'), call.body)),
    ),
  )
  route(scope, 'delete', `${path}/:strategy_id`, 204, (call) =>
    catalog.changeApig((draft) =>
      draft.remove('special', resources.specialOf(draft, call.id('throttle_id'), call.id('strategy_id')).id),
    ),
  )
}

/** What the vendor has and this gateway does not, with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  '/signs': 'Signature keys for backends are not supported yet; check X-Request-Id and the network instead.',
  '/sign-bindings': 'Signature keys for backends are not supported yet.',
  '/vpc-channels': 'Load balance channels are not supported; name the host in backend_api.url_domain.',
  '/metric-data': 'Metrics are at /metrics, statistics at statistics/api/latest and statistics/group/latest.',
  '/custom-responses': 'There are gateway responses of groups: /api-groups/{group_id}/gateway-responses.',
}

function refusedRoutes(scope: FastifyInstance): void {
  for (const [path, text] of Object.entries(REFUSED)) {
    for (const one of [path, `${path}/*`]) {
      scope.all(one, async () => {
        throw new AdminError(400, 'APIG.2000', text)
      })
    }
  }
}
