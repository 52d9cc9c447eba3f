import type { UsageAnswer, UsageMetric } from '../../../src/admin/native/answers.ts'
import type { Series } from './series.ts'

/** Told apart by people who see colours differently too; the first is what 3scale draws its metric with. */
const colours = ['#4a90e2', '#e0a43a', '#3fa796', '#9a6fc4', '#d9798f', '#7fa650', '#4fb3cf', '#b58363'] as const
const restColour = '#a9b6c6'

/** The methods of a metric that are drawn apart; the others are one area. */
const methodsMax = colours.length

/**
 * A metric as a stack: what its methods counted, the greatest first, and what no method counted. The top edge is the metric
 * itself. A metric without methods is one area.
 */
export function usageSeries(answer: UsageAnswer, name: string): Series[] {
  const metric = answer.metrics.find((each) => each.name === name)
  if (metric === undefined) return []
  const methods = answer.metrics.filter(({ parent, total }) => parent === name && total > 0)
  methods.sort((a, b) => b.total - a.total)
  if (methods.length === 0) return [seriesOf(metric, metric.values, metric.friendlyName, colours[0])]
  const shown = methods.slice(0, methodsMax)
  const others = difference(metric.values, shown)
  const rest = seriesOf(
    { ...metric, name: `${name} rest` },
    others,
    `Other ${metric.friendlyName.toLowerCase()}`,
    restColour,
  )
  const stack = shown.map((method, at) => seriesOf(method, method.values, method.friendlyName, colours[at]!))
  return rest.total === 0 ? stack : [...stack, rest]
}

function seriesOf({ name, unit }: UsageMetric, values: readonly number[], label: string, colour: string): Series {
  const total = values.reduce((sum, value) => sum + value, 0)
  return { key: name, label, meaning: `counted in ${unit}`, colour, values, total }
}

/** What is left of the values without the parts; never below zero, where a method counted what its metric did not. */
function difference(values: readonly number[], parts: readonly UsageMetric[]): number[] {
  return values.map((value, at) =>
    Math.max(
      0,
      parts.reduce((rest, part) => rest - (part.values[at] ?? 0), value),
    ),
  )
}
