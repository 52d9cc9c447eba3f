import type { ResponseDoc, ResponseInfoDoc } from './docs.ts'
import type { Draft } from './draft.ts'
import { ApigError } from './error.ts'
import type { Fields } from './fields.ts'
import { readResponseInfo } from './read-others.ts'

/** The body of an error that nobody has worded. */
export const DEFAULT_BODY =
  '{"error_code":"$context.error.code","error_msg":"$context.error.message","request_id":"$context.requestId"}'

/** The seventeen types with their usual status; null: that of the error. */
export const RESPONSE_STATUS: Readonly<Record<string, number | null>> = {
  AUTH_FAILURE: 401,
  AUTH_HEADER_MISSING: 401,
  AUTHORIZER_FAILURE: 500,
  AUTHORIZER_CONF_FAILURE: 500,
  AUTHORIZER_IDENTITIES_FAILURE: 401,
  BACKEND_UNAVAILABLE: 502,
  BACKEND_TIMEOUT: 504,
  THROTTLED: 429,
  UNAUTHORIZED: 401,
  ACCESS_DENIED: 403,
  NOT_FOUND: 404,
  REQUEST_PARAMETERS_FAILURE: 400,
  THIRD_AUTH_FAILURE: 401,
  THIRD_AUTH_IDENTITIES_FAILURE: 401,
  THIRD_AUTH_CONF_FAILURE: 500,
  DEFAULT_4XX: null,
  DEFAULT_5XX: null,
}

const SETS_MAX = 4
const NAME_RULE = { max: 64, pattern: /^[A-Za-z0-9_-]{1,64}$/, rule: '1 to 64 letters, digits, - and _' }

export function createResponse(draft: Draft, groupId: string, fields: Fields): ResponseDoc {
  draft.get('group', groupId)
  const name = fields.text('name', NAME_RULE)
  const mine = draft.where('response', (one) => one.group_id === groupId)
  if (mine.some((one) => one.name === name)) throw ApigError.of('APIG.3207', name, 'name')
  if (mine.length >= SETS_MAX) throw ApigError.of('APIG.3301', `${SETS_MAX} gateway responses of a group`)
  return draft.put('response', {
    id: draft.id('response', groupId, name),
    group_id: groupId,
    name,
    default: name === 'default',
    responses: readResponses(fields),
    create_time: draft.now,
    update_time: draft.now,
  })
}

export function updateResponse(draft: Draft, groupId: string, id: string, fields: Fields): ResponseDoc {
  const before = responseOf(draft, groupId, id)
  const name = fields.textOr('name', before.name, NAME_RULE)
  return draft.put('response', { ...before, name, responses: readResponses(fields), update_time: draft.now })
}

/** One type alone; null: it is worded as usual again. */
export function setResponseInfo(
  draft: Draft,
  groupId: string,
  id: string,
  type: string,
  fields: Fields | null,
): ResponseDoc {
  const before = responseOf(draft, groupId, id)
  mustBeType(type)
  const responses = { ...before.responses }
  if (fields === null) delete responses[type]
  else responses[type] = readResponseInfo(fields, DEFAULT_BODY)
  return draft.put('response', { ...before, responses, update_time: draft.now })
}

export function deleteResponse(draft: Draft, groupId: string, id: string): void {
  const response = responseOf(draft, groupId, id)
  if (response.default) throw ApigError.of('APIG.3491', '')
  if (draft.list('api').some((api) => api.response_id === id))
    throw ApigError.of('APIG.3452', 'APIs use the gateway response')
  draft.remove('response', id)
}

export function responseOf(draft: Draft, groupId: string, id: string): ResponseDoc {
  draft.get('group', groupId)
  const response = draft.get('response', id)
  if (response.group_id !== groupId) throw ApigError.of('APIG.3014', `gateway response ${id.slice(0, 64)}`)
  return response
}

export function mustBeType(type: string): void {
  if (Object.hasOwn(RESPONSE_STATUS, type)) return
  throw ApigError.field('APIG.2012', 'response_type', `one of ${Object.keys(RESPONSE_STATUS).join(', ')}`)
}

/** Only what differs from the usual is kept. */
function readResponses(fields: Fields): Record<string, ResponseInfoDoc> {
  const responses: Record<string, ResponseInfoDoc> = {}
  const given = fields.inner('responses')
  for (const type of given?.names() ?? []) {
    mustBeType(type)
    const inner = given!.inner(type)
    if (inner === null || inner.flag('default', false)) continue
    responses[type] = readResponseInfo(inner, DEFAULT_BODY)
  }
  return responses
}

/** As a client gets it: all types, the usual ones marked. */
export function shownResponses(response: ResponseDoc): Record<string, unknown> {
  return Object.fromEntries(Object.keys(RESPONSE_STATUS).map((type) => [type, shownInfo(response, type)]))
}

export function shownInfo(response: ResponseDoc, type: string): Record<string, unknown> {
  const worded = response.responses[type]
  const usual = RESPONSE_STATUS[type] ?? null
  const status = worded?.status ?? usual
  return {
    ...(status !== null && { status }),
    body: worded?.body ?? DEFAULT_BODY,
    ...(worded !== undefined && worded.headers.length > 0 && { headers: worded.headers }),
    default: worded === undefined,
  }
}
