import type { CachingMode } from '../../model/auth-rep.ts'
import type { DeployedProxy } from '../../model/deployment.ts'
import type { Problems } from '../../model/problem.ts'
import type { Service } from '../../model/service.ts'
import { readServices } from '../apicast/index.ts'
import { JsonReader } from '../apicast/json-reader.ts'
import type { Environment } from './environment.ts'
import type { Places } from './shape.ts'

/** `proxy` of a service: what a gateway does for it, in the words of this file. */
export interface RawServiceProxy {
  readonly hosts?: readonly (string | undefined)[]
  readonly apiBackend?: string
  readonly credentialsLocation?: 'query' | 'headers' | 'authorization'
  readonly secretToken?: string
  readonly hostnameRewrite?: string
  readonly mappingRules?: readonly (
    | {
        readonly method?: string
        readonly pattern?: string
        readonly metric?: string
        readonly delta?: number
        readonly last?: boolean
      }
    | undefined
  )[]
}

/** The service as APIcast would load it; its accounts are those of this process unless BACKEND_ENDPOINT_OVERRIDE says otherwise. */
export function readServiceProxy(
  service: Service,
  raw: RawServiceProxy,
  caching: CachingMode,
  path: string,
  env: Environment,
  places: Places,
  problems: Problems,
): DeployedProxy | null {
  const json = new JsonReader(places.at(path), problems)
  const names = service.metrics.map(({ systemName }) => systemName)
  for (const [i, rule] of (raw.mappingRules ?? []).entries()) {
    if (rule?.metric === undefined || names.includes(rule.metric)) continue
    const at = places.at(`${path}.mappingRules.${i}.metric`)
    problems.error(
      'UnknownReference',
      at,
      `no metric of this service is called ${rule.metric}; there are ${names.join(', ')}`,
    )
  }
  const content = {
    id: service.id,
    system_name: service.systemName,
    backend_version: service.backendVersion,
    backend_authentication_type: service.serviceToken === null ? 'provider_key' : 'service_token',
    backend_authentication_value: service.serviceToken ?? service.providerKey ?? '',
    proxy: {
      hosts: (raw.hosts ?? []).filter((host) => host !== undefined),
      api_backend: raw.apiBackend,
      credentials_location: raw.credentialsLocation,
      secret_token: raw.secretToken,
      hostname_rewrite: raw.hostnameRewrite,
      policy_chain: [{ name: 'caching', configuration: { caching_type: caching } }, { name: 'apicast' }],
      proxy_rules: (raw.mappingRules ?? []).map((rule) => ({
        http_method: rule?.method,
        pattern: rule?.pattern,
        metric_system_name: rule?.metric,
        delta: rule?.delta ?? 1,
        last: rule?.last ?? false,
        querystring_parameters: queryOf(rule?.pattern ?? ''),
      })),
    },
  }
  return readServices([content], path, json, env)[0] ?? null
}

/** `?q={v}&r=1` behind a pattern. */
function queryOf(pattern: string): Record<string, string> {
  const question = pattern.indexOf('?')
  if (question < 0) return {}
  const pairs = pattern.slice(question + 1).split('&')
  return Object.fromEntries(
    pairs.map((pair) => [pair.split('=', 1)[0]!, pair.includes('=') ? pair.slice(pair.indexOf('=') + 1) : '']),
  )
}
