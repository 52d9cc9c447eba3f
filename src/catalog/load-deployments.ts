import type { DeployedProxy } from '../model/deployment.ts'
import { type Problem, problemLine } from '../model/problem.ts'
import type { Deployment } from './deployed.ts'
import { type Environments, placeOf } from './environments.ts'
import type { Documents } from './ports.ts'

/** How deployments are kept. */
export const DEPLOYMENT = 'api-deployment'

export interface KeptDeployment {
  readonly deployment: Deployment
  readonly deployed: DeployedProxy
}

/** By `documentKey`. */
export type Deployments = ReadonlyMap<string, KeptDeployment>

export interface LoadServices {
  readonly documents: Documents
  /** The gateway's own environment. */
  readonly own: string
  readonly environments: Environments
  /** A file names a proxy of that name. */
  isLeftToFiles(name: string): boolean
  /** Throws when the revision is not there or cannot be read any more. */
  deployed(deployment: Deployment): DeployedProxy
  problemsOf(deployments: Deployments): readonly Problem[]
  warn(fields: object, message: string): void
}

/**
 * At start: what is kept, judged all at once; when one of them can no longer be served, one by one, so that it is told and left out and
 * the others are served.
 */
export function loadDeployments(services: LoadServices): Deployments {
  const leaveOut = (proxy: string, environment: string, reason: string): void =>
    services.warn({ proxy, environment, reason }, 'a deployed proxy cannot be served and is left out')
  const fault = (deployments: Deployments): Problem | undefined =>
    services.problemsOf(deployments).find((problem) => problem.severity === 'error')
  const kept = new Map<string, KeptDeployment>()
  for (const { key } of services.documents.list(DEPLOYMENT)) {
    const { environment, key: name } = placeOf(services.own, key)
    if (services.isLeftToFiles(name)) continue
    try {
      if (!services.environments.has(environment)) throw new Error(`there is no environment ${environment} any more`)
      const text = Buffer.from(services.documents.read(DEPLOYMENT, key)!).toString('utf8')
      const deployment = { ...(JSON.parse(text) as Deployment), environment }
      kept.set(key, { deployment, deployed: services.deployed(deployment) })
    } catch (error) {
      leaveOut(name, environment, (error as Error).message)
    }
  }
  if (fault(kept) === undefined) return kept
  let served: Deployments = new Map()
  for (const [key, one] of kept) {
    const next = new Map(served).set(key, one)
    const problem = fault(next)
    if (problem === undefined) served = next
    else leaveOut(one.deployment.name, one.deployment.environment, problemLine(problem))
  }
  return served
}
