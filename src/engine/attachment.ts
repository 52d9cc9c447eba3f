import type { Problems } from '../model/problem.ts'
import type { ApiProxy, Endpoint, Step } from '../model/proxy.ts'
import type { PolicyKinds } from './policy.ts'

/** Reports policies that are attached more often than their kind allows (`attachedOnce`), each with its own errors. */
export function checkAttachments(proxy: ApiProxy, kinds: PolicyKinds, problems: Problems): void {
  const endpoints: Endpoint[] = [...proxy.proxyEndpoints, ...proxy.targetEndpoints]
  for (const policy of proxy.policies) {
    const once = kinds.get(policy.kind)?.attachedOnce
    if (once === undefined) continue
    for (const side of ['request', 'response'] as const) {
      const second = endpoints
        .flatMap((endpoint) => usesOf(endpoint, side))
        .filter((use) => use.policy === policy.name)[1]
      if (second === undefined) continue
      const text = `${policy.name} is attached to more than one ${side} flow; make another ${policy.kind} policy for this one`
      problems.error(once[side], second.at, text)
    }
  }
}

function usesOf(endpoint: Endpoint, side: 'request' | 'response'): Step[] {
  const flows = [endpoint.preFlow, ...endpoint.flows, endpoint.postFlow]
  return flows.flatMap((flow) => flow?.[side] ?? [])
}
