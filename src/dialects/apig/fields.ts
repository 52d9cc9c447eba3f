import { ApigError } from './error.ts'

const TEXT_CHARACTERS_MAX = 255
const LIST_MAX = 1_000

export interface TextRule {
  readonly max?: number
  readonly min?: number
  readonly pattern?: RegExp
  /** The pattern in words. */
  readonly rule?: string
}

/** Reads the JSON of a client field by field; the first thing that does not fit is an ApigError with its path. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #path: string
  /** All that were made of one body, itself included, when what nobody reads is to be told. */
  readonly #family: Fields[] | null
  readonly #read = new Set<string>()

  constructor(value: unknown, path = '', family: Fields[] | null = null) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw ApigError.field('APIG.2000', path === '' ? 'body' : path, 'a JSON object')
    }
    this.#values = value as Readonly<Record<string, unknown>>
    this.#path = path
    this.#family = family
    family?.push(this)
  }

  /** For a file, where an unknown key is a mistake: `unread` tells them. */
  static strict(value: unknown, path: string): Fields {
    return new Fields(value, path, [])
  }

  protected static familyOf(fields: Fields): Fields[] | null {
    return fields.#family
  }

  /** Paths of what nobody has asked for, here and below. */
  unread(): string[] {
    return (this.#family ?? [this]).flatMap((one) =>
      Object.keys(one.#values)
        .filter((name) => !one.#read.has(name))
        .map((name) => one.pathOf(name)),
    )
  }

  /** The same with other values for some of its fields; who reads it has read this one. */
  with(values: Readonly<Record<string, unknown>>): Fields {
    return new Overlay(this, values)
  }

  pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }

  has(name: string): boolean {
    return this.valueOf(name) !== undefined
  }

  /** Required. */
  text(name: string, rule: TextRule = {}): string {
    const value = this.textOr(name, undefined, rule)
    if (value === undefined) throw ApigError.field('APIG.2001', this.pathOf(name), textRule(rule))
    return value
  }

  textOr<T>(name: string, otherwise: T, rule: TextRule = {}): string | T {
    const value = this.valueOf(name)
    if (value === undefined || (value === '' && (rule.min ?? 1) > 0)) return otherwise
    const { max = TEXT_CHARACTERS_MAX, min = 0, pattern } = rule
    if (typeof value === 'string' && value.length >= min && value.length <= max && (pattern?.test(value) ?? true)) {
      return value
    }
    throw ApigError.field('APIG.2012', this.pathOf(name), textRule(rule))
  }

  /** Required. Numbers may come as text. */
  whole(name: string, min: number, max: number): number {
    const value = this.wholeOr(name, undefined, min, max)
    if (value === undefined) throw ApigError.field('APIG.2001', this.pathOf(name), wholeRule(min, max))
    return value
  }

  wholeOr<T>(name: string, otherwise: T, min: number, max: number): number | T {
    const value = this.valueOf(name)
    if (value === undefined || value === '') return otherwise
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number)) {
      throw ApigError.field('APIG.2012', this.pathOf(name), wholeRule(min, max))
    }
    if (number < min) throw ApigError.field('APIG.2002', this.pathOf(name), wholeRule(min, max))
    if (number > max) throw ApigError.field('APIG.2003', this.pathOf(name), wholeRule(min, max))
    return number
  }

  numberOr<T>(name: string, otherwise: T): number | T {
    const value = this.valueOf(name)
    if (value === undefined || value === '') return otherwise
    const number = typeof value === 'string' ? Number(value) : value
    if (typeof number === 'number' && Number.isFinite(number)) return number
    throw ApigError.field('APIG.2012', this.pathOf(name), 'a number')
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.valueOf(name)
    if (value === undefined) return otherwise
    if (value === true || value === 'true') return true
    if (value === false || value === 'false') return false
    throw ApigError.field('APIG.2012', this.pathOf(name), 'true or false')
  }

  choice<T extends string>(name: string, of: readonly T[], otherwise?: T): T {
    const value = this.valueOf(name)
    if (value === undefined || value === '') {
      if (otherwise !== undefined) return otherwise
      throw ApigError.field('APIG.2001', this.pathOf(name), `one of ${of.join(', ')}`)
    }
    const found = of.find((one) => one === value)
    if (found !== undefined) return found
    throw ApigError.field('APIG.2012', this.pathOf(name), `one of ${of.join(', ')}`)
  }

  texts(name: string, rule: TextRule & { readonly countMax?: number; readonly countMin?: number } = {}): string[] {
    const values = this.#list(name, rule.countMax)
    const least = rule.countMin ?? 0
    if (values.length < least) throw ApigError.field('APIG.2001', this.pathOf(name), `a list of at least ${least}`)
    return values.map((value, i) => {
      const { max = TEXT_CHARACTERS_MAX, min = 1, pattern } = rule
      const fits = typeof value === 'string' && value.length >= min && value.length <= max
      if (fits && (pattern?.test(value) ?? true)) return value
      throw ApigError.field('APIG.2012', `${this.pathOf(name)}.${i}`, textRule(rule))
    })
  }

  /** A list of objects. */
  list<T>(name: string, countMax: number, read: (fields: Fields) => T): T[] {
    return this.#list(name, countMax).map((value, i) => read(this.#child(value, `${this.pathOf(name)}.${i}`)))
  }

  /** Null: it is not there. */
  inner(name: string): Fields | null {
    const value = this.valueOf(name)
    return value === undefined ? null : this.#child(value, this.pathOf(name))
  }

  raw(name: string): unknown {
    return this.valueOf(name)
  }

  names(): string[] {
    return Object.keys(this.#values)
  }

  wrong(name: string, rule: string): ApigError {
    return ApigError.field('APIG.2012', this.pathOf(name), rule)
  }

  #list(name: string, countMax = LIST_MAX): unknown[] {
    const value = this.valueOf(name)
    if (value === undefined) return []
    if (Array.isArray(value) && value.length <= countMax) return value
    throw ApigError.field('APIG.2012', this.pathOf(name), `a list of at most ${countMax}`)
  }

  #child(value: unknown, path: string): Fields {
    return new Fields(value, path, this.#family)
  }

  protected valueOf(name: string): unknown {
    this.#read.add(name)
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
    return value === null ? undefined : value
  }
}

/** Values over those of another body. */
class Overlay extends Fields {
  readonly #under: Fields
  readonly #over: Readonly<Record<string, unknown>>

  constructor(under: Fields, over: Readonly<Record<string, unknown>>) {
    super({}, under.pathOf('').slice(0, -1), Fields.familyOf(under))
    this.#under = under
    this.#over = over
  }

  protected override valueOf(name: string): unknown {
    return Object.hasOwn(this.#over, name) ? this.#over[name] : this.#under.raw(name)
  }
}

function textRule({ min = 1, max = TEXT_CHARACTERS_MAX, rule }: TextRule): string {
  return rule ?? `text of ${min} to ${max} characters`
}

const wholeRule = (min: number, max: number): string => `a whole number from ${min} to ${max}`

const HAN = '\\p{Script=Han}'

/** Names of throttles, plug-ins, authorizers, ...: a letter first. */
export const NAME: TextRule = {
  pattern: new RegExp(`^[${HAN}A-Za-z][${HAN}A-Za-z0-9_]{2,63}$`, 'u'),
  rule: '3 to 64 letters, digits and underscores, the first a letter',
}

export const GROUP_NAME: TextRule = {
  pattern: new RegExp(`^[${HAN}A-Za-z][${HAN}A-Za-z0-9_\\-./:() ]{2,254}$`, 'u'),
  rule: '3 to 255 letters, digits and _ - . / : ( ), the first a letter',
}

export const REMARK: TextRule = { max: 255, min: 0, pattern: /^[^<>]*$/, rule: 'at most 255 characters, no < and >' }
