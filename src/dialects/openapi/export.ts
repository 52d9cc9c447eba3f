import type { ApiDoc, BackendParameterDoc, BranchDoc, GroupDoc, RequestParameterDoc } from '../apig/docs.ts'
import { without } from './document.ts'
import { METHODS } from './operations.ts'

const KEYS: ReadonlyMap<string, string> = new Map(Object.entries(METHODS).map(([key, method]) => [method, key]))

/** A group as an OpenAPI 3 document that an import makes the same APIs of. */
export function openApiOf(group: GroupDoc, apis: readonly ApiDoc[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const api of apis) {
    const item = (paths[api.req_uri] ??= {})
    item[KEYS.get(api.req_method) ?? api.req_method.toLowerCase()] = operationOf(api)
  }
  return {
    openapi: '3.0.3',
    info: { title: group.name, description: group.remark, version },
    paths,
    components: {
      securitySchemes: {
        apig_auth_app: { type: 'apiKey', name: 'Authorization', in: 'header', 'x-apigateway-auth-type': 'AppSigv1' },
        apig_auth_app_code: {
          type: 'apiKey',
          name: 'X-Apig-AppCode',
          in: 'header',
          'x-apigateway-auth-type': 'AppSigv1',
          'x-apigateway-auth-opt': { 'appcode-auth-type': 'header' },
        },
      },
    },
  }
}

function operationOf(api: ApiDoc): Record<string, unknown> {
  const simple = api.auth_opt.app_code_auth_type === 'HEADER'
  return without({
    operationId: api.name,
    description: api.remark || undefined,
    parameters: api.req_params.map(parameterOf),
    security: api.auth_type === 'APP' ? [{ [simple ? 'apig_auth_app_code' : 'apig_auth_app']: [] }] : undefined,
    responses: { default: { description: 'as the backend answers' } },
    'x-apigateway-request-type': api.type === 1 ? 'public' : 'private',
    'x-apigateway-match-mode': api.match_mode,
    'x-apigateway-cors': api.cors,
    'x-apigateway-backend': backendOf(api),
    'x-apigateway-backend-policies': [...api.policy_https, ...api.policy_mocks].map(policyOf),
  })
}

function parameterOf(one: RequestParameterDoc): Record<string, unknown> {
  const number = one.type === 'NUMBER'
  const checked = one.valid_enable === 1
  return without({
    name: one.name,
    in: one.location.toLowerCase(),
    required: one.required === 1,
    description: one.remark || undefined,
    schema: without({
      type: number ? 'number' : 'string',
      default: one.default_value ?? undefined,
      minimum: (checked && one.min_num) || undefined,
      maximum: (checked && one.max_num) || undefined,
      minLength: (checked && one.min_size) || undefined,
      maxLength: (checked && one.max_size) || undefined,
      pattern: checked && one.regular !== '' ? `^(?:${one.regular})$` : undefined,
      enum: checked && one.enumerations !== '' ? one.enumerations.split(',') : undefined,
    }),
    'x-apigateway-pass-through': one.pass_through === 1 ? 'always' : undefined,
  })
}

const backendParameter = ({ name, value, location, origin }: BackendParameterDoc): Record<string, unknown> => ({
  name,
  value,
  in: location,
  origin,
})

const httpOf = (http: ApiDoc['backend_api']): Record<string, unknown> | undefined =>
  http === null
    ? undefined
    : {
        address: http.url_domain,
        scheme: http.req_protocol.toLowerCase(),
        method: http.req_method,
        path: http.req_uri,
        timeout: http.timeout,
        'retry-count': http.retry_count,
      }

const mockOf = (mock: ApiDoc['mock_info']): Record<string, unknown> | undefined =>
  mock === null
    ? undefined
    : {
        'result-content': mock.result_content,
        'status-code': mock.status_code,
        headers: mock.header.map(({ key, value }) => ({ name: key, value })),
      }

const backendOf = (api: ApiDoc): Record<string, unknown> =>
  without({
    type: api.backend_type,
    parameters: api.backend_params.map(backendParameter),
    httpEndpoints: httpOf(api.backend_api),
    mockEndpoints: mockOf(api.mock_info),
  })

const policyOf = (branch: BranchDoc): Record<string, unknown> =>
  without({
    type: branch.backend_api === null ? 'MOCK' : 'HTTP',
    name: branch.name,
    'effect-mode': branch.effect_mode,
    conditions: branch.conditions.map((one) =>
      without({
        type: one.condition_type === 'exact' ? 'equal' : one.condition_type,
        origin: one.condition_origin === 'param' ? 'request' : one.condition_origin,
        value: one.condition_value,
        parameter:
          one.req_param_name ||
          one.sys_param_name ||
          one.cookie_param_name ||
          one.frontend_authorizer_param_name ||
          undefined,
        in: one.req_param_location ?? undefined,
      }),
    ),
    parameters: branch.backend_params.map(backendParameter),
    httpEndpoints: httpOf(branch.backend_api),
    mockEndpoints: mockOf(branch.mock_info),
  })
