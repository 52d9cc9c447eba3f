import { isObject, type Json, list, OpenApiDocument, object, text, without } from './document.ts'
import { readOperations } from './operations.ts'

/** A document as an `apig` section, and where each part of that stands in the document. */
export interface OpenApiSection {
  readonly section: Json
  /** Section path -> document path; the longest that fits a problem's path counts. */
  readonly places: ReadonlyMap<string, string>
  /** Doubtful, at document paths. */
  readonly warnings: readonly Remark[]
  /** Wrong, at document paths. What is left is in the section. */
  readonly faults: readonly Remark[]
}

export interface Remark {
  readonly place: string
  readonly message: string
}

export interface OpenApiOptions {
  /** Environments in which the APIs are published. */
  readonly publish: readonly string[]
  /** Of the group, instead of the title of the document. */
  readonly groupName?: string
}

const GROUP_NAME_CHARACTERS_MAX = 255

/** Looks like OpenAPI 3 or Swagger 2, as far as the beginning of its text tells. */
export const looksLikeOpenApi = (head: string): boolean =>
  /^\s*["']?(?:openapi|swagger)["']?\s*:/m.test(head.replace(/^\s*\{/, ''))

/** Null: it is neither OpenAPI 3 nor Swagger 2. */
export function openApiSection(value: unknown, options: OpenApiOptions): OpenApiSection | null {
  if (!isObject(value) || !(/^3\./.test(text(value['openapi'])) || /^2(\.|$)/.test(text(value['swagger'])))) return null
  const document = new OpenApiDocument(value)
  const all = readOperations(document)
  const operations = all.filter(({ fault }) => fault === null)
  const faults = all.flatMap(({ place, fault }) => (fault === null ? [] : [{ place, message: fault }]))
  const places = new Map<string, string>([['', '']])
  for (const [i, { place }] of operations.entries()) places.set(`groups.0.apis.${i}`, place)
  const responses = object(value['x-apigateway-responses'])
  for (const [i, name] of Object.keys(responses).entries()) {
    places.set(`groups.0.gateway_responses.${i}`, `x-apigateway-responses.${name}`)
  }
  const throttles = ratelimits(object(value['x-apigateway-ratelimits']))
  for (const [i, { name }] of throttles.entries()) places.set(`throttles.${i}`, `x-apigateway-ratelimits.${text(name)}`)
  const acls = accessControls(object(value['x-apigateway-access-controls']))
  for (const [i, { acl_name }] of acls.entries())
    places.set(`acls.${i}`, `x-apigateway-access-controls.${text(acl_name)}`)
  const section = {
    throttles,
    acls,
    groups: [
      {
        name: options.groupName ?? groupName(document.title),
        gateway_responses: Object.entries(responses).map(([name, one]) => ({ name, responses: one })),
        apis: operations.map(({ api }) => ({ ...api, publish: options.publish })),
      },
    ],
  }
  const warnings = operations.flatMap(({ place, skipped }) => skipped.map((message) => ({ place, message })))
  return { section, places, warnings, faults }
}

/** Where a path of the section stands in the document. */
export function documentPlace(places: ReadonlyMap<string, string>, path: string): string {
  for (let prefix = path; prefix !== ''; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('.')))) {
    const place = places.get(prefix)
    if (place !== undefined) return place
  }
  return ''
}

function groupName(title: string): string {
  const plain = title.replace(/[^\p{Script=Han}A-Za-z0-9_\-./:() ]/gu, '_').replace(/^[^\p{Script=Han}A-Za-z]+/u, '')
  return (plain.length < 3 ? `api_${plain}` : plain).slice(0, GROUP_NAME_CHARACTERS_MAX)
}

/** `x-apigateway-ratelimits: {name: {api-limit, user-limit, app-limit, ip-limit, interval, unit, shared, special}}`. */
const ratelimits = (limits: Json): Json[] =>
  Object.entries(limits).map(([name, raw]) => {
    const one = object(raw)
    return without({
      name,
      type: one['shared'] === true ? 2 : 1,
      time_interval: one['interval'],
      time_unit: text(one['unit']).toUpperCase(),
      api_call_limits: one['api-limit'],
      user_call_limits: one['user-limit'],
      app_call_limits: one['app-limit'],
      ip_call_limits: one['ip-limit'],
      specials: list(one['special']).map((special) => ({
        object_type: text(object(special)['type']).toUpperCase(),
        object_id: object(special)['instance'],
        call_limits: object(special)['limit'],
      })),
    })
  })

const accessControls = (controls: Json): Json[] =>
  Object.entries(controls).map(([acl_name, raw]) => {
    const one = object(raw)
    const value = one['value']
    return {
      acl_name,
      acl_type: text(one['acl-type']).toUpperCase() === 'ALLOW' ? 'PERMIT' : text(one['acl-type']).toUpperCase(),
      entity_type: text(one['entity-type']).toUpperCase(),
      acl_value: Array.isArray(value) ? value.map(text).join(',') : text(value),
    }
  })
