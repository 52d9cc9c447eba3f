/** A caller may send this instead of a referrer, and passes. */
export const REFERRER_BYPASS = '*'

/** Whether a referrer passes one of the filters: literal text in which `*` is any run, from the start to the end. Null: no filters. */
export function compileFilters(filters: readonly string[]): ((referrer: string) => boolean) | null {
  if (filters.length === 0) return null
  const parts = filters.map((filter) => filter.split('*'))
  return (referrer) => referrer === REFERRER_BYPASS || parts.some((literals) => fits(literals, referrer))
}

/** Each literal at the first place where it fits: linear, whatever the filter. */
function fits(literals: readonly string[], text: string): boolean {
  const first = literals[0]!
  if (literals.length === 1) return text === first
  const last = literals.at(-1)!
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let at = first.length
  for (const literal of literals.slice(1, -1)) {
    const found = text.indexOf(literal, at)
    if (found < 0 || found + literal.length > end) return false
    at = found + literal.length
  }
  return true
}
