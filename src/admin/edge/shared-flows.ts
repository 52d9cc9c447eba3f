import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { SharedFlow } from '../../model/entities.ts'
import { AdminError } from '../errors.ts'
import { deployedRevision, deployedServers, metaData } from './answers.ts'
import { answering, type EdgeContext, envOf, nameOf, pageOf, revisionOf, zipOf } from './context.ts'
import { deployParameters } from './deploy-parameters.ts'

/** `/sharedflows`: import, revisions, export, delete, deploy, undeploy; the same calls as for proxies. */
export function sharedFlowRoutes(scope: FastifyInstance, { catalog, organization }: EdgeContext): void {
  /** What is deployed of it, environment by environment. */
  const deployments = (name: string): { environment: string; flow: SharedFlow }[] =>
    catalog.environments.flatMap((environment) => {
      const flow = catalog.flows.deployed(name, environment)
      return flow === null ? [] : [{ environment, flow }]
    })
  const flow = (request: FastifyRequest): SharedFlow => {
    const [name, revision] = [nameOf(request), revisionOf(request)]
    const deployed = deployments(name).find((one) => one.flow.revision === revision)
    return deployed?.flow ?? catalog.flows.revisions.read(name, revision)
  }
  const revisions = (name: string): number[] => {
    const [deployed] = deployments(name)
    if (deployed !== undefined && !catalog.flows.revisions.names().includes(name)) return [deployed.flow.revision]
    return catalog.flows.revisions.of(name).map(({ revision }) => revision)
  }
  const deploymentAnswer = (request: FastifyRequest, state: 'deployed' | 'undeployed'): unknown => ({
    environment: envOf(request),
    name: String(revisionOf(request)),
    organization,
    revision: String(revisionOf(request)),
    server: deployedServers(state),
    sharedFlow: nameOf(request),
    state,
  })

  scope.get(
    '/sharedflows',
    answering((request) => pageOf(catalog.flows.names, request)),
  )
  scope.post(
    '/sharedflows',
    answering(async (request, reply) => {
      const { action, name } = request.query as { action?: string; name?: string }
      if (action !== 'import') {
        const text = 'only action=import is supported: POST a zip to /sharedflows?action=import&name=NAME'
        throw new AdminError(400, 'messaging.config.beans.InvalidAction', text)
      }
      if (name === undefined || name === '') {
        throw new AdminError(400, 'messaging.config.beans.NameMissing', 'the parameter name is missing')
      }
      const made = await catalog.flows.import(name, zipOf(request))
      reply.code(201)
      return revisionAnswer(made)
    }),
  )
  scope.get(
    '/sharedflows/:name',
    answering((request) => ({
      metaData: metaData([]),
      name: nameOf(request),
      revision: revisions(nameOf(request)).map(String),
    })),
  )
  scope.get(
    '/sharedflows/:name/revisions',
    answering((request) => revisions(nameOf(request)).map(String)),
  )
  scope.get(
    '/sharedflows/:name/revisions/:revision',
    answering((request, reply) => {
      const { format } = request.query as { format?: string }
      if (format !== 'bundle') return revisionAnswer(flow(request))
      return reply.type('application/zip').send(catalog.flows.revisions.zip(nameOf(request), revisionOf(request)))
    }),
  )
  scope.delete(
    '/sharedflows/:name/revisions/:revision',
    answering(async (request) => {
      const gone = revisionAnswer(flow(request))
      await catalog.flows.remove(nameOf(request), revisionOf(request))
      return gone
    }),
  )
  scope.delete(
    '/sharedflows/:name',
    answering(async (request) => {
      const name = nameOf(request)
      const gone = { name, revision: revisions(name).map(String) }
      await catalog.flows.remove(name, null)
      return gone
    }),
  )
  scope.get(
    '/sharedflows/:name/deployments',
    answering((request) => {
      revisions(nameOf(request))
      const here = deployments(nameOf(request)).map((one) => ({
        name: one.environment,
        revision: [deployedRevision(one.flow.revision)],
      }))
      return { environment: here, name: nameOf(request), organization }
    }),
  )
  for (const word of ['environments', 'e']) {
    const path = `/${word}/:env/sharedflows/:name/revisions/:revision/deployments`
    scope.post(
      path,
      answering(async (request) => {
        const { override, action } = deployParameters(request)
        if (action === 'undeploy') {
          await catalog.flows.undeploy(nameOf(request), revisionOf(request), envOf(request))
          return deploymentAnswer(request, 'undeployed')
        }
        await catalog.flows.deploy(
          nameOf(request),
          revisionOf(request),
          String(override).toLowerCase() === 'true',
          envOf(request),
        )
        return deploymentAnswer(request, 'deployed')
      }),
    )
    scope.delete(
      path,
      answering(async (request) => {
        await catalog.flows.undeploy(nameOf(request), revisionOf(request), envOf(request))
        return deploymentAnswer(request, 'undeployed')
      }),
    )
    scope.get(
      path,
      answering((request) => {
        const { revision } = flow(request)
        const isDeployed = catalog.flows.deployed(nameOf(request), envOf(request))?.revision === revision
        return deploymentAnswer(request, isDeployed ? 'deployed' : 'undeployed')
      }),
    )
  }
}

function revisionAnswer(flow: SharedFlow): unknown {
  return {
    description: flow.description,
    displayName: flow.displayName,
    entityMetaDataAsProperties: { bundle_type: 'zip', subType: 'SharedFlow' },
    name: flow.name,
    policies: flow.policies.map(({ name }) => name),
    resources: flow.resources.map(({ type, name }) => `${type}://${name}`),
    revision: String(flow.revision),
    sharedFlows: ['default'],
    type: 'Application',
  }
}
