import type { UNIT_MS } from '../../core/windows.ts'
import type {
  AccessList,
  ApiAuth,
  ApigApp,
  ApigGroup,
  ApigRuntime,
  Authorizer,
  Backend,
  BackendBranch,
  BackendParameter,
  GatewayResponse,
  PublishedApi,
  RequestParameter,
} from '../../model/apig.ts'
import type { ApigResource } from '../../model/deployment.ts'
import { parseThrottle, type Throttle } from '../../model/throttle.ts'
import type { ApiDoc, BackendApiDoc, BranchDoc, Docs, Kind, MockDoc, RequestParameterDoc, VersionDoc } from './docs.ts'
import { type ApigState, emptyState } from './draft.ts'
import { ApigError } from './error.ts'
import { featuresOf } from './features.ts'
import { resetMs } from './read-others.ts'
import { type PluginContent, parsePluginContent } from './read-plugin.ts'
import { throttleFields } from './read-throttle.ts'

/** What the gateway is to serve of these resources: every version in effect but some, with all that is bound to it. */
export function runtimeOf(state: ApigState, leftOut: ReadonlySet<string> = NOTHING): ApigRuntime {
  const building = new Building(state)
  return {
    apis: inEffect(state).flatMap((version) => (leftOut.has(version.id) ? [] : [building.api(version)])),
    apps: [...state.app.values()].map((app) => building.app(app)),
    features: featuresOf([...state.feature.values()]),
    groups: [...state.group.values()].flatMap((group) => building.group(group)),
  }
}

const NOTHING: ReadonlySet<string> = new Set()

const inEffect = (state: ApigState): VersionDoc[] => [...state.version.values()].filter(({ status }) => status === 1)

/** Versions that cannot be served any more, since a file that they need has changed: by id, and why. */
export function brokenVersions(
  state: ApigState,
): ReadonlyMap<string, { readonly api: string; readonly reason: string }> {
  const building = new Building(state)
  const broken = new Map<string, { api: string; reason: string }>()
  for (const version of inEffect(state)) {
    try {
      building.api(version)
    } catch (error) {
      broken.set(version.id, { api: version.api.name, reason: (error as Error).message })
    }
  }
  return broken
}

/** The same of what a file names. */
export function runtimeOfResources(resources: readonly ApigResource[]): ApigRuntime {
  const state = emptyState() as { [K in Kind]: Map<string, Docs[K]> }
  for (const { kind, id, doc } of resources) (state[kind as Kind] as Map<string, unknown>).set(id, doc)
  return runtimeOf(state)
}

/** The name that every group has from the start; it needs no DNS where names below localhost are this machine. */
export const groupDomain = (groupId: string): string => `${groupId}.apig.localhost`

/** An API as it would be published: for debugging what is not. No one has to prove who calls. */
export function draftApi(state: ApigState, api: ApiDoc, stage: string): PublishedApi {
  const version: VersionDoc = {
    id: '',
    version_no: '',
    api_id: api.id,
    env_id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
    publish_id: '',
    publish_time: '',
    remark: '',
    status: 1,
    api: { ...api, auth_type: 'NONE', authorizer_id: null },
  }
  return { ...new Building(state).api(version), stage }
}

class Building {
  readonly #state: ApigState
  /** Docs of a kind that belong to an API in an environment, or to another thing. */
  readonly #indexes = new Map<Kind, ReadonlyMap<string, unknown[]>>()
  readonly #contents = new Map<string, PluginContent>()

  constructor(state: ApigState) {
    this.#state = state
  }

  api(version: VersionDoc): PublishedApi {
    const { api, env_id } = version
    const group = this.#state.group.get(api.group_id)
    const env = this.#state.env.get(env_id)
    if (group === undefined) throw ApigError.of('APIG.3001', api.group_id)
    if (env === undefined) throw ApigError.of('APIG.3003', env_id)
    const fill = (text: string): string => this.#filled(text, api.group_id, env_id)
    const plugins = this.#bound('pluginBinding', version).map((of) => this.#plugin(of))
    const limiting = plugins.find((one) => one.type === 'rate_limit')
    const breaking = plugins.find((one) => one.type === 'breaker')
    return {
      id: api.id,
      apiName: api.name,
      groupId: group.id,
      groupName: group.name,
      versionId: version.id,
      hosts: hostsOf(group),
      stage: env.name,
      protocol: api.req_protocol,
      method: api.req_method,
      path: api.req_uri,
      prefix: api.match_mode === 'SWA',
      auth: this.#auth(api, env_id),
      parameters: api.req_params.map(parameterOf),
      backend: backendOf(api.backend_api, api.mock_info, api.backend_params.map(bare), fill),
      branches: [...api.policy_https, ...api.policy_mocks].map((branch) => branchOf(branch, fill)),
      cors: api.cors,
      throttle: limiting?.type === 'rate_limit' ? this.#pluginThrottle(version, limiting) : this.#throttle(version),
      rateRules: limiting?.type === 'rate_limit' ? limiting.rules : null,
      access: this.#bound('aclBinding', version).map((of) => this.#acl(of)),
      responseHeaders: plugins.flatMap((one) => (one.type === 'set_resp_headers' ? one.edits : [])),
      corsPolicy: plugins.find((one) => one.type === 'cors')?.policy ?? null,
      breaker:
        breaking?.type === 'breaker'
          ? { ...breaking.breaker, scope: this.#scope(version, 'breaker', breaking.shared) }
          : null,
      responses: this.#responses(api),
    }
  }

  /** Empty: it words nothing. */
  group(group: Docs['group']): ApigGroup[] {
    const responses = worded(this.#defaultResponse(group.id))
    const { id, name } = group
    return Object.keys(responses).length === 0 ? [] : [{ id, name, hosts: hostsOf(group), responses }]
  }

  app(app: Docs['app']): ApigApp {
    const acl = this.#state.appAcl.get(app.id)
    const quotaId = this.#state.quotaBinding.get(app.id)?.quota_id
    const quota = quotaId === undefined ? undefined : this.#state.quota.get(quotaId)
    return {
      id: app.id,
      name: app.name,
      user: app.project_id,
      key: app.app_key,
      secret: app.app_secret,
      codes: this.#of('code', ({ app_id }) => app_id, app.id).map(({ app_code }) => app_code),
      addresses: acl === undefined ? null : { permit: acl.app_acl_type === 'PERMIT', values: acl.app_acl_values },
      quota:
        quota === undefined
          ? null
          : {
              id: quota.id,
              calls: quota.call_limits,
              intervalCount: quota.time_interval,
              unit: quota.time_unit.toLowerCase() as keyof typeof UNIT_MS,
              resetAtMs: quota.reset_time === '' ? Date.parse(quota.create_time) : resetMs(quota.reset_time),
            },
    }
  }

  #auth(api: ApiDoc, envId: string): ApiAuth {
    const appIds = this.#of('auth', (one) => `${one.api_id} ${one.env_id}`, `${api.id} ${envId}`).map(
      (one) => one.app_id,
    )
    return {
      type: api.auth_type,
      appCode: api.auth_opt.app_code_auth_type === 'HEADER',
      authorizer: api.authorizer_id === null ? null : this.#authorizer(api.authorizer_id),
      appIds,
    }
  }

  #authorizer(id: string): Authorizer {
    const doc = this.#state.authorizer.get(id)
    if (doc === undefined) throw ApigError.of('APIG.3014', `authorizer ${id}`, 'authorizer_id')
    return {
      id,
      name: doc.name,
      url: doc.authorizer_uri,
      ttlSeconds: doc.ttl,
      timeoutMs: doc.timeout,
      identities: doc.identities,
      needBody: doc.need_body,
      userData: doc.user_data,
    }
  }

  #throttle(version: VersionDoc): Throttle | null {
    const id = this.#bound('throttleBinding', version)[0]
    const doc = id === undefined ? undefined : this.#state.throttle.get(id)
    if (doc === undefined) return null
    const specials = this.#of('special', ({ throttle_id }) => throttle_id, doc.id).map((one) => ({
      type: one.object_type.toLowerCase(),
      id: one.object_id,
      limit: one.call_limits,
    }))
    return parseThrottle({ ...throttleFields(doc), specials }).throttle
  }

  #pluginThrottle(version: VersionDoc, { throttle }: Extract<PluginContent, { type: 'rate_limit' }>): Throttle | null {
    return throttle === null ? null : { ...throttle, name: this.#scope(version, 'rate_limit', throttle.shared) }
  }

  /** Names the counters of a plug-in: those of one API, or of all that it is bound to. */
  #scope(version: VersionDoc, type: string, shared: boolean): string {
    const id = this.#bound('pluginBinding', version).find((of) => this.#state.plugin.get(of)?.plugin_type === type)
    return shared ? `plugin ${id}` : `plugin ${id} ${version.api_id} ${version.env_id}`
  }

  #plugin(id: string): PluginContent {
    let content = this.#contents.get(id)
    if (content === undefined) {
      const doc = this.#state.plugin.get(id)
      if (doc === undefined) throw ApigError.of('APIG.3014', `plugin ${id}`)
      content = parsePluginContent(doc.plugin_type as PluginContent['type'], doc.plugin_content)
      this.#contents.set(id, content)
    }
    return content
  }

  #acl(id: string): AccessList {
    const doc = this.#state.acl.get(id)
    if (doc === undefined) throw ApigError.of('APIG.3006', id)
    return {
      of: doc.entity_type === 'IP' ? 'ip' : 'account',
      permit: doc.acl_type === 'PERMIT',
      values: doc.acl_value.split(','),
    }
  }

  #responses({ response_id, group_id }: ApiDoc): Record<string, GatewayResponse> {
    return worded(response_id === null ? this.#defaultResponse(group_id) : this.#state.response.get(response_id))
  }

  #defaultResponse(groupId: string): Docs['response'] | undefined {
    return this.#of('response', ({ group_id }) => group_id, groupId).find((one) => one.default)
  }

  #bound(kind: 'throttleBinding' | 'pluginBinding' | 'aclBinding', { api_id, env_id }: VersionDoc): string[] {
    return this.#of(kind, (one) => `${one.api_id} ${one.env_id}`, `${api_id} ${env_id}`).map(({ of }) => of)
  }

  #of<K extends Kind>(kind: K, keyOf: (doc: Docs[K]) => string, key: string): Docs[K][] {
    let index = this.#indexes.get(kind)
    if (index === undefined) {
      index = Map.groupBy(this.#state[kind].values() as Iterable<Docs[K]>, keyOf)
      this.#indexes.set(kind, index)
    }
    return (index.get(key) ?? []) as Docs[K][]
  }

  /** `#name#` is the variable of the group in the environment. */
  #filled(text: string, groupId: string, envId: string): string {
    return text.replace(/#([A-Za-z][A-Za-z0-9_-]{2,31})#/g, (_, name: string) => {
      const key = `${groupId} ${envId}`
      const found = this.#of('variable', (one) => `${one.group_id} ${one.env_id}`, key).find(
        (one) => one.variable_name === name,
      )
      if (found !== undefined) return found.variable_value
      throw ApigError.of('APIG.3011', `#${name}# has no value in this environment`, 'backend_api')
    })
  }
}

const hostsOf = ({ id, domains }: Docs['group']): string[] => [
  ...domains.map(({ domain }) => domain.toLowerCase()),
  groupDomain(id),
]

/** Only what somebody has worded. */
function worded(response: Docs['response'] | undefined): Record<string, GatewayResponse> {
  const entries = Object.entries(response?.responses ?? {}).map(([type, { status, body, headers }]) => [
    type,
    { status, body, headers: headers.flatMap(({ key, value }) => [key, value]) },
  ])
  return Object.fromEntries(entries) as Record<string, GatewayResponse>
}

function parameterOf(doc: RequestParameterDoc): RequestParameter {
  const { type, enumerations } = doc
  const number = type === 'NUMBER'
  return {
    name: doc.name,
    location: doc.location,
    required: doc.required === 1,
    validation:
      doc.valid_enable === 1
        ? {
            type,
            min: number ? doc.min_num : doc.min_size || null,
            max: number ? doc.max_num : doc.max_size || null,
            oneOf: enumerations === '' ? [] : enumerations.split(',').map((one) => one.trim()),
            pattern: doc.regular,
          }
        : null,
    defaultValue: doc.default_value,
    passThrough: doc.pass_through === 1,
  }
}

const bare = ({ name, location, origin, value }: BackendParameter): BackendParameter => ({
  name,
  location,
  origin,
  value,
})

function backendOf(
  http: BackendApiDoc | null,
  mock: MockDoc | null,
  parameters: readonly BackendParameter[],
  fill: (text: string) => string,
): Backend {
  if (http === null) {
    return {
      kind: 'mock',
      status: mock?.status_code ?? 200,
      body: mock?.result_content ?? '',
      headers: (mock?.header ?? []).flatMap(({ key, value }) => [key, value]),
    }
  }
  return {
    kind: 'http',
    origin: `${http.req_protocol.toLowerCase()}://${fill(http.url_domain)}`,
    path: fill(http.req_uri),
    method: http.req_method,
    timeoutMs: http.timeout,
    retries: Number(http.retry_count),
    hostHeader: http.host_value,
    parameters,
  }
}

function branchOf(branch: BranchDoc, fill: (text: string) => string): BackendBranch {
  return {
    name: branch.name,
    all: branch.effect_mode === 'ALL',
    conditions: branch.conditions.map((one) => ({
      origin: one.condition_origin,
      name: one.req_param_name || one.sys_param_name || one.cookie_param_name || one.frontend_authorizer_param_name,
      location: one.req_param_location,
      type: one.condition_type,
      value: one.condition_value,
    })),
    backend: backendOf(branch.backend_api, branch.mock_info, branch.backend_params.map(bare), fill),
  }
}
