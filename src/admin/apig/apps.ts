import type { FastifyInstance } from 'fastify'
import type { CodeDoc } from '../../dialects/apig/docs.ts'
import type { Draft } from '../../dialects/apig/draft.ts'
import { ApigError } from '../../dialects/apig/error.ts'
import { readAppAcl, readSecret } from '../../dialects/apig/read-others.ts'
import { addCode, authorize } from '../../dialects/apig/resources.ts'
import { type ApigContext, route } from './context.ts'
import { envName, showApp, showPlace, showQuota } from './shown.ts'

/** What credentials have besides themselves: secrets, codes, address lists, authorisations, quotas. */
export function appRoutes(scope: FastifyInstance, context: ApigContext): void {
  secretRoutes(scope, context)
  codeRoutes(scope, context)
  authRoutes(scope, context)
  quotaRoutes(scope, context)
}

function secretRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  route(scope, 'put', '/apps/secret/:id', 200, (call) =>
    catalog.changeApig((draft) => {
      const app = draft.get('app', call.id())
      return showApp(draft, draft.put('app', { ...app, app_secret: readSecret(call.body), update_time: draft.now }))
    }),
  )
  route(scope, 'get', '/apps/validation/:id', 200, (call) => {
    const { name, remark, id } = catalog.apig.get('app', call.id())
    return { name, remark, id }
  })
  const acl = '/apps/:id/app-acl'
  route(scope, 'get', acl, 200, (call) => {
    const draft = catalog.apig
    draft.get('app', call.id())
    const list = draft.find('appAcl', call.id())
    return list === null
      ? { app_id: call.id(), app_acl_type: '', app_acl_values: [] }
      : { app_id: list.id, app_acl_type: list.app_acl_type, app_acl_values: list.app_acl_values }
  })
  route(scope, 'put', acl, 200, (call) =>
    catalog.changeApig((draft) => {
      draft.get('app', call.id())
      const { app_acl_type, app_acl_values } = draft.put('appAcl', { ...readAppAcl(call.body), id: call.id() })
      return { app_id: call.id(), app_acl_type, app_acl_values }
    }),
  )
  route(scope, 'delete', acl, 204, (call) =>
    catalog.changeApig((draft) => {
      draft.get('app', call.id())
      if (draft.find('appAcl', call.id()) !== null) draft.remove('appAcl', call.id())
    }),
  )
}

function codeRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  const path = '/apps/:id/app-codes'
  const codeOf = (draft: Draft, appId: string, id: string): CodeDoc => {
    draft.get('app', appId)
    const code = draft.find('code', id)
    if (code?.app_id !== appId) throw ApigError.of('APIG.3014', `app code ${id.slice(0, 64)}`)
    return code
  }
  route(scope, 'get', path, 200, (call) => {
    const { id } = catalog.apig.get('app', call.id())
    return call.page(
      'app_codes',
      catalog.apig.where('code', (one) => one.app_id === id),
    )
  })
  route(scope, 'post', path, 201, (call) => catalog.changeApig((draft) => addCode(draft, call.id(), call.body)))
  route(scope, 'put', path, 200, (call) => catalog.changeApig((draft) => addCode(draft, call.id(), null)))
  route(scope, 'get', `${path}/:code_id`, 200, (call) => codeOf(catalog.apig, call.id(), call.id('code_id')))
  route(scope, 'delete', `${path}/:code_id`, 204, (call) =>
    catalog.changeApig((draft) => draft.remove('code', codeOf(draft, call.id(), call.id('code_id')).id)),
  )
}

function authRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  route(scope, 'post', '/app-auths', 201, (call) => {
    const envId = call.body.text('env_id')
    const appIds = call.body.texts('app_ids', { countMax: 500, countMin: 1 })
    const apiIds = call.body.texts('api_ids', { countMax: 500, countMin: 1 })
    return catalog.changeApig((draft) => ({
      auths: apiIds.flatMap((apiId) =>
        appIds.map((appId) => {
          const { auth, skipped } = authorize(draft, appId, apiId, envId)
          return {
            id: auth.id,
            api_id: apiId,
            app_id: appId,
            auth_result: { status: skipped ? 'SKIPPED' : 'SUCCESS' },
            auth_time: auth.auth_time,
            auth_role: 'PROVIDER',
            auth_tunnel: 'NORMAL',
          }
        }),
      ),
    }))
  })
  route(scope, 'delete', '/app-auths/:id', 204, (call) =>
    catalog.changeApig((draft) => draft.remove('auth', draft.get('auth', call.id()).id)),
  )
  const shown = (draft: Draft, test: (auth: { app_id: string; api_id: string }) => boolean): unknown[] =>
    draft.where('auth', test).map(({ id, api_id, app_id, env_id, auth_time }) => {
      const api = draft.find('api', api_id)
      const app = draft.find('app', app_id)
      return {
        id,
        api_id,
        api_name: api?.name ?? '',
        group_id: api?.group_id ?? '',
        group_name: draft.find('group', api?.group_id ?? '')?.name ?? '',
        app_id,
        app_name: app?.name ?? '',
        app_remark: app?.remark ?? '',
        env_id,
        env_name: envName(draft, env_id),
        auth_time,
        auth_role: 'PROVIDER',
        auth_tunnel: 'NORMAL',
      }
    })
  route(scope, 'get', '/app-auths/binded-apps', 200, (call) => {
    const { id } = catalog.apig.get('api', call.queryId('api_id'))
    return call.page(
      'auths',
      shown(catalog.apig, (one) => one.api_id === id),
    )
  })
  route(scope, 'get', '/app-auths/binded-apis', 200, (call) => {
    const { id } = catalog.apig.get('app', call.queryId('app_id'))
    return call.page(
      'auths',
      shown(catalog.apig, (one) => one.app_id === id),
    )
  })
  route(scope, 'get', '/app-auths/unbinded-apis', 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('app', call.queryId('app_id'))
    const has = new Set(draft.where('auth', (one) => one.app_id === id).map((one) => `${one.api_id} ${one.env_id}`))
    const free = draft.where('version', (one) => one.status === 1 && !has.has(`${one.api_id} ${one.env_id}`))
    return call.page(
      'apis',
      free.filter((one) => one.api.auth_type === 'APP').map((one) => showPlace(draft, one)),
    )
  })
}

function quotaRoutes(scope: FastifyInstance, { catalog }: ApigContext): void {
  route(scope, 'post', '/app-quotas/:id/binding-apps', 201, (call) => {
    const appIds = call.body.texts('app_ids', { countMax: 500, countMin: 1 })
    return catalog.changeApig((draft) => {
      const quota = draft.get('quota', call.id())
      return {
        applys: appIds.map((appId) => {
          const app = draft.get('app', appId)
          draft.put('quotaBinding', { id: appId, quota_id: quota.id, bound_time: draft.now })
          return { app_quota_id: quota.id, app_id: appId, app_name: app.name, bound_time: draft.now }
        }),
      }
    })
  })
  route(scope, 'delete', '/app-quotas/:id/bound-apps/:app_id', 204, (call) =>
    catalog.changeApig((draft) => {
      draft.get('quota', call.id())
      const bound = draft.find('quotaBinding', call.id('app_id'))
      if (bound?.quota_id !== call.id()) throw ApigError.of('APIG.3014', 'the quota is not bound to this app')
      draft.remove('quotaBinding', bound.id)
    }),
  )
  route(scope, 'get', '/app-quotas/:id/bound-apps', 200, (call) => {
    const draft = catalog.apig
    const { id } = draft.get('quota', call.id())
    const bound = draft.where('quotaBinding', (one) => one.quota_id === id)
    return call.page(
      'apps',
      bound.map((one) => ({ app_id: one.id, name: draft.find('app', one.id)?.name ?? '', bound_time: one.bound_time })),
    )
  })
  route(scope, 'get', '/app-quotas/:id/bindable-apps', 200, (call) => {
    const draft = catalog.apig
    draft.get('quota', call.id())
    const free = draft.where('app', (one) => draft.find('quotaBinding', one.id) === null)
    return call.page(
      'apps',
      free.map(({ id, name, remark }) => ({ app_id: id, name, remark })),
    )
  })
  route(scope, 'get', '/apps/:id/bound-quota', 200, (call) => {
    const draft = catalog.apig
    draft.get('app', call.id())
    const bound = draft.find('quotaBinding', call.id())
    if (bound === null) throw ApigError.of('APIG.3014', 'the app has no quota')
    return showQuota(draft, draft.get('quota', bound.quota_id))
  })
}
