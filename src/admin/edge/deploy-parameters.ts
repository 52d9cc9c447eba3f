import type { FastifyRequest } from 'fastify'
import { AdminError } from '../errors.ts'

type Parameters = Readonly<Record<string, unknown>>

/** Parameters come in the form (apigeetool, apigee-edge-js) or in the query (the Maven plugin). */
export function parameters(request: FastifyRequest): Parameters {
  const { body } = request
  const form = typeof body === 'object' && body !== null && !Buffer.isBuffer(body) ? body : {}
  return { ...(request.query as Parameters), ...form }
}

const TRUTH = /^(?:true|false)$/i

/** What each parameter of a deployment may be, and how that is said. Those without a pattern are looked at where they are used. */
const RULES: Readonly<Record<string, readonly [pattern: RegExp, wanted: string] | null>> = {
  action: [/^(?:deploy|undeploy)$/, 'deploy or undeploy'],
  override: [TRUTH, 'true or false'],
  force: [TRUTH, 'true or false'],
  delay: [/^\d{1,6}$/, 'a whole number of seconds'],
  basepath: null,
  env: null,
  revision: null,
  access_token: null,
  provider_key: null,
}

/** The parameters of a call that deploys. Throws AdminError for one that means nothing, rather than deploy as if it were not there. */
export function deployParameters(request: FastifyRequest): Parameters {
  const all = parameters(request)
  for (const [name, value] of Object.entries(all)) {
    const rule = RULES[name]
    if (rule === undefined)
      throw badParameter(`there is no parameter ${name.slice(0, 50)}; there are action, override, delay, basepath`)
    if (rule !== null && !(typeof value === 'string' && (value === '' || rule[0].test(value)))) {
      throw badParameter(`${name} must be ${rule[1]}, given once`)
    }
  }
  return all
}

const badParameter = (text: string): AdminError => new AdminError(400, 'messaging.config.beans.InvalidParameter', text)
