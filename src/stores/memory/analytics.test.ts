import { analyticsSuite } from '../conformance/analytics.suite.ts'
import { delayed } from '../conformance/delayed.ts'
import { MemoryAnalytics } from './analytics.ts'

analyticsSuite('memory', (clock) => {
  const analytics = new MemoryAnalytics(clock)
  return { analytics, prune: () => analytics.prune(), close: () => undefined }
})

analyticsSuite('delayed memory', (clock) => {
  const analytics = new MemoryAnalytics(clock)
  return { analytics: delayed(analytics), prune: () => analytics.prune(), close: () => undefined }
})
