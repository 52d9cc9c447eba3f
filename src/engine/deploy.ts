import type { KeyValueMaps } from '../core/key-value-maps.ts'
import { type PosternConfig, settingsOf } from '../model/deployment.ts'
import type { PolicyKinds } from './policy.ts'

/** Has every policy make what its deployment makes. Those of shared flows count for each proxy, which may call them. */
export function deployPolicies(config: PosternConfig, kinds: PolicyKinds, maps: KeyValueMaps): void {
  for (const deployed of config.proxies) {
    const { proxy } = deployed
    const { environment, entities } = settingsOf(config, deployed)
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
