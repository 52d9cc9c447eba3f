import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Deployment } from '../../catalog/deployed.ts'
import { basePathFault } from '../../model/base-path.ts'
import { AdminError } from '../errors.ts'
import { deployedRevision, deploymentAnswer, revisionInListing } from './answers.ts'
import { answering, type EdgeContext, envOf, nameOf, revisionIn, revisionOf } from './context.ts'
import { deployParameters, parameters } from './deploy-parameters.ts'

function basePathOf(value: unknown): string {
  if (value === undefined || value === '' || value === '/') return ''
  const fault = typeof value === 'string' ? basePathFault(value) : 'it must be given once'
  if (fault === null) return String(value)
  throw new AdminError(400, 'messaging.config.beans.InvalidBasePath', `basepath: ${fault}`)
}

/** Deploy, undeploy and what is deployed. `delay` changes nothing: running calls always end on the revision they began with. */
export function deploymentRoutes(scope: FastifyInstance, context: EdgeContext): void {
  const { catalog, organization } = context
  const deploy = async (request: FastifyRequest, environment: string, revision: number): Promise<unknown> => {
    const { override, basepath, action } = deployParameters(request)
    if (action === 'undeploy') return undeploy(request, environment, revision)
    const options = { environment, override: String(override).toLowerCase() === 'true', basePath: basePathOf(basepath) }
    return deploymentAnswer(await catalog.deploy(nameOf(request), revision, options), 'deployed', context)
  }
  const undeploy = async (request: FastifyRequest, environment: string, revision: number): Promise<unknown> =>
    deploymentAnswer(await catalog.undeploy(nameOf(request), revision, environment), 'undeployed', context)

  for (const word of ['environments', 'e']) {
    const path = `/${word}/:env/apis/:name/revisions/:revision/deployments`
    scope.post(
      path,
      answering((request) => deploy(request, envOf(request), revisionOf(request))),
    )
    scope.delete(
      path,
      answering((request) => undeploy(request, envOf(request), revisionOf(request))),
    )
    scope.get(
      path,
      answering((request) => {
        const [name, revision, environment] = [nameOf(request), revisionOf(request), envOf(request)]
        const deployment = catalog.deploymentOf(name, environment)
        catalog.proxy(name, revision)
        const isDeployed = deployment?.revision === revision
        const shown = isDeployed ? deployment : { environment, name, revision, basePath: '' }
        return deploymentAnswer(shown, isDeployed ? 'deployed' : 'undeployed', context)
      }),
    )
    scope.get(
      `/${word}/:env/apis/:name/deployments`,
      answering((request) => {
        const environment = envOf(request)
        const revision = deploymentsOf(request).filter((one) => one.environment === environment)
        return { environment, name: nameOf(request), organization, revision: revision.map(revisionInListing) }
      }),
    )
    scope.get(
      `/${word}/:env/deployments`,
      answering((request) => {
        const { sharedFlows } = request.query as { sharedFlows?: string }
        if (sharedFlows === 'true') return { name: envOf(request), organization, sharedFlow: flowsIn(envOf(request)) }
        return { aPIProxy: allIn(envOf(request)), name: envOf(request), organization }
      }),
    )
  }
  /** The older form, which apigeetool's undeploy sends: environment and revision are parameters. */
  const older = (request: FastifyRequest, revision: unknown): Promise<unknown> => {
    const { env } = deployParameters(request)
    const environment = String(env)
    if (catalog.environments.includes(environment)) return deploy(request, environment, revisionIn(String(revision)))
    const text = `Environment ${environment} does not exist in organization ${organization}; there are: ${catalog.environments.join(', ')}`
    throw new AdminError(404, 'messaging.config.beans.EnvironmentDoesNotExist', text)
  }
  scope.post(
    '/apis/:name/deployments',
    answering((request) => older(request, parameters(request)['revision'])),
  )
  scope.post(
    '/apis/:name/revisions/:revision/deployments',
    answering((request) => older(request, (request.params as { revision: string }).revision)),
  )
  scope.get(
    '/deployments',
    answering(() => ({
      environment: catalog.environments.map((name) => ({ aPIProxy: allIn(name), name })),
      name: organization,
    })),
  )
  scope.get(
    '/apis/:name/deployments',
    answering((request) => ({ environment: listed(deploymentsOf(request)), name: nameOf(request), organization })),
  )
  scope.get(
    '/apis/:name/revisions/:revision/deployments',
    answering((request) => {
      const revision = revisionOf(request)
      catalog.proxy(nameOf(request), revision)
      const environment = deploymentsOf(request)
        .filter((one) => one.revision === revision)
        .map((one) => ({ ...(revisionInListing(one) as object), name: one.environment }))
      return { aPIProxy: nameOf(request), environment, name: String(revision), organization }
    }),
  )

  /** Empty: it is there, and not deployed. */
  function deploymentsOf(request: FastifyRequest): Deployment[] {
    const all = catalog.deployments.filter(({ name }) => name === nameOf(request))
    if (all.length === 0) catalog.revisions.of(nameOf(request))
    return all
  }

  function allIn(environment: string): unknown[] {
    return catalog.deployments
      .filter((one) => one.environment === environment)
      .map((one) => ({ name: one.name, revision: [revisionInListing(one)] }))
  }

  function flowsIn(environment: string): unknown[] {
    return catalog.flows.names.flatMap((name) => {
      const flow = catalog.flows.deployed(name, environment)
      return flow === null ? [] : [{ name, revision: [deployedRevision(flow.revision)] }]
    })
  }
}

const listed = (deployments: readonly Deployment[]): unknown[] =>
  deployments.map((one) => ({ name: one.environment, revision: [revisionInListing(one)] }))
