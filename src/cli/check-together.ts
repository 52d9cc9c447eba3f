import { join } from 'node:path'
import type { DraftProxy } from '../dialects/postern/config.ts'
import { basePathKey } from '../model/base-path.ts'
import { boundHosts, type VirtualHost } from '../model/deployment.ts'
import type { Problems } from '../model/problem.ts'
import type { Position } from '../model/source.ts'

/**
 * What only shows when proxies are side by side: names and base paths that two of them have. The first `countOfConfig` come
 * from one configuration file, whose reader has compared their names; each bundle has compared its own base paths.
 */
export function checkTogether(
  drafts: readonly DraftProxy[],
  countOfConfig: number,
  virtualHosts: readonly VirtualHost[],
  problems: Problems,
): void {
  const names = new Set<string>()
  const owners = new Map<string, string>()
  for (const [index, { deployed, base }] of drafts.entries()) {
    const { name, proxyEndpoints } = deployed.proxy
    if (names.has(name) && index >= countOfConfig) {
      const at = { file: base, line: 1, column: 1 }
      problems.error('DuplicateName', at, `a proxy called ${name} is loaded already; names must differ`)
    }
    names.add(name)
    // Services of one host share its paths; the first that fits is called.
    if (deployed.hosts !== undefined) continue
    for (const endpoint of proxyEndpoints) {
      if (endpoint.basePath === '') continue
      // Bound to hosts, an endpoint needs its base path to be its own on those; else on all.
      const hosts = boundHosts(endpoint.virtualHosts, virtualHosts)
      for (const host of hosts.length === 0 ? ['*'] : hosts) {
        const key = `${host}${basePathKey(endpoint.basePath)}`
        const owner = owners.get(key)
        if (owner === undefined) owners.set(key, name)
        else if (owner !== name) {
          const text = `base path ${endpoint.basePath} is that of proxy ${owner} too; every endpoint needs its own`
          problems.error('ConflictingBasePaths', placeOf(endpoint.at, base), text)
        }
      }
    }
  }
}

function placeOf(at: Position, base: string): Position {
  return base === '' ? at : { ...at, file: join(base, at.file) }
}
