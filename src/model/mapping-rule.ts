/** Which calls use how much of a metric (APIcast, "mapping rules"). Plain data. */
export interface MappingRule {
  /** `ANY`: every method. */
  readonly method: string
  /** `/a/{x}?q={v}&r=1`; what follows `?` is not looked at, `query` has it. */
  readonly pattern: string
  /** `{v}`: the parameter must be there. Any other text: its value must be that. */
  readonly query: Readonly<Record<string, string>>
  readonly metric: string
  readonly delta: number
  /** When it matches, no later rule is asked. */
  readonly last: boolean
}

const PATTERN_MAX = 2_048

/** Why a pattern cannot be one; null: it can. */
export function patternFault(pattern: string): string | null {
  if (!pattern.startsWith('/')) return 'a pattern begins with /'
  if (pattern.length > PATTERN_MAX) return `a pattern has at most ${PATTERN_MAX} characters`
  if (/[\s#]/.test(pattern)) return 'a pattern has no blanks and no #'
  return null
}
