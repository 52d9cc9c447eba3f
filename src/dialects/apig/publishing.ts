import type { ApiBody, ApiDoc, BindingDoc, VersionDoc } from './docs.ts'
import type { Draft } from './draft.ts'
import { ApigError } from './error.ts'
import type { Fields } from './fields.ts'
import { readApi } from './read-api.ts'

// What is done with APIs: made, changed, published, taken offline. Each throws ApigError and changes only the draft.

const VERSIONS_KEPT = 10

export function createApi(draft: Draft, fields: Fields): ApiDoc {
  const group_id = fields.text('group_id')
  draft.get('group', group_id)
  const body = readApi(fields)
  checkReferences(draft, body, group_id)
  checkUnique(draft, body, group_id, null)
  const id = draft.id('api', group_id, body.name)
  return draft.put('api', { ...body, id, group_id, register_time: draft.now, update_time: draft.now })
}

export function updateApi(draft: Draft, id: string, fields: Fields): ApiDoc {
  const before = draft.get('api', id)
  const group_id = fields.textOr('group_id', before.group_id)
  draft.get('group', group_id)
  const body = readApi(fields)
  checkReferences(draft, body, group_id)
  checkUnique(draft, body, group_id, id)
  return draft.put('api', { ...body, id, group_id, register_time: before.register_time, update_time: draft.now })
}

export function deleteApi(draft: Draft, id: string): void {
  const { name } = draft.get('api', id)
  const published = draft.list('version').find((one) => one.api_id === id && one.status === 1)
  if (published !== undefined) throw ApigError.of('APIG.3416', `take ${name} offline first`)
  for (const kind of ['version', 'throttleBinding', 'pluginBinding', 'aclBinding', 'auth'] as const) {
    for (const doc of draft.list(kind)) if (doc.api_id === id) draft.remove(kind, doc.id)
  }
  draft.remove('api', id)
}

/** The API of the group that serves the same requests; null: there is none. */
export function sameApi(
  draft: Draft,
  groupId: string,
  { req_method, req_uri, match_mode }: Pick<ApiBody, 'req_method' | 'req_uri' | 'match_mode'>,
  except: string | null = null,
): ApiDoc | null {
  const same = (one: ApiDoc): boolean =>
    one.id !== except &&
    one.group_id === groupId &&
    one.req_method === req_method &&
    one.match_mode === match_mode &&
    shapeOf(one.req_uri) === shapeOf(req_uri)
  return draft.list('api').find(same) ?? null
}

function checkReferences(draft: Draft, body: ApiBody, groupId: string): void {
  if (body.authorizer_id !== null && draft.find('authorizer', body.authorizer_id) === null) {
    throw ApigError.of('APIG.3014', `authorizer ${body.authorizer_id}`, 'authorizer_id')
  }
  if (body.response_id !== null && draft.find('response', body.response_id)?.group_id !== groupId) {
    throw ApigError.of('APIG.3014', `gateway response ${body.response_id} in this group`, 'response_id')
  }
}

/** A group has each name once, and each method, path and match mode. */
export function checkUnique(draft: Draft, body: ApiBody, groupId: string, except: string | null): void {
  for (const other of draft.list('api')) {
    if (other.group_id !== groupId || other.id === except) continue
    if (other.name === body.name) throw ApigError.of('APIG.3202', body.name, 'name')
  }
  const same = sameApi(draft, groupId, body, except)
  if (same !== null) {
    const text = `${same.name} of this group has ${body.req_method} ${body.req_uri} already`
    throw ApigError.field('APIG.2012', 'req_uri', text)
  }
}

/** Paths that no request could tell apart. */
const shapeOf = (path: string): string => path.replace(/\{[^{}]+?(\+?)\}/g, '{$1}')

/** The version of an API that is in effect in an environment; null: it is not published there. */
export function versionInEffect(draft: Draft, apiId: string, envId: string): VersionDoc | null {
  return draft.list('version').find((one) => one.api_id === apiId && one.env_id === envId && one.status === 1) ?? null
}

export function publish(draft: Draft, apiId: string, envId: string, remark: string): VersionDoc {
  const api = draft.get('api', apiId)
  draft.get('env', envId)
  const before = draft.where('version', (one) => one.api_id === apiId && one.env_id === envId)
  for (const one of before) if (one.status === 1) draft.put('version', { ...one, status: 2 })
  const oldest = before.slice(0, Math.max(0, before.length - VERSIONS_KEPT + 1))
  for (const one of oldest) draft.remove('version', one.id)
  const number = `${draft.now.replace(/\D/g, '').slice(0, 14)}${String(before.length + 1).padStart(3, '0')}`
  return draft.put('version', {
    id: draft.id('version', apiId, envId, number),
    version_no: number,
    api_id: apiId,
    env_id: envId,
    // The record of an API in an environment stays the same: bindings name it.
    publish_id: before[0]?.publish_id ?? draft.id('version', 'publish', apiId, envId),
    publish_time: draft.now,
    remark,
    status: 1,
    api,
  })
}

export function offline(draft: Draft, apiId: string, envId: string): VersionDoc {
  draft.get('api', apiId)
  draft.get('env', envId)
  const version = versionInEffect(draft, apiId, envId)
  if (version === null) throw ApigError.of('APIG.3015', `API ${apiId} is not published in environment ${envId}`)
  draft.put('version', { ...version, status: 2 })
  return version
}

/** Back to an older version, in the environment that it was published in. */
export function switchVersion(draft: Draft, apiId: string, versionId: string): VersionDoc {
  const version = draft.get('version', versionId)
  if (version.api_id !== apiId) throw ApigError.of('APIG.3015', `version ${versionId} is of another API`)
  const now = versionInEffect(draft, apiId, version.env_id)
  if (now !== null) draft.put('version', { ...now, status: 2 })
  return draft.put('version', { ...version, status: 1, publish_time: draft.now })
}

export type BindingKind = 'throttleBinding' | 'pluginBinding' | 'aclBinding'

/** An API in an environment. */
export interface Place {
  readonly api_id: string
  readonly env_id: string
}

/** The publication record that a binding names. */
export function publishedBy(draft: Draft, publishId: string): VersionDoc {
  const version = draft.list('version').find((one) => one.publish_id === publishId && one.status === 1)
  if (version === undefined) throw ApigError.of('APIG.3015', publishId.slice(0, 64))
  return version
}

/** Binds a throttle, plug-in or list to an API in an environment, in place of those that `replaces` picks. */
export function bind(
  draft: Draft,
  kind: BindingKind,
  of: string,
  place: Place,
  replaces: (binding: BindingDoc) => boolean,
): BindingDoc {
  const { api_id, env_id } = place
  for (const one of draft.list(kind)) {
    if (one.api_id !== api_id || one.env_id !== env_id) continue
    if (one.of === of) return one
    if (replaces(one)) draft.remove(kind, one.id)
  }
  return draft.put(kind, { id: draft.id(kind, of, api_id, env_id), of, api_id, env_id, time: draft.now })
}
