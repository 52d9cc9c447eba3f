import type { CounterKeys, KeyPrefix } from '../core/counter-keys.ts'

/** The counter of a Quota policy, which ResetQuota names too; what follows is class and identifier (`quotaText`). */
export function quotaKey(keys: CounterKeys, environment: string, proxy: string, policy: string): KeyPrefix {
  return keys.prefix('quota', environment, proxy, policy)
}

/** The other counter of a rolling window, whose windows take turns: each of two is open for two turns. */
export function quotaTurnKey(keys: CounterKeys, environment: string, proxy: string, policy: string): KeyPrefix {
  return quotaKey(keys, environment, proxy, `${policy}\u0000odd`)
}

/** What a call adds to the key. */
export function quotaText(className: string, identifier: string): string {
  return className === '' ? identifier : `${className}\u0000${identifier}`
}

/** Edge's name for the counter of a call without an identifier. */
export const DEFAULT_IDENTIFIER = '_default'
