import { type Json, list, type OpenApiDocument, object, text, without } from './document.ts'
import { readParameters } from './parameters.ts'

/** Keys of a path item that are methods. */
export const METHODS: Readonly<Record<string, string>> = {
  get: 'GET',
  put: 'PUT',
  post: 'POST',
  delete: 'DELETE',
  options: 'OPTIONS',
  head: 'HEAD',
  patch: 'PATCH',
  'x-apigateway-any-method': 'ANY',
}

export interface Operation {
  /** Where it stands in the document: `paths./a.get`. */
  readonly place: string
  /** An entry of `apis` of a group. */
  readonly api: Json
  readonly skipped: readonly string[]
  /** Why the document does not say enough of it to be served; null: it does. */
  readonly fault: string | null
}

const NAME_CHARACTERS_MAX = 255

/** Every operation of the document as an API of a group. Throws nothing: what is wrong shows when it is made. */
export function readOperations(document: OpenApiDocument): Operation[] {
  const names = new Set<string>()
  const operations: Operation[] = []
  for (const [path, rawItem] of Object.entries(object(document.root['paths']))) {
    const item = document.follow(rawItem) ?? {}
    for (const [key, method] of Object.entries(METHODS)) {
      if (!Object.hasOwn(item, key)) continue
      const operation = object(item[key])
      const { req_params, skipped } = readParameters(document, path, item, operation)
      const name = uniqueName(text(operation['operationId']) || `${method}_${path}`, names)
      const api = without({ ...apiOf(document, path, method, operation, req_params), name, req_params })
      operations.push({ place: `paths.${path}.${key}`, api, skipped, fault: faultOf(document, operation) })
    }
  }
  return operations
}

const faultOf = (document: OpenApiDocument, operation: Json): string | null =>
  document.server !== null || text(object(operation['x-apigateway-backend'])['type']) !== ''
    ? null
    : document.version === 2
      ? 'what is behind it is not said: name host (and basePath, schemes), or x-apigateway-backend'
      : 'what is behind it is not said: name servers with a whole URL, as in http://127.0.0.1:8080/v1, or x-apigateway-backend'

function uniqueName(written: string, names: Set<string>): string {
  const plain = written.replace(/[^\p{Script=Han}A-Za-z0-9_\-./:() ]/gu, '_').replace(/^[^\p{Script=Han}A-Za-z]+/u, '')
  const base = (plain.length < 3 ? `api_${plain}` : plain).slice(0, NAME_CHARACTERS_MAX - 8)
  let name = base
  for (let i = 2; names.has(name); i++) name = `${base}_${i}`
  names.add(name)
  return name
}

function apiOf(
  document: OpenApiDocument,
  path: string,
  method: string,
  operation: Json,
  parameters: readonly Json[],
): Json {
  const server = document.server
  const full = `${server?.basePath ?? ''}${path}`
  const authentication = authOf(document, operation)
  return {
    type: operation['x-apigateway-request-type'] === 'private' ? 2 : 1,
    req_method: method,
    req_uri: full,
    match_mode: text(operation['x-apigateway-match-mode']) || undefined,
    cors: operation['x-apigateway-cors'] === true,
    remark:
      (text(operation['summary']) || text(operation['description'])).replaceAll(/[<>]/g, '').slice(0, 255) || undefined,
    response: text(operation['x-apigateway-response']) || undefined,
    throttle: text(operation['x-apigateway-ratelimit']) || undefined,
    acls:
      text(operation['x-apigateway-access-control']) === ''
        ? undefined
        : [text(operation['x-apigateway-access-control'])],
    plugins: list(operation['x-apigateway-plugins']).length === 0 ? undefined : list(operation['x-apigateway-plugins']),
    ...authentication,
    ...backendOf(document, full, method, object(operation['x-apigateway-backend'])),
    ...policiesOf(operation, parameters),
  }
}

/** Words of `x-apigateway-auth-type` for the dialect's own; others stay as they are. AppSigv1 is the vendor's for APP. */
const AUTH_TYPES: Readonly<Record<string, string>> = { APPSIGV1: 'APP', CUSTOM: 'AUTHORIZER' }

/** `security` names a scheme; one with `x-apigateway-auth-type` is the gateway's business, any other the backend's. */
function authOf(document: OpenApiDocument, operation: Json): Json {
  const security = list(operation['security'] ?? document.root['security'])
  const schemes = object(
    document.version === 2
      ? document.root['securityDefinitions']
      : object(document.root['components'])['securitySchemes'],
  )
  for (const requirement of security) {
    for (const name of Object.keys(object(requirement))) {
      const scheme = document.follow(schemes[name]) ?? {}
      const type = text(scheme['x-apigateway-auth-type']).toUpperCase()
      if (type === '') continue
      const opt = object(scheme['x-apigateway-auth-opt'] ?? operation['x-apigateway-auth-opt'])
      const code = text(opt['appcode-auth-type'] ?? opt['app_code_auth_type']).toUpperCase()
      return {
        auth_type: AUTH_TYPES[type] ?? type,
        ...(code !== '' && { auth_opt: { app_code_auth_type: code } }),
        ...(text(operation['x-apigateway-authorizer']) !== '' && {
          authorizer: text(operation['x-apigateway-authorizer']),
        }),
      }
    }
  }
  return { auth_type: 'NONE' }
}

/** The extension, or else the server of the document at the same path. */
function backendOf(document: OpenApiDocument, path: string, method: string, backend: Json): Json {
  const type = text(backend['type']).toUpperCase()
  const backend_params = parametersOf(backend)
  if (type === 'MOCK')
    return { backend_type: 'MOCK', mock_info: mockOf(object(backend['mockEndpoints'])), backend_params }
  if (type === 'HTTP' || type === 'HTTPS')
    return { backend_type: 'HTTP', backend_api: httpOf(object(backend['httpEndpoints'])), backend_params }
  // A load balance channel: refused as the management API refuses it, by its name.
  if (type === 'HTTP-VPC') return { backend_type: 'HTTP', backend_api: { vpc_channel_status: 1 } }
  if (type !== '') return { backend_type: type }
  const { server } = document
  if (server === null) return { backend_type: 'HTTP' }
  return {
    backend_type: 'HTTP',
    backend_api: { url_domain: server.authority, req_protocol: server.protocol, req_method: method, req_uri: path },
  }
}

const httpOf = (http: Json): Json =>
  without({
    url_domain: http['address'],
    req_protocol: text(http['scheme']).toUpperCase() || 'HTTPS',
    req_method: text(http['method']).toUpperCase() || 'ANY',
    req_uri: http['path'],
    timeout: http['timeout'],
    retry_count: http['retry-count'],
  })

const mockOf = (mock: Json): Json =>
  without({
    result_content: mock['result-content'],
    status_code: mock['status-code'],
    header: list(mock['headers']).map((one) => ({
      key: object(one)['name'] ?? object(one)['key'],
      value: object(one)['value'],
    })),
  })

const parametersOf = (backend: Json): Json[] =>
  list(backend['parameters']).map((raw) => {
    const one = object(raw)
    return {
      name: one['name'],
      value: one['value'],
      location: text(one['in']).toUpperCase(),
      origin: text(one['origin']).toUpperCase(),
    }
  })

/** Comparisons of `x-apigateway-backend-policies.conditions`. */
const COMPARISONS: Readonly<Record<string, string>> = { equal: 'exact' }

/** Its origins, and the field of a condition that has the name of what is compared. */
const ORIGINS: Readonly<Record<string, string>> = { request: 'param', request_parameter: 'param' }
const NAME_FIELDS: Readonly<Record<string, string>> = {
  param: 'req_param_name',
  system: 'sys_param_name',
  cookie: 'cookie_param_name',
  frontend_authorizer: 'frontend_authorizer_param_name',
}

/** `{type: equal | enum | pattern, value, origin: source | request, parameter}`; where a parameter is, its declaration says. */
function conditionOf(one: Json, parameters: readonly Json[]): Json {
  const said = text(one['origin']) || 'request'
  const origin = ORIGINS[said] ?? said
  const comparison = text(one['type']) || 'equal'
  const name = text(one['parameter'] ?? one['parameter_name'] ?? one['name'])
  const declared = parameters.find((parameter) => parameter['name'] === name)
  return without({
    condition_origin: origin,
    condition_type: COMPARISONS[comparison] ?? comparison,
    condition_value: text(one['value']),
    [NAME_FIELDS[origin] ?? 'req_param_name']: name || undefined,
    req_param_location:
      origin !== 'param' ? undefined : text(one['in']).toUpperCase() || (declared?.['location'] ?? undefined),
  })
}

function policiesOf(operation: Json, parameters: readonly Json[]): Json {
  const policies = list(operation['x-apigateway-backend-policies']).map(object)
  const common = (policy: Json): Json => ({
    name: policy['name'],
    effect_mode: text(policy['effect-mode']).toUpperCase() || 'ANY',
    conditions: list(policy['conditions']).map((raw) => conditionOf(object(raw), parameters)),
    backend_params: parametersOf(policy),
  })
  const of = (...types: string[]): Json[] =>
    policies.filter((policy) => types.includes(text(policy['type']).toUpperCase()))
  const [mocks, channels, functions] = [of('MOCK'), of('HTTP-VPC'), of('FUNCTION')]
  return without({
    policy_https: [
      ...of('HTTP', 'HTTPS').map((policy) => ({ ...common(policy), ...httpOf(object(policy['httpEndpoints'])) })),
      ...channels.map((policy) => ({ ...common(policy), vpc_channel_status: 1 })),
    ],
    policy_mocks: mocks.map((policy) => ({ ...common(policy), ...mockOf(object(policy['mockEndpoints'])) })),
    policy_functions: functions.length === 0 ? undefined : functions,
  })
}
