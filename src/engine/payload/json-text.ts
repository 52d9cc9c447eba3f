/**
 * JSON as a payload has it. A number that JavaScript would print differently (`1.0`, an id of 19 digits) is kept as it
 * was written: what a policy extracts is what the sender wrote.
 */
export type Json = string | number | boolean | null | RawNumber | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [name: string]: Json
}

/** A number as written. */
export interface RawNumber {
  readonly rawJSON: string
}

// The language has these (source text access for JSON); the type library of this compiler does not list them yet.
interface JsonWithSource {
  parse(text: string, revive: (key: string, value: Json, context: { readonly source?: string }) => Json): Json
  rawJSON(text: string): RawNumber
  isRawJSON(value: unknown): boolean
}
const json = JSON as unknown as JsonWithSource

const BYTE_ORDER_MARK = 0xfeff
/** Longer texts are read the fast way only: numbers beyond 2^53 lose digits there. */
const EXACT_CHARS_MAX = 512 * 1024

/** Something in the text may be a number that prints differently: 16 digits, a final zero after the point, an exponent. */
const ODD_NUMBER = /\d{16}|\.\d*0(?!\d)|\d[eE]|-0(?![\d.])/

/** The value of a JSON text; undefined when it is none (or empty). Linear in its length, whatever is in it. */
export function parseJson(text: string): Json | undefined {
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1)
  try {
    if (text.length > EXACT_CHARS_MAX || !ODD_NUMBER.test(text)) return JSON.parse(text) as Json
    return json.parse(text, (_, value, { source }) =>
      typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value,
    )
  } catch (error) {
    // Nesting beyond the stack: the plain reader has none.
    return error instanceof RangeError ? parsePlain(text) : undefined
  }
}

function parsePlain(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

export function isRawNumber(value: Json): value is RawNumber {
  return json.isRawJSON(value)
}

export function isJsonObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
}

export function isJsonArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** Longest text that is made of what a path found: `$..*` on a deep document would otherwise repeat it a thousand times. */
export const TEXT_CHARS_MAX: number = 16 * 1024 * 1024

/** A value as JSON text; undefined when it would be too long or is nested too deeply to print. */
export function jsonText(value: Json): string | undefined {
  try {
    const text = JSON.stringify(value)
    return text.length > TEXT_CHARS_MAX ? undefined : text
  } catch {
    return undefined
  }
}

/** Several values as the text of one array; undefined as in `jsonText`. */
export function jsonArrayText(values: readonly Json[]): string | undefined {
  let text = '['
  for (let i = 0; i < values.length; i++) {
    const one = jsonText(values[i]!)
    if (one === undefined || text.length + one.length > TEXT_CHARS_MAX) return undefined
    text += i === 0 ? one : `,${one}`
  }
  return `${text}]`
}

/** A value as a variable holds it: scalars bare, null as null, objects and arrays as JSON text; undefined when too long. */
export function bareText(value: Json): string | null | undefined {
  if (typeof value === 'string' || value === null) return value
  if (typeof value === 'object') return isRawNumber(value) ? value.rawJSON : jsonText(value)
  return String(value)
}
