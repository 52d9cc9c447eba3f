import type { Exchange } from '../../engine/exchange.ts'
import { type CompiledRule, compileRule, type Usages, usagesOf } from '../../engine/mapping-rules.ts'
import type { AuthRepConfig } from '../../model/auth-rep.ts'
import { rulePath } from './path.ts'

/** What a call uses. Null: no rule fits it. */
export type UsageReader = (x: Exchange) => Usages | null

export interface CompiledUsage {
  readonly read: UsageReader
  /** Some rule asks for parameters, which a form may bring. */
  readonly asksParameters: boolean
}

export function compileUsage({ rules, usage }: AuthRepConfig): CompiledUsage {
  const fixed = Object.entries(usage)
  const compiled: readonly CompiledRule[] = rules.map(compileRule)
  const always: Usages = { matched: [], deltas: new Map(fixed) }
  return {
    asksParameters: rules.some(({ query }) => Object.keys(query).length > 0),
    read: (x) => {
      if (compiled.length === 0) return fixed.length === 0 ? null : always
      const usages = usagesOf(compiled, x.request.verb, rulePath(x.request.path), (name) => parameterOf(x, name))
      if (usages.matched.length === 0) return null
      if (fixed.length === 0) return usages
      const deltas = new Map(usages.deltas)
      for (const [metric, delta] of fixed) deltas.set(metric, (deltas.get(metric) ?? 0) + delta)
      return { matched: usages.matched, deltas }
    },
  }
}

/** The last value; what a form says wins over the query. */
function parameterOf(x: Exchange, name: string): string | null {
  const ofForm = x.request.isForm ? x.request.form.all(name).at(-1) : undefined
  return ofForm ?? x.request.query.all(name).at(-1) ?? null
}
