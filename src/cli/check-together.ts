import { join } from 'node:path'
import type { DraftProxy } from '../dialects/postern/config.ts'
import { basePathKey } from '../model/base-path.ts'
import { type PosternConfig, settingsOf } from '../model/deployment.ts'
import type { Problems } from '../model/problem.ts'
import type { Position } from '../model/source.ts'
import { boundHosts } from '../model/virtual-host.ts'

/**
 * What only shows when proxies are side by side: names and base paths that two of them have. The first `countOfConfig` come
 * from one configuration file, whose reader has compared their names; each bundle has compared its own base paths.
 */
export function checkTogether(
  drafts: readonly DraftProxy[],
  countOfConfig: number,
  config: Pick<PosternConfig, 'settings' | 'environments'>,
  problems: Problems,
): void {
  const names = new Set<string>()
  const owners = new Map<string, { readonly name: string; readonly environment: string }>()
  for (const [index, { deployed, base }] of drafts.entries()) {
    const { name, proxyEndpoints } = deployed.proxy
    const { environment, virtualHosts } = settingsOf(config, deployed)
    const identity = `${environment}/${name}`
    if (names.has(identity) && index >= countOfConfig) {
      const at = { file: base, line: 1, column: 1 }
      problems.error('DuplicateName', at, `a proxy called ${name} is loaded already; names must differ`)
    }
    names.add(identity)
    // Services of one host share its paths; the first that fits is called.
    if (deployed.hosts !== undefined) continue
    for (const endpoint of proxyEndpoints) {
      if (endpoint.basePath === '') continue
      // Bound to hosts, an endpoint needs its base path to be its own on those; else on all.
      const hosts = boundHosts(endpoint.virtualHosts, virtualHosts)
      for (const host of hosts.length === 0 ? ['*'] : hosts) {
        const key = `${host}${basePathKey(endpoint.basePath)}`
        const owner = owners.get(key)
        if (owner === undefined) owners.set(key, { name, environment })
        else if (owner.name !== name || owner.environment !== environment) {
          const text =
            owner.environment === environment
              ? `base path ${endpoint.basePath} is that of proxy ${owner.name} too; every endpoint needs its own`
              : `base path ${endpoint.basePath} is that of proxy ${owner.name} in environment ${owner.environment} too; give the virtual hosts that it names host names of their own in one of the environments, or deploy it below another base path`
          problems.error('ConflictingBasePaths', placeOf(endpoint.at, base), text)
        }
      }
    }
  }
}

function placeOf(at: Position, base: string): Position {
  return base === '' ? at : { ...at, file: join(base, at.file) }
}
