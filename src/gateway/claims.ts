import { compileRule } from '../engine/mapping-rules.ts'
import { Parameters } from '../engine/parameters.ts'
import { AUTH_REP, type AuthRepConfig } from '../model/auth-rep.ts'
import type { DeployedProxy } from '../model/deployment.ts'
import type { Claims } from './served.ts'

/** The mapping rules of a service as a way to find it (APIcast, path routing); null: it is found by host alone. */
export function claimsOf({ proxy, routing }: DeployedProxy): Claims | null {
  if (routing === undefined) return null
  const configs = proxy.policies.flatMap(({ kind, config }) => (kind === AUTH_REP ? [config as AuthRepConfig] : []))
  const rules = configs.flatMap((config) => config.rules.map(compileRule))
  return {
    only: routing === 'only',
    fits(method, path, query) {
      const parameters = new Parameters(query)
      return rules.some((rule) => rule.matches(method, path, (name) => parameters.all(name).at(-1) ?? null))
    },
  }
}
