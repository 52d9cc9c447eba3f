import { defaultFeatures } from '../../model/apig.ts'
import type {
  AclDoc,
  AppDoc,
  AuthDoc,
  AuthorizerDoc,
  BindingDoc,
  CodeDoc,
  DomainDoc,
  EnvDoc,
  FeatureDoc,
  GroupDoc,
  PluginDoc,
  QuotaDoc,
  ResponseDoc,
  SpecialDoc,
  ThrottleDoc,
  VariableDoc,
} from './docs.ts'
import type { Draft } from './draft.ts'
import { ApigError } from './error.ts'
import { applyFeature } from './features.ts'
import { type Fields, GROUP_NAME, NAME, REMARK } from './fields.ts'
import { bind, type Place, versionInEffect } from './publishing.ts'
import {
  APP_CODE,
  DOMAIN,
  ENV_NAME,
  newAppCode,
  readAcl,
  readAppBody,
  readAuthorizer,
  readQuota,
  VARIABLE_NAME,
  VARIABLE_VALUE,
} from './read-others.ts'
import { type PluginContent, parsePluginContent, readPluginContent } from './read-plugin.ts'
import { readThrottle } from './read-throttle.ts'

// What is done with everything but APIs. Each throws ApigError and changes only the draft.

const ENVIRONMENTS_MAX = 10
const SPECIALS_MAX = 30
const THROTTLES_MAX = 300
const VARIABLES_MAX = 50
const CODES_MAX = 5
const DOMAINS_MAX = 5

export function createGroup(draft: Draft, fields: Fields): GroupDoc {
  const name = fields.text('name', GROUP_NAME)
  draft.mustBeNew('group', 'APIG.3201', name, (one) => one.name === name)
  return draft.put('group', {
    id: draft.id('group', name),
    name,
    remark: fields.textOr('remark', '', REMARK),
    create_time: draft.now,
    update_time: draft.now,
    domains: [],
  })
}

export function updateGroup(draft: Draft, id: string, fields: Fields): GroupDoc {
  const before = draft.get('group', id)
  const name = fields.textOr('name', before.name, GROUP_NAME)
  draft.mustBeNew('group', 'APIG.3201', name, (one) => one.name === name && one.id !== id)
  return draft.put('group', {
    ...before,
    name,
    remark: fields.textOr('remark', before.remark, REMARK),
    update_time: draft.now,
  })
}

export function deleteGroup(draft: Draft, id: string): void {
  draft.get('group', id)
  if (draft.list('api').some((api) => api.group_id === id)) throw ApigError.of('APIG.3415', 'delete them first')
  for (const kind of ['variable', 'response'] as const) {
    for (const doc of draft.list(kind)) if (doc.group_id === id) draft.remove(kind, doc.id)
  }
  draft.remove('group', id)
}

export function addDomain(draft: Draft, groupId: string, fields: Fields): DomainDoc {
  const group = draft.get('group', groupId)
  const domain = fields.text('url_domain', DOMAIN).toLowerCase()
  const owner = draft.list('group').find((one) => one.domains.some((other) => other.domain === domain))
  if (owner !== undefined) throw fields.wrong('url_domain', `a domain of its own; ${owner.name} has it already`)
  if (group.domains.length >= DOMAINS_MAX) throw ApigError.of('APIG.3301', `${DOMAINS_MAX} domains of a group`)
  const added = { id: draft.id('group', 'domain', groupId, domain), domain }
  draft.put('group', { ...group, domains: [...group.domains, added] })
  return added
}

export function removeDomain(draft: Draft, groupId: string, id: string): void {
  const group = draft.get('group', groupId)
  if (!group.domains.some((one) => one.id === id)) throw ApigError.of('APIG.3014', `domain ${id.slice(0, 64)}`)
  draft.put('group', { ...group, domains: group.domains.filter((one) => one.id !== id) })
}

export function createEnv(draft: Draft, fields: Fields): EnvDoc {
  const name = fields.text('name', ENV_NAME)
  draft.mustBeNew('env', 'APIG.3205', name, (one) => one.name === name)
  if (draft.list('env').length >= ENVIRONMENTS_MAX) throw ApigError.of('APIG.3301', `${ENVIRONMENTS_MAX} environments`)
  const remark = fields.textOr('remark', '', REMARK)
  return draft.put('env', { id: draft.id('env', name), name, remark, create_time: draft.now })
}

export function updateEnv(draft: Draft, id: string, fields: Fields): EnvDoc {
  const before = draft.get('env', id)
  const name = fields.textOr('name', before.name, ENV_NAME)
  draft.mustBeNew('env', 'APIG.3205', name, (one) => one.name === name && one.id !== id)
  return draft.put('env', { ...before, name, remark: fields.textOr('remark', before.remark, REMARK) })
}

export function deleteEnv(draft: Draft, id: string): void {
  draft.get('env', id)
  if (draft.list('version').some((one) => one.env_id === id && one.status === 1)) {
    throw ApigError.of('APIG.3418', 'take them offline first')
  }
  for (const kind of ['version', 'variable', 'throttleBinding', 'pluginBinding', 'aclBinding', 'auth'] as const) {
    for (const doc of draft.list(kind)) if (doc.env_id === id) draft.remove(kind, doc.id)
  }
  draft.remove('env', id)
}

export function createVariable(draft: Draft, fields: Fields): VariableDoc {
  const group_id = fields.text('group_id')
  const env_id = fields.text('env_id')
  draft.get('group', group_id)
  draft.get('env', env_id)
  const variable_name = fields.text('variable_name', VARIABLE_NAME)
  const mine = draft.where('variable', (one) => one.group_id === group_id && one.env_id === env_id)
  if (mine.some((one) => one.variable_name === variable_name))
    throw ApigError.of('APIG.3207', variable_name, 'variable_name')
  if (mine.length >= VARIABLES_MAX)
    throw ApigError.of('APIG.3301', `${VARIABLES_MAX} variables of a group in an environment`)
  const id = draft.id('variable', group_id, env_id, variable_name)
  return draft.put('variable', {
    id,
    env_id,
    group_id,
    variable_name,
    variable_value: fields.text('variable_value', VARIABLE_VALUE),
  })
}

export function createApp(draft: Draft, fields: Fields, projectId: string): AppDoc {
  const body = readAppBody(fields)
  draft.mustBeNew('app', 'APIG.3203', body.name, (one) => one.name === body.name)
  if (draft.list('app').some((one) => one.app_key === body.app_key))
    throw fields.wrong('app_key', 'a key of its own; another app has it')
  const id = draft.id('app', body.name)
  return draft.put('app', { ...body, id, project_id: projectId, register_time: draft.now, update_time: draft.now })
}

export function deleteApp(draft: Draft, id: string): void {
  draft.get('app', id)
  for (const kind of ['code', 'auth'] as const) {
    for (const doc of draft.list(kind)) if (doc.app_id === id) draft.remove(kind, doc.id)
  }
  for (const doc of draft.list('special'))
    if (doc.object_type === 'APP' && doc.object_id === id) draft.remove('special', doc.id)
  for (const kind of ['appAcl', 'quotaBinding'] as const) if (draft.find(kind, id) !== null) draft.remove(kind, id)
  draft.remove('app', id)
}

/** `given` null: the gateway makes one. */
export function addCode(draft: Draft, appId: string, given: Fields | null): CodeDoc {
  draft.get('app', appId)
  const app_code = given === null ? newAppCode() : given.text('app_code', APP_CODE)
  const codes = draft.list('code')
  if (codes.some((one) => one.app_code === app_code))
    throw ApigError.field('APIG.2012', 'app_code', 'a code of its own')
  if (codes.filter((one) => one.app_id === appId).length >= CODES_MAX)
    throw ApigError.of('APIG.3301', `${CODES_MAX} codes of an app`)
  return draft.put('code', { id: draft.id('code', appId, app_code), app_id: appId, app_code, create_time: draft.now })
}

export interface Authorization {
  readonly auth: AuthDoc
  /** It was there before. */
  readonly skipped: boolean
}

export function authorize(draft: Draft, appId: string, apiId: string, envId: string): Authorization {
  draft.get('app', appId)
  draft.get('api', apiId)
  draft.get('env', envId)
  const before = draft.list('auth').find((one) => one.app_id === appId && one.api_id === apiId && one.env_id === envId)
  if (before !== undefined) return { auth: before, skipped: true }
  const id = draft.id('auth', appId, apiId, envId)
  return {
    auth: draft.put('auth', { id, api_id: apiId, app_id: appId, env_id: envId, auth_time: draft.now }),
    skipped: false,
  }
}

export function createQuota(draft: Draft, fields: Fields): QuotaDoc {
  const body = readQuota(fields)
  draft.mustBeNew('quota', 'APIG.3207', body.name, (one) => one.name === body.name)
  return draft.put('quota', { ...body, id: draft.id('quota', body.name), create_time: draft.now })
}

export function deleteQuota(draft: Draft, id: string): void {
  draft.get('quota', id)
  for (const one of draft.list('quotaBinding')) if (one.quota_id === id) draft.remove('quotaBinding', one.id)
  draft.remove('quota', id)
}

export function createThrottle(draft: Draft, fields: Fields): ThrottleDoc {
  const body = readThrottle(fields)
  draft.mustBeNew('throttle', 'APIG.3204', body.name, (one) => one.name === body.name)
  if (draft.list('throttle').length >= THROTTLES_MAX) throw ApigError.of('APIG.3301', `${THROTTLES_MAX} policies`)
  return draft.put('throttle', { ...body, id: draft.id('throttle', body.name), create_time: draft.now })
}

export function updateThrottle(draft: Draft, id: string, fields: Fields): ThrottleDoc {
  const before = draft.get('throttle', id)
  const body = readThrottle(fields)
  draft.mustBeNew('throttle', 'APIG.3204', body.name, (one) => one.name === body.name && one.id !== id)
  const highest = Math.max(0, ...draft.where('special', (one) => one.throttle_id === id).map((one) => one.call_limits))
  if (body.api_call_limits > 0 && highest > body.api_call_limits) {
    throw ApigError.field('APIG.2002', 'api_call_limits', `at least ${highest}, the limit of an excluded app or user`)
  }
  return draft.put('throttle', { ...body, id, create_time: before.create_time })
}

export function deleteThrottle(draft: Draft, id: string): void {
  draft.get('throttle', id)
  if (draft.list('throttleBinding').some((one) => one.of === id)) throw ApigError.of('APIG.3451', 'unbind it first')
  for (const one of draft.list('special')) if (one.throttle_id === id) draft.remove('special', one.id)
  draft.remove('throttle', id)
}

export function createSpecial(draft: Draft, throttleId: string, fields: Fields): SpecialDoc {
  const throttle = draft.get('throttle', throttleId)
  const object_type = fields.choice('object_type', ['APP', 'USER'])
  const object_id = fields.text('object_id', { max: 128 })
  const call_limits = specialLimit(fields, throttle)
  if (object_type === 'APP') draft.get('app', object_id)
  const mine = draft.where('special', (one) => one.throttle_id === throttleId && one.object_type === object_type)
  if (mine.some((one) => one.object_id === object_id))
    throw fields.wrong('object_id', 'another one: it has a limit of its own already')
  if (mine.length >= SPECIALS_MAX) throw ApigError.of('APIG.3301', `${SPECIALS_MAX} excluded ${object_type}`)
  const id = draft.id('special', throttleId, object_type, object_id)
  return draft.put('special', {
    id,
    throttle_id: throttleId,
    call_limits,
    object_id,
    object_type,
    apply_time: draft.now,
  })
}

export function updateSpecial(draft: Draft, throttleId: string, id: string, fields: Fields): SpecialDoc {
  const before = specialOf(draft, throttleId, id)
  return draft.put('special', { ...before, call_limits: specialLimit(fields, draft.get('throttle', throttleId)) })
}

export function specialOf(draft: Draft, throttleId: string, id: string): SpecialDoc {
  draft.get('throttle', throttleId)
  const special = draft.get('special', id)
  if (special.throttle_id !== throttleId) throw ApigError.of('APIG.3013', id.slice(0, 64))
  return special
}

const specialLimit = (fields: Fields, { api_call_limits }: ThrottleDoc): number =>
  fields.whole('call_limits', 1, api_call_limits === 0 ? 2_147_483_647 : api_call_limits)

/** One policy for an API in an environment, the newest wins. */
export function bindThrottle(draft: Draft, throttleId: string, place: Place): BindingDoc {
  draft.get('throttle', throttleId)
  return bind(draft, 'throttleBinding', throttleId, place, () => true)
}

export function createPlugin(draft: Draft, fields: Fields): PluginDoc {
  const plugin_name = fields.text('plugin_name', {
    ...NAME,
    pattern: /^[\p{Script=Han}A-Za-z][\p{Script=Han}A-Za-z0-9_-]{2,254}$/u,
  })
  const { type, text, content } = readPluginContent(fields)
  mustKnowApps(draft, content)
  if (draft.list('plugin').some((one) => one.plugin_name === plugin_name))
    throw ApigError.of('APIG.3207', plugin_name, 'plugin_name')
  return draft.put('plugin', {
    id: draft.id('plugin', plugin_name),
    plugin_name,
    plugin_type: type,
    plugin_scope: fields.choice('plugin_scope', ['global'], 'global'),
    plugin_content: text,
    remark: fields.textOr('remark', '', REMARK),
    create_time: draft.now,
    update_time: draft.now,
  })
}

/** A limit for a credential that is not there would limit nobody. */
function mustKnowApps(draft: Draft, content: PluginContent): void {
  if (content.type !== 'rate_limit') return
  for (const { type, id } of content.throttle?.specials ?? []) if (type === 'app') draft.get('app', id)
}

export function updatePlugin(draft: Draft, id: string, fields: Fields): PluginDoc {
  const before = draft.get('plugin', id)
  const { type, text, content } = readPluginContent(fields)
  mustKnowApps(draft, content)
  if (type !== before.plugin_type) throw fields.wrong('plugin_type', `${before.plugin_type}: a plug-in keeps its type`)
  const plugin_name = fields.textOr('plugin_name', before.plugin_name)
  if (draft.list('plugin').some((one) => one.plugin_name === plugin_name && one.id !== id)) {
    throw ApigError.of('APIG.3207', plugin_name, 'plugin_name')
  }
  const remark = fields.textOr('remark', before.remark, REMARK)
  return draft.put('plugin', { ...before, plugin_name, plugin_content: text, remark, update_time: draft.now })
}

export function deletePlugin(draft: Draft, id: string): void {
  draft.get('plugin', id)
  if (draft.list('pluginBinding').some((one) => one.of === id))
    throw ApigError.of('APIG.3452', 'detach the plug-in first')
  draft.remove('plugin', id)
}

/** One of each type for an API in an environment, where it must be published. */
export function attachPlugin(draft: Draft, pluginId: string, apiId: string, envId: string): BindingDoc {
  draft.get('plugin', pluginId)
  draft.get('api', apiId)
  draft.get('env', envId)
  const version = versionInEffect(draft, apiId, envId)
  if (version === null) throw ApigError.of('APIG.3707', `API ${apiId}`)
  return bindPlugin(draft, pluginId, version)
}

export function bindPlugin(draft: Draft, pluginId: string, place: Place): BindingDoc {
  const plugin = draft.get('plugin', pluginId)
  return bind(
    draft,
    'pluginBinding',
    pluginId,
    place,
    (one) => draft.find('plugin', one.of)?.plugin_type === plugin.plugin_type,
  )
}

/** The content of a plug-in that is kept. */
export const contentOf = (plugin: PluginDoc): PluginContent =>
  parsePluginContent(plugin.plugin_type as PluginContent['type'], plugin.plugin_content)

export function createAcl(draft: Draft, fields: Fields): AclDoc {
  const body = readAcl(fields)
  if (draft.list('acl').some((one) => one.acl_name === body.acl_name))
    throw ApigError.of('APIG.3206', body.acl_name, 'acl_name')
  return draft.put('acl', { ...body, id: draft.id('acl', body.acl_name), update_time: draft.now })
}

export function updateAcl(draft: Draft, id: string, fields: Fields): AclDoc {
  draft.get('acl', id)
  const body = readAcl(fields)
  draft.mustBeNew('acl', 'APIG.3206', body.acl_name, (one) => one.acl_name === body.acl_name && one.id !== id)
  return draft.put('acl', { ...body, id, update_time: draft.now })
}

export function deleteAcl(draft: Draft, id: string): void {
  draft.get('acl', id)
  if (draft.list('aclBinding').some((one) => one.of === id)) throw ApigError.of('APIG.3447', 'unbind it first')
  draft.remove('acl', id)
}

/** One list of each entity type for an API in an environment. */
export function bindAcl(draft: Draft, aclId: string, place: Place): BindingDoc {
  const acl = draft.get('acl', aclId)
  return bind(draft, 'aclBinding', aclId, place, (one) => draft.find('acl', one.of)?.entity_type === acl.entity_type)
}

export function createAuthorizer(draft: Draft, fields: Fields): AuthorizerDoc {
  const body = readAuthorizer(fields)
  draft.mustBeNew('authorizer', 'APIG.3207', body.name, (one) => one.name === body.name)
  return draft.put('authorizer', { ...body, id: draft.id('authorizer', body.name), create_time: draft.now })
}

export function deleteAuthorizer(draft: Draft, id: string): void {
  const { name } = draft.get('authorizer', id)
  const used =
    draft.list('api').some((api) => api.authorizer_id === id) ||
    draft.list('version').some((one) => one.status === 1 && one.api.authorizer_id === id)
  if (used) throw ApigError.of('APIG.3452', `APIs use ${name}`)
  draft.remove('authorizer', id)
}

export function setFeature(draft: Draft, fields: Fields): FeatureDoc {
  const doc = {
    id: fields.text('name'),
    enable: fields.flag('enable', true),
    config: fields.textOr('config', '', { max: 4_096 }),
    update_time: draft.now,
  }
  applyFeature(defaultFeatures, doc)
  return draft.put('feature', doc)
}

/** The responses of a group, its default one made at the first asking. */
export function responsesOf(draft: Draft, groupId: string): ResponseDoc[] {
  draft.get('group', groupId)
  return draft.where('response', (one) => one.group_id === groupId)
}
