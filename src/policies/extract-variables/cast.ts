import type { Value } from '../../engine/language/value.ts'
import type { VariableType } from './config.ts'

/** No value of that type can be made of the text. */
export const UNCASTABLE: unique symbol = Symbol('uncastable')

type Scalar = Exclude<VariableType, 'nodeset'>

const CASTS: Readonly<Record<Scalar, (text: string) => Value | typeof UNCASTABLE>> = {
  string: (text) => text,
  boolean: (text) => {
    const word = text.trim().toLowerCase()
    return word === 'true' ? true : word === 'false' ? false : UNCASTABLE
  },
  integer: (text) => whole(text, 2 ** 31),
  long: (text) => whole(text, 2 ** 63),
  float: decimal,
  double: decimal,
}

/** What was found, as a value of that type; a decimal number loses its fraction as an integer, as it does in Java. */
export function cast(text: string, type: Scalar): Value | typeof UNCASTABLE {
  return CASTS[type](text)
}

const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/
const DIGITS = /^-?\d{1,20}$/

function whole(text: string, bound: number): Value | typeof UNCASTABLE {
  if (!NUMBER.test(text)) return UNCASTABLE
  const number = Math.trunc(Number(text))
  if (!(number >= -bound && number < bound)) return UNCASTABLE
  // A long beyond 2^53 keeps its digits as text.
  if (!Number.isSafeInteger(number) && DIGITS.test(text)) return text
  return number === 0 ? 0 : number
}

function decimal(text: string): Value | typeof UNCASTABLE {
  const number = Number(text)
  return NUMBER.test(text) && Number.isFinite(number) ? number : UNCASTABLE
}
