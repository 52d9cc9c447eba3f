import type { FastifyInstance, FastifyRequest } from 'fastify'
import { basePathFault } from '../../model/base-path.ts'
import { AdminError } from '../errors.ts'
import { deploymentAnswer, revisionInListing } from './answers.ts'
import { answering, type EdgeContext, nameOf, revisionIn, revisionOf } from './context.ts'

/** Parameters come in the form (apigeetool, apigee-edge-js) or in the query (the Maven plugin). */
function parameters(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const { body } = request
  const form = typeof body === 'object' && body !== null && !Buffer.isBuffer(body) ? body : {}
  return { ...(request.query as Readonly<Record<string, unknown>>), ...form }
}

function basePathOf(value: unknown): string {
  if (value === undefined || value === '' || value === '/') return ''
  const fault = typeof value === 'string' ? basePathFault(value) : 'it must be given once'
  if (fault === null) return String(value)
  throw new AdminError(400, 'messaging.config.beans.InvalidBasePath', `basepath: ${fault}`)
}

/** Deploy, undeploy and what is deployed. `delay` changes nothing: running calls always end on the revision they began with. */
export function deploymentRoutes(scope: FastifyInstance, context: EdgeContext): void {
  const { catalog, organization, environment } = context
  const deploy = async (request: FastifyRequest): Promise<unknown> => {
    const { override, basepath, action } = parameters(request)
    if (action === 'undeploy') return undeploy(request)
    const options = { override: String(override) === 'true', basePath: basePathOf(basepath) }
    return deploymentAnswer(await catalog.deploy(nameOf(request), revisionOf(request), options), 'deployed', context)
  }
  const undeploy = async (request: FastifyRequest): Promise<unknown> =>
    deploymentAnswer(await catalog.undeploy(nameOf(request), revisionOf(request)), 'undeployed', context)

  for (const word of ['environments', 'e']) {
    const path = `/${word}/:env/apis/:name/revisions/:revision/deployments`
    scope.post(path, answering(deploy))
    scope.delete(path, answering(undeploy))
    scope.get(
      path,
      answering((request) => {
        const deployment = catalog.deploymentOf(nameOf(request))
        const state = deployment?.revision === revisionOf(request) ? 'deployed' : 'undeployed'
        catalog.proxy(nameOf(request), revisionOf(request))
        return deploymentAnswer({ name: nameOf(request), revision: revisionOf(request), basePath: '' }, state, context)
      }),
    )
    scope.get(
      `/${word}/:env/apis/:name/deployments`,
      answering((request) => {
        const deployment = deploymentOf(request)
        const revision = deployment === null ? [] : [revisionInListing(deployment)]
        return { environment, name: nameOf(request), organization, revision }
      }),
    )
    scope.get(
      `/${word}/:env/deployments`,
      answering(() => ({ aPIProxy: all(), name: environment, organization })),
    )
  }
  /** The older form, which apigeetool's undeploy sends: environment and revision are parameters. */
  scope.post(
    '/apis/:name/deployments',
    answering(async (request) => {
      const { action, env, revision, override, basepath } = parameters(request)
      if (env !== environment) {
        const text = `Environment ${String(env)} does not exist in organization ${organization}; this gateway's is ${environment}`
        throw new AdminError(404, 'messaging.config.beans.EnvironmentDoesNotExist', text)
      }
      const name = nameOf(request)
      const number = revisionIn(String(revision))
      if (action === 'undeploy') return deploymentAnswer(await catalog.undeploy(name, number), 'undeployed', context)
      const options = { override: String(override) === 'true', basePath: basePathOf(basepath) }
      return deploymentAnswer(await catalog.deploy(name, number, options), 'deployed', context)
    }),
  )
  scope.get(
    '/deployments',
    answering(() => ({ environment: [{ aPIProxy: all(), name: environment }], name: organization })),
  )
  scope.get(
    '/apis/:name/deployments',
    answering((request) => {
      const deployment = deploymentOf(request)
      const here = deployment === null ? [] : [{ name: environment, revision: [revisionInListing(deployment)] }]
      return { environment: here, name: nameOf(request), organization }
    }),
  )

  /** Null: it is there, and not deployed. */
  function deploymentOf(request: FastifyRequest) {
    const deployment = catalog.deploymentOf(nameOf(request))
    if (deployment === null) catalog.revisions.of(nameOf(request))
    return deployment
  }

  function all(): unknown[] {
    return catalog.deployments.map((one) => ({ name: one.name, revision: [revisionInListing(one)] }))
  }
}
