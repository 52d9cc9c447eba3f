import type { TimeUnit } from '../../core/windows.ts'
import type { CompareOperator, Expression, RateRules } from '../../model/apig.ts'
import { ApigError } from './error.ts'
import type { Fields } from './fields.ts'
import { patternFault } from './pattern.ts'

const OPERATORS: ReadonlySet<string> = new Set(['==', '~=', '~~', 'in', '>', '<', '>=', '<='])
const DEPTH_MAX = 10
const TERMS_MAX = 100
const RULES_MAX = 100

/** `["Host", "==", "a"]`, or `["AND", [...], [...]]`; a JSON array as text. Throws ApigError. */
export function readExpression(fields: Fields, name: string): Expression {
  const text = fields.text(name, { max: 65_535 })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fields.wrong(name, RULE)
  }
  const expression = parse(value, DEPTH_MAX)
  if (expression === null) throw fields.wrong(name, RULE)
  return expression
}

const RULE = 'a JSON array as text: ["name","==","value"], or ["AND",[...],[...]]; operators == ~= ~~ in > < >= <='

function parse(value: unknown, depthLeft: number): Expression | null {
  if (!Array.isArray(value) || depthLeft === 0 || value.length > TERMS_MAX) return null
  const [first, second, third] = value as unknown[]
  if (first === 'AND' || first === 'OR') {
    const of: Expression[] = []
    for (const term of value.slice(1)) {
      const parsed = parse(term, depthLeft - 1)
      if (parsed === null) return null
      of.push(parsed)
    }
    return of.length === 0 ? null : { kind: first === 'AND' ? 'all' : 'any', of }
  }
  if (value.length !== 3 || typeof first !== 'string' || typeof second !== 'string' || !OPERATORS.has(second))
    return null
  if (typeof third !== 'string' && typeof third !== 'number') return null
  if (second === '~~' && patternFault(String(third)) !== null) return null
  return { kind: 'compare', left: first, operator: second as CompareOperator, right: String(third) }
}

const TYPES = ['path', 'method', 'header', 'query', 'system'] as const
const UNITS = ['second', 'minute', 'hour', 'day'] as const

/** Parameters and rules of the rate_limit plug-in; a rule without a period has the default one. */
export function readRules(fields: Fields, intervalCount: number, unit: TimeUnit): RateRules {
  const parameters = fields.list('parameters', RULES_MAX, (one) => {
    const type = one.choice('type', TYPES)
    return { type, name: one.text('name', { max: 32 }), value: one.textOr('value', '') }
  })
  const known = new Set(['reqPath', 'method', 'reqMethod', ...parameters.map(({ name }) => name)])
  const rules = fields.list('rules', RULES_MAX, (one) => {
    const test = readExpression(one, 'match_regex')
    const stranger = namesOf(test).find((name) => !known.has(name))
    if (stranger !== undefined) throw one.wrong('match_regex', `parameters of this plug-in; ${stranger} is none`)
    return {
      name: one.text('rule_name'),
      test,
      intervalCount: one.wholeOr('interval', intervalCount, 1, 2_147_483_647),
      unit: one.has('time_unit') ? one.choice('time_unit', UNITS) : unit,
      limit: one.whole('limit', 1, 2_147_483_647),
    }
  })
  const names = rules.map(({ name }) => name)
  const twin = names.find((name, i) => names.indexOf(name) !== i)
  if (twin !== undefined)
    throw ApigError.field('APIG.2012', fields.pathOf('rules'), `a rule_name of its own each; ${twin} is there twice`)
  return { parameters, rules }
}

/** Names on the left sides. */
export const namesOf = (expression: Expression): string[] =>
  expression.kind === 'compare' ? [expression.left] : expression.of.flatMap(namesOf)
