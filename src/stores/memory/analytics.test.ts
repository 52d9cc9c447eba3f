import { analyticsSuite, type MakeAnalytics } from '../conformance/analytics.suite.ts'
import { delayed } from '../conformance/delayed.ts'
import { statisticsSuite } from '../conformance/statistics.suite.ts'
import { MemoryAnalytics } from './analytics.ts'

const plain: MakeAnalytics = (clock) => {
  const analytics = new MemoryAnalytics(clock)
  return { analytics, prune: () => analytics.prune(), close: () => undefined }
}
const late: MakeAnalytics = (clock) => {
  const analytics = new MemoryAnalytics(clock)
  return { analytics: delayed(analytics), prune: () => analytics.prune(), close: () => undefined }
}

for (const suite of [analyticsSuite, statisticsSuite]) {
  suite('memory', plain)
  suite('delayed memory', late)
}
