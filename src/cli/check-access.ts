import { AUTH_REP, type AuthRepConfig } from '../model/auth-rep.ts'
import type { DeployedProxy } from '../model/deployment.ts'
import type { Problem } from '../model/problem.ts'

/**
 * Caching mode none asks and counts each call before it goes on, so there is no report left that could carry its status: together
 * with response codes a back end elsewhere would see none. (3scale calls it unsupported; its gateway loses the codes silently.)
 */
export function accessProblems({ proxy }: DeployedProxy, responseCodes: boolean): Problem[] {
  if (!responseCodes) return []
  return proxy.policies.flatMap(({ kind, config, at }): Problem[] => {
    if (kind !== AUTH_REP) return []
    const { access } = config as AuthRepConfig
    if (access.backend === null || access.caching !== 'none') return []
    const message =
      `${proxy.name}: caching mode none reports no response codes to a back end elsewhere, since a call is counted before it is ` +
      'answered; use strict, resilient or allow, or switch APICAST_RESPONSE_CODES (responseCodes) off'
    return [{ severity: 'error', code: 'CachingNoneWithResponseCodes', message, at }]
  })
}

/** A variable that may not say what its writer believes. */
export function responseCodesDoubts(env: Readonly<Record<string, string | undefined>>): Problem[] {
  const variable = env['APICAST_RESPONSE_CODES'] ?? ''
  if (/^(1|0|true|false|)$/i.test(variable)) return []
  const message = `APICAST_RESPONSE_CODES is ${JSON.stringify(variable.slice(0, 40))}, which is off: 1 or true switches response codes on, 0 or false off`
  return [{ severity: 'warning', code: 'BadValue', message, at: { file: 'environment', line: 1, column: 1 } }]
}

/** APIcast's variable wins over the file: `1` or `true` switches on, anything else off. */
export function responseCodesOf(ofFile: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const variable = env['APICAST_RESPONSE_CODES']
  return variable === undefined || variable === '' ? ofFile : /^(1|true)$/i.test(variable)
}
