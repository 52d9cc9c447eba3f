import type { Exchange } from './exchange.ts'
import type { Outcome, Step } from './outcome.ts'

/**
 * Runs steps in order until one answers. A plain loop that stays synchronous until a step returns a promise; then one
 * async tail takes over.
 */
export function run(steps: readonly Step[], x: Exchange): Outcome | Promise<Outcome> {
  for (let i = 0; i < steps.length; i++) {
    const outcome = steps[i]!(x)
    if (outcome === undefined) continue
    if (outcome instanceof Promise) return runOn(steps, x, i + 1, outcome)
    return outcome
  }
  return undefined
}

async function runOn(steps: readonly Step[], x: Exchange, from: number, first: Promise<Outcome>): Promise<Outcome> {
  let outcome = await first
  for (let i = from; i < steps.length && outcome === undefined; i++) outcome = await steps[i]!(x)
  return outcome
}
