import type { RecentCallsSource } from '../admin/options.ts'
import type { Fleet } from '../gateway/fleet.ts'
import type { Settings } from '../model/deployment.ts'

/** What the gateway threads remember, asked of all of them at once. */
export function recentCallsOf(fleet: Fleet, settings: () => Settings): RecentCallsSource {
  return {
    settings: () => settings().recentCalls,
    page: (filter) => fleet.ask('recentCalls', filter),
    async find(requestId) {
      const { answers } = await fleet.ask('recentCall', requestId)
      return answers.find((call) => call !== null) ?? null
    },
  }
}
