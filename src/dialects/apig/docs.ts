import type { ParameterLocation } from '../../model/apig.ts'

/** The resources of the management API as they are kept, in the vendor's field names. Plain data. */
export interface Docs {
  readonly group: GroupDoc
  readonly api: ApiDoc
  readonly env: EnvDoc
  readonly variable: VariableDoc
  readonly version: VersionDoc
  readonly app: AppDoc
  readonly code: CodeDoc
  readonly appAcl: AppAclDoc
  readonly auth: AuthDoc
  readonly quota: QuotaDoc
  readonly quotaBinding: QuotaBindingDoc
  readonly throttle: ThrottleDoc
  readonly special: SpecialDoc
  readonly throttleBinding: BindingDoc
  readonly plugin: PluginDoc
  readonly pluginBinding: BindingDoc
  readonly acl: AclDoc
  readonly aclBinding: BindingDoc
  readonly authorizer: AuthorizerDoc
  readonly response: ResponseDoc
  readonly feature: FeatureDoc
}

export type Kind = keyof Docs

/** Every kind, in the order in which they may refer to each other. */
export const KINDS: readonly Kind[] = [
  'group',
  'env',
  'variable',
  'authorizer',
  'response',
  'api',
  'version',
  'app',
  'code',
  'appAcl',
  'auth',
  'quota',
  'quotaBinding',
  'throttle',
  'special',
  'throttleBinding',
  'plugin',
  'pluginBinding',
  'acl',
  'aclBinding',
  'feature',
]

export interface GroupDoc {
  readonly id: string
  readonly name: string
  readonly remark: string
  readonly create_time: string
  readonly update_time: string
  readonly domains: readonly DomainDoc[]
}

export interface DomainDoc {
  readonly id: string
  readonly domain: string
}

export interface EnvDoc {
  readonly id: string
  readonly name: string
  readonly remark: string
  readonly create_time: string
}

export interface VariableDoc {
  readonly id: string
  readonly env_id: string
  readonly group_id: string
  readonly variable_name: string
  readonly variable_value: string
}

/** The body of an API as a client writes it, checked and with its defaults. */
export interface ApiBody {
  readonly name: string
  readonly type: number
  readonly req_protocol: 'HTTP' | 'HTTPS' | 'BOTH'
  readonly req_method: string
  readonly req_uri: string
  readonly match_mode: 'NORMAL' | 'SWA'
  readonly auth_type: 'NONE' | 'APP' | 'AUTHORIZER'
  readonly auth_opt: { readonly app_code_auth_type: 'DISABLE' | 'HEADER' }
  readonly authorizer_id: string | null
  readonly backend_type: 'HTTP' | 'MOCK'
  readonly backend_api: BackendApiDoc | null
  readonly mock_info: MockDoc | null
  readonly req_params: readonly RequestParameterDoc[]
  readonly backend_params: readonly BackendParameterDoc[]
  readonly policy_https: readonly BranchDoc[]
  readonly policy_mocks: readonly BranchDoc[]
  readonly cors: boolean
  readonly response_id: string | null
  readonly tags: readonly string[]
  readonly remark: string
  readonly body_remark: string
  readonly result_normal_sample: string
  readonly result_failure_sample: string
}

export interface ApiDoc extends ApiBody {
  readonly id: string
  readonly group_id: string
  readonly register_time: string
  readonly update_time: string
}

export interface BackendApiDoc {
  /** `host` or `host:port`; may hold `#variable#`. */
  readonly url_domain: string
  readonly req_protocol: 'HTTP' | 'HTTPS'
  readonly req_method: string
  readonly req_uri: string
  readonly timeout: number
  readonly retry_count: string
  readonly host_value: string | null
}

export interface MockDoc {
  readonly status_code: number
  readonly result_content: string
  readonly header: readonly { readonly key: string; readonly value: string }[]
}

export interface RequestParameterDoc {
  readonly name: string
  readonly location: ParameterLocation
  readonly type: 'STRING' | 'NUMBER'
  /** 1 yes, 2 no; also `valid_enable` and `pass_through`. */
  readonly required: number
  readonly valid_enable: number
  readonly pass_through: number
  readonly default_value: string | null
  readonly enumerations: string
  readonly regular: string
  readonly min_num: number | null
  readonly max_num: number | null
  readonly min_size: number | null
  readonly max_size: number | null
  readonly sample_value: string
  readonly remark: string
}

export interface BackendParameterDoc {
  readonly name: string
  readonly location: ParameterLocation
  readonly origin: 'REQUEST' | 'CONSTANT' | 'SYSTEM'
  readonly value: string
  readonly remark: string
}

export interface BranchDoc {
  readonly name: string
  readonly effect_mode: 'ANY' | 'ALL'
  readonly conditions: readonly ConditionDoc[]
  readonly backend_api: BackendApiDoc | null
  readonly mock_info: MockDoc | null
  readonly backend_params: readonly BackendParameterDoc[]
}

export interface ConditionDoc {
  readonly condition_origin: 'source' | 'param' | 'system' | 'cookie' | 'frontend_authorizer'
  readonly condition_type: 'exact' | 'enum' | 'pattern'
  readonly condition_value: string
  readonly req_param_name: string
  readonly req_param_location: ParameterLocation | null
  readonly sys_param_name: string
  readonly cookie_param_name: string
  readonly frontend_authorizer_param_name: string
}

/** One publication of an API in an environment; `status` 1: it is in effect, 2: it was. */
export interface VersionDoc {
  readonly id: string
  readonly version_no: string
  readonly api_id: string
  readonly env_id: string
  readonly publish_id: string
  readonly publish_time: string
  readonly remark: string
  readonly status: number
  /** As it was when it was published. */
  readonly api: ApiDoc
}

export interface AppDoc {
  readonly id: string
  readonly name: string
  readonly remark: string
  readonly app_key: string
  readonly app_secret: string
  /** The account that owns it: the project of the call that made it. */
  readonly project_id: string
  readonly register_time: string
  readonly update_time: string
}

export interface CodeDoc {
  readonly id: string
  readonly app_id: string
  readonly app_code: string
  readonly create_time: string
}

/** `id` is that of the app. */
export interface AppAclDoc {
  readonly id: string
  readonly app_acl_type: 'PERMIT' | 'DENY'
  readonly app_acl_values: readonly string[]
}

export interface AuthDoc {
  readonly id: string
  readonly api_id: string
  readonly app_id: string
  readonly env_id: string
  readonly auth_time: string
}

export interface QuotaDoc {
  readonly id: string
  readonly name: string
  readonly call_limits: number
  readonly time_interval: number
  readonly time_unit: TimeUnitDoc
  /** `2020-09-20 00:00:00`, UTC; '' when it was left out. */
  readonly reset_time: string
  readonly remark: string
  readonly create_time: string
}

/** `id` is that of the app. */
export interface QuotaBindingDoc {
  readonly id: string
  readonly quota_id: string
  readonly bound_time: string
}

export type TimeUnitDoc = 'SECOND' | 'MINUTE' | 'HOUR' | 'DAY'

export interface ThrottleDoc {
  readonly id: string
  readonly name: string
  readonly type: number
  readonly time_interval: number
  readonly time_unit: TimeUnitDoc
  readonly api_call_limits: number
  readonly user_call_limits: number
  readonly app_call_limits: number
  readonly ip_call_limits: number
  readonly remark: string
  readonly enable_adaptive_control: string
  readonly create_time: string
}

export interface SpecialDoc {
  readonly id: string
  readonly throttle_id: string
  readonly call_limits: number
  readonly object_id: string
  readonly object_type: 'APP' | 'USER'
  readonly apply_time: string
}

/** What is bound to an API in an environment. It outlives publications. */
export interface BindingDoc {
  readonly id: string
  /** Of the throttle, plug-in or list. */
  readonly of: string
  readonly api_id: string
  readonly env_id: string
  readonly time: string
}

export interface PluginDoc {
  readonly id: string
  readonly plugin_name: string
  readonly plugin_type: string
  readonly plugin_scope: string
  readonly plugin_content: string
  readonly remark: string
  readonly create_time: string
  readonly update_time: string
}

export interface AclDoc {
  readonly id: string
  readonly acl_name: string
  readonly acl_type: 'PERMIT' | 'DENY'
  /** Separated by commas. */
  readonly acl_value: string
  readonly entity_type: 'IP' | 'DOMAIN' | 'DOMAIN_ID'
  readonly update_time: string
}

export interface AuthorizerDoc {
  readonly id: string
  readonly name: string
  readonly type: 'FRONTEND'
  readonly authorizer_type: string
  readonly authorizer_uri: string
  readonly timeout: number
  readonly ttl: number
  readonly identities: readonly {
    readonly name: string
    readonly location: 'HEADER' | 'QUERY'
    readonly validation: string
  }[]
  readonly need_body: boolean
  readonly user_data: string
  readonly create_time: string
}

export interface ResponseDoc {
  readonly id: string
  readonly group_id: string
  readonly name: string
  readonly default: boolean
  /** Only those that somebody has worded. */
  readonly responses: Readonly<Record<string, ResponseInfoDoc>>
  readonly create_time: string
  readonly update_time: string
}

export interface ResponseInfoDoc {
  readonly status: number | null
  readonly body: string
  readonly headers: readonly { readonly key: string; readonly value: string }[]
}

/** `id` is its name. */
export interface FeatureDoc {
  readonly id: string
  readonly enable: boolean
  readonly config: string
  readonly update_time: string
}

/** The environment that is always there. */
export const RELEASE_ENV: EnvDoc = {
  id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
  name: 'RELEASE',
  remark: 'default environment',
  create_time: '1970-01-01T00:00:00Z',
}
