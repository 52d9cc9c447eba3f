import { CONTEXT_NAME } from './context-names.ts'
import type {
  ApiBody,
  BackendApiDoc,
  BackendParameterDoc,
  BranchDoc,
  ConditionDoc,
  MockDoc,
  RequestParameterDoc,
} from './docs.ts'
import { Fields, GROUP_NAME, type TextRule } from './fields.ts'
import { answerHeader, HEADER_VALUE, isToken, requestHeader } from './header-rules.ts'
import { hostOf } from './host-rules.ts'
import { patternFault } from './pattern.ts'

export const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'ANY'] as const
const PATH_CHARACTERS_MAX = 512
const PARAMETERS_MAX = 50
const BRANCHES_MAX = 5
const MOCK_CHARACTERS_MAX = 2_048
const TIMEOUT_MS_MAX = 600_000
const LOCATIONS = ['PATH', 'QUERY', 'HEADER'] as const

const PATH: TextRule = {
  max: PATH_CHARACTERS_MAX,
  pattern: /^\/[^\s?#]*$/,
  rule: `a path of at most ${PATH_CHARACTERS_MAX} characters that begins with a slash, without blank, ? and #`,
}

/** Checks the body of an API and fills in its defaults. Throws ApigError. */
export function readApi(fields: Fields): ApiBody {
  const type = fields.choice('backend_type', ['HTTP', 'MOCK', 'FUNCTION', 'GRPC'])
  if (type === 'FUNCTION' || type === 'GRPC') {
    throw fields.wrong('backend_type', `HTTP or MOCK: ${type} is not supported; put an HTTP server before it`)
  }
  const auth = fields.choice('auth_type', ['NONE', 'APP', 'AUTHORIZER', 'IAM'], 'NONE')
  if (auth === 'IAM')
    throw fields.wrong('auth_type', 'NONE, APP or AUTHORIZER: there is no IAM here; APP is signed alike')
  for (const name of ['policy_functions'] as const) {
    if (fields.list(name, BRANCHES_MAX, () => null).length > 0) {
      throw fields.wrong(name, 'left out: functions are not supported; use policy_https')
    }
  }
  const parameters = fields.list('req_params', PARAMETERS_MAX, requestParameter)
  const path = pathOf(fields, 'req_uri')
  const body: ApiBody = {
    name: fields.text('name', GROUP_NAME),
    type: fields.wholeOr('type', 1, 1, 2),
    req_protocol: fields.choice('req_protocol', ['HTTP', 'HTTPS', 'BOTH'], 'BOTH'),
    req_method: fields.choice('req_method', METHODS),
    req_uri: path,
    match_mode: fields.choice('match_mode', ['NORMAL', 'SWA'], 'NORMAL'),
    auth_type: auth,
    auth_opt: {
      app_code_auth_type:
        fields.inner('auth_opt')?.choice('app_code_auth_type', ['DISABLE', 'HEADER'], 'DISABLE') ?? 'DISABLE',
    },
    authorizer_id: fields.textOr('authorizer_id', null),
    backend_type: type,
    backend_api: type === 'HTTP' ? backendApi(fields) : null,
    mock_info: type === 'MOCK' ? mockInfo(fields) : null,
    req_params: parameters,
    backend_params: backendParameters(fields),
    policy_https: fields.list('policy_https', BRANCHES_MAX, (one) => branch(one, 'HTTP')),
    policy_mocks: fields.list('policy_mocks', BRANCHES_MAX, (one) => branch(one, 'MOCK')),
    cors: fields.flag('cors', false),
    response_id: fields.textOr('response_id', null),
    tags: fields.texts('tags'),
    remark: fields.textOr('remark', '', { max: 255 }),
    body_remark: fields.textOr('body_remark', '', { max: 20_480 }),
    result_normal_sample: fields.textOr('result_normal_sample', '', { max: 20_480 }),
    result_failure_sample: fields.textOr('result_failure_sample', '', { max: 20_480 }),
  }
  checkMappings(fields, body)
  if (auth === 'AUTHORIZER' && body.authorizer_id === null) {
    throw fields.wrong('authorizer_id', 'the id of a custom authorizer, since auth_type is AUTHORIZER')
  }
  return body
}

/** What a backend takes from the request has to be there: a parameter that is declared, or stands in the path. */
function checkMappings(fields: Fields, body: ApiBody): void {
  const own = new Set(namesIn(body.req_uri))
  const declared = new Set([...own, ...body.req_params.map(({ name }) => name)])
  const stray = body.req_params.findIndex(({ name, location }) => location === 'PATH' && !own.has(name))
  if (stray >= 0) {
    const { name } = body.req_params[stray]!
    throw fields.wrong(`req_params.${stray}.name`, `a parameter of req_uri: {${name}} does not stand in it`)
  }
  const backends = [
    { place: '', backend: body.backend_api, mappings: body.backend_params, path: 'backend_api.req_uri' },
    ...body.policy_https.map((one, i) => ({
      place: `policy_https.${i}.`,
      backend: one.backend_api,
      mappings: one.backend_params,
      path: 'req_uri',
    })),
  ]
  for (const { place, backend, mappings, path } of backends) {
    if (backend === null) continue
    const taken = mappings.findIndex(({ origin, value }) => origin === 'REQUEST' && !declared.has(value))
    if (taken >= 0) {
      const rule = `the name of one of req_params, or of a parameter in req_uri; ${mappings[taken]!.value} is neither`
      throw fields.wrong(`${place}backend_params.${taken}.value`, rule)
    }
    const filled = new Set([...own, ...mappings.filter(({ location }) => location === 'PATH').map(({ name }) => name)])
    const empty = namesIn(backend.req_uri).find((name) => !filled.has(name))
    if (empty !== undefined) {
      const rule = `{${empty}} has no value: give it one with a PATH parameter of backend_params, or have it in req_uri`
      throw fields.wrong(place + path, rule)
    }
  }
}

const namesIn = (path: string): string[] =>
  [...path.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1]!.replace(/\+$/, ''))

/** `{name}` stands for a whole segment, `{name+}` for the rest. */
function pathOf(fields: Fields, name: string): string {
  const path = fields.text(name, PATH)
  const segments = path.slice(1).split('/')
  const names = new Set<string>()
  segments.forEach((segment, i) => {
    if (segment === '.' || segment === '..')
      throw fields.wrong(name, 'a path without . and .. segments: none is served')
    if (!/[{}]/.test(segment)) return
    const match = /^\{([A-Za-z][A-Za-z0-9_.-]{0,31})(\+?)\}$/.exec(segment)
    if (match === null) throw fields.wrong(name, '{name} stands for a whole segment, as in /a/{id}')
    if (names.has(match[1]!)) throw fields.wrong(name, `{${match[1]}} stands in it twice`)
    if (match[2] === '+' && i < segments.length - 1) throw fields.wrong(name, '{name+} stands at the end')
    names.add(match[1]!)
  })
  return path
}

function requestParameter(fields: Fields): RequestParameterDoc {
  const location = fields.choice('location', LOCATIONS)
  const name = fields.text('name', { max: 32 })
  checkName(fields, name, location)
  const regular = fields.textOr('regular', '', { max: 255 })
  const required = fields.wholeOr('required', 2, 1, 2)
  const fault = regular === '' ? null : patternFault(regular)
  if (fault !== null) throw fields.wrong('regular', fault)
  const schema = fields.textOr('json_schema', '', { max: 65_535 })
  if (schema !== '')
    throw fields.wrong('json_schema', 'left out: it is not supported; use regular, enumerations, min and max')
  return {
    name,
    location,
    type: fields.choice('type', ['STRING', 'NUMBER'], 'STRING'),
    required: location === 'PATH' ? 1 : required,
    valid_enable: fields.wholeOr('valid_enable', 2, 1, 2),
    pass_through: fields.wholeOr('pass_through', 2, 1, 2),
    default_value: fields.textOr('default_value', null),
    enumerations: fields.textOr('enumerations', ''),
    regular,
    min_num: fields.numberOr('min_num', null),
    max_num: fields.numberOr('max_num', null),
    min_size: fields.wholeOr('min_size', null, 0, 2_147_483_647),
    max_size: fields.wholeOr('max_size', null, 0, 2_147_483_647),
    sample_value: fields.textOr('sample_value', ''),
    remark: fields.textOr('remark', ''),
  }
}

const RESERVED = /^(x-apig-|x-sdk-)|^x-stage$/i

function checkName(fields: Fields, name: string, location: (typeof LOCATIONS)[number]): void {
  if (RESERVED.test(name))
    throw fields.wrong('name', 'a name that does not begin with x-apig- or x-sdk-, and is not x-stage')
  if (location !== 'HEADER') return
  if (!isToken(name) || name.includes('_')) throw fields.wrong('name', 'a header name without underscore')
  if (/^(authorization|x-auth-token)$/i.test(name)) {
    throw fields.wrong('name', 'another header: Authorization and X-Auth-Token cannot be parameters')
  }
}

const backendParameters = (fields: Fields): BackendParameterDoc[] =>
  fields.list('backend_params', PARAMETERS_MAX, (one) => {
    const origin = one.choice('origin', ['REQUEST', 'CONSTANT', 'SYSTEM'])
    const location = one.choice('location', LOCATIONS)
    const name = location === 'HEADER' ? requestHeader(one, 'name') : one.text('name', { max: 32 })
    const value = one.text('value', origin === 'CONSTANT' && location === 'HEADER' ? { ...HEADER_VALUE, max: 255 } : {})
    if (origin === 'SYSTEM' && !CONTEXT_NAME.test(value))
      throw one.wrong('value', 'a system parameter, as in $context.sourceIp')
    return { name, location, origin, value, remark: one.textOr('remark', '') }
  })

function backendApi(parent: Fields): BackendApiDoc {
  const fields = parent.inner('backend_api')
  if (fields === null)
    throw parent.wrong('backend_api', 'what is called: url_domain, req_protocol, req_method, req_uri')
  const channel = fields.inner('vpc_channel_info')
  if (fields.wholeOr('vpc_channel_status', 2, 1, 2) === 1 || channel !== null) {
    throw fields.wrong('vpc_channel_status', '2: load balance channels are not supported; name the host in url_domain')
  }
  return {
    url_domain: hostOf(fields, 'url_domain', true),
    req_protocol: fields.choice('req_protocol', ['HTTP', 'HTTPS']),
    req_method: fields.choice('req_method', METHODS),
    req_uri: fields.text('req_uri', {
      max: PATH_CHARACTERS_MAX,
      pattern: /^\/[^\s?]*$/,
      rule: 'a path that begins with a slash; it may hold {parameter} and #variable#',
    }),
    timeout: fields.wholeOr('timeout', 5_000, 1, TIMEOUT_MS_MAX),
    retry_count: String(fields.wholeOr('retry_count', -1, -1, 10)),
    host_value: fields.textOr('host_value', null),
  }
}

function mockInfo(parent: Fields): MockDoc {
  const fields = parent.inner('mock_info') ?? new Fields({}, parent.pathOf('mock_info'))
  return {
    status_code: fields.wholeOr('status_code', 200, 200, 599),
    result_content: fields.textOr('result_content', '', { max: MOCK_CHARACTERS_MAX, min: 0 }),
    header: fields.list('header', 10, (one) => ({
      key: answerHeader(one, 'key', true),
      value: one.text('value', HEADER_VALUE),
    })),
  }
}

function branch(fields: Fields, type: 'HTTP' | 'MOCK'): BranchDoc {
  return {
    name: fields.text('name'),
    effect_mode: fields.choice('effect_mode', ['ANY', 'ALL']),
    conditions: fields.list('conditions', BRANCHES_MAX, condition),
    // A policy has the fields of its backend beside its own.
    backend_api: type === 'HTTP' ? branchBackend(fields) : null,
    mock_info: type === 'MOCK' ? mockOf(fields) : null,
    backend_params: backendParameters(fields),
  }
}

const branchBackend = (fields: Fields): BackendApiDoc =>
  backendApi(
    new Fields(
      { backend_api: Object.fromEntries(fields.names().map((name) => [name, fields.raw(name)])) },
      fields.pathOf('').slice(0, -1),
    ),
  )

const mockOf = (fields: Fields): MockDoc =>
  mockInfo(
    new Fields(
      { mock_info: Object.fromEntries(fields.names().map((name) => [name, fields.raw(name)])) },
      fields.pathOf('').slice(0, -1),
    ),
  )

function condition(fields: Fields): ConditionDoc {
  const origin = fields.choice('condition_origin', ['source', 'param', 'system', 'cookie', 'frontend_authorizer'])
  const type = fields.choice('condition_type', ['exact', 'enum', 'pattern'], 'exact')
  const value = fields.text('condition_value', { max: 1_024 })
  const fault = type === 'pattern' && origin !== 'source' ? patternFault(value) : null
  if (fault !== null) throw fields.wrong('condition_value', fault)
  return {
    condition_origin: origin,
    condition_type: type,
    condition_value: value,
    req_param_name: fields.textOr('req_param_name', ''),
    req_param_location: fields.has('req_param_location') ? fields.choice('req_param_location', LOCATIONS) : null,
    sys_param_name: fields.textOr('sys_param_name', ''),
    cookie_param_name: fields.textOr('cookie_param_name', ''),
    frontend_authorizer_param_name: fields.textOr('frontend_authorizer_param_name', ''),
  }
}
