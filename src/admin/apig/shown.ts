import type { ApiDoc, AppDoc, BindingDoc, Docs, GroupDoc, QuotaDoc, VersionDoc } from '../../dialects/apig/docs.ts'
import type { Draft } from '../../dialects/apig/draft.ts'
import { groupDomain } from '../../dialects/apig/runtime.ts'

/** Resources as clients of APIG's management API read them. */

export const showGroup = (group: GroupDoc): unknown => {
  const { domains, ...rest } = group
  return {
    ...rest,
    status: 1,
    sl_domain: groupDomain(group.id),
    sl_domains: [groupDomain(group.id)],
    url_domains: domains.map(({ id, domain }) => ({ id, domain, cname_status: 1, ssl_infos: [] })),
    on_sell_status: 2,
    is_default: 2,
    version: 'V2',
  }
}

export function showApi(draft: Draft, api: ApiDoc): unknown {
  const versions = draft.where('version', (one) => one.api_id === api.id && one.status === 1)
  const names = (list: readonly VersionDoc[]): string => list.map((one) => envName(draft, one.env_id)).join('|')
  const ids = (pick: (one: VersionDoc) => string): string => versions.map(pick).join('|')
  return {
    ...api,
    group_name: draft.find('group', api.group_id)?.name ?? '',
    status: 1,
    ...(versions.length > 0 && {
      run_env_name: names(versions),
      run_env_id: ids((one) => one.env_id),
      publish_id: ids((one) => one.publish_id),
      publish_time: ids((one) => one.publish_time),
    }),
  }
}

export const envName = (draft: Draft, id: string): string => draft.find('env', id)?.name ?? ''

export const showApp = (draft: Draft, app: AppDoc): unknown => {
  const { project_id, ...rest } = app
  return {
    ...rest,
    project_id,
    status: 1,
    creator: 'USER',
    app_type: 'apig',
    bind_num: draft.list('auth').filter((one) => one.app_id === app.id).length,
  }
}

export const showThrottle = (draft: Draft, throttle: Docs['throttle']): unknown => ({
  ...throttle,
  bind_num: draft.list('throttleBinding').filter((one) => one.of === throttle.id).length,
  is_inclu_special_throttle: draft.list('special').some((one) => one.throttle_id === throttle.id) ? 1 : 2,
})

export function showSpecial(draft: Draft, special: Docs['special']): unknown {
  const app = special.object_type === 'APP' ? draft.find('app', special.object_id) : null
  return {
    ...special,
    object_name: app?.name ?? special.object_id,
    ...(app !== null && { app_id: app.id, app_name: app.name }),
  }
}

/** A throttle bound to an API. */
export const showThrottleBinding = (draft: Draft, { id, of, api_id, env_id, time }: BindingDoc): unknown => ({
  id,
  publish_id: publishId(draft, api_id, env_id),
  strategy_id: of,
  scope: 1,
  apply_time: time,
})

export function publishId(draft: Draft, apiId: string, envId: string): string {
  return draft.list('version').find((one) => one.api_id === apiId && one.env_id === envId)?.publish_id ?? ''
}

export type PublishedPlace = Pick<VersionDoc, 'api' | 'env_id' | 'publish_id'>

/** An API in an environment, as lists of what is (or may be) bound have it. */
export function showPlace(draft: Draft, place: PublishedPlace): Record<string, unknown> {
  const { api, env_id, publish_id } = place
  return {
    id: api.id,
    api_id: api.id,
    name: api.name,
    api_name: api.name,
    type: api.type,
    req_uri: api.req_uri,
    req_method: api.req_method,
    auth_type: api.auth_type,
    remark: api.remark,
    group_id: api.group_id,
    group_name: draft.find('group', api.group_id)?.name ?? '',
    publish_id,
    run_env_id: env_id,
    run_env_name: envName(draft, env_id),
    env_id,
    env_name: envName(draft, env_id),
  }
}

export function showVersion(draft: Draft, version: VersionDoc): unknown {
  const { id, version_no, api_id, env_id, publish_time, remark, status } = version
  return { version_id: id, version_no, api_id, env_id, env_name: envName(draft, env_id), publish_time, remark, status }
}

export const showPlugin = ({ id, ...rest }: Docs['plugin']): unknown => ({ plugin_id: id, ...rest })

export function showAttached(draft: Draft, binding: BindingDoc): unknown {
  const plugin = draft.get('plugin', binding.of)
  return {
    plugin_attach_id: binding.id,
    plugin_id: plugin.id,
    plugin_name: plugin.plugin_name,
    plugin_type: plugin.plugin_type,
    plugin_scope: plugin.plugin_scope,
    api_id: binding.api_id,
    api_name: draft.find('api', binding.api_id)?.name ?? '',
    env_id: binding.env_id,
    env_name: envName(draft, binding.env_id),
    attached_time: binding.time,
  }
}

export const showQuota = (draft: Draft, { id, ...rest }: QuotaDoc): unknown => ({
  app_quota_id: id,
  ...rest,
  bound_app_num: draft.list('quotaBinding').filter((one) => one.quota_id === id).length,
})

export const showAcl = (draft: Draft, acl: Docs['acl']): unknown => ({
  ...acl,
  bind_num: draft.list('aclBinding').filter((one) => one.of === acl.id).length,
})

export const showFeature = ({ id, enable, config, update_time }: Docs['feature']): unknown => ({
  id,
  name: id,
  enable,
  config,
  update_time,
})
