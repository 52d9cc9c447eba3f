import { basePathKey } from '../../model/base-path.ts'
import { didYouMean } from '../../model/nearest.ts'
import type { Problems } from '../../model/problem.ts'
import type { ProxyEndpoint } from '../../model/proxy.ts'
import type { XmlElement } from '../../model/xml.ts'

/** Routes must name target endpoints that are there; target endpoints that no route names are warned of. */
export function checkRoutes(
  endpoints: readonly ProxyEndpoint[],
  targets: ReadonlyMap<string, XmlElement | null>,
  problems: Problems,
): void {
  const used = new Set<string>()
  for (const rule of endpoints.flatMap((endpoint) => endpoint.routeRules)) {
    if (rule.target === null) continue
    used.add(rule.target)
    if (targets.has(rule.target)) continue
    const nearest = didYouMean(rule.target, targets.keys())
    problems.error('UnknownTarget', rule.at, `no target endpoint is called ${rule.target}${nearest}`)
  }
  if (endpoints.length === 0) return
  for (const [name, root] of targets) {
    if (root !== null && !used.has(name))
      problems.warn('UnusedTarget', root.at, `no route rule uses target endpoint ${name}`)
  }
}

/** Each endpoint of a bundle needs a base path of its own. */
export function checkBasePaths(endpoints: readonly ProxyEndpoint[], problems: Problems): void {
  const seen = new Map<string, ProxyEndpoint>()
  for (const endpoint of endpoints) {
    // Its base path could not be read.
    if (endpoint.basePath === '') continue
    const key = basePathKey(endpoint.basePath)
    const other = seen.get(key)
    if (other === undefined) seen.set(key, endpoint)
    else {
      const text = `base path ${endpoint.basePath} is that of proxy endpoint ${other.name} too; virtual hosts do not tell them apart yet`
      problems.error('ConflictingBasePaths', endpoint.at, text)
    }
  }
}
