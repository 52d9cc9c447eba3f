/** What a call brings: path parameters, query and body together, whatever form they came in. */
export type Input = Readonly<Record<string, unknown>>

/** Fields that cannot be used, each with what is wrong: a 422. */
export class InvalidFields extends Error {
  readonly errors: Readonly<Record<string, readonly string[]>>

  constructor(errors: Readonly<Record<string, readonly string[]>>) {
    super('the fields are invalid')
    this.errors = errors
  }
}

/** The thing that a path names is not there: a 404. */
export class NotFound extends Error {}

const WRAPPERS = [
  'service',
  'metric',
  'method',
  'application_plan',
  'usage_limit',
  'limit',
  'mapping_rule',
  'proxy',
  'account',
  'application',
  'cinstance',
  'key',
  'referrer_filter',
]

/** Query and body as one: the Ruby client wraps by type (`{"service": {...}}`), forms are flat or `service[name]=`. */
export function flattened(...parts: readonly unknown[]): Input {
  const input: Record<string, unknown> = Object.create(null)
  for (const part of parts) {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) continue
    for (const [name, value] of Object.entries(part)) {
      if (WRAPPERS.includes(name) && typeof value === 'object' && value !== null && !Array.isArray(value)) {
        Object.assign(input, value)
      } else input[name] = value
    }
  }
  return input
}

/** Reads the fields of one kind of thing; collects what is wrong. */
export class Fields {
  readonly #input: Input
  readonly #errors: Record<string, string[]> = {}

  constructor(input: Input) {
    this.#input = input
  }

  has(name: string): boolean {
    return this.#input[name] !== undefined
  }

  /** Undefined: not given. */
  text(name: string, options: { required?: boolean; max?: number; pattern?: RegExp } = {}): string | undefined {
    const value = this.#input[name]
    if (value === undefined || value === null || value === '') {
      if (options.required === true) this.error(name, "can't be blank")
      return value === '' ? '' : undefined
    }
    if (typeof value === 'object') {
      this.error(name, 'is invalid')
      return undefined
    }
    const text = String(value)
    if (text.length > (options.max ?? 255))
      this.error(name, `is too long (maximum is ${options.max ?? 255} characters)`)
    if (options.pattern !== undefined && !options.pattern.test(text)) this.error(name, 'is invalid')
    return text
  }

  number(name: string, options: { required?: boolean; min: number }): number | undefined {
    const text = this.text(name, { required: options.required === true })
    if (text === undefined || text === '') return undefined
    if (!/^-?\d{1,15}$/.test(text)) this.error(name, 'is not a number')
    else if (Number(text) < options.min) this.error(name, `must be greater than or equal to ${options.min}`)
    else return Number(text)
    return undefined
  }

  /** An amount with a fraction: `9.5`. */
  money(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined || text === '') return undefined
    if (/^\d{1,12}(\.\d{1,4})?$/.test(text)) return Number(text)
    this.error(name, 'is not a number')
    return undefined
  }

  flag(name: string): boolean | undefined {
    const text = this.text(name)
    return text === undefined || text === '' ? undefined : text === 'true' || text === '1'
  }

  choice<T extends string>(name: string, choices: readonly T[], required: boolean = false): T | undefined {
    const text = this.text(name, { required })
    if (text === undefined || text === '') return undefined
    if ((choices as readonly string[]).includes(text)) return text as T
    this.error(name, 'is not included in the list')
    return undefined
  }

  error(name: string, message: string): void {
    this.#errors[name] = [...(this.#errors[name] ?? []), message]
  }

  /** Throws InvalidFields when something was wrong. */
  check(): void {
    if (Object.keys(this.#errors).length > 0) throw new InvalidFields(this.#errors)
  }
}

export const SYSTEM_NAME: RegExp = /^[A-Za-z0-9_./-]{1,255}$/

/** `My Metric` -> `my_metric`; with a number behind it where that is taken: the caller did not choose it. */
export function systemNameOf(name: string, isTaken: (systemName: string) => boolean): string {
  const base =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 200) || 'unnamed'
  for (let i = 1; ; i++) {
    const systemName = i === 1 ? base : `${base}_${i}`
    if (!isTaken(systemName)) return systemName
  }
}
