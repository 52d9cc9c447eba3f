import { CatalogError } from './error.ts'

const TEXT_CHARACTERS_MAX = 4_096
const NAME = /^[A-Za-z0-9._\-$% ]{1,255}$/

/**
 * Reads the JSON object of a client field by field; what does not fit is a CatalogError that says which field and what would
 * be right. Edge's clients write flags and numbers as texts at times, so both are taken.
 */
export class Fields {
  readonly #path: string
  readonly #values: Readonly<Record<string, unknown>>
  readonly #seen = new Set<string>()

  constructor(path: string, body: unknown) {
    this.#path = path
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw this.#wrong('', 'a JSON object')
    this.#values = body as Readonly<Record<string, unknown>>
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name) && this.#values[name] !== null
  }

  isText(name: string): boolean {
    return typeof this.#values[name] === 'string'
  }

  /** The name of the thing itself. */
  name(): string {
    const name = this.text('name')
    if (NAME.test(name)) return name
    throw this.#wrong('name', 'letters, digits, blank and . _ - $ %, at most 255 characters')
  }

  text(name: string): string {
    const value = this.#value(name)
    if (typeof value === 'string' && value !== '' && value.length <= TEXT_CHARACTERS_MAX) return value
    throw this.#wrong(name, `text of 1 to ${TEXT_CHARACTERS_MAX} characters`)
  }

  textOrNull(name: string): string | null {
    const value = this.#value(name)
    return value === undefined || value === null || value === '' ? null : this.text(name)
  }

  /** Text of a form that `rule` says in words. */
  matching(name: string, form: RegExp, rule: string): string {
    const value = this.#value(name)
    if (typeof value === 'string' && form.test(value)) return value
    throw this.#wrong(name, rule)
  }

  /** Text that may be empty and as long as `charactersMax`. */
  anyText(name: string, charactersMax: number): string {
    const value = this.#value(name)
    if (typeof value === 'string' && value.length <= charactersMax) return value
    throw this.#wrong(name, `text of at most ${charactersMax} characters`)
  }

  /** A list of whatever; empty where there is none. */
  list(name: string, max: number): readonly unknown[] {
    const value = this.#value(name)
    if (value === undefined || value === null) return []
    if (Array.isArray(value) && value.length <= max) return value
    throw this.#wrong(name, `a list of at most ${max}`)
  }

  texts(name: string): string[] {
    const value = this.#value(name)
    if (value === undefined || value === null) return []
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
    throw this.#wrong(name, 'a list of texts')
  }

  whole(name: string, min: number, max: number): number {
    const value = this.#value(name)
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number
    throw this.#wrong(name, `a whole number from ${min} to ${max}`)
  }

  /** A text or a number as text; '' where there is none. */
  textLike(name: string): string {
    const value = this.#value(name)
    return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
  }

  wholeOr(name: string, otherwise: number): number {
    return this.textLike(name) === '' ? otherwise : this.whole(name, 0, Number.MAX_SAFE_INTEGER)
  }

  choice<T extends string>(name: string, of: readonly T[], otherwise: T): T {
    const value = this.#value(name)
    if (value === undefined || value === null || value === '') return otherwise
    if ((of as readonly unknown[]).includes(value)) return value as T
    throw this.#wrong(name, `one of ${of.join(', ')}`)
  }

  /** `[{name, value}]`, as Edge writes attributes. */
  attributes(name: string): Record<string, string> {
    const value = this.#value(name)
    const attributes: Record<string, string> = Object.create(null)
    if (value === undefined || value === null) return {}
    if (!Array.isArray(value)) throw this.#wrong(name, 'a list of {name, value}')
    for (const [index, one] of value.entries()) {
      const fields = new Fields(`${this.#path}.${name}[${index}]`, one)
      attributes[fields.text('name')] = fields.textOrNull('value') ?? ''
    }
    return { ...attributes }
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#value(name)
    if (value === undefined || value === null) return otherwise
    if (value === true || value === 'true') return true
    if (value === false || value === 'false') return false
    throw this.#wrong(name, 'true or false')
  }

  inner(name: string): Fields {
    return new Fields(`${this.#path}.${name}`, this.#value(name))
  }

  /** Fields that a client may send and that change nothing here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#seen.add(name)
  }

  /** Refuses what nobody read. */
  end(): void {
    const unknown = Object.keys(this.#values).find((name) => !this.#seen.has(name))
    if (unknown === undefined) return
    const text = `${this.#path} has no field ${JSON.stringify(unknown.slice(0, 100))}`
    throw new CatalogError('invalid', 'messaging.config.beans.UnknownField', text)
  }

  #value(name: string): unknown {
    this.#seen.add(name)
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
  }

  #wrong(name: string, rule: string): CatalogError {
    const path = name === '' ? this.#path : `${this.#path}.${name}`
    return new CatalogError('invalid', 'messaging.config.beans.InvalidValue', `${path} must be ${rule}`)
  }
}
