import { join } from 'node:path'
import type { DraftProxy } from '../dialects/postern/config.ts'
import type { LocalConnection } from '../model/local-connection.ts'
import { didYouMean } from '../model/nearest.ts'
import type { Problems } from '../model/problem.ts'
import type { ApiProxy } from '../model/proxy.ts'

/** Warns of local calls to proxies that are not there: they fail only when they are made, as on Edge. */
export function checkLocal(drafts: readonly DraftProxy[], problems: Problems): void {
  const endpoints = new Map(drafts.map(({ deployed: { proxy } }) => [proxy.name, proxy.proxyEndpoints]))
  for (const { deployed, base } of drafts) {
    for (const { local, at } of localConnections(deployed.proxy)) {
      if (!('proxy' in local) || /[{}]/.test(local.proxy.text + local.endpoint.text)) continue
      const [proxy, endpoint] = [local.proxy.text, local.endpoint.text]
      const known = endpoints.get(proxy)
      if (known?.some(({ name }) => name === endpoint)) continue
      const text =
        known === undefined
          ? `no proxy called ${proxy} is loaded${didYouMean(proxy, endpoints.keys())}`
          : `proxy ${proxy} has no proxy endpoint ${endpoint}`
      const place = base === '' ? at : { ...at, file: join(base, at.file) }
      problems.warn('LocalTargetMissing', place, `${text}; the call will fail`)
    }
  }
}

/** Those of its targets, and of policies that call out. */
function localConnections(proxy: ApiProxy): LocalConnection[] {
  const all = [
    ...proxy.targetEndpoints.map(({ connection }) => connection),
    ...proxy.policies.map(({ config }) => (config as { connection?: unknown } | null)?.connection),
  ]
  return all.filter((one): one is LocalConnection => typeof one === 'object' && one !== null && 'local' in one)
}
