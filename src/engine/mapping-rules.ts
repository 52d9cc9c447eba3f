import { RE2JS } from 're2js'

import type { MappingRule } from '../model/mapping-rule.ts'

/** The last value of a query (or form) parameter; null: there is none. */
export type ReadParameter = (name: string) => string | null

export interface CompiledRule {
  readonly rule: MappingRule
  matches(method: string, path: string, parameter: ReadParameter): boolean
}

const SEGMENT = "[\\w\\-.~%!$&'()*+,;=@:]+"
/**
 * A pattern fits from the start of the path; `$` at its end makes it fit the whole. `{x}` stands for one or more characters of one
 * segment, everything else for itself: what APIcast lets through as a regular expression is literal here, as the portal has it.
 */
export function compileRule(rule: MappingRule): CompiledRule {
  const test = pathTest(rule.pattern)
  const wanted = Object.entries(rule.query).map(([name, value]) => ({ name, value, any: /^\{.*\}$/.test(value) }))
  return {
    rule,
    matches(method, path, parameter) {
      if (rule.method !== 'ANY' && rule.method !== method) return false
      if (!test(path)) return false
      for (const { name, value, any } of wanted) {
        const given = parameter(name)
        if (given === null || (!any && given !== value)) return false
      }
      return true
    },
  }
}

function pathTest(pattern: string): (path: string) => boolean {
  const question = pattern.indexOf('?')
  let path = (question < 0 ? pattern : pattern.slice(0, question)).replace(/\/{2,}/g, '/')
  const whole = path.endsWith('$')
  if (whole) path = path.slice(0, -1)
  if (!path.includes('{')) return whole ? (text) => text === path : (text) => text.startsWith(path)
  const parts = path.split(/\{[^{}/]*\}/)
  const source = `^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join(SEGMENT)}${whole ? '$' : ''}`
  // One variable a segment is linear; several could be tried in many ways.
  const isSimple = path.split('/').every((segment) => segment.split('{').length <= 2)
  if (isSimple) {
    const regex = new RegExp(source)
    return (text) => regex.test(text)
  }
  const regex = RE2JS.compile(source)
  return (text) => regex.matcher(text).find()
}

/** What a call uses of each metric, all rules that match taken together; in the order of the rules. */
export interface Usages {
  readonly matched: readonly MappingRule[]
  readonly deltas: ReadonlyMap<string, number>
}

/** Asks the rules in their order, until one that matches is the last. */
export function usagesOf(
  rules: readonly CompiledRule[],
  method: string,
  path: string,
  parameter: ReadParameter,
): Usages {
  const matched: MappingRule[] = []
  const deltas = new Map<string, number>()
  for (const compiled of rules) {
    if (!compiled.matches(method, path, parameter)) continue
    const { rule } = compiled
    matched.push(rule)
    deltas.set(rule.metric, (deltas.get(rule.metric) ?? 0) + rule.delta)
    if (rule.last) break
  }
  return { matched, deltas }
}
