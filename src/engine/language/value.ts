/** What a flow variable can hold. Message objects and the like are opaque `object`s. */
export type Value = string | number | boolean | null | readonly string[] | object

/** Reads one variable from the running exchange; null = not set. Compiled once from the name. */
export type Read<X> = (x: X) => Value

/** Compiles a variable name to its accessor. */
export type Resolve<X> = (name: string) => Read<X>

/** Something about a text: where (offset in UTF-16 units), what is wrong and what would be right. */
export interface TextProblem {
  readonly at: number
  readonly message: string
}

/**
 * The value as text, as Java would print it: null is '', collections are `[a, b]`, objects answer their `toText()` or
 * `toString()`.
 */
export function toText(value: Value): string {
  if (typeof value === 'string') return value
  if (value === null) return ''
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (Array.isArray(value)) return `[${value.join(', ')}]`
  const own = value as { toText?: unknown; toString?: unknown }
  if (typeof own.toText === 'function') return String(own.toText())
  return typeof own.toString === 'function' ? String(own.toString()) : ''
}

/** Whole numbers print as a Long, others as a Double of Java: scientific from 10^7 up and below 10^-3. */
function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return String(value)
  return doubleText(value)
}

/** `Double.toString` of Java: `3.0`, `1.5E7`, `1.0E-4`. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [mantissa, exponent] = value.toExponential().split('e')
  return `${mantissa!.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`
}

/** True iff it is boolean true or the text `true`. */
export function isTrue(value: Value): boolean {
  return value === true || value === 'true'
}
