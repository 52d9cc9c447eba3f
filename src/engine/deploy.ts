import type { KeyValueMaps } from '../core/key-value-maps.ts'
import type { PosternConfig } from '../model/deployment.ts'
import type { PolicyKinds } from './policy.ts'

/** Has every policy make what its deployment makes. Those of shared flows count for each proxy, which may call them. */
export function deployPolicies(config: PosternConfig, kinds: PolicyKinds, maps: KeyValueMaps): void {
  const { environment, entities } = config.settings
  for (const { proxy } of config.proxies) {
    for (const policies of [proxy.policies, ...entities.sharedFlows.map((flow) => flow.policies)]) {
      for (const policy of policies) {
        if (!policy.enabled) continue
        kinds
          .get(policy.kind)
          ?.deploy?.(policy.config, { environment, proxy: proxy.name, revision: proxy.revision, maps })
      }
    }
  }
}
