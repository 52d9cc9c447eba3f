import type { FastifyInstance } from 'fastify'
import { type BindingDoc, RELEASE_ENV, type VersionDoc } from '../../dialects/apig/docs.ts'
import type { Draft } from '../../dialects/apig/draft.ts'
import { publishedBy, versionInEffect } from '../../dialects/apig/publishing.ts'
import { attachPlugin, bindAcl, bindThrottle, deleteAcl } from '../../dialects/apig/resources.ts'
import { type ApigContext, route } from './context.ts'
import {
  type PublishedPlace,
  publishId,
  showAcl,
  showAttached,
  showPlace,
  showPlugin,
  showThrottle,
  showThrottleBinding,
} from './shown.ts'

/** What throttles, lists and plug-ins are bound to: an API in an environment. */
export function bindingRoutes(scope: FastifyInstance, context: ApigContext): void {
  throttleRoutes(scope, context)
  aclRoutes(scope, context)
  pluginRoutes(scope, context)
}

/** What is bound stays so while the API is offline: it has to be seen to be unbound. */
const placesOf = (draft: Draft, bindings: readonly BindingDoc[]): [BindingDoc, PublishedPlace][] =>
  bindings.map((binding): [BindingDoc, PublishedPlace] => {
    const { api_id, env_id } = binding
    const offline = { api: draft.get('api', api_id), env_id, publish_id: publishId(draft, api_id, env_id) }
    return [binding, versionInEffect(draft, api_id, env_id) ?? offline]
  })

function unbound(draft: Draft, kind: 'throttleBinding' | 'aclBinding', of: string): VersionDoc[] {
  const bound = new Set(draft.where(kind, (one) => one.of === of).map((one) => `${one.api_id} ${one.env_id}`))
  return draft.where('version', (one) => one.status === 1 && !bound.has(`${one.api_id} ${one.env_id}`))
}

function throttleRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  const path = '/throttle-bindings'
  route(scope, 'post', path, 201, (call) => {
    const strategy = call.body.text('strategy_id')
    const publishIds = call.body.texts('publish_ids', { countMax: 1_000, countMin: 1 })
    return catalog.changeApig((draft) => ({
      throttle_applys: publishIds.map((id) =>
        showThrottleBinding(draft, bindThrottle(draft, strategy, publishedBy(draft, id))),
      ),
    }))
  })
  route(scope, 'put', path, 200, (call) => {
    call.mustDelete()
    const ids = call.body.texts('throttle_bindings', { countMax: 1_000, countMin: 1 })
    return catalog.changeApig((draft) => {
      for (const id of ids) draft.remove('throttleBinding', draft.get('throttleBinding', id).id)
      return { success_count: ids.length, failure: [] }
    })
  })
  route(scope, 'delete', `${path}/:id`, 204, (call) =>
    catalog.changeApig((draft) => draft.remove('throttleBinding', draft.get('throttleBinding', call.id()).id)),
  )
  route(scope, 'get', `${path}/binded-apis`, 200, (call) => {
    const draft = catalog.apig
    const { id, name } = draft.get('throttle', call.queryId('throttle_id'))
    const places = placesOf(
      draft,
      draft.where('throttleBinding', (one) => one.of === id),
    )
    return call.page(
      'apis',
      places.map(([binding, version]) => ({
        ...showPlace(draft, version),
        throttle_apply_id: binding.id,
        throttle_name: name,
        apply_time: binding.time,
      })),
    )
  })
  route(scope, 'get', `${path}/unbinded-apis`, 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('throttle', call.queryId('throttle_id'))
    return call.page(
      'apis',
      unbound(draft, 'throttleBinding', id).map((one) => showPlace(draft, one)),
    )
  })
  route(scope, 'get', `${path}/binded-throttles`, 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('api', call.queryId('api_id'))
    const { env_id } = call.query
    const bound = draft.where(
      'throttleBinding',
      (one) => one.api_id === id && (env_id === undefined || one.env_id === env_id),
    )
    return call.page(
      'throttles',
      bound.map((one) => ({
        ...(showThrottle(draft, draft.get('throttle', one.of)) as object),
        bind_id: one.id,
        bind_time: one.time,
        env_name: draft.find('env', one.env_id)?.name ?? '',
      })),
    )
  })
}

function aclRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  const path = '/acl-bindings'
  const shown = (draft: Draft, { id, of, api_id, env_id, time }: BindingDoc): unknown => ({
    id,
    acl_id: of,
    publish_id: publishId(draft, api_id, env_id),
    create_time: time,
  })
  route(scope, 'post', path, 201, (call) => {
    const acl = call.body.text('acl_id')
    const publishIds = call.body.texts('publish_ids', { countMax: 1_000, countMin: 1 })
    return catalog.changeApig((draft) => ({
      acl_bindings: publishIds.map((id) => shown(draft, bindAcl(draft, acl, publishedBy(draft, id)))),
    }))
  })
  route(scope, 'put', path, 200, (call) => {
    call.mustDelete()
    const ids = call.body.texts('acl_bindings', { countMax: 1_000, countMin: 1 })
    return catalog.changeApig((draft) => {
      for (const id of ids) draft.remove('aclBinding', draft.get('aclBinding', id).id)
      return { success_count: ids.length, failure: [] }
    })
  })
  route(scope, 'put', '/acls', 200, (call) => {
    call.mustDelete()
    const ids = call.body.texts('acls', { countMax: 1_000, countMin: 1 })
    return catalog.changeApig((draft) => {
      for (const id of ids) deleteAcl(draft, id)
      return { success_count: ids.length, failure: [] }
    })
  })
  route(scope, 'delete', `${path}/:id`, 204, (call) =>
    catalog.changeApig((draft) => draft.remove('aclBinding', draft.get('aclBinding', call.id()).id)),
  )
  route(scope, 'get', `${path}/binded-apis`, 200, (call) => {
    const draft = catalog.apig
    const { id, acl_name } = draft.get('acl', call.queryId('acl_id'))
    const places = placesOf(
      draft,
      draft.where('aclBinding', (one) => one.of === id),
    )
    return call.page(
      'apis',
      places.map(([binding, version]) => ({
        ...showPlace(draft, version),
        bind_id: binding.id,
        bind_time: binding.time,
        acl_name,
      })),
    )
  })
  route(scope, 'get', `${path}/unbinded-apis`, 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('acl', call.queryId('acl_id'))
    return call.page(
      'apis',
      unbound(draft, 'aclBinding', id).map((one) => showPlace(draft, one)),
    )
  })
  route(scope, 'get', `${path}/binded-acls`, 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('api', call.queryId('api_id'))
    const bound = draft.where('aclBinding', (one) => one.api_id === id)
    return call.page(
      'acls',
      bound.map((one) => ({
        ...(showAcl(draft, draft.get('acl', one.of)) as object),
        bind_id: one.id,
        bind_time: one.time,
        env_id: one.env_id,
      })),
    )
  })
}

function pluginRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  const attach = (pluginIds: readonly string[], apiIds: readonly string[], envId: string): Promise<unknown> =>
    catalog.changeApig((draft) => ({
      attached_plugins: pluginIds.flatMap((plugin) =>
        apiIds.map((api) => showAttached(draft, attachPlugin(draft, plugin, api, envId))),
      ),
    }))
  const detach = (pluginIds: readonly string[], apiIds: readonly string[], envId: string): Promise<void> =>
    catalog.changeApig((draft) => {
      for (const one of draft.list('pluginBinding')) {
        if (one.env_id === envId && pluginIds.includes(one.of) && apiIds.includes(one.api_id))
          draft.remove('pluginBinding', one.id)
      }
    })
  route(scope, 'post', '/plugins/:id/attach', 201, (call) =>
    attach([call.id()], call.body.texts('api_ids', { countMin: 1 }), call.body.textOr('env_id', RELEASE_ENV.id)),
  )
  route(scope, 'put', '/plugins/:id/detach', 204, (call) => {
    catalog.apig.get('plugin', call.id())
    return detach([call.id()], call.body.texts('api_ids', { countMin: 1 }), call.body.textOr('env_id', RELEASE_ENV.id))
  })
  route(scope, 'get', '/plugins/:id/attached-apis', 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('plugin', call.id())
    const places = placesOf(
      draft,
      draft.where('pluginBinding', (one) => one.of === id),
    )
    return call.page(
      'apis',
      places.map(([binding, version]) => ({
        ...showPlace(draft, version),
        plugin_attach_id: binding.id,
        attached_time: binding.time,
      })),
    )
  })
  route(scope, 'get', '/plugins/:id/attachable-apis', 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('plugin', call.id())
    const bound = new Set(
      draft.where('pluginBinding', (one) => one.of === id).map((one) => `${one.api_id} ${one.env_id}`),
    )
    const free = draft.where('version', (one) => one.status === 1 && !bound.has(`${one.api_id} ${one.env_id}`))
    return call.page(
      'apis',
      free.map((one) => showPlace(draft, one)),
    )
  })
  route(scope, 'post', '/apis/:id/plugins/attach', 201, (call) =>
    attach(call.body.texts('plugin_ids', { countMin: 1 }), [call.id()], call.body.textOr('env_id', RELEASE_ENV.id)),
  )
  route(scope, 'put', '/apis/:id/plugins/detach', 204, (call) => {
    catalog.apig.get('api', call.id())
    return detach(
      call.body.texts('plugin_ids', { countMin: 1 }),
      [call.id()],
      call.body.textOr('env_id', RELEASE_ENV.id),
    )
  })
  route(scope, 'get', '/apis/:id/attached-plugins', 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('api', call.id())
    const { env_id } = call.query
    const bound = draft.where(
      'pluginBinding',
      (one) => one.api_id === id && (env_id === undefined || one.env_id === env_id),
    )
    return call.page(
      'plugins',
      bound.map((one) => ({
        ...(showPlugin(draft.get('plugin', one.of)) as object),
        plugin_attach_id: one.id,
        env_id: one.env_id,
        attached_time: one.time,
      })),
    )
  })
  route(scope, 'get', '/apis/:id/attachable-plugins', 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('api', call.id())
    const bound = new Set(draft.where('pluginBinding', (one) => one.api_id === id).map((one) => one.of))
    return call.page('plugins', draft.where('plugin', (one) => !bound.has(one.id)).map(showPlugin))
  })
}
