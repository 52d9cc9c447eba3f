import type { Deployment } from '../../catalog/deployed.ts'
import type { RevisionHead } from '../../catalog/revisions.ts'
import type { ApiProxy } from '../../model/proxy.ts'

/** Edge's management API in the shapes that its clients read: numbers of revisions are texts, lists are never left out. */

const BY = 'postern'

interface Where {
  readonly organization: string
}

export function metaData(revisions: readonly RevisionHead[], subType = 'SharedFlow'): unknown {
  return {
    createdAt: revisions[0]?.importedAtMs ?? 0,
    createdBy: BY,
    lastModifiedAt: revisions.at(-1)?.importedAtMs ?? 0,
    lastModifiedBy: BY,
    subType,
  }
}

export const deployedServers = (state: 'deployed' | 'undeployed'): unknown[] => [server(state)]

/** One deployed revision inside a listing, of what has no base path. */
export function deployedRevision(revision: number): unknown {
  return { name: String(revision), server: [server('deployed')], state: 'deployed' }
}

export function proxyAnswer(name: string, revisions: readonly RevisionHead[]): unknown {
  return {
    metaData: metaData(revisions, 'Proxy'),
    name,
    revision: revisions.map(({ revision }) => String(revision)),
  }
}

export function revisionAnswer(proxy: ApiProxy, importedAtMs: number, organization: string): unknown {
  const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name)
  const resources = proxy.resources.map(({ type, name }) => `${type}://${name}`)
  return {
    basepaths: proxy.proxyEndpoints.map((endpoint) => endpoint.basePath),
    configurationVersion: { majorVersion: 4, minorVersion: 0 },
    contextInfo: `Revision ${proxy.revision} of application ${proxy.name}, in organization ${organization}`,
    createdAt: importedAtMs,
    createdBy: BY,
    description: proxy.description,
    displayName: proxy.displayName,
    entityMetaDataAsProperties: {
      bundle_type: 'zip',
      createdBy: BY,
      createdAt: String(importedAtMs),
      lastModifiedAt: String(importedAtMs),
      lastModifiedBy: BY,
      subType: 'Proxy',
    },
    lastModifiedAt: importedAtMs,
    lastModifiedBy: BY,
    name: proxy.name,
    policies: names(proxy.policies),
    proxies: names(proxy.proxyEndpoints),
    proxyEndpoints: names(proxy.proxyEndpoints),
    resourceFiles: { resourceFile: proxy.resources.map(({ type, name }) => ({ type, name })) },
    resources,
    revision: String(proxy.revision),
    sharedFlows: [],
    targetEndpoints: names(proxy.targetEndpoints),
    targetServers: [],
    targets: names(proxy.targetEndpoints),
    type: 'Application',
  }
}

const server = (state: string): unknown => ({ status: state, type: ['message-processor'], uUID: BY })

/** The answer to deploying (state `deployed`) and undeploying. */
export function deploymentAnswer(deployment: Deployment, state: 'deployed' | 'undeployed', where: Where): unknown {
  return {
    aPIProxy: deployment.name,
    configuration: { basePath: deployment.basePath || '/', steps: [] },
    environment: deployment.environment,
    name: String(deployment.revision),
    organization: where.organization,
    revision: String(deployment.revision),
    server: [server(state)],
    state,
  }
}

/** One deployed revision inside a listing. */
export function revisionInListing(deployment: Deployment): unknown {
  return {
    configuration: { basePath: deployment.basePath || '/', steps: [] },
    name: String(deployment.revision),
    server: [server('deployed')],
    state: 'deployed',
  }
}
